"""Some rules hold in every scenario: what breaks them is found wherever it shows, and nothing else is."""

from typing import Any

import pytest

from seatrial.checks.invariants import INVARIANTS, broken
from seatrial.model.history import History

ALL = INVARIANTS.keys()


def history(*placed: tuple[str, ...]) -> History:
    made = History(lambda: 1.0)
    for name, *roles in placed or (("etcd-0", "etcd"), ("apiserver-0", "apiserver"), ("scheduler-0", "scheduler"), ("node-1", "kubelet")):
        made.append("cluster", "instance", at_s=None, instance=name, data={"roles": roles})
    return made


def opens(made: History, origin: str, target: str, *, sport: int = 40000) -> None:
    made.append(
        "flows", "open", at_s=None, instance=None, data={"origin": origin, "target": target, "port": 1, "sport": sport, "link": sport}
    )


def found(made: History, rules: object = ALL) -> dict[str, list[str]]:
    return {rule: [f.culprit for f in findings] for rule, findings in broken(made, rules)}  # type: ignore[arg-type]


def test_who_keeps_to_the_api_server_breaks_nothing() -> None:
    made = history()
    for origin, target in (("apiserver-0", "etcd-0"), ("scheduler-0", "apiserver-0"), ("node-1", "apiserver-0"), ("operator", "etcd-0")):
        opens(made, origin, target)

    assert found(made) == {}


def test_a_connection_past_the_api_server_breaks_what_it_breaks() -> None:
    made = history()
    opens(made, "scheduler-0", "etcd-0")
    opens(made, "scheduler-0", "node-1", sport=40001)

    assert found(made) == {
        "COMM-01": 2 * ["scheduler-0"],
        "COMM-03": ["scheduler-0"],
        "COMM-05": ["scheduler-0"],
        "SCHED-04": ["scheduler-0"],
    }


def test_the_api_server_calls_nobody() -> None:
    made = history()
    opens(made, "apiserver-0", "node-1")

    assert found(made) == {"COMM-07": ["apiserver-0"], "COMM-12": ["apiserver-0"]}


def test_the_suites_own_canaries_are_nobodys_doing() -> None:
    made = history()
    made.append("cluster", "canary", at_s=None, instance="scheduler-0", data={"target": "etcd-0", "port": 1, "sport": 20000})
    opens(made, "scheduler-0", "etcd-0", sport=20000)

    assert found(made) == {}


def test_only_the_rules_in_question_are_looked_at() -> None:
    made = history()
    opens(made, "scheduler-0", "etcd-0")

    assert found(made, {"COMM-05"}) == {"COMM-05": ["scheduler-0"]}


def test_of_roles_in_one_process_nobody_knows_which_did_something() -> None:
    made = history(("etcd-0", "etcd"), ("server-0", "apiserver", "scheduler"), ("node-1", "kubelet"))
    opens(made, "server-0", "node-1")

    assert found(made) == {}


def test_what_a_scheduler_asks_to_write_beside_its_job_is_found() -> None:
    made = history()
    asked = {"request": 1, "verb": "patch", "resource": "nodes", "subresource": None, "path": "/api/v1/nodes/node-1"}
    made.append("tap/apiserver-0", "request", at_s=None, instance="scheduler-0", data=asked)

    assert found(made) == {"SCHED-05": ["scheduler-0"]}


def stored(*changes: tuple[int, int, str]) -> History:
    """A history of puts, each with its revision, that of its creation, and a name; from 1 on, and judged at 9."""
    made = history()
    made.append("steps", "mark", at_s=None, instance=None, data={"name": "ready", "revision": 1})
    for revision, created, name in changes:
        value = {"kind": "Pod", "metadata": {"namespace": "trial", "name": name}}
        made.append(
            "store",
            "put",
            at_s=None,
            instance=None,
            data={"key": f"/registry/pods/trial/{name}", "revision": revision, "created": created, "value": value},
        )
    made.append("steps", "judge", at_s=None, instance=None, data={"check": "x", "arguments": {}, "revision": 9})
    return made


def watches(made: History, watch: str, *told: tuple[str, int], since: int = 1) -> None:
    made.append("watch", "watching", at_s=None, instance=None, data={"watch": watch, "code": 200, "revision": since})
    for kind, revision in told:
        data = {"watch": watch, "type": kind, "name": "web", "uid": "u", "revision": revision, "object": {}}
        made.append("watch", "watched", at_s=None, instance=None, data=data)


