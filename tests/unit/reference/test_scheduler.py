"""Placement as pure functions, and the scheduler against a little API server."""

from collections.abc import Callable
from typing import Any

import pytest

from seatrial_reference import scheduler
from seatrial_reference.machinery.quantity import quantity
from seatrial_reference.scheduler.placement import Place, filter_places, pick, reasons_against, score

Json = dict[str, Any]
READY = [{"type": "Ready", "status": "True"}]


def node(name: str = "n1", *, ready: bool = True, labels: Json | None = None, cpu: str = "4", pods: str = "110", **spec: Any) -> Json:
    conditions = READY if ready else []
    allocatable = {"cpu": cpu, "memory": "8Gi", "pods": pods}
    return {
        "metadata": {"name": name, "labels": labels or {}},
        "spec": spec,
        "status": {"conditions": conditions, "allocatable": allocatable},
    }


def pod(name: str = "p", *, cpu: str = "", owner: str = "", **spec: Any) -> Json:
    resources = {"requests": {"cpu": cpu}} if cpu else {}
    meta: Json = {"name": name, "namespace": "default", "uid": name}
    meta |= {"ownerReferences": [{"uid": owner, "controller": True}]} if owner else {}
    return {"metadata": meta, "spec": {"containers": [{"name": "main", "resources": resources}]} | spec}


TAINT = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("a_pod", "a_node", "why"),
    [
        (pod(), node(), ""),
        (pod(), node(ready=False), "not ready"),
        (pod(), node(unschedulable=True), "unschedulable"),
        (pod(), node(taints=[TAINT]), "untolerated"),
        (pod(), node(taints=[TAINT | {"effect": "PreferNoSchedule"}]), ""),
        (pod(tolerations=[{"key": "dedicated", "value": "gpu"}]), node(taints=[TAINT]), ""),
        (pod(tolerations=[{"key": "dedicated", "value": "cpu"}]), node(taints=[TAINT]), "untolerated"),
        (pod(tolerations=[{"operator": "Exists"}]), node(taints=[TAINT]), ""),
        (pod(tolerations=[{"key": "dedicated", "operator": "Exists", "effect": "NoExecute"}]), node(taints=[TAINT]), "untolerated"),
        (pod(nodeSelector={"disk": "ssd"}), node(), "selector"),
        (pod(nodeSelector={"disk": "ssd"}), node(labels={"disk": "ssd"}), ""),
        (pod(cpu="4"), node(), ""),
        (pod(cpu="4001m"), node(), "Insufficient cpu"),
        (pod(), node(pods="0"), "Too many pods"),
    ],
)
def test_a_node_says_why_not(a_pod: Json, a_node: Json, why: str) -> None:
    reasons = reasons_against(a_pod, Place(node=a_node))
    assert [r for r in reasons if why in r] if why else not reasons


def test_what_is_there_takes_room() -> None:
    place = Place(node=node(), pods=(pod("a", cpu="3"),))
    assert filter_places(pod(cpu="1"), [place])[0] == [place]
    assert filter_places(pod(cpu="1100m"), [place])[1] == {"Insufficient cpu": 1}


def test_free_capacity_wins() -> None:
    places = [Place(node=node("small")), Place(node=node("large", cpu="64"))]
    assert pick(score(pod(cpu="1"), places), after="").name == "large"


def test_replicas_avoid_each_other() -> None:
    places = [Place(node=node("large", cpu="64"), pods=(pod("a", owner="rs"),)), Place(node=node("small"))]
    assert pick(score(pod(owner="rs"), places), after="").name == "small"


def test_equals_are_taken_in_turn() -> None:
    places = [(Place(node=node(name)), 7) for name in ("b", "c", "a")]
    after, chosen = "", []
    for _ in range(5):
        after = pick(places, after=after).name
        chosen.append(after)
    assert chosen == ["a", "b", "c", "a", "b"]


@pytest.mark.parametrize(
    ("text", "value"), [("100m", "0.1"), ("2", "2"), ("1Ki", "1024"), ("1.5Gi", "1610612736"), ("1e3", "1000"), ("1M", "1000000")]
)
def test_quantities(text: str, value: str) -> None:
    assert quantity(text) == quantity(value)


