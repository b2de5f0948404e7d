"""What becomes of a scenario says in which sentence it came about, and by which events."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from seatrial.model.history import History
from seatrial.model.verdicts import Finding, Verdict
from seatrial.results import Result, aside, keep
from unit.report.building import rule

RESULT = Result(rule="ARCH-03", scenario="s", feature="f", node="f::s", backend="simulation", verdict=Verdict.PASSED)


def recorded() -> History:
    """A scheduler dials the store in the first of two sentences."""
    history = History(lambda: 0.0)
    history.append("cluster", "instance", at_s=0.0, instance="scheduler-0", data={"roles": ["scheduler"]})
    for number, (keyword, sentence) in enumerate([("When", "ships sail"), ("Then", "ships arrive")]):
        history.append("steps", "step", at_s=10.0 * number, instance=None, data={"keyword": keyword, "sentence": sentence})
    opened: dict[str, Any] = {"origin": "scheduler-0", "target": "etcd-0", "port": 2379}
    history.append("flows", "open", at_s=5.0, instance=None, data=opened)
    return history


def test_another_rule_was_broken_in_the_sentence_in_which_that_was_seen() -> None:
    history = recorded()
    finding = Finding(culprit="scheduler-0", expected="nobody", observed="somebody", evidence=tuple(history.of("open")))

    found = aside(RESULT, "COMM-05", history=history, findings=[finding])

    assert (found.rule, found.within, found.step) == ("COMM-05", "ARCH-03", "When ships sail")
    assert [e["kind"] for e in found.slice] == ["step", "open"]


def test_a_finding_without_events_is_of_the_last_sentence() -> None:
    found = aside(RESULT, "COMM-05", history=recorded(), findings=[Finding(culprit="etcd", expected="some", observed="none")])

    assert (found.step, found.slice) == ("Then ships arrive", ())


@pytest.mark.parametrize(("stopped", "head"), [("blocked: no node", {"why": "blocked: no node"}), ("", {})])
def test_a_history_says_why_its_scenario_came_to_no_verdict(stopped: str, head: dict[str, str], tmp_path: Path) -> None:
    known: dict[str, Any] = {"node": "n", "scenario": "s", "backend": "simulation", "tags": (), "others": ()}

    kept = keep(str(tmp_path), rule(), stopped=stopped, lines=b"{}\n", **known)

    header = orjson.loads((tmp_path / kept["history"]).read_bytes().splitlines()[0])
    assert {k: v for k, v in header.items() if k == "why"} == head
