"""Watchers are held to every change as far as the sentinel; what becomes of it later may still be on its way."""

from typing import Any

import pytest

from seatrial.checks import judge
from seatrial.model.errors import Inconclusive
from seatrial.model.history import History
from seatrial.model.verdicts import Proof

WATCH = "watcher-0/pods"
SENTINEL = 7


def pod(name: str, revision: int, **status: str) -> dict[str, Any]:
    return {"kind": "Pod", "metadata": {"name": name, "namespace": "trial", "resourceVersion": str(revision)}, "status": status}


def complete(*heard: tuple[str, str, int], shown: str = "", starts: int = 1, forgotten: bool = False) -> Proof:
    """A pod is made at 5 and runs at 6, the sentinel is made at 7 and runs at 8; the watcher began at 4. `shown`: another status in what
    the watcher is shown."""
    made = History(lambda: 1.0)

    def happens(source: str, kind: str, **data: Any) -> None:
        made.append(source, kind, at_s=None, instance=None, data=data)

    for name in ("web", "sentinel"):
        happens("people", "asked", user=name, method="POST", path="/api/v1/namespaces/trial/pods", body=pod(name, 0))
    happens("people", "told", user="sentinel", method="POST", asked=1, code=201, body=pod("sentinel", SENTINEL))
    for name, created, revision in (("web", 5, 5), ("web", 5, 6), ("sentinel", 7, 7), ("sentinel", 7, 8)):
        happens("store", "put", key=f"/registry/pods/trial/{name}", revision=revision, created=created, value=pod(name, revision))
    made.append("cluster", "instance", at_s=None, instance="apiserver-0", data={"roles": ["apiserver"]})
    for _ in range(starts):
        made.append("cluster", "started", at_s=None, instance="apiserver-0", data={})
    happens(f"watch/{WATCH}", "watching", watch=WATCH, code=200, revision=4)
    if forgotten:
        happens(f"watch/{WATCH}", "watch-broken", watch=WATCH, why="too old", forgotten=True)
    for kind, name, revision in heard:
        item = pod(name, revision, **({"phase": shown} if shown else {}))
        happens(f"watch/{WATCH}", "watched", watch=WATCH, type=kind, name=name, namespace="trial", revision=revision, object=item)
    return judge(made, "watching.complete", {"watchers": [WATCH], "kind": "Pod", "resource": "pods", "namespace": "trial"})


def told_of(*answers: tuple[str, int]) -> Proof:
    """Somebody creates and replaces an object, is answered so, and a watcher is told of the creation only."""
    made = History(lambda: 1.0)
    for method, code in answers:
        asked = {"user": "alice", "method": method, "path": "/api/v1/namespaces/trial/configmaps/web", "body": {}}
        sent = made.append("people", "asked", at_s=None, instance=None, data=asked)
        made.append("people", "told", at_s=None, instance=None, data=asked | {"asked": sent.seq, "code": code, "body": {"message": "no"}})
    heard = {"watch": WATCH, "type": "ADDED", "name": "web", "namespace": "trial", "revision": 5}
    made.append(f"watch/{WATCH}", "watched", at_s=None, instance=None, data=heard)
    return judge(made, "watching.types", {"watch": WATCH, "name": "web", "expected": ["ADDED", "MODIFIED"]})


def test_of_what_was_refused_there_is_nothing_to_tell() -> None:
    with pytest.raises(Inconclusive, match="what was asked for was refused: 405"):
        told_of(("POST", 201), ("PUT", 405))


@pytest.mark.parametrize("answers", [(("POST", 201), ("PUT", 200)), (("POST", 201), ("PUT", 409), ("PUT", 200))])
def test_what_was_done_at_last_must_have_been_told(answers: tuple[tuple[str, int], ...]) -> None:
    assert told_of(*answers).findings


BEFORE = ("ADDED", "web", 5), ("MODIFIED", "web", 6), ("ADDED", "sentinel", 7)


def test_what_becomes_of_the_sentinel_need_not_have_been_told_yet() -> None:
    assert not complete(*BEFORE).findings


def test_what_becomes_of_the_sentinel_may_have_been_told() -> None:
    assert not complete(*BEFORE, ("MODIFIED", "sentinel", 8)).findings


def test_a_change_before_the_sentinel_must_have_been_told() -> None:
    (found,) = complete(BEFORE[0], BEFORE[2]).findings

    assert "('MODIFIED', 'web', 6)" in found.observed


def test_what_is_shown_is_what_the_writer_was_answered() -> None:
    (found,) = complete(*BEFORE, shown="Running").findings

    assert "sentinel: status.phase differ" in found.observed


