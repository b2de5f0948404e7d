"""Attempts count: whoever asks for what is not their job has meddled, though they were refused."""

from typing import Any

from seatrial.checks import judge
from seatrial.model.history import History

ROLES = {"apiserver-0": "apiserver", "scheduler-0": "scheduler", "controller-manager-0": "controller-manager", "node-1": "kubelet"}
Line = tuple[str, str, str | None, dict[str, Any]]


def culprits(check: str, arguments: dict[str, Any], *lines: Line) -> list[str]:
    history = History(lambda: 0.0)
    for name, role in ROLES.items():
        history.append("cluster", "instance", at_s=None, instance=name, data={"roles": [role], "lease": None})
    for source, kind, instance, data in lines:
        history.append(source, kind, at_s=None, instance=instance, data=data)
    return [f.culprit for f in judge(history, check, arguments).findings]


def seen(resource: str, name: str, *, uid: str = "", node: str = "", **spec: Any) -> Line:
    meta = {"name": name, "labels": {"app": "web"}}
    item = {"metadata": meta, "spec": spec | ({"nodeName": node} if node else {})}
    about = {"watch": f"operator/{resource}", "type": "ADDED", "resource": resource, "namespace": "trial", "name": name, "revision": 1}
    return "watch", "watched", None, about | {"uid": uid or name, "object": item}


def asked(instance: str, verb: str, resource: str, name: str = "", *, subresource: str = "", query: Any = None, number: int = 1) -> Line:
    body = {"metadata": {"name": name, "labels": {"app": "web"}}}
    about = {"request": number, "verb": verb, "resource": resource, "subresource": subresource, "name": name, "body": body}
    return "tap", "request", instance, about | {"namespace": "trial", "path": f"/{resource}/{name}", "query": query or {}}


def granted(instance: str, name: str = "", number: int = 1) -> Line:
    return "tap", "answer", instance, {"request": number, "code": 201, "name": name, "revision": 1}


def ran(pod: str) -> list[Line]:
    calls = (("RunPodSandbox", None), ("CreateContainer", "main"), ("StartContainer", "main"))
    return [("runtime", "cri", "node-1", {"method": m, "pod": pod, "uid": pod, "container": c}) for m, c in calls]


def test_whoever_tries_to_make_pods_has_meddled() -> None:
    itself = seen("replicasets", "web")

    assert culprits("workloads.nothing_made", {"name": "web"}, itself) == []
    assert culprits("workloads.nothing_made", {"name": "web"}, itself, asked("scheduler-0", "create", "pods")) == ["scheduler-0"]
    assert culprits("workloads.nothing_made", {"name": "web"}, itself, asked("scheduler-0", "create", "events")) == []


def test_whoever_tries_to_bind_has_meddled_unless_it_is_a_scheduler() -> None:
    def judged(who: str) -> list[str]:
        binding = asked(who, "create", "pods", "web", subresource="binding")
        return culprits("workloads.stays_unbound", {"name": "web"}, seen("pods", "web"), binding)

    assert judged("node-1") == ["node-1"]
    assert judged("scheduler-0") == []


def test_pods_are_created_by_their_makers_and_nobody_else_tries() -> None:
    made = [seen("pods", "web-1"), asked("controller-manager-0", "create", "pods", "web-1"), granted("controller-manager-0", "web-1")]
    arguments = {"name": "web", "role": "controller-manager"}

    assert culprits("chain.created_by", arguments, *made) == []
    assert culprits("chain.created_by", arguments, *made, asked("node-1", "create", "pods", number=2)) == ["node-1"]
    assert culprits("chain.created_by", arguments, seen("pods", "web-1")) == ["apiserver-0"]


def test_a_kubelet_leaves_the_pods_of_others_alone() -> None:
    arguments = {"node": "node-1", "name": "near"}
    mine = [seen("pods", "near", node="node-1"), seen("pods", "far", node="node-2"), *ran("near")]
    binding = asked("node-1", "create", "pods", "near", subresource="binding")

    assert culprits("runtime.only", arguments, *mine, asked("node-1", "patch", "pods", "near", subresource="status")) == []
    assert culprits("runtime.only", arguments, *mine, asked("node-1", "create", "pods", "static-node-1")) == []
    assert culprits("runtime.only", arguments, *mine, asked("node-1", "patch", "pods", "far", subresource="status")) == ["node-1"]
    assert culprits("runtime.only", arguments, *mine, binding) == ["node-1"]


def test_each_container_is_started() -> None:
    arguments = {"node": "node-1", "name": "web"}
    one, two = ({"containers": [{"name": n} for n in names]} for names in (["main"], ["main", "side"]))
    side = [("runtime", "cri", "node-1", {"method": m, "pod": "web", "uid": "web", "container": "side"}) for m in ("CreateContainer",)]

    assert culprits("runtime.ran", arguments, seen("pods", "web", **one), *ran("web")) == []
    assert culprits("runtime.ran", arguments, seen("pods", "web", **two), *ran("web")) == ["node-1"]
    assert culprits("runtime.ran", arguments, seen("pods", "web", **two), *ran("web"), *side) == ["node-1"]
    assert culprits("runtime.ran", arguments, seen("pods", "web", **one), *reversed(ran("web"))) == ["node-1"]


def test_a_kubelet_lists_the_pods_of_its_node_only() -> None:
    arguments = {"instance": "node-1", "own": "left", "other": "right"}
    told: Line = ("tap", "delivered", "node-1", {"resource": "pods", "name": "left", "request": 9})
    narrow, wide = {"fieldSelector": "spec.nodeName=node-1"}, {"labelSelector": "app=web"}

    def judged(query: Any) -> list[str]:
        return culprits("requests.told_only", arguments, told, asked("node-1", "list", "pods", query=query), granted("node-1"))

    assert judged(narrow) == []
    assert judged(wide) == ["node-1"]


def test_no_more_pods_are_ended_than_the_number_falls_by() -> None:
    ends = [asked("controller-manager-0", "delete", "pods", f"web-{n}", number=n) for n in range(3)]
    pods = [seen("pods", f"web-{n}") for n in range(3)]
    made = [asked("controller-manager-0", "create", "pods", f"web-{n}", number=10 + n) for n in range(3)]
    answered = [granted("controller-manager-0", f"web-{n}", number=10 + n) for n in range(3)]

    def judged(*numbers: int, by_others: int = 0) -> list[str]:
        sets = [seen("replicasets", "web", replicas=number) for number in numbers]
        return culprits("replicasets.never_surplus", {"name": "web"}, *sets, *pods, *ends, *made[by_others:], *answered[by_others:])

    assert judged(5, 2) == []
    assert judged(5, 3) == ["controller-manager-0"]
    assert judged(3, 5) == ["controller-manager-0"]
    assert "controller-manager-0" not in judged(5, 3, by_others=1), "what others made has to go"
