"""Scenarios that have a cluster one after the other find what they would have found alone, in histories that can be judged again."""

from pathlib import Path

import orjson

from seatrial.model.verdicts import Verdict
from seatrial.rejudge import rejudge
from verdicts import judge

REUSED = """\
apiVersion: seatrial/v1
kind: Implementation
metadata: {name: mine}
basedOn: reference
reuse: true
"""
WRONG = f"""\
components:
  kubelet:
    python: violations.kubelets:main_sees_all_pods
    path: [{Path(__file__).parents[1]}]
"""
RULES = ("KCM-02", "REQ-08", "SCHED-05", "WATCH-03")


def descriptor(folder: Path, *more: str) -> Path:
    file = folder / "mine.yaml"
    file.write_text("".join([REUSED, *more]))
    return file


def numbers(history: Path) -> list[int]:
    """The how manyeth scenario of its cluster each is."""
    rows = [orjson.loads(line) for line in history.read_bytes().splitlines()[1:]]
    return [row.get("scenario", 1) for row in rows if row["kind"] == "mark" and row["name"] == "ready"]


def test_most_scenarios_boot_no_cluster_of_their_own_and_find_the_same(tmp_path: Path) -> None:
    found = judge(descriptor(tmp_path), *(f"--rule={rule}" for rule in RULES), folder=tmp_path, backend="processes")
    histories = sorted((tmp_path / "histories").iterdir())

    assert set(found.rules.values()) == {"passed"}, found.shown
    assert {rejudge(history).verdict for history in histories} == {Verdict.PASSED}
    assert [len(numbers(history)) for history in histories] == [1] * len(histories)
    assert sum(number > 1 for history in histories for number in numbers(history)) > len(histories) / 2


def test_who_is_wrong_is_found_on_a_cluster_that_has_served_before(tmp_path: Path) -> None:
    rules = ("CHAIN-03", "SCHED-06")  # each has a scenario with two nodes; that of the first comes first
    found = judge(descriptor(tmp_path, WRONG), *(f"--rule={rule}" for rule in rules), "-n", "1", folder=tmp_path, backend="processes")
    wrong = [h for h in (tmp_path / "histories").glob("SCHED-06-*") if rejudge(h).verdict is Verdict.FAILED]

    assert found.rules == {"CHAIN-03": "passed", "SCHED-06": "failed"}, found.shown
    assert max(number for history in wrong for number in numbers(history)) > 1
    assert "culprit   node-" in found.shown