@pytest.mark.parametrize(("marked", "fault"), [(True, False), (False, True)])
def test_where_the_store_is_not_read_a_deletion_may_be_told_in_two_steps(*, marked: bool, fault: bool) -> None:
    made = History(lambda: 1.0)
    for asked, (name, revision) in enumerate((("web", 5), ("sentinel", SENTINEL))):
        about = {"user": name, "method": "POST", "path": "/api/v1/namespaces/trial/pods"}
        made.append("people", "asked", at_s=None, instance=None, data=about | {"body": pod(name, 0)})
        made.append("people", "told", at_s=None, instance=None, data=about | {"asked": asked, "code": 201, "body": pod(name, revision)})
    made.append(f"watch/{WATCH}", "watching", at_s=None, instance=None, data={"watch": WATCH, "code": 200, "revision": 4})
    for kind, name, revision in BEFORE:
        item = pod(name, revision)
        item["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z"} if marked and kind == "MODIFIED" else {}
        about = {"watch": WATCH, "type": kind, "name": name, "namespace": "trial", "revision": revision, "object": item}
        made.append(f"watch/{WATCH}", "watched", at_s=None, instance=None, data=about)
    about = {"watchers": [WATCH], "kind": "Pod", "resource": "pods", "namespace": "trial"}

    assert bool(judge(made, "watching.complete", about).findings) is fault


def test_a_server_that_has_begun_anew_may_say_that_it_has_forgotten() -> None:
    assert not complete(forgotten=True, starts=2).findings
    with pytest.raises(Inconclusive):
        complete(forgotten=True)


def lived(*heard: tuple[str, bool]) -> list[str]:
    """What a watcher is told of one object, the flag for a deletion mark."""
    made = History(lambda: 1.0)
    for revision, (kind, marked) in enumerate(heard, 5):
        item = {"metadata": {"name": "web", **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if marked else {})}}
        about = {"watch": WATCH, "type": kind, "name": "web", "uid": "u-1", "namespace": "trial", "revision": revision, "object": item}
        made.append(f"watch/{WATCH}", "watched", at_s=None, instance=None, data=about)
    proof = judge(made, "watching.types", {"watch": WATCH, "name": "web", "expected": ["ADDED", "DELETED"]})
    return [f.observed for f in proof.findings]


def test_a_mark_that_is_followed_by_the_deletion_belongs_to_it() -> None:
    assert lived(("ADDED", False), ("MODIFIED", True), ("DELETED", True)) == []
    assert lived(("ADDED", False), ("MODIFIED", False), ("DELETED", True)) == ["ADDED, MODIFIED, DELETED"]


@pytest.mark.parametrize(("revision", "fault"), [("7", False), ("6", True)])
def test_a_version_that_nobody_has_asked_for_is_no_news(revision: str, *, fault: bool) -> None:
    """The object is stored anew at 7, after a request that was refused; whether somebody else was told so."""
    made = History(lambda: 1.0)
    made.append("cluster", "instance", at_s=0, instance="apiserver-0", data={"roles": ["apiserver"]})
    made.append("steps", "mark", at_s=1, instance=None, data={"name": "begun", "revision": 5})
    asked = {"request": 1, "verb": "update", "resource": "pods", "name": "web", "subresource": "", "namespace": "trial"}
    made.append("tap", "request", at_s=1, instance="operator", data=asked)
    made.append("tap", "answer", at_s=1, instance="operator", data={"request": 1, "code": 409, "name": "web", "revision": None})
    body = {"metadata": {"name": "web", "resourceVersion": revision}}
    made.append("people", "told", at_s=2, instance=None, data={"user": "bob", "method": "PUT", "code": 200, "asked": 1, "body": body})
    about = {"watch": WATCH, "type": "MODIFIED", "uid": "u-1", "namespace": "trial"}
    for name, number in (("web", 4), ("web", 7), ("sentinel", 8)):
        item = {"metadata": {"name": name}}
        stored = {"key": f"/registry/pods/trial/{name}", "revision": number, "created": 4, "value": item}
        made.append("store", "put", at_s=number / 4, instance=None, data=stored)
        made.append(
            f"watch/{WATCH}",
            "watched",
            at_s=number / 4 - 0.1,
            instance=None,
            data=about | {"name": name, "revision": number, "object": item},
        )

    assert bool(judge(made, "watching.spared", {"watchers": [WATCH], "name": "web"}).findings) is fault


@pytest.mark.parametrize(("also", "wrong"), [("sea", True), ("of-others", False)])
def test_who_watches_one_object_is_told_of_no_other_that_people_have_made(also: str, wrong: bool) -> None:
    made = History(lambda: 1.0)
    for name in ("web", "sea"):
        about = {"user": "alice", "method": "POST", "path": "/api/v1/namespaces/trial/configmaps"}
        sent = made.append("people", "asked", at_s=None, instance=None, data=about | {"body": {"metadata": {"name": name}}})
        told = about | {"asked": sent.seq, "code": 201, "body": {"metadata": {"name": name}}}
        made.append("people", "told", at_s=None, instance=None, data=told)
    made.append("cluster", "instance", at_s=None, instance="apiserver-0", data={"roles": ["apiserver"]})
    for name in ("web", also):
        heard = {"watch": WATCH, "type": "ADDED", "name": name, "namespace": "trial", "revision": 5}
        made.append(f"watch/{WATCH}", "watched", at_s=None, instance=None, data=heard)
    proof = judge(made, "watching.types", {"watch": WATCH, "name": "web", "expected": ["ADDED"], "alone": True})
    assert bool(proof.findings) is wrong
