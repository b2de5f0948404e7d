"""A rule says the same of the reference wherever its components run: simulated, or as processes of the operating system.

Here the rules of a quick look are tried so. All of them are, as processes, with a real etcd (`test_etcd.py`) and with an audit log in the
place of the tap (among the strangers).
"""

from pathlib import Path

from verdicts import judge


def test_both_backends_agree(tmp_path: Path) -> None:
    simulated = judge("reference", "--smoke", backend="simulation", folder=tmp_path / "simulation")
    processes = judge("reference", "--smoke", backend="processes", folder=tmp_path / "processes")
    differing = [rule for rule, verdict in simulated.rules.items() if processes.rules[rule] != verdict]

    assert set(simulated.rules.values()) == {"passed"}, simulated.shown
    assert not differing, f"{processes.explain(differing)}\n{processes.shown}"
