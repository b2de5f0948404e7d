"""What is done in an unusual way, and lawfully, is no fault; what looks like it and is unlawful still is one."""

from typing import Any

import pytest

from seatrial.checks import judge
from seatrial.checks.runtime import STATIC
from seatrial.model.errors import Inconclusive
from seatrial.model.history import History

POD = {"metadata": {"name": "web-1", "namespace": "trial", "uid": "u-1", "labels": {"app": "web"}}, "kind": "Pod"}
Line = tuple[str, str, str | None, dict[str, Any]]
ROLES = {"apiserver-0": "apiserver", "scheduler-0": "scheduler", "controller-manager-0": "controller-manager", "node-1": "kubelet"}


def findings(check: str, arguments: dict[str, Any], *lines: Line) -> list[str]:
    history = History(lambda: 0.0)
    for name, role in ROLES.items():
        history.append("cluster", "instance", at_s=None, instance=name, data={"roles": [role], "lease": None})
    for number, (source, kind, instance, data) in enumerate(lines):
        history.append(source, kind, at_s=float(number), instance=instance, data=data)
    return [f.observed for f in judge(history, check, arguments).findings]


def done(who: str, verb: str, *, number: int, code: int = 200, revision: int = 5, resource: str = "pods", sub: str = "") -> list[Line]:
    """A request about the pod, and its answer."""
    named = {"name": "" if verb in {"list", "watch"} else "web-1", "namespace": "trial", "resource": resource, "subresource": sub}
    about = named | {"request": number, "verb": verb, "body": None, "path": f"/{resource}", "query": {}, "user": who}
    return [
        ("tap", "request", who, about),
        ("tap", "answer", who, {"request": number, "code": code, "name": named["name"], "revision": revision}),
    ]


def watched(resource: str, item: dict[str, Any], revision: int, *, by: str = "operator", kind: str = "ADDED") -> Line:
    meta = item["metadata"]
    about = {"watch": f"{by}/{resource}", "type": kind, "resource": resource, "namespace": "trial", "name": meta["name"]}
    return "watch", "watched", None, about | {"uid": meta["uid"], "revision": revision, "object": item}


@pytest.mark.parametrize(("verb", "code", "fault"), [("create", 201, False), ("patch", 201, False), ("patch", 200, True)])
def test_a_pod_may_be_made_by_applying_it(verb: str, code: int, *, fault: bool) -> None:
    lines = [*done("controller-manager-0", verb, number=1, code=code), watched("pods", POD, 5)]

    assert bool(findings("chain.created_by", {"name": "web", "role": "controller-manager"}, *lines)) is fault


@pytest.mark.parametrize(("ended", "listed", "fault"), [(True, 6, False), (True, 4, True), (False, 6, True)])
def test_a_list_that_makes_up_for_an_ended_watch_tells_of_a_pod(*, ended: bool, listed: int, fault: bool) -> None:
    end: Line = ("tap", "stream-end", "scheduler-0", {"request": 1, "who": "client"})
    lines = [*done("scheduler-0", "watch", number=1), watched("pods", POD, 5), watched("nodes", POD, 6)]
    lines += [end] if ended else []
    lines += [*done("scheduler-0", "list", number=2, revision=listed), *done("scheduler-0", "create", number=3, sub="binding")]

    assert bool(findings("requests.told_before_binding", {"name": "web-1"}, *lines)) is fault


@pytest.mark.parametrize(("watches", "fault"), [(True, False), (False, True)])
def test_the_list_with_which_a_watch_begins_tells_of_a_pod(*, watches: bool, fault: bool) -> None:
    """Who holds its lease may still be listing."""
    lines = [watched("pods", POD, 5), *done("scheduler-0", "list", number=1, revision=6)]
    lines += done("scheduler-0", "watch", number=2) if watches else []
    lines += done("scheduler-0", "create", number=3, sub="binding")

    assert bool(findings("requests.told_before_binding", {"name": "web-1"}, *lines)) is fault


