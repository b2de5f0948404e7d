"""Who is to blame where a workload got stuck: whoever had to act next, or the API server that told them nothing. And which pods count."""

from typing import Any

import pytest

from seatrial.checks import judge
from seatrial.model.history import History

ROLES = {"apiserver-0": "apiserver", "controller-manager-0": "controller-manager", "scheduler-0": "scheduler", "node-1": "kubelet"}
WATCHES = {"controller-manager-0": "replicasets", "scheduler-0": "pods", "node-1": "pods"}
Json = dict[str, Any]


def cluster() -> History:
    """Everybody is there and watches."""
    history = History(lambda: 0.0)
    for name, role in ROLES.items():
        history.append("cluster", "instance", at_s=0, instance=name, data={"roles": [role]})
    for number, (name, resource) in enumerate(WATCHES.items()):
        asked = {"request": number, "verb": "watch", "resource": resource}
        history.append("tap/apiserver-0", "request", at_s=0, instance=name, data=asked)
    return history


def see(history: History, resource: str, name: str, spec: Json, *, phase: str = "", kind: str = "ADDED", going: bool = False) -> None:
    meta = {"name": name, "labels": {"app": "web"}} | ({"deletionTimestamp": "2026-01-01T00:00:00Z"} if going else {})
    item = {"metadata": meta, "spec": spec, "status": {"phase": phase} if phase else {}}
    known = {"watch": f"operator/{resource}", "type": kind, "resource": resource, "name": name, "uid": name, "namespace": "trial"}
    history.append("watch", "watched", at_s=0, instance=None, data=known | {"revision": len(history), "object": item})


def tell(history: History, *instances: str) -> None:
    for name in instances:
        history.append("tap/apiserver-0", "offered", at_s=0, instance=name, data={"name": "web-1"})


UNBOUND: Json = {}
BOUND = {"nodeName": "node-1"}


@pytest.mark.parametrize(
    ("replicas", "expected", "observed"),
    [
        (1, "1 pod of web that has become running", "0 of 1 pod has become running"),
        (2, "2 pods of web that have become running", "0 of 2 pods have become running"),
    ],
)
def test_one_pod_is_not_several(replicas: int, expected: str, observed: str) -> None:
    history = cluster()
    see(history, "replicasets", "web", {"replicas": replicas})
    for number in range(replicas):
        see(history, "pods", f"web-{number}", UNBOUND, phase="Pending")
    (finding,) = judge(history, "workloads.reached", {"name": "web", "state": "become running"}).findings

    assert (finding.expected, finding.observed) == (expected, observed)


@pytest.mark.parametrize(
    ("pods", "told", "culprit"),
    [
        ([], ["controller-manager-0"], "controller-manager-0"),
        ([], ["scheduler-0"], "apiserver-0"),
        ([UNBOUND], ["scheduler-0"], "scheduler-0"),
        ([UNBOUND], ["controller-manager-0"], "apiserver-0"),
        ([BOUND], ["node-1"], "node-1"),
        ([BOUND], ["scheduler-0"], "apiserver-0"),
    ],
)
def test_whoever_had_to_act_next_is_to_blame_if_they_were_told(pods: list[Json], told: list[str], culprit: str) -> None:
    history = cluster()
    see(history, "replicasets", "web", {"replicas": 1})
    for number, spec in enumerate(pods, 1):
        see(history, "pods", f"web-{number}", spec, phase="Pending")
    tell(history, *told)

    proof = judge(history, "workloads.reached", {"name": "web", "state": "become running"})

    assert [f.culprit for f in proof.findings] == [culprit]


def test_all_that_are_wanted_run() -> None:
    history = cluster()
    see(history, "replicasets", "web", {"replicas": 1})
    see(history, "pods", "web-1", BOUND, phase="Running")

    assert not judge(history, "workloads.reached", {"name": "web", "state": "become running"}).findings


def test_a_pod_that_does_not_go_is_left_by_its_kubelet() -> None:
    history = cluster()
    see(history, "replicasets", "web", {"replicas": 1})
    see(history, "pods", "web-1", BOUND, phase="Running", going=True)
    see(history, "pods", "web-2", BOUND, phase="Running")
    tell(history, *WATCHES)

    proof = judge(history, "workloads.reached", {"name": "web", "state": "become running"})

    assert [f.culprit for f in proof.findings] == ["node-1"]


@pytest.mark.parametrize(
    ("ender", "at_s", "culprit"),
    [("scheduler-0", -1, "scheduler-0"), ("node-1", -1, "node-1"), ("node-1", 1, "controller-manager-0")],
)
def test_too_few_pods_are_due_to_whoever_asked_for_their_end_though_it_was_not_their_job(ender: str, at_s: float, culprit: str) -> None:
    """A kubelet asks again for what is marked already."""
    history = cluster()
    see(history, "replicasets", "web", {"replicas": 2})
    see(history, "pods", "web-1", BOUND, phase="Running")
    see(history, "pods", "web-2", BOUND, phase="Running", going=True)
    tell(history, *WATCHES)
    asked = {"request": 9, "verb": "delete", "resource": "pods", "name": "web-2"}
    history.append("tap/apiserver-0", "request", at_s=at_s, instance=ender, data=asked)

    assert [f.culprit for f in judge(history, "workloads.count", {"name": "web", "number": 2}).findings] == [culprit]


