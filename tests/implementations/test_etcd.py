"""The reference works with the store that everybody uses: on a real etcd it passes what it passes on its own store, which is everything."""

from pathlib import Path

from seatrial import catalogue
from verdicts import judge

HERE = Path(__file__).parent


def test_every_rule_is_passed_on_a_real_etcd(tmp_path: Path) -> None:
    found = judge(HERE / "etcd.yaml", folder=tmp_path)
    others = [rule.id for rule in catalogue.rules() if found.rules.get(rule.id) != "passed"]

    assert not others, f"{found.explain(others)}\n{found.shown}"
