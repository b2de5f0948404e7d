"""Each change of the store has its author, however late the answer is recorded; and what has none is found."""

from typing import Any

import pytest

from seatrial.checks import judge
from seatrial.model.history import History

JOINED = "holds.joined"


def history(*events: tuple[str, str, str | None, dict[str, Any]]) -> History:
    made = History(lambda: 1.0)
    made.append("cluster", "instance", at_s=None, instance="apiserver-0", data={"roles": ["apiserver"]})
    made.append("steps", "mark", at_s=None, instance=None, data={"name": "ready", "revision": 10})
    for source, kind, instance, data in events:
        made.append(source, kind, at_s=None, instance=instance, data=data)
    return made


def put(revision: int, name: str = "web") -> tuple[str, str, None, dict[str, Any]]:
    return "store", "put", None, {"key": f"/registry/pods/trial/{name}", "revision": revision, "value": {"metadata": {"name": name}}}


def asked(number: int, name: str = "web") -> tuple[str, str, str, dict[str, Any]]:
    return "tap/apiserver-0", "request", "scheduler-0", {"request": number, "verb": "update", "resource": "pods", "name": name}


def answered(number: int, revision: int, name: str = "web") -> tuple[str, str, str, dict[str, Any]]:
    return "tap/apiserver-0", "answer", "scheduler-0", {"request": number, "code": 200, "name": name, "revision": revision}


def judged(revision: int) -> tuple[str, str, None, dict[str, Any]]:
    return "steps", "judge", None, {"check": JOINED, "arguments": {}, "revision": revision}


def verdict(*events: tuple[str, str, str | None, dict[str, Any]]) -> list[str]:
    return [f.observed for f in judge(history(*events), JOINED, {}).findings]


def test_a_change_that_was_answered_has_its_author() -> None:
    assert verdict(asked(1), answered(1, 11), put(11), judged(11)) == []


def test_a_change_that_nobody_asked_for_is_found() -> None:
    assert verdict(asked(1), answered(1, 11), put(11), put(12), judged(12)) == [
        "put /registry/pods/trial/web at revision 12, which nobody asked for"
    ]


def test_what_was_stored_after_the_judgement_began_is_not_judged() -> None:
    assert verdict(asked(1), answered(1, 11), put(11), put(12), judged(11)) == []


def test_a_write_whose_answer_was_lost_may_have_made_a_change_of_what_it_names() -> None:
    lost = ("tap/apiserver-0", "lost", "scheduler-0", {"request": 2, "reason": "reset"})

    assert verdict(asked(1), answered(1, 11), put(11), asked(2), lost, put(12), judged(12)) == []
    assert verdict(asked(1), answered(1, 11), put(11), asked(2, "other"), lost, put(12), judged(12)) != []


@pytest.mark.parametrize(("resource", "fault"), [("pods", False), ("configmaps", True)])
def test_a_creation_that_cannot_be_read_and_whose_answer_was_lost_may_have_made_anything_of_its_kind(resource: str, *, fault: bool) -> None:
    made: dict[str, Any] = {"request": 2, "verb": "create", "resource": resource, "group": "", "name": "", "body": None}
    broken = ("tap/apiserver-0", "dropped", "scheduler-0", {"request": 2, "what": "answer"})
    source, kind, _, stored = put(12, "new")
    of_pods = (source, kind, None, stored | {"value": stored["value"] | {"kind": "Pod"}})
    lines = [asked(1), answered(1, 11), put(11), ("tap/apiserver-0", "request", "scheduler-0", made), broken, of_pods, judged(12)]

    assert bool(verdict(*lines)) is fault


def test_a_write_that_the_tap_held_back_made_nothing() -> None:
    held = ("tap/apiserver-0", "held", "scheduler-0", {"request": 2, "what": "request", "hold": 1})

    assert verdict(asked(1), answered(1, 11), put(11), asked(2), held, put(12), judged(12)) != []
