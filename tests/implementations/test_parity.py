"""A rule says the same of the reference wherever its components run: simulated, or as processes of the operating system.

Here a tenth of the rules are tried so, of different areas. As processes all rules are, on a real etcd: see `test_etcd.py`.
"""

from pathlib import Path

from verdicts import judge

RULES = tuple(f"--rule={rule}" for rule in ("COMM-05", "HA-04", "REQ-12", "SCHED-04", "STORE-07", "WATCH-05"))


def test_both_backends_agree(tmp_path: Path) -> None:
    simulated = judge("reference", *RULES, backend="simulation", folder=tmp_path / "simulation")
    processes = judge("reference", *RULES, backend="processes", folder=tmp_path / "processes")
    differing = [rule for rule, verdict in simulated.rules.items() if processes.rules[rule] != verdict]

    assert set(simulated.rules.values()) == {"passed"}, simulated.shown
    assert not differing, f"{processes.explain(differing)}\n{processes.shown}"