def node_of(api: Any, name: str) -> str:
    return str(api.objects[f"/api/v1/namespaces/default/pods/{name}"]["spec"].get("nodeName", ""))


def test_pods_are_bound_once_each_and_evenly(play: Callable[..., Any]) -> None:
    async def scene(world: Any) -> None:
        await world.node("n1")
        await world.node("n2")
        world.start(scheduler.main([world.kubeconfig, "--leader-elect=false"], world.context))
        for i in range(6):
            await world.pod(f"p{i}")
        await world.api.until(lambda: all(node_of(world.api, f"p{i}") for i in range(6)))
        assert len(world.api.seen("create", "/binding")) == 6
        assert sorted(node_of(world.api, f"p{i}") for i in range(6)) == ["n1"] * 3 + ["n2"] * 3
        await world.api.until(lambda: len(world.api.of("events")) == 6)

    play(scene)


def test_a_pod_waits_for_a_node_and_says_why(play: Callable[..., Any]) -> None:
    async def scene(world: Any) -> None:
        await world.pod("p")
        await world.pod("other", schedulerName="mine")
        world.start(scheduler.main([world.kubeconfig, "--leader-elect=false"], world.context))
        path = "/api/v1/namespaces/default/pods/p"
        await world.api.until(lambda: world.api.objects[path]["status"].get("conditions"))
        assert world.api.objects[path]["status"]["conditions"][0]["reason"] == "Unschedulable"
        await world.node()
        await world.api.until(lambda: node_of(world.api, "p") == "node-1")
        assert world.api.seen("patch") == [f"{path}/status"]
        assert not node_of(world.api, "other")

    play(scene)


def test_a_binding_that_failed_is_tried_again(play: Callable[..., Any]) -> None:
    async def scene(world: Any) -> None:
        refusals = iter([500, 500, 0])
        world.api.fail = lambda _, path: next(refusals, 0) if path.endswith("/binding") else 0
        await world.node()
        await world.pod("p")
        world.start(scheduler.main([world.kubeconfig, "--leader-elect=false"], world.context))
        await world.api.until(lambda: node_of(world.api, "p"))
        assert len(world.api.seen("create", "/binding")) == 3

    play(scene)


def test_a_standby_writes_nothing_and_takes_over(play: Callable[..., Any]) -> None:
    async def scene(world: Any) -> None:
        times = ["--leader-elect-lease-duration=400ms", "--leader-elect-renew-deadline=300ms", "--leader-elect-retry-period=50ms"]
        first = world.start(scheduler.main([world.kubeconfig, *times], world.context))
        await world.api.until(lambda: world.api.of("leases"))
        world.start(scheduler.main([world.kubeconfig, *times], world.context))
        await world.node()
        await world.pod("p")
        await world.api.until(lambda: node_of(world.api, "p"))
        holder = world.api.of("leases")[0]["spec"]["holderIdentity"]
        first.cancel()
        await world.api.until(lambda: world.api.of("leases")[0]["spec"]["holderIdentity"] not in {holder, ""})
        assert world.api.of("leases")[0]["spec"]["leaseTransitions"] == 1
        await world.pod("q")
        await world.api.until(lambda: node_of(world.api, "q"))
        assert len(world.api.seen("create", "/binding")) == 2

    play(scene)


def test_a_leader_that_cannot_renew_exits_with_status_1(play: Callable[..., Any]) -> None:
    async def scene(world: Any) -> None:
        times = ["--leader-elect-lease-duration=400ms", "--leader-elect-renew-deadline=200ms", "--leader-elect-retry-period=50ms"]

        async def status() -> int | str | None:
            try:
                await scheduler.main([world.kubeconfig, *times], world.context)
            except SystemExit as end:
                return end.code
            return None

        leader = world.start(status())
        await world.api.until(lambda: world.api.of("leases"))
        world.api.held.clear()
        assert await leader == 1
        world.api.held.set()

    play(scene)
