"""What is read back is what was told, and where somebody else has written in between, what was stored."""

from collections.abc import Mapping
from typing import Any

import pytest

from seatrial.checks import judge
from seatrial.model.errors import Inconclusive
from seatrial.model.history import History
from seatrial.model.verdicts import Proof

TOLD, LATER = ["not-ready"], ["unreachable"]


def node(taints: list[str], revision: int | None = None) -> dict[str, Any]:
    version = {"resourceVersion": str(revision)} if revision else {}
    return {"kind": "Node", "metadata": {"name": "web", **version}, "spec": {"taints": taints}}


def read_back(
    *,
    read: dict[str, Any],
    stored: Mapping[int, list[str] | None],
    shown: Mapping[int, list[str]] | None = None,
    by: str = "controller-manager-0",
) -> Proof:
    """alice creates a node at revision 5; somebody may change it; bob reads it. What is stored may be illegible, and shown to watchers."""
    made = History(lambda: 1.0)

    def happens(source: str, kind: str, instance: str | None = None, **data: Any) -> None:
        made.append(source, kind, at_s=None, instance=instance, data=data)

    happens("cluster", "instance", "apiserver-0", roles=["apiserver"])
    happens("cluster", "instance", "controller-manager-0", roles=["controller-manager"])
    happens("people", "asked", user="alice", method="POST", path="/api/v1/nodes", body=node([]))
    happens("people", "told", user="alice", method="POST", asked=0, code=201, body=node(TOLD, 5))
    happens("tap", "request", by, request=1, verb="patch", resource="nodes", name="web")
    happens("tap", "answer", by, request=1, code=200, name="web", revision=6)
    for revision, taints in stored.items():
        happens("store", "put", key="/registry/minions/web", revision=revision, value=None if taints is None else node(taints))
    for revision, taints in (shown or {}).items():
        happens("watch", "watched", name="web", revision=revision, type="MODIFIED", object=node(taints))
    happens("people", "told", user="bob", method="GET", asked=0, code=200, body=read)
    return judge(made, "answers.read_back", {"writers": ["alice"], "reader": "bob"})


def test_what_somebody_else_has_changed_since_is_no_fault() -> None:
    assert not read_back(read=node(LATER, 6), stored={5: TOLD, 6: LATER}).findings


@pytest.mark.parametrize("revision", [5, 7])
def test_what_nobody_has_changed_is_told_again(revision: int) -> None:
    (found,) = read_back(read=node(LATER, revision), stored={5: TOLD, 6: LATER}).findings

    assert "spec.taints" in found.observed


def test_what_a_person_has_changed_is_not_somebody_else_s_doing() -> None:
    (found,) = read_back(read=node(LATER, 6), stored={5: TOLD, 6: LATER}, by="operator").findings

    assert "spec.taints" in found.observed


@pytest.mark.parametrize("stored", [{5: LATER, 6: LATER}, {5: TOLD, 6: TOLD}])
def test_a_change_by_somebody_else_excuses_nothing_that_was_not_stored(stored: dict[int, list[str]]) -> None:
    (found,) = read_back(read=node(LATER, 6), stored=stored).findings

    assert "spec.taints" in found.observed


@pytest.mark.parametrize(("shown", "fault"), [(LATER, False), (TOLD, True)])
def test_what_was_stored_and_cannot_be_read_is_what_watchers_were_shown(shown: list[str], *, fault: bool) -> None:
    assert bool(read_back(read=node(LATER, 6), stored={5: None, 6: None}, shown={5: TOLD, 6: shown}).findings) is fault


def test_what_was_stored_and_cannot_be_seen_is_not_judged() -> None:
    with pytest.raises(Inconclusive, match="controller-manager-0 changed the object"):
        read_back(read=node(LATER, 6), stored={})


