"""A rule says the same wherever components run: simulated, or as processes of the operating system, where time cannot be hurried.

Of the reference a tenth of the rules are tried so, of different areas. As processes all rules are, on a real etcd: see `test_etcd.py`. Of
wrong components those are tried that a window may be too short for, a moment too early, or a cut so long that they begin anew.
"""

from pathlib import Path

import pytest

from verdicts import judge
from violations.trial import expected, tried

RULES = tuple(f"--rule={rule}" for rule in ("COMM-05", "HA-04", "REQ-12", "SCHED-04", "STORE-07", "WATCH-05"))
REAL_TIME = [
    ("scheduler-dials-etcd-late", "COMM-05", "a deployment is rolled out and scaled while everybody works"),
    ("apiserver-binds-pods-late", "NOOP-01", "nobody else is there"),
    ("controllers-await-refused-ends", "KCM-02", "admission lets nobody delete its pods for a while"),
    ("controllers-collect-by-name", "KCM-02", "a ReplicaSet comes again under its name while the controller manager is away"),
    ("scheduler-goes-by-edges", "COMM-14", "pods arrive while the scheduler is cut off for a moment"),
    ("kubelet-heart-stops", "COMM-14", "nodes show that they are alive, after the API server has been away too"),
    ("kubelet-says-farewell-once", "NODE-04", "admission lets nobody say farewell to a pod for a while"),
]


def test_both_backends_agree(tmp_path: Path) -> None:
    simulated = judge("reference", *RULES, backend="simulation", folder=tmp_path / "simulation")
    processes = judge("reference", *RULES, backend="processes", folder=tmp_path / "processes")
    differing = [rule for rule, verdict in simulated.rules.items() if processes.rules[rule] != verdict]

    assert set(simulated.rules.values()) == {"passed"}, simulated.shown
    assert not differing, f"{processes.explain(differing)}\n{processes.shown}"


@pytest.mark.parametrize(("violation", "rule", "scenario"), REAL_TIME, ids=[violation for violation, _, _ in REAL_TIME])
def test_they_are_caught_in_real_time_too(violation: str, rule: str, scenario: str) -> None:
    [wrong] = [each for each in expected() if each.name == violation]
    trial = tried(wrong.file, [rule], titles=[scenario], backend="processes")

    assert trial.verdicts == {rule: "failed"}, trial.words
    assert all(wrong.culprit in roles for roles in trial.blamed[rule]), trial.words