def writes(made: History, verb: str, code: int, revision: int | None) -> None:
    data = {"request": len(made), "verb": verb, "resource": "pods", "subresource": "", "name": "web", "path": "/pods/web", "body": None}
    asked = made.append("tap/apiserver-0", "request", at_s=None, instance="node-1", data=data)
    answer = {"request": asked["request"], "code": code, "revision": revision, "name": "web"}
    made.append("tap/apiserver-0", "answer", at_s=None, instance="node-1", data=answer)


def test_what_is_told_and_acknowledged_as_it_was_stored_breaks_nothing() -> None:
    made = stored((2, 2, "web"), (3, 2, "web"))
    watches(made, "operator/pods", ("ADDED", 2), ("MODIFIED", 3))
    writes(made, "create", 201, 2)
    writes(made, "update", 200, 3)

    assert found(made) == {}


def test_what_was_told_was_stored() -> None:
    made = stored((2, 2, "web"))
    watches(made, "bob/pods", ("MODIFIED", 4))
    writes(made, "create", 201, 2)

    assert found(made) == {"WATCH-07": ["apiserver-0"]}


def test_what_was_told_is_what_was_stored_at_that_revision() -> None:
    made = stored((2, 2, "web"), (3, 3, "next"))
    watches(made, "bob/pods", ("ADDED", 2), ("MODIFIED", 3))
    writes(made, "create", 201, 2)

    assert found(made, {"WATCH-07"}) == {"WATCH-07": ["apiserver-0"]}


@pytest.mark.parametrize(("node", "broken_rules"), [("node-1", {}), ("node-2", {"WATCH-07": ["apiserver-0"]})])
def test_what_was_told_is_told_as_it_was_stored(node: str, broken_rules: dict[str, list[str]]) -> None:
    made = stored()
    pod = {"kind": "Pod", "metadata": {"namespace": "trial", "name": "web", "uid": "a"}, "spec": {"nodeName": "node-1"}}
    puts(made, "/registry/pods/trial/web", 2, pod)
    made.append("watch", "watching", at_s=None, instance=None, data={"watch": "operator/pods", "code": 200, "revision": 1})
    shown(made, "a", node, 2)

    assert found(made, {"WATCH-07"}) == broken_rules


def test_what_may_still_be_on_its_way_to_the_recorder_is_left_alone() -> None:
    made = stored((2, 2, "web"))
    watches(made, "bob/pods", ("MODIFIED", 10))
    writes(made, "create", 201, 2)
    writes(made, "update", 200, 11)

    assert found(made) == {}


def test_what_was_acknowledged_was_stored() -> None:
    made = stored((2, 2, "web"))
    writes(made, "create", 201, 2)
    writes(made, "patch", 200, 5)

    assert found(made) == {"REQ-18": ["apiserver-0"]}


def test_a_new_object_is_told_as_a_new_one() -> None:
    made = stored((2, 2, "web"), (3, 2, "web"))
    watches(made, "operator/pods", ("MODIFIED", 2), ("MODIFIED", 3))
    writes(made, "create", 201, 2)
    writes(made, "update", 200, 3)

    assert found(made) == {"WATCH-05": ["apiserver-0"]}


def test_a_watch_leaves_nothing_out_and_keeps_the_order() -> None:
    changes = ((2, 2, "web"), (3, 2, "web"), (4, 2, "web"))
    late = {"WATCH-03": ["apiserver-0"]}
    for told, rules in (((2, 3), {}), ((2, 4), late), ((2, 4, 3), late), ((2, 3, 3), late)):
        made = stored(*changes)
        watches(made, "operator/pods", *(("ADDED" if revision == 2 else "MODIFIED", revision) for revision in told))
        for revision in (2, 3, 4):
            writes(made, "create" if revision == 2 else "update", 201, revision)

        assert found(made) == rules


@pytest.mark.parametrize(
    ("query", "told", "rules"),
    [
        ({"resourceVersion": "1"}, (2, 3), {}),
        ({"resourceVersion": "1"}, (3,), {"WATCH-03": ["apiserver-0"]}),
        ({"resourceVersion": "1"}, (2, 5), {"WATCH-03": ["apiserver-0"], "WATCH-07": ["apiserver-0"]}),
        ({"resourceVersion": "1", "fieldSelector": "spec.nodeName=node-1"}, (3,), {}),
        ({"resourceVersion": "1", "sendInitialEvents": "true"}, (3, 2), {}),
        ({}, (3, 2), {}),
    ],
)
def test_components_are_told_everything_after_the_revision_that_they_name(query: Any, told: tuple[int, ...], rules: Any) -> None:
    made = stored((2, 2, "web"), (3, 2, "web"))
    writes(made, "create", 201, 2)
    writes(made, "update", 200, 3)
    asked = {"request": 99, "verb": "watch", "resource": "pods", "group": "", "namespace": "", "name": "", "query": query}
    made.append("tap/apiserver-0", "request", at_s=None, instance="scheduler-0", data=asked)
    made.append("tap/apiserver-0", "answer", at_s=None, instance="scheduler-0", data={"request": 99, "code": 200})
    for revision in told:
        news = {"request": 99, "type": "ADDED" if revision == 2 else "MODIFIED", "name": "web", "revision": revision}
        made.append("tap/apiserver-0", "offered", at_s=None, instance="scheduler-0", data=news)

    assert found(made) == rules


