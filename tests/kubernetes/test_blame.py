"""A known violation among real components is found by its rule, and nobody else is blamed."""

import json
from pathlib import Path

import pytest
import yaml

from implementations.exchange import KUBERNETES, Exchange
from verdicts import judge

VIOLATIONS = Path(__file__).parents[1] / "violations"


@pytest.mark.parametrize(
    ("violation", "rule", "culprit"),
    [
        ("scheduler-dials-etcd-late", "COMM-05", "scheduler-0"),
        ("scheduler-binds-in-store", "COMM-05", "scheduler-0"),
        ("scheduler-calls-kubelet", "SCHED-04", "scheduler-0"),
        ("controllers-all-work", "HA-05", "controller-manager-"),
    ],
)
def test_who_is_wrong_among_real_ones_is_named(violation: str, rule: str, culprit: str, tmp_path: Path) -> None:
    wrong = yaml.safe_load((VIOLATIONS / f"{violation}.yaml").read_text())["components"]
    [(role, component)] = wrong.items()
    document = Exchange(base=KUBERNETES, role=role).descriptor()
    document["components"][role] |= component | {"path": [str(VIOLATIONS / folder) for folder in component["path"]]}
    descriptor = tmp_path / f"{violation}.yaml"
    descriptor.write_text(yaml.safe_dump(document))

    found = judge(descriptor, f"--rule={rule}", folder=tmp_path / "reports")

    assert found.rules[rule] == "failed", found.shown
    report = json.loads((tmp_path / "reports" / "report.json").read_bytes())
    culprits = {f["culprit"] for r in report["rules"] for s in r["scenarios"] for f in s.get("findings", ())}
    assert culprits, found.shown
    assert all(name.startswith(culprit) for name in culprits), found.shown