@pytest.mark.parametrize(("phase", "surplus"), [("Failed", 0), ("Succeeded", 0), ("Running", 1)])
def test_a_pod_that_has_ended_may_be_replaced(phase: str, surplus: int) -> None:
    history = cluster()
    see(history, "replicasets", "web", {"replicas": 1})
    see(history, "pods", "web-1", BOUND)
    see(history, "pods", "web-1", BOUND, phase=phase, kind="MODIFIED")
    see(history, "pods", "web-2", UNBOUND)

    found = judge(history, "replicasets.never_surplus", {"name": "web"}).findings

    assert [f.observed.partition(" at")[0] for f in found] == ["2"] * surplus


@pytest.mark.parametrize(("owner", "counts"), [("ReplicaSet", False), (None, True)])
def test_a_pod_that_has_ended_counts_unless_a_controller_has_to_replace_it(owner: str | None, *, counts: bool) -> None:
    history = cluster()
    see(history, "replicasets", "web", {"replicas": 1})
    see(history, "pods", "web-1", BOUND, phase="Running")
    references = {"ownerReferences": [{"kind": owner, "name": "web", "controller": True}]} if owner else {}
    item = {"metadata": {"name": "web-0", "labels": {"app": "web"}} | references, "spec": BOUND, "status": {"phase": "Failed"}}
    known = {"watch": "operator/pods", "type": "ADDED", "resource": "pods", "name": "web-0", "uid": "web-0", "namespace": "trial"}
    history.append("watch", "watched", at_s=0, instance=None, data=known | {"revision": 9, "object": item})

    assert bool(judge(history, "workloads.reached", {"name": "web", "state": "become running"}).findings) is counts
    assert bool(judge(history, "workloads.count", {"name": "web", "number": 1}).findings) is counts


def test_pods_that_nobody_makes_are_missed() -> None:
    """They were to stay without a node; there is none."""
    history = cluster()
    see(history, "deployments", "web", {"replicas": 1})
    tell(history, "controller-manager-0")

    proof = judge(history, "workloads.stays_unbound", {"name": "web"})

    assert [(f.culprit, f.observed) for f in proof.findings] == [("controller-manager-0", "none")]


def replica_set(history: History, name: str, *, label: str, digest: str, selector: dict[str, Any] | None = None) -> None:
    """Somebody sees one of the deployment."""
    hashed = {"pod-template-hash": digest}
    template = {"metadata": {"labels": {"app": label, **hashed}}, "spec": {"containers": []}}
    owner = {"kind": "Deployment", "name": name, "controller": True}
    meta = {"name": f"{name}-{digest}", "labels": hashed, "ownerReferences": [owner]}
    item = {"metadata": meta, "spec": {"selector": selector or {"matchLabels": hashed}, "template": template}}
    about = {"watch": "operator/replicasets", "type": "ADDED", "resource": "replicasets", "name": meta["name"], "namespace": "trial"}
    history.append("watch", "watched", at_s=0, instance=None, data=about | {"uid": name, "revision": len(history), "object": item})


@pytest.mark.parametrize(("labels", "digest", "fault"), [("shop", "1", True), ("shop", "2", False), ("web", "1", False)])
def test_another_template_has_another_hash(labels: str, digest: str, *, fault: bool) -> None:
    """Two deployments with a ReplicaSet each, whose hash is 1 and `digest`."""
    history = cluster()
    replica_set(history, "web", label="web", digest="1")
    replica_set(history, "shop", label=labels, digest=digest)

    assert bool(judge(history, "replicasets.owned", {"name": "web", "number": 1}).findings) is fault


@pytest.mark.parametrize(
    ("operator", "hashes", "fault"), [("In", ["1"], False), ("In", ["2"], True), ("In", ["1", "2"], True), ("NotIn", ["1"], True)]
)
def test_a_selector_may_ask_for_the_hash_by_an_expression(operator: str, hashes: list[str], *, fault: bool) -> None:
    history = cluster()
    asked = {"matchExpressions": [{"key": "pod-template-hash", "operator": operator, "values": hashes}]}
    replica_set(history, "web", label="web", digest="1", selector=asked)

    assert bool(judge(history, "replicasets.owned", {"name": "web", "number": 1}).findings) is fault


@pytest.mark.parametrize(("asked", "culprit"), [(True, "controller-manager-0"), (False, "apiserver-0")])
def test_a_pod_that_nobody_asked_to_go_was_let_go_by_the_api_server(asked: bool, culprit: str) -> None:
    history = cluster()
    for kind in ("ADDED", "DELETED"):
        see(history, "pods", "web", BOUND, phase="Running", kind=kind)
    tell(history, *ROLES)
    history.append("tap/apiserver-0", "offered", at_s=0, instance="controller-manager-0", data={"name": "web"})
    if asked:
        request = {"request": 9, "verb": "delete", "resource": "pods", "name": "web"}
        history.append("tap/apiserver-0", "request", at_s=0, instance="operator", data=request)

    assert [f.culprit for f in judge(history, "workloads.count", {"name": "web", "number": 1}).findings] == [culprit]