def test_a_watch_begins_with_what_is_there_whenever_it_begins_anew() -> None:
    made = stored((2, 2, "web"), (3, 2, "web"))
    watches(made, "operator/pods", ("ADDED", 2))
    made.append("watch", "watch-broken", at_s=None, instance=None, data={"watch": "operator/pods"})
    made.append(
        "watch",
        "watched",
        at_s=None,
        instance=None,
        data={"watch": "operator/pods", "type": "ADDED", "name": "web", "uid": "u", "revision": 3, "object": {}},
    )
    writes(made, "create", 201, 2)
    writes(made, "update", 200, 3)

    assert found(made) == {}


def test_the_api_server_changes_nothing_by_itself() -> None:
    made = stored((2, 2, "web"), (3, 2, "web"))
    writes(made, "create", 201, 2)

    assert found(made) == {"NOOP-01": ["apiserver-0"]}


def test_that_something_refused_was_stored_is_another_rules() -> None:
    made = stored((2, 2, "web"), (3, 3, "next"))
    writes(made, "create", 403, None)
    writes(made, "create", 201, 3)

    assert "NOOP-01" not in found(made)


@pytest.mark.parametrize(("verb", "asked", "fault"), [("get", "", True), ("connect", "", True), ("connect", "exec", False)])
def test_admission_is_about_writes(verb: str, asked: str, *, fault: bool) -> None:
    made = stored()
    about = {"verb": "create", "resource": "pods", "subresource": asked, "name": "web", "path": "/pods/web", "body": None, "request": 1}
    made.append("tap/apiserver-0", "request", at_s=None, instance="operator", data=about)
    made.append(
        "hooks", "review", at_s=None, instance="apiserver-0", data={"stage": "mutation", "verb": verb, "user": "x", "allowed": True}
    )

    assert found(made, {"REQ-12"}) == ({"REQ-12": ["apiserver-0"]} if fault else {})


def shown(made: History, uid: str, node: str, revision: int) -> None:
    """The operator is shown a pod."""
    data = {"watch": "operator/pods", "type": "MODIFIED", "name": "web", "uid": uid, "revision": revision}
    made.append("watch", "watched", at_s=None, instance=None, data=data | {"object": {"spec": {"nodeName": node}, "metadata": {}}})


def runs(made: History, uid: str, node: str = "node-1") -> None:
    data = {"method": "RunPodSandbox", "uid": uid, "pod": "web", "namespace": "trial"}
    made.append(f"runtime/{node}", "cri", at_s=None, instance=node, data=data)


def test_a_kubelet_runs_its_own_pods() -> None:
    made = history()
    shown(made, "a", "", 2)
    shown(made, "a", "node-1", 3)
    runs(made, "a")
    runs(made, "of-nobody-knows-whom")
    assert found(made) == {}

    shown(made, "b", "node-2", 4)
    runs(made, "b")
    assert found(made) == {"NODE-02": ["node-1"]}


def test_a_pod_stays_where_it_is() -> None:
    made = history()
    shown(made, "a", "node-1", 2)
    shown(made, "b", "node-2", 3)
    assert found(made) == {}

    shown(made, "a", "node-2", 4)
    assert found(made) == {"SCHED-03": ["apiserver-0"]}


def test_everything_lies_where_it_should() -> None:
    made = history()
    value = {"kind": "Pod", "metadata": {"namespace": "trial", "name": "web"}}
    keys = ("/registry/pods/trial/web", "/registry/pods/web", "/elsewhere/x")
    for key, what in zip(keys, (value, value, None), strict=True):
        made.append("store", "put", at_s=None, instance=None, data={"key": key, "revision": 2, "created": 2, "value": what})

    assert found(made) == {"STORE-07": ["apiserver-0"], "STORE-10": ["apiserver-0"]}


def test_several_who_name_no_lease_are_left_alone() -> None:
    made = history(("apiserver-0", "apiserver"), ("scheduler-0", "scheduler"), ("scheduler-1", "scheduler"))
    writes(made, "update", 200, 3)

    assert found(made) == {}


