"""The reference works with the store that everybody uses: on a real etcd it passes what it passes on its own store.

Tried are the areas in which a store has a say: what lies in it, and what watchers are told. That all rules pass is said
by `seatrial run -i tests/implementations/etcd.yaml`, which takes longer than `make test` has.
"""

from pathlib import Path

from seatrial import catalogue
from verdicts import judge

HERE = Path(__file__).parent
AREAS = ("store", "watching")


def test_the_rules_in_which_a_store_has_a_say_are_passed_on_a_real_etcd(tmp_path: Path) -> None:
    found = judge(HERE / "etcd.yaml", *(f"--area={area}" for area in AREAS), folder=tmp_path)
    wanted = [rule.id for rule in catalogue.select(areas=AREAS)]
    others = [rule for rule in wanted if found.rules.get(rule) != "passed"]

    assert wanted
    assert not others, f"{found.explain(others)}\n{found.shown}"
