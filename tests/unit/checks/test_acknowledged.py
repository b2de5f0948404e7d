"""What was acknowledged is in the store, with all that API servers take over as it is; who was misled about it is not to blame."""

from typing import Any

import pytest

from seatrial.checks.acknowledged import acknowledged_and_not_stored
from seatrial.checks.misled import to_blame
from seatrial.model.history import History
from unit.checks.test_invariants import found, puts, stored

OWNER = {"uid": "set", "name": "web", "kind": "ReplicaSet"}


def written(
    body: dict[str, Any], value: Any, *, subresource: str = "", mutated: bool = False, query: Any = None, called: str = "web"
) -> History:
    """A request for a pod, which may not yet be called so, accepted with revision 2, and what the store has at that revision."""
    made = History(lambda: 1.0)
    for name, role in (("etcd-0", "etcd"), ("apiserver-0", "apiserver"), ("node-1", "kubelet")):
        made.append("cluster", "instance", at_s=None, instance=name, data={"roles": [role]})
    made.append("steps", "mark", at_s=None, instance=None, data={"name": "ready", "revision": 1})
    about = {"verb": "patch", "resource": "pods", "subresource": subresource, "name": called, "path": "/pods/web", "query": query}
    made.append("tap/apiserver-0", "request", at_s=None, instance="node-1", data={"request": 1, **about, "body": body})
    if mutated:
        made.append("hooks", "review", at_s=None, instance="apiserver-0", data={"stage": "mutation", "resource": "pods", "name": called})
    put = {"key": "/registry/pods/trial/web", "revision": 2, "created": 2, "value": value}
    made.append("store", "put", at_s=None, instance=None, data=put)
    told = {"request": 1, "code": 200, "revision": 2, "name": "web"}
    made.append("tap/apiserver-0", "answer", at_s=None, instance="node-1", data=told)
    made.append("steps", "judge", at_s=None, instance=None, data={"check": "x", "arguments": {}, "revision": 9})
    return made


def pod(**parts: Any) -> dict[str, Any]:
    return {"kind": "Pod", **parts, "metadata": {"name": "web", **parts.get("metadata", {})}}


def statuses(**said: Any) -> dict[str, Any]:
    return pod(status={"containerStatuses": [{"name": "main", **said}]})


def ended(code: int, **more: Any) -> dict[str, Any]:
    return statuses(**{"restartCount": 1, "state": {"running": None, "terminated": {"exitCode": code}}, **more})


RUNNING = "status.containerStatuses.main.state.running True"


def lost(made: History) -> str:
    return "".join(f.observed.partition("which has no ")[2] for f in acknowledged_and_not_stored(made))


@pytest.mark.parametrize(
    ("subresource", "sent", "kept", "what"),
    [
        ("", pod(metadata={"labels": {"app": "web"}}), pod(metadata={"labels": {"app": "web", "more": "x"}}), ""),
        ("", pod(metadata={"labels": {"app": "web"}}), pod(), "metadata.labels.app web"),
        ("", pod(metadata={"labels": {"app": None}}), pod(metadata={"labels": {"app": "web"}}), "metadata.labels.app None"),
        ("", pod(metadata={"labels": {"app": None, "$patch": "merge"}}), pod(), ""),
        ("", pod(metadata={"annotations": {"kubernetes.io/x": "1"}}), pod(), ""),
        ("", pod(metadata={"annotations": {"note": "1"}}), pod(), "metadata.annotations.note 1"),
        ("", pod(metadata={"ownerReferences": [OWNER]}), pod(metadata={"ownerReferences": [OWNER]}), ""),
        ("", pod(metadata={"ownerReferences": [OWNER]}), pod(), "metadata.ownerReferences set web"),
        ("", pod(metadata={"ownerReferences": [{"$patch": "delete", "uid": "set"}]}), pod(), ""),
        ("", pod(spec={"replicas": 2}), pod(spec={"replicas": 3}), "spec.replicas 2"),
        ("", pod(spec={"replicas": 0}), pod(spec={}), ""),
        ("", pod(status={"phase": "Running"}), pod(), ""),
        ("scale", {"spec": {"replicas": 2}}, pod(spec={"replicas": 1}), "spec.replicas 2"),
        ("status", pod(status={"phase": "Running"}), pod(status={"phase": "Running", "podIP": "10.0.0.1"}), ""),
        ("status", pod(status={"phase": "Running"}), pod(status={"phase": "Pending"}), "status.phase Running"),
        ("status", pod(metadata={"labels": {"app": "web"}}), pod(), ""),
        ("status", ended(3), ended(3, more="x"), ""),
        ("status", ended(3), ended(0), "status.containerStatuses.main.state.terminated exit code 3"),
        ("status", ended(3), pod(), "status.containerStatuses.main.restartCount 1"),
        ("status", ended(3), ended(3, restartCount=2), "status.containerStatuses.main.restartCount 1"),
        ("status", statuses(state={"running": {}, "terminated": None}), statuses(state={"waiting": {}}), RUNNING),
        ("status", statuses(state={"running": None}), statuses(state={"running": {}}), ""),
        ("status", statuses(**{"$patch": "delete"}), pod(), ""),
        ("eviction", pod(spec={"replicas": 2}), pod(), ""),
    ],
)
def test_what_is_taken_over_is_stored(subresource: str, sent: dict[str, Any], kept: dict[str, Any], what: str) -> None:
    assert lost(written(sent, kept, subresource=subresource)) == what