def puts(made: History, key: str, revision: int, value: dict[str, Any]) -> None:
    data = {"key": key, "revision": revision, "created": revision, "value": value}
    made.append("store", "put", at_s=None, instance=None, data=data)


def test_what_a_server_writes_along_is_not_what_was_told() -> None:
    """Two keys in one transaction have one revision."""
    made = stored((2, 2, "web"), (3, 2, "web"))
    writes(made, "create", 201, 2)
    writes(made, "update", 200, 3)
    puts(made, "/registry/ranges/serviceips", 3, {"kind": "RangeAllocation", "metadata": {}})
    watches(made, "operator/pods", ("ADDED", 2), ("MODIFIED", 3))

    assert found(made) == {}


def test_a_kubelet_may_be_told_of_a_binding_before_the_operator() -> None:
    made = history()
    shown(made, "a", "", 2)
    pod = {"kind": "Pod", "metadata": {"namespace": "trial", "name": "web", "uid": "a"}, "spec": {"nodeName": "node-1"}}
    puts(made, "/registry/pods/trial/web", 3, pod)
    runs(made, "a")

    assert "NODE-02" not in found(made)


def test_the_members_of_a_store_talk_to_each_other() -> None:
    made = history(("etcd-0", "etcd"), ("etcd-1", "etcd"), ("apiserver-0", "apiserver"), ("scheduler-0", "scheduler"))
    opens(made, "etcd-0", "etcd-1")

    assert found(made) == {}


def test_the_api_server_does_not_clear_up_what_was_bound() -> None:
    """That somebody has bound a pod does not mean that somebody has deleted it."""
    made = stored((2, 2, "web"))
    writes(made, "create", 201, 2)
    binding = {"verb": "create", "resource": "pods", "subresource": "binding", "name": "web", "path": "/pods/web/binding", "body": None}
    asked = made.append("tap/apiserver-0", "request", at_s=None, instance="scheduler-0", data={"request": 70, **binding})
    bound = {"request": asked["request"], "code": 201, "revision": None, "name": "web"}
    made.append("tap/apiserver-0", "answer", at_s=None, instance="scheduler-0", data=bound)
    gone = {"key": "/registry/pods/trial/web", "revision": 3, "created": None, "value": None}
    made.append("store", "delete", at_s=None, instance=None, data=gone)

    assert found(made, {"NOOP-01"}) == {"NOOP-01": ["apiserver-0"]}


def ends(made: History, name: str) -> None:
    about = {"verb": "delete", "resource": "pods", "subresource": "", "name": name, "path": f"/pods/{name}", "body": None}
    made.append("tap/apiserver-0", "request", at_s=None, instance="scheduler-0", data={"request": len(made), **about})


@pytest.mark.parametrize(("node", "priority", "expected"), [("node-1", 0, True), ("", 0, False), ("node-1", 10, False)])
def test_schedulers_end_pods_for_those_only_that_go_before_them(node: str, priority: int, *, expected: bool) -> None:
    made = history()
    shown(made, "a", node, 2)
    waiting = {"watch": "operator/pods", "type": "ADDED", "name": "next", "uid": "b", "revision": 3}
    made.append("watch", "watched", at_s=None, instance=None, data=waiting | {"object": {"spec": {"priority": priority}, "metadata": {}}})
    ends(made, "web")

    assert found(made, {"SCHED-03"}) == ({"SCHED-03": ["scheduler-0"]} if expected else {})


@pytest.mark.parametrize(("made_for_it", "expected"), [(12, False), (13, True)])
def test_who_makes_pods_without_end_does_not_keep_their_number(made_for_it: int, *, expected: bool) -> None:
    """Two are wanted: a few more may have been made in vain, and not four times as many."""
    made = history(("apiserver-0", "apiserver"), ("manager-0", "controller-manager"))
    shape = {"watch": "operator/replicasets", "type": "ADDED", "name": "web", "uid": "set", "revision": 2}
    made.append("watch", "watched", at_s=None, instance=None, data=shape | {"object": {"spec": {"replicas": 2}, "metadata": {}}})
    for number in range(made_for_it):
        body = {"kind": "Pod", "metadata": {"ownerReferences": [{"uid": "set", "controller": True}]}}
        about = {"verb": "create", "resource": "pods", "subresource": "", "name": "", "path": "/pods", "body": body, "request": number}
        made.append("tap/apiserver-0", "request", at_s=None, instance="manager-0", data=about)
        told = {"request": number, "code": 201, "revision": 10 + number, "name": f"web-{number}"}
        made.append("tap/apiserver-0", "answer", at_s=None, instance="manager-0", data=told)

    assert found(made, {"KCM-02"}) == ({"KCM-02": ["manager-0"]} if expected else {})