def pod(version: str = "v1", **parts: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": "Pod", "metadata": {"name": "web", "uid": "u-1"}, "spec": {"nodeName": ""}, **parts}


def answered(body: dict[str, Any], *stored: dict[str, Any]) -> list[str]:
    """alice is answered a pod at revision 5: what is wrong with it, given what was stored then."""
    made = History(lambda: 1.0)
    made.append("cluster", "instance", at_s=None, instance="apiserver-0", data={"roles": ["apiserver"]})
    sent = {"user": "alice", "method": "POST", "path": "/api/v1/pods", "body": {"metadata": {"name": "web"}}}
    asked = made.append("people", "asked", at_s=None, instance=None, data=sent)
    for value in stored:
        made.append("store", "put", at_s=None, instance=None, data={"key": "/registry/pods/trial/web", "revision": 5, "value": value})
    body = body | {"metadata": body["metadata"] | {"resourceVersion": "5", "creationTimestamp": "2026-01-01T00:00:00Z"}}
    told = {"user": "alice", "method": "POST", "asked": asked.seq, "code": 201, "body": body}
    made.append("people", "told", at_s=None, instance=None, data=told)
    return [found.observed for found in judge(made, "answers.whole", {"user": "alice", "code": 201}).findings]


def test_whoever_creates_an_object_is_told_all_that_is_stored() -> None:
    assert not answered(pod(status={"phase": "Pending"}), pod(status={"phase": "Pending"}))
    assert answered(pod(), pod(status={"phase": "Pending"})) == ["status is not what was stored"]


@pytest.mark.parametrize("stored", [pod(status={"conditions": []}), pod("v0", status={"phase": "Pending"}), None])
def test_what_is_empty_stored_in_another_form_or_not_to_be_read_need_not_be_told(stored: Any) -> None:
    assert not answered(pod(), stored)


def drawn(*answers: tuple[int, str]) -> Proof:
    """alice lets the server find names that begin with `web-`: the code and the name of each answer."""
    made = History(lambda: 1.0)
    made.append("cluster", "instance", at_s=None, instance="apiserver-0", data={"roles": ["apiserver"]})
    for number, (code, name) in enumerate(answers):
        asked = made.append(
            "people",
            "asked",
            at_s=None,
            instance=None,
            data={"user": "alice", "method": "POST", "body": {"metadata": {"generateName": "web-"}}},
        )
        told = {"user": "alice", "method": "POST", "asked": asked.seq, "code": code, "body": {"metadata": {"name": name}}}
        made.append("people", "told", at_s=None, instance=None, data=told | {"number": number})
    return judge(made, "answers.generated", {"user": "alice", "prefix": "web-"})


def test_names_that_are_drawn_are_all_different() -> None:
    assert not drawn((201, "web-a"), (201, "web-b"), (201, "web-c")).findings
    assert drawn((201, "web-a"), (201, "web-b"), (201, "web-a")).findings
    assert drawn((201, "web-a"), (201, "shop-b")).findings
    assert drawn((201, "web-a"), (201, "web-b"), (500, "")).findings


def test_a_name_that_was_drawn_may_be_taken() -> None:
    assert not drawn((201, "web-a"), (201, "web-b"), (409, "")).findings


@pytest.mark.parametrize("code", [0, 200])
def test_a_deletion_without_an_answer_may_still_be_under_way(code: int) -> None:
    made, path = History(lambda: 1.0), "/api/v1/namespaces/trial/configmaps"
    body = {"kind": "ConfigMap", "metadata": {"name": "one", "namespace": "trial", "uid": "u", "resourceVersion": "5"}}
    for user, method, where, told in (("alice", "POST", path, 201), ("alice", "DELETE", path, code), ("bob", "GET", f"{path}/one", 200)):
        about = {"user": user, "method": method, "path": where}
        asked = made.append("people", "asked", at_s=None, instance=None, data=about | {"body": None, "params": {}})
        made.append("people", "told", at_s=None, instance=None, data=about | {"asked": asked.seq, "code": told, "body": body})
    about = {"lost": ["one"], "namespace": "trial", "reader": "bob"}

    if code:
        assert judge(made, "answers.gone", about).findings
    else:
        with pytest.raises(Inconclusive, match="got no answer to DELETE"):
            judge(made, "answers.gone", about)
