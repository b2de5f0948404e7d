"""Values that are encrypted, or protobuf, are judged by their keys and by what people were shown; what nobody can see is not judged."""

from typing import Any

import pytest

from seatrial.checks import judge
from seatrial.model.errors import Inconclusive
from seatrial.model.history import History
from seatrial.model.verdicts import Proof

PODS = "/registry/pods/trial"
Heard = tuple[str, str, int]
TOLD: tuple[Heard, ...] = ("ADDED", "web", 5), ("MODIFIED", "web", 6), ("DELETED", "web", 7)


def pod(name: str, revision: int, **metadata: str) -> dict[str, Any]:
    return {"kind": "Pod", "metadata": {"name": name, "namespace": "trial", "uid": name, "resourceVersion": str(revision)} | metadata}


def opaque() -> History:
    """A pod is made at 5, changed at 6 and deleted at 7, and the sentinel is made at 8; endpoints of the pod's name change at 6, too."""
    made = History(lambda: 1.0)
    made.append("cluster", "instance", at_s=None, instance="apiserver-0", data={"roles": ["apiserver"]})
    made.append("cluster", "instance", at_s=None, instance="controller-manager-0", data={"roles": ["controller-manager"]})
    for name, revision in (("web", 5), ("sentinel", 8)):
        about = {"user": name, "method": "POST", "path": "/api/v1/namespaces/trial/pods"}
        made.append("people", "asked", at_s=None, instance=None, data=about | {"body": pod(name, 0)})
        made.append("people", "told", at_s=None, instance=None, data=about | {"asked": 0, "code": 201, "body": pod(name, revision)})
    for key, created, revision in (
        (f"{PODS}/web", 5, 5),
        (f"{PODS}/web", 5, 6),
        ("/registry/services/endpoints/trial/web", 6, 6),
        (f"{PODS}/sentinel", 8, 8),
    ):
        data = {"key": key, "created": created, "revision": revision, "size": 9, "head": "6b387300"}
        made.append("store", "put", at_s=None, instance=None, data=data)
    made.append("store", "delete", at_s=None, instance=None, data={"key": f"{PODS}/web", "created": 0, "revision": 7})
    return made


def told(*heard: Heard) -> Proof:
    made, watch = opaque(), "bob/pods"
    made.append("watch", "watching", at_s=None, instance=None, data={"watch": watch, "code": 200, "revision": 4})
    for kind, name, revision in (*heard, ("ADDED", "sentinel", 8)):
        data = {"watch": watch, "type": kind, "name": name, "namespace": "trial", "revision": revision, "object": pod(name, revision)}
        made.append("watch", "watched", at_s=None, instance=None, data=data)
    return judge(made, "watching.complete", {"watchers": [watch], "kind": "Pod", "resource": "pods", "namespace": "trial"})


def test_every_change_that_the_keys_show_must_be_told() -> None:
    assert not told(*TOLD).findings


@pytest.mark.parametrize("missing", TOLD)
def test_no_change_that_the_keys_show_may_be_left_out(missing: Heard) -> None:
    (found,) = told(*(heard for heard in TOLD if heard != missing)).findings

    assert str(missing) in found.observed


def marked(**metadata: str) -> Proof:
    """What lies at the key of the sentinel, as it was shown to whoever changed it last, if anybody was."""
    made = opaque()
    made.append("store", "put", at_s=None, instance=None, data={"key": f"{PODS}/sentinel", "created": 8, "revision": 9, "head": "6b387300"})
    if metadata:
        data = {"user": "operator", "method": "PATCH", "path": "", "asked": 0, "code": 200, "body": pod("sentinel", 9, **metadata)}
        made.append("people", "told", at_s=None, instance=None, data=data)
    return judge(made, "storage.key_marked", {"key": f"{PODS}/sentinel"})


def test_a_mark_is_seen_in_what_people_were_shown() -> None:
    assert not marked(deletionTimestamp="now").findings
    assert marked(uid="sentinel").findings


def test_a_mark_that_nobody_can_see_is_not_judged() -> None:
    with pytest.raises(Inconclusive, match="cannot be read"):
        marked()


@pytest.mark.parametrize(("by", "fault"), [("controller-manager-0", False), ("operator", True)])
def test_a_namesake_that_a_component_has_made_is_no_second_key(by: str, *, fault: bool) -> None:
    made = opaque()
    made.append("tap", "request", at_s=None, instance=by, data={"request": 1, "verb": "create", "resource": "endpoints", "name": "web"})
    made.append("tap", "answer", at_s=None, instance=by, data={"request": 1, "code": 201, "name": "web", "revision": 6})

    assert bool(judge(made, "storage.one_key", {"key": f"{PODS}/web", "name": "web"}).findings) is fault
