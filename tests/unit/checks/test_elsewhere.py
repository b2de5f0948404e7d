"""Other stores, other groups and other habits than those of most clusters are lawful; what only looks like them is not."""

from typing import Any

import pytest

from seatrial.checks import judge
from seatrial.checks.chain import puts
from seatrial.checks.facts import creations, legible
from seatrial.checks.misled import to_blame
from seatrial.checks.pipeline import changed
from seatrial.checks.workloads import stuck_at
from seatrial.model.errors import Inconclusive
from seatrial.model.history import History
from unit.checks.test_lawful import POD, ROLES, Line, done, findings, watched

KEY = "/registry/pods/trial/web-1"


def told(*lines: Line) -> History:
    made = History(lambda: 0.0)
    for name, role in ROLES.items():
        made.append("cluster", "instance", at_s=None, instance=name, data={"roles": [role], "lease": None})
    for number, (source, kind, instance, data) in enumerate(lines):
        made.append(source, kind, at_s=float(number), instance=instance, data=data)
    return made


def put(revision: int, value: Any = None) -> Line:
    return "store", "put", None, {"key": KEY, "revision": revision, "created": 2, "value": value, "head": None if value else "6b387300"}


def test_what_cannot_be_read_is_what_somebody_was_shown() -> None:
    made = told(put(2), put(3), watched("pods", POD, 2))
    shown, hidden = (legible(made, e) for e in made.of("put"))

    assert (shown["value"], hidden["value"]) == (POD, None)


def test_what_was_applied_where_nothing_was_is_made() -> None:
    made = told(*done("controller-manager-0", "patch", number=1, code=201), *done("controller-manager-0", "patch", number=2))

    assert [r["request"] for r, _ in creations(made)] == [1]


def asked(path: str, code: int, *, method: str = "POST", name: str = "web-1") -> list[Line]:
    sent = {"metadata": {"name": name}}
    about = {"user": "alice", "method": method, "path": path, "body": sent, "revision": 2}
    return [
        ("people", "asked", None, about),
        ("people", "told", None, {"user": "alice", "method": method, "code": code, "asked": 0, "body": {"kind": "Status"}}),
    ]


@pytest.mark.parametrize(("who", "traces"), [("controller-manager-0", 0), ("operator", 1)])
def test_what_components_delete_is_no_trace_of_somebodys_request(who: str, traces: int) -> None:
    gone: Line = ("store", "delete", None, {"key": KEY, "revision": 4, "created": None, "value": None})
    begun: Line = ("steps", "mark", None, {"name": "begun", "revision": 2})
    made = told(put(2, POD), begun, *done(who, "delete", number=1), gone)

    assert len(changed(made, "another")) == traces


@pytest.mark.parametrize(("said", "fault"), [({}, False), ({"code": 409}, False), ({"code": 0}, False), ({"code": 400}, True)])
def test_a_status_may_leave_out_its_code(said: dict[str, int], *, fault: bool) -> None:
    refused = {"kind": "Status", "reason": "AlreadyExists", **said}
    sent = asked("/api/v1/namespaces/trial/pods", 409)
    sent[1][3]["body"] = refused

    assert bool(findings("answers.status", {"user": "alice", "code": 409, "reason": "AlreadyExists"}, *sent)) is fault


def replicas(number: int, revision: int) -> Line:
    item = {"metadata": {"name": "web", "uid": "set", "labels": {"app": "web"}}, "spec": {"replicas": number}}
    return watched("replicasets", item, revision)


@pytest.mark.parametrize(("store", "fault"), [(True, True), (False, False)])
def test_revisions_of_two_kinds_are_compared_in_one_store_only(*, store: bool, fault: bool) -> None:
    """A pod that is older than its ReplicaSet, by numbers which nothing makes comparable."""
    lines = [replicas(1, 438), watched("pods", POD, 7), *([put(7, POD)] if store else [])]

    assert bool(findings("replicasets.never_surplus", {"name": "web"}, *lines)) is fault


@pytest.mark.parametrize(
    ("said", "blamed"),
    [({"state": {"running": {}}}, "node-1"), ({"state": {"terminated": {"exitCode": 0}}}, "scheduler-0"), (None, "scheduler-0")],
)
def test_who_waits_for_what_a_kubelet_does_not_say_is_not_to_blame(said: Any, blamed: str) -> None:
    statuses = {"containerStatuses": [{"name": "main", **said}]} if said else {}
    end: Line = ("runtime/node-1", "container-exited", "node-1", {"pod": "web-1", "uid": "u-1", "container": "main", "code": 0})

    assert to_blame(told(watched("pods", POD | {"status": statuses}, 5), end), "scheduler-0") == blamed


@pytest.mark.parametrize(("gone_at", "blamed"), [(6, "scheduler-0"), (9, "node-1"), (None, "node-1")])
def test_who_binds_to_a_node_that_is_gone_is_to_blame(gone_at: int | None, blamed: str) -> None:
    node = {"metadata": {"name": "gone", "uid": "n-1"}}
    lines = [watched("nodes", node, 3), *([watched("nodes", node, gone_at, kind="DELETED")] if gone_at else [])]
    pod = POD | {"spec": {"nodeName": "gone"}}
    made = told(*lines, *done("scheduler-0", "create", number=1, code=201, sub="binding"), watched("pods", pod, 8))

    assert stuck_at(made, made.of("watched", watch="operator/pods"), 1, "web-1") == blamed


@pytest.mark.parametrize(("code", "blamed"), [(201, "scheduler-0"), (403, "apiserver-0")])
def test_whose_binding_was_refused_has_not_bound(code: int, blamed: str) -> None:
    placed = POD | {"spec": {"nodeName": "node-1"}}
    asked_for = done("scheduler-0", "create", number=1, code=code, sub="binding")
    made = told(watched("pods", POD, 4), *asked_for, watched("pods", placed, 5, kind="MODIFIED"))

    assert [f.culprit for f in judge(made, "workloads.stays_unbound", {"name": "web-1"}).findings] == [blamed]


def test_versions_that_nobody_was_shown_leave_a_gap() -> None:
    shown = [watched("pods", POD, revision) for revision in (2, 3)]

    assert len(puts(told(put(2), put(3), *shown), "Pod")) == 2
    with pytest.raises(Inconclusive, match="not all of them were shown"):
        puts(told(put(2), put(3), shown[0]), "Pod")
