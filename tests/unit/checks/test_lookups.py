"""Whoever looks for something finds it, alone or in a list, unless it was ever deleted."""

from typing import Any

import pytest

from seatrial.checks.lookups import located, overlooked
from seatrial.model.history import History

MAPS = "/api/v1/namespaces/trial/configmaps"
KEY = "/registry/configmaps/trial/web"


def looked_for(path: str, *, code: int = 200, body: Any = None, deleted: bool = False, params: Any = None) -> History:
    """A configmap is stored with revision 2, and somebody is told so; then somebody else looks."""
    made = History(lambda: 1.0)
    made.append("cluster", "instance", at_s=None, instance="apiserver-0", data={"roles": ["apiserver"]})
    made.append("steps", "mark", at_s=None, instance=None, data={"name": "ready", "revision": 1})
    made.append("store", "put", at_s=None, instance=None, data={"key": KEY, "revision": 2, "created": 2, "value": None})
    if deleted:
        made.append("store", "delete", at_s=None, instance=None, data={"key": KEY, "revision": 9, "value": None})
    for user, where, method, said, answer in (
        ("alice", MAPS, "POST", 201, {"metadata": {"name": "web", "resourceVersion": "2"}}),
        ("bob", path, "GET", code, body or {}),
    ):
        about = {"user": user, "method": method, "path": where}
        asked = made.append("people", "asked", at_s=None, instance=None, data={**about, "params": params or {}, "body": None})
        made.append("people", "told", at_s=None, instance=None, data={**about, "asked": asked.seq, "code": said, "body": answer})
    made.append("steps", "judge", at_s=None, instance=None, data={"check": "x", "arguments": {}, "revision": 20})
    return made


def listed(*revisions: int, at: int = 5) -> dict[str, Any]:
    items = [{"metadata": {"name": "web", "namespace": "trial", "resourceVersion": str(each)}} for each in revisions]
    return {"metadata": {"resourceVersion": str(at)}, "items": items}


@pytest.mark.parametrize("path", [MAPS, "/api/v1/configmaps"])
def test_a_list_without_what_is_there_is_wrong(path: str) -> None:
    assert overlooked(looked_for(path, body=listed()))[0].observed == "bob's list has no such thing"
    assert not overlooked(looked_for(path, body=listed(2)))


def test_a_list_shows_the_version_of_its_time_or_a_later_one() -> None:
    assert overlooked(looked_for(MAPS, body=listed(1)))[0].observed == "bob's list shows it as of revision 1"
    assert not overlooked(looked_for(MAPS, body=listed(3)))


def test_what_is_there_is_found() -> None:
    assert overlooked(looked_for(f"{MAPS}/web", code=404))
    assert not overlooked(looked_for(f"{MAPS}/another", code=404))


def test_what_was_ever_deleted_or_is_asked_for_otherwise_is_not_judged() -> None:
    assert not overlooked(looked_for(f"{MAPS}/web", code=404, deleted=True))
    assert not overlooked(looked_for(MAPS, body=listed(), deleted=True))
    assert not overlooked(looked_for(MAPS, body=listed(), params={"labelSelector": "tide=low"}))


@pytest.mark.parametrize(
    ("path", "key"),
    [
        (MAPS, "/registry/configmaps/trial/"),
        (f"{MAPS}/web", KEY),
        ("/api/v1/namespaces/trial", "/registry/namespaces/trial"),
        ("/api/v1/nodes", "/registry/minions/"),
        ("/api/v1/namespaces/trial/pods/web/status", ""),
        ("/version", ""),
    ],
)
def test_paths_lead_to_keys(path: str, key: str) -> None:
    assert located(path) == key