@pytest.mark.parametrize(
    ("who", "said", "fault"), [("scheduler-0", "why", False), ("scheduler-0", "phase", True), ("node-1", "phase", False)]
)
def test_of_a_bound_pod_the_scheduler_says_how_it_was_placed_and_nothing_else(who: str, said: str, *, fault: bool) -> None:
    reason: dict[str, Any] = {"conditions": [{"type": "PodScheduled", "status": "True", "reason": "because"}]}
    status = {"phase": "Pending", **reason} if said == "why" else {"phase": "Running"}

    def put(revision: int, spec: dict[str, Any], status: dict[str, Any]) -> Line:
        value = POD | {"spec": spec, "status": status}
        return "store", "put", None, {"key": "/registry/pods/trial/web-1", "revision": revision, "head": None, "value": value}

    versions = [put(4, {}, {"phase": "Pending"}), put(5, {"nodeName": "node-1"}, {"phase": "Pending"})]
    lines = [*versions, *done(who, "patch", number=1, revision=6, sub="status"), put(6, {"nodeName": "node-1"}, status)]

    assert bool(findings("statuses.joined", {"name": "web"}, *lines)) is fault


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"state": {"running": {}}}, True),
        ({"state": {"terminated": {"exitCode": 1}}}, False),
        ({"state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1}}, "restartCount": 1}, False),
        ({"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 1}, False),
    ],
)
def test_that_a_container_has_ended_must_be_said(said: dict[str, Any], *, fault: bool) -> None:
    value = POD | {"spec": {"nodeName": "node-1"}, "status": {"phase": "Running", "containerStatuses": [{"name": "main", **said}]}}
    first = value | {"status": {"phase": "Pending"}}
    lines: list[Line] = [
        ("store", "put", None, {"key": "/registry/pods/trial/web-1", "revision": 5, "head": None, "value": first}),
        *done("node-1", "patch", number=1, revision=6, sub="status"),
        ("store", "put", None, {"key": "/registry/pods/trial/web-1", "revision": 6, "head": None, "value": value}),
        ("runtime/node-1", "container-exited", "node-1", {"pod": "web-1", "uid": POD["metadata"]["uid"], "container": "main", "code": 1}),
    ]

    assert bool(findings("statuses.joined", {"name": "web"}, *lines)) is fault


@pytest.mark.parametrize(
    ("made", "state", "fault"),
    [
        (["main", "side"], {"waiting": {"reason": "ContainerCreating"}}, False),
        (["main"], {"waiting": {"reason": "ContainerCreating"}}, True),
        (["main", "side"], {"running": {}}, True),
    ],
)
def test_a_pod_runs_once_all_its_containers_are_made_though_none_of_them_does(
    made: list[str], state: dict[str, Any], *, fault: bool
) -> None:
    spec = {"nodeName": "node-1", "containers": [{"name": "main"}, {"name": "side"}]}
    first, status = (
        POD | {"spec": spec, "status": {"phase": "Pending"}},
        {"phase": "Running", "containerStatuses": [{"name": "main", "state": state}]},
    )
    about = {"pod": "web-1", "uid": POD["metadata"]["uid"]}
    lines: list[Line] = [
        ("store", "put", None, {"key": "/registry/pods/trial/web-1", "revision": 5, "head": None, "value": first}),
        *(("runtime/node-1", "cri", "node-1", about | {"method": "CreateContainer", "container": name}) for name in made),
        *done("node-1", "patch", number=1, revision=6, sub="status"),
        ("store", "put", None, {"key": "/registry/pods/trial/web-1", "revision": 6, "head": None, "value": first | {"status": status}}),
        *(("runtime/node-1", "cri", "node-1", about | {"method": "StartContainer", "container": name}) for name in ("main", "side")),
        *done("node-1", "patch", number=2, revision=7, sub="status"),
    ]

    assert any("before" in found for found in findings("statuses.joined", {"name": "web"}, *lines)) is fault


def config(name: str, *, namespace: str = "trial", labels: dict[str, str] | None = None) -> dict[str, Any]:
    return {"kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace, "uid": f"uid of {name}", "labels": labels or {}}}


def made(name: str, number: int) -> list[Line]:
    """Somebody creates a configmap."""
    about = {"user": "alice", "method": "POST", "path": MAPS}
    body = config(name)
    body["metadata"]["resourceVersion"] = str(number)
    return [
        ("people", "asked", None, about | {"body": config(name)}),
        ("people", "told", None, about | {"asked": 0, "code": 201, "body": body}),
    ]


MAPS = "/api/v1/namespaces/trial/configmaps"


def got(path: str, body: dict[str, Any]) -> Line:
    return "people", "told", None, {"user": "bob", "method": "GET", "path": path, "asked": 0, "code": 200, "body": body}


@pytest.mark.parametrize(
    ("other", "fault"), [(config("facts"), False), (config("facts", namespace="harbour"), True), (config("invented"), True)]
)
def test_what_others_put_into_the_namespace_may_be_listed(other: dict[str, Any], *, fault: bool) -> None:
    mine, there = made("one", 3), config("facts")
    body = mine[1][3]["body"]
    put: Line = ("store", "put", None, {"key": "/registry/configmaps/trial/facts", "revision": 2, "value": there})
    lines = [put, *mine, got("/one", body), got(MAPS, {"items": [body, other], "metadata": {}})]

    assert bool(findings("answers.each_read", {"names": ["one"], "alone": ["one"], "reader": "bob"}, *lines)) is fault


@pytest.mark.parametrize(("name", "fault"), [("facts", False), ("invented", True)])
def test_what_others_put_there_is_told_by_its_key_where_it_cannot_be_read(name: str, *, fault: bool) -> None:
    mine = made("one", 3)
    body = mine[1][3]["body"]
    puts = [
        ("store", "put", None, {"key": f"/registry/configmaps/{k}", "value": v}) for k, v in (("trial/facts", None), ("trial/one", body))
    ]
    lines = [*puts, *mine, got("/one", body), got(MAPS, {"items": [body, config(name)], "metadata": {}})]

    assert bool(findings("answers.each_read", {"names": ["one"], "alone": ["one"], "reader": "bob"}, *lines)) is fault


@pytest.mark.parametrize(
    ("listed", "fault"), [([], True), ([config("one")], False), ([config("one"), config("two", namespace="far")], False)]
)
def test_a_list_of_all_namespaces_shows_what_is_in_one(listed: list[dict[str, Any]], *, fault: bool) -> None:
    mine = made("one", 3)
    body = mine[1][3]["body"]
    everywhere = [item | {"metadata": item["metadata"] | {"resourceVersion": "3"}} for item in listed]
    lines = [*mine, got("/one", body), got("/api/v1/configmaps", {"items": everywhere, "metadata": {}})]

    assert bool(findings("answers.each_read", {"names": ["one"], "alone": ["one"], "reader": "bob"}, *lines)) is fault


@pytest.mark.parametrize(
    ("stored", "heard", "fault"),
    [(True, [], False), (True, [("facts", 4)], False), (True, [("facts", 5)], True), (False, [("facts", 4)], False)],
)
def test_of_what_others_make_watchers_need_not_be_told(heard: list[tuple[str, int]], *, stored: bool, fault: bool) -> None:
    """Who watches by label is not told of it; of what was not stored nobody may be told."""
    began: Line = ("watch", "watching", None, {"watch": "bob/configmaps", "code": 200, "revision": 2})

    def put(name: str, revision: int) -> Line:
        key = f"/registry/configmaps/trial/{name}"
        return "store", "put", None, {"key": key, "revision": revision, "created": revision, "value": config(name)}

    lines = [began, *made("one", 3), *([put("one", 3), put("facts", 4)] if stored else [])]
    lines += [watched("configmaps", config(name), revision, by="bob") for name, revision in [("one", 3), *heard]]
    arguments = {"watchers": ["bob/configmaps"], "kind": "ConfigMap", "resource": "configmaps", "namespace": "trial"}

    assert bool(findings("watching.complete", arguments, *lines)) is fault


def sandbox(pod: str, uid: str, namespace: str) -> Line:
    return "runtime", "cri", "node-1", {"method": "RunPodSandbox", "pod": pod, "uid": uid, "namespace": namespace, "container": None}


def on_node(name: str, *, namespace: str = "trial", annotations: dict[str, str] | None = None, node: str = "node-1") -> Line:
    meta = {"name": name, "namespace": namespace, "uid": f"uid of {name}", "annotations": annotations or {}}
    source, kind, instance, about = watched("pods", {"metadata": meta, "spec": {"nodeName": node}}, 5)
    return source, kind, instance, about | {"namespace": namespace}


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ([on_node("proxy", namespace="kube-system"), sandbox("proxy", "uid of proxy", "kube-system")], False),
        ([on_node("static", namespace="kube-system", annotations={STATIC: "hash"}), sandbox("static", "hash", "kube-system")], False),
        ([on_node("static", namespace="kube-system", annotations={STATIC: "hash"}), sandbox("far", "uid of far", "trial")], True),
        ([on_node("far", node="node-2"), sandbox("far", "uid of far", "trial")], True),
    ],
)
def test_a_node_may_run_what_belongs_to_the_cluster(lines: list[Line], *, fault: bool) -> None:
    mine = [on_node("near"), sandbox("near", "uid of near", "trial")]

    assert bool(findings("runtime.only", {"node": "node-1", "name": "near"}, *mine, *lines)) is fault


def test_whoever_looks_after_its_own_health_talks_to_nobody() -> None:
    def opened(source: str, target: str, port: int) -> Line:
        return "flows", "open", None, {"link": port, "origin": source, "target": target, "port": port, "sport": port}

    own, server = opened("node-1", "node-1", 10248), opened("node-1", "apiserver-0", 6443)
    canaries: list[Line] = []
    for number, (name, role) in enumerate(ROLES.items()):
        if role != "apiserver":
            canaries += [("cluster", "canary", name, {"sport": 100 + number}), opened(name, "apiserver-0", 100 + number)]
    lines = [server, *canaries, *(line for who in ROLES for line in done(who, "get", number=len(who)))]

    assert findings("edges.only_through", {"hub": "apiserver"}, own, *lines) == []
    assert findings("edges.only_through", {"hub": "apiserver"}, opened("node-1", "scheduler-0", 10259), *lines) != []


@pytest.mark.parametrize(("later", "fault"), [({"generation": 2}, False), ({"uid": "another"}, True)])
def test_an_object_is_as_it_was_whatever_the_server_notes_about_it(later: dict[str, Any], *, fault: bool) -> None:
    mine = made("one", 3)
    mine[1][3]["asked"] = 0
    body = mine[1][3]["body"]
    body["metadata"] |= {"selfLink": "/one", "generation": 1}
    read = body | {"metadata": {k: v for k, v in body["metadata"].items() if k != "selfLink"} | later}

    assert bool(findings("answers.read_back", {"writers": ["alice"], "reader": "bob"}, *mine, got("/one", read))) is fault


def stored(name: str, revision: int, *, created: int, kind: str = "put", folder: str = "pods", **metadata: str) -> Line:
    value = {"kind": "Pod", "metadata": {"name": name, "namespace": "trial", "uid": f"uid of {name}"} | metadata}
    key = f"/registry/{folder}/trial/{name}"
    return "store", kind, None, {"key": key, "revision": revision, "created": created, "value": value if kind == "put" else None}


@pytest.mark.parametrize(("sub", "fault"), [("eviction", False), ("status", True)])
def test_a_pod_may_go_because_it_was_evicted(sub: str, *, fault: bool) -> None:
    ready: Line = ("steps", "mark", None, {"name": "ready", "revision": 1})
    evicted = [
        ("tap", kind, who, about | {"revision": None, "group": ""}) for _, kind, who, about in done("node-1", "create", number=1, sub=sub)
    ]
    lines = [stored("web-1", 5, created=2, deletionTimestamp="now"), stored("web-1", 6, created=0, kind="delete")]

    assert bool(findings("holds.joined", {}, ready, *evicted, *lines)) is fault


@pytest.mark.parametrize(("roles", "judged"), [(["apiserver"], True), (["apiserver", "scheduler"], False)])
def test_who_is_in_the_api_server_s_process_need_not_be_seen_asking(roles: list[str], *, judged: bool) -> None:
    played_by = {"apiserver-0": roles, "node-1": ["kubelet"]}
    history = History(lambda: 0.0)
    for name, played in played_by.items():
        history.append("cluster", "instance", at_s=None, instance=name, data={"roles": played, "lease": None})
    history.append("steps", "mark", at_s=None, instance=None, data={"name": "ready", "revision": 1})
    for source, kind, instance, data in (*done("node-1", "get", number=1), stored("web-1", 5, created=2)):
        history.append(source, kind, at_s=None, instance=instance, data=data)

    if judged:
        assert judge(history, "holds.joined", {}).findings
        return
    with pytest.raises(Inconclusive, match="need not ask where a tap sees it"):
        judge(history, "holds.joined", {})


@pytest.mark.parametrize(("folder", "fault"), [("events", False), ("pods", True)])
def test_events_end_by_themselves_when_their_time_is_over(folder: str, *, fault: bool) -> None:
    marks: list[Line] = [("steps", "mark", None, {"name": name, "revision": at}) for name, at in (("quiet", 5), ("quiet-end", 9))]
    lines = [stored("web-1", 4, created=4, folder=folder), stored("web-1", 7, created=0, kind="delete", folder=folder)]

    assert bool(findings("holds.silent_store", {"since": "quiet", "until": "quiet-end"}, *marks, *lines)) is fault


def page(names: list[str], *, more: str = "") -> list[Line]:
    about = {"user": "bob", "method": "GET", "path": ""}
    body = {"items": [config(name) for name in names], "metadata": {"resourceVersion": "9"} | ({"continue": more} if more else {})}
    return [
        ("people", "asked", None, about | {"params": {"limit": "1"}}),
        ("people", "told", None, about | {"asked": 4 if names[0] == "one" else 6, "code": 200, "body": body}),
    ]


@pytest.mark.parametrize(("pages", "fault"), [([["one", "two"]], False), ([["one"], ["two"]], False), ([["one", "two"], ["two"]], True)])
def test_a_server_may_answer_with_everything_at_once(pages: list[list[str]], *, fault: bool) -> None:
    """Without a token: one that begins with pages goes on with pages."""
    lines = [*made("one", 3), *made("two", 4)]
    lines += [line for names in pages for line in page(names, more="" if names is pages[-1] else "here")]

    assert bool(findings("answers.pages", {"names": ["one", "two"], "reader": "bob", "size": 1}, *lines)) is fault


@pytest.mark.parametrize(("later", "fault"), [({"managedFields": [], "selfLink": "/here"}, False), ({"labels": {"a": "b"}}, True)])
def test_what_a_server_notes_on_an_object_may_differ_with_each_answer(later: dict[str, Any], *, fault: bool) -> None:
    mine = made("one", 3)
    body = mine[1][3]["body"]
    body["metadata"] |= {"managedFields": [{"manager": "alice"}]}
    read = body | {"metadata": body["metadata"] | later}
    lines = [*mine, got("/one", read), got("", {"items": [read], "metadata": {}})]

    assert bool(findings("answers.each_read", {"names": ["one"], "alone": ["one"], "reader": "bob"}, *lines)) is fault


@pytest.mark.parametrize(("kept", "fault"), [({"weather": "calm"}, False), ({}, True)])
def test_defaults_may_be_added_to_every_answer_and_not_stored(kept: dict[str, str], *, fault: bool) -> None:
    mine = made("one", 3)
    mine[0][3]["body"]["data"] = {"weather": "calm"}
    mine[1][3]["body"] |= {"data": {"weather": "calm"}, "immutable": False}
    put: Line = ("store", "put", None, {"key": "/registry/configmaps/trial/one", "revision": 3, "value": config("one") | {"data": kept}})

    assert bool(findings("pipeline.kept", {"user": "alice"}, *mine, put)) is fault
