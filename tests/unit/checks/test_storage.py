"""A key is gone when its object lies nowhere any more; and nobody has asked for a copy of a pod by binding or deleting the pod."""

from typing import Any

import pytest

from seatrial.checks import judge
from seatrial.checks.holds import unasked
from seatrial.model.errors import Inconclusive
from seatrial.model.history import History
from seatrial.model.verdicts import Proof

KEY, COPY = "/registry/pods/trial/old", "/registry/graveyard/pods/trial/old"
POD = {"kind": "Pod", "metadata": {"name": "old", "uid": "1", "deletionTimestamp": "now"}, "spec": {"nodeName": "node-1"}}


def lying(*events: tuple[str, str, int, int]) -> History:
    """What was put and deleted, by kind, key, revision and revision of creation; a binding and a deletion of the pod were asked for."""
    made = History(lambda: 1.0)
    made.append("cluster", "instance", at_s=None, instance="apiserver-0", data={"roles": ["apiserver"]})
    for number, verb, sub in ((1, "create", "binding"), (2, "delete", "")):
        about: dict[str, Any] = {"request": number, "name": "old"}
        asked = about | {"verb": verb, "resource": "pods", "group": "", "subresource": sub}
        made.append("tap", "request", at_s=None, instance="operator", data=asked)
        made.append("tap", "answer", at_s=None, instance="operator", data=about | {"code": 200, "revision": None})
    for kind, key, revision, created in events:
        value = {"value": POD, "created": created} if kind == "put" else {}
        made.append("store", kind, at_s=None, instance=None, data={"key": key, "revision": revision} | value)
    return made


def gone(*events: tuple[str, str, int, int]) -> Proof:
    return judge(lying(*events), "storage.key_gone", {"key": KEY})


LIFE = ("put", KEY, 5, 5), ("delete", KEY, 6, 0)


def test_what_lies_nowhere_is_gone() -> None:
    assert not gone(*LIFE).findings
    assert not gone(("put", COPY, 4, 4), *LIFE, ("delete", COPY, 7, 0)).findings


def test_what_is_there_or_lies_elsewhere_is_not_gone() -> None:
    assert gone(LIFE[0]).findings
    (found,) = gone(*LIFE, ("put", COPY, 7, 7)).findings

    assert COPY in found.observed


def test_a_new_key_is_neither_a_binding_nor_a_deletion() -> None:
    history = lying(("put", KEY, 7, 5), ("put", COPY, 8, 8))

    assert [e["key"] for e in unasked(history, history.of("put"))] == [COPY]


@pytest.mark.parametrize(
    ("calls", "end", "expected"),
    [
        (["StartContainer"], True, "it is gone, and none was stopped"),
        (["StartContainer"], False, None),  # that may still come
        ([], True, None),
        (["StartContainer", "StopContainer"], True, "it is gone"),
    ],
)
def test_a_pod_that_runs_goes_after_its_containers(calls: list[str], end: bool, expected: str | None) -> None:
    history = lying(*(LIFE if end else LIFE[:1]))
    for method in calls:
        history.append("runtime", "cri", at_s=None, instance="node-1", data={"method": method, "pod": "old", "container": "main"})

    if expected is None:
        with pytest.raises(Inconclusive, match="never asked to stop"):
            judge(history, "storage.key_held", {"key": KEY, "name": "old"})
    else:
        assert [f.observed for f in judge(history, "storage.key_held", {"key": KEY, "name": "old"}).findings] == [expected]