def test_admission_may_give_other_labels() -> None:
    sent, kept = pod(metadata={"labels": {"app": "web"}}), pod(metadata={"labels": {"app": "other"}})

    assert lost(written(sent, kept, mutated=True)) == ""
    assert lost(written(sent, kept, mutated=True, called="")) == ""
    assert lost(written(sent, kept, called="")) == "metadata.labels.app web"
    assert lost(written(sent | {"spec": {"replicas": 2}}, kept, mutated=True)) == "spec.replicas 2"


def test_rehearsals_and_stores_that_cannot_be_read_show_nothing() -> None:
    sent = pod(metadata={"labels": {"app": "web"}})

    assert lost(written(sent, pod(), query={"dryRun": "All"})) == ""
    assert lost(written(sent, None)) == ""
    assert lost(written([{"op": "add"}], pod())) == ""  # type: ignore[arg-type]


def test_who_was_misled_is_not_to_blame() -> None:
    sent = pod(metadata={"labels": {"app": "web"}})

    assert to_blame(written(sent, sent), "node-1") == "node-1"
    assert to_blame(written(sent, pod()), "node-1") == "apiserver-0"
    assert to_blame(History(lambda: 1.0), "node-1") == "node-1"


@pytest.mark.parametrize(
    ("befell", "about", "blamed"),
    [
        ("", {}, "node-1"),
        ("exited", {"code": -9}, "scheduler-0"),
        ("mark", {"name": "cut"}, "scheduler-0"),
        ("mark", {"name": "kill"}, "node-1"),
    ],
)
def test_whoever_could_not_say_what_became_of_a_pod_is_not_to_blame(befell: str, about: dict[str, Any], blamed: str) -> None:
    made = stored()
    seen = pod(status={"containerStatuses": [{"name": "main", "state": {"running": {}}}]})
    made.append("operator", "watched", at_s=None, instance=None, data={"watch": "operator/pods", "uid": "a", "object": seen})
    made.append("runtime", "container-exited", at_s=None, instance="node-1", data={"uid": "a", "container": "main", "code": 1})
    if befell:
        made.append("cluster", befell, at_s=None, instance="node-1" if befell == "exited" else None, data=about)

    assert to_blame(made, "scheduler-0") == blamed


@pytest.mark.parametrize(("deleted", "blamed"), [(True, "node-1"), (False, "apiserver-0")])
def test_whose_objects_are_overwritten_is_not_to_blame(*, deleted: bool, blamed: str) -> None:
    made = stored()
    for revision, uid in ((2, "a"), (4, "b")):
        puts(made, "/registry/pods/trial/web", revision, pod(metadata={"uid": uid, "namespace": "trial"}))
    if deleted:
        gone = {"key": "/registry/pods/trial/web", "revision": 3, "created": None, "value": None}
        made.append("store", "delete", at_s=None, instance=None, data=gone)

    assert to_blame(made, "node-1") == blamed


