"""A rule says the same of the reference wherever its components run: simulated, or as processes of the operating system.

Here the rules of a quick look are tried so. As processes all rules are, on a real etcd: see `test_etcd.py`.
"""

from pathlib import Path

from verdicts import judge


def test_both_backends_agree(tmp_path: Path) -> None:
    simulated = judge("reference", "--smoke", backend="simulation", folder=tmp_path / "simulation")
    processes = judge("reference", "--smoke", backend="processes", folder=tmp_path / "processes")
    differing = [rule for rule, verdict in simulated.rules.items() if processes.rules[rule] != verdict]

    assert set(simulated.rules.values()) == {"passed"}, simulated.shown
    assert not differing, f"{processes.explain(differing)}\n{processes.shown}"
