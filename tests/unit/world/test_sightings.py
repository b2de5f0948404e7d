"""Whoever waits in vain says what was seen last of what they waited for, and not whatever came last."""

import asyncio
from typing import Any

import pytest

from seatrial.adapters.descriptor import load
from seatrial.model.errors import Inconclusive
from seatrial.model.history import History
from seatrial.world.sightings import seen_last
from seatrial.world.world import World

PODS = "the pods of web have become running"


def watched(history: History, resource: str, name: str, app: str = "", **status: Any) -> None:
    item = {"metadata": {"name": name, "labels": {"app": app}}, "spec": {}, "status": status}
    seen = {
        "watch": f"operator/{resource}",
        "resource": resource,
        "name": name,
        "type": "MODIFIED",
        "revision": len(history),
        "object": item,
    }
    history.append(f"watch/operator/{resource}", "watched", at_s=None, instance=None, data=seen)


def recorded() -> History:
    history = History(lambda: 0.0)
    for name in ("web-1", "web-2"):
        watched(history, "pods", name, app="web", phase="Pending")
    watched(history, "pods", "other", phase="Running")
    for _ in range(9):
        watched(history, "leases", "kube-scheduler")
    return history


def test_the_objects_waited_for_come_before_everything_else() -> None:
    said = "seen last: pod web-1 MODIFIED: Pending, no node; pod web-2 MODIFIED: Pending, no node"

    assert seen_last(recorded(), PODS) == said


def test_of_others_no_leases_are_told() -> None:
    history = recorded()
    asked = {"user": "alice", "method": "POST", "path": "/api/v1/namespaces", "code": 201, "body": {}}
    history.append("people", "told", at_s=None, instance=None, data=asked)
    history.append("cluster", "exited", at_s=None, instance="scheduler-0", data={"status": 1})

    told = "alice was told 201 POST /api/v1/namespaces; scheduler-0 exited with status 1"
    assert seen_last(history, "a watch stream of scheduler-0") == f"seen last: pod other MODIFIED: Running, no node; {told}"


def test_nothing_is_said_to_be_nothing() -> None:
    assert seen_last(History(lambda: 0.0), PODS) == "nothing was seen at all"


class Waiting(World):
    """As much of a world as waits."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.implementation = load("reference")
        self.store = None
        self._steps = history.recorder("steps")


def test_a_world_that_waited_in_vain_says_so_in_a_sentence() -> None:
    history = recorded()
    with pytest.raises(Inconclusive) as blocked:
        asyncio.run(Waiting(history).seen(lambda _: None, within_s=0.01, what=PODS))

    assert str(blocked.value).startswith(f"blocked: not seen within 0.01 s: {PODS}; seen last: pod web-1 MODIFIED: Pending, no node; ")
    assert [mark["name"] for mark in history.of("mark")] == ["in-vain"]  # what has happened meanwhile can be judged