def renewal(made: History, second: int, *, revision: int, answered: int, sent: str = "") -> None:
    """A lease as it is stored, if at all, and the answer to whoever has renewed it, who may have `sent` another time."""
    lease: dict[str, Any] = {
        "kind": "Lease",
        "metadata": {"name": "it"},
        "spec": {"holderIdentity": "me", "renewTime": f"2026-01-01T00:00:0{second}.123456Z"},
    }
    about = {"verb": "update", "resource": "leases", "subresource": "", "name": "it", "path": "/leases/it"}
    body = {**lease, "spec": {**lease["spec"], "renewTime": sent}} if sent else lease
    number = 80 + second
    made.append("tap/apiserver-0", "request", at_s=None, instance="scheduler-0", data={"request": number, **about, "body": body})
    if revision == answered:
        puts(made, "/registry/leases/kube-system/it", revision, lease)
    told = {"request": number, "code": 200, "revision": answered, "name": "it"}
    made.append("tap/apiserver-0", "answer", at_s=None, instance="scheduler-0", data=told)


@pytest.mark.parametrize(("answered", "broken_rules"), [(3, {}), (2, {"REQ-18": ["apiserver-0"]})])
def test_a_renewal_that_is_acknowledged_is_stored(answered: int, broken_rules: dict[str, list[str]]) -> None:
    made = stored()
    renewal(made, 1, revision=2, answered=2)
    renewal(made, 2, revision=3, answered=answered)

    assert found(made, {"REQ-18"}) == broken_rules


@pytest.mark.parametrize(
    ("sent", "broken_rules"),
    [
        ("2026-01-01T02:00:01.123456+02:00", {}),
        ("2026-01-01T00:00:01.123999Z", {}),
        ("2026-01-01T00:00:01.123456+02:00", {"REQ-18": ["apiserver-0"]}),
        ("soon", {"REQ-18": ["apiserver-0"]}),
    ],
)
def test_a_renewal_is_the_same_wherever_it_was_written(sent: str, broken_rules: dict[str, list[str]]) -> None:
    made = stored()
    renewal(made, 1, revision=2, answered=2, sent=sent)

    assert found(made, {"REQ-18"}) == broken_rules


def deleted(value: Any, *, last: bool = False, gone: bool = False, **asked: Any) -> list[str]:
    """What is said of an accepted deletion of the pod `u-1`, whose key has this value; it may be the `last` that was asked for."""
    made, tap = History(lambda: 1.0), "tap/apiserver-0"
    made.append("cluster", "instance", at_s=None, instance="apiserver-0", data={"roles": ["apiserver"]})
    made.append("steps", "mark", at_s=None, instance=None, data={"name": "ready", "revision": 1})
    put = {"key": "/registry/pods/trial/web", "revision": 2, "created": 2, "value": value}
    made.append("store", "put", at_s=None, instance=None, data=put)
    if gone:
        made.append("store", "delete", at_s=None, instance=None, data={"key": put["key"], "revision": 3})
    made.append(
        "store", "put", at_s=None, instance=None, data={"key": "/registry/pods/trial/next", "revision": 4, "created": 4, "value": None}
    )
    for number, verb, name, revision in ((2, "create", "next", 4), (1, "delete", "web", None))[:: 1 if last else -1]:
        about = {"request": number, "verb": verb, "resource": "pods", "subresource": "", "name": name, "path": f"/pods/{name}", **asked}
        made.append(tap, "request", at_s=None, instance="alice", data=about)
        told = {"request": number, "code": 200, "name": name, "uid": f"u-{number}", "revision": revision}
        made.append(tap, "answer", at_s=None, instance="alice", data=told)
    made.append("steps", "judge", at_s=None, instance=None, data={"check": "x", "arguments": {}, "revision": 9})
    return [f.culprit for f in acknowledged_and_not_stored(made)]


def test_what_was_said_to_be_deleted_is_gone_or_marked() -> None:
    there, other = pod(metadata={"uid": "u-1"}), pod(metadata={"uid": "u-2"})

    assert deleted(there) == ["apiserver-0"]
    assert deleted(there, gone=True) == deleted(other) == deleted(None) == []
    assert deleted(pod(metadata={"uid": "u-1", "deletionTimestamp": "2026-01-01T00:00:00Z"})) == []


def test_a_deletion_counts_once_the_store_is_known_from_later_on_and_if_it_is_meant() -> None:
    there = pod(metadata={"uid": "u-1"})

    assert deleted(there, last=True) == deleted(there, query={"dryRun": "All"}) == deleted(there, body={"dryRun": ["All"]}) == []
