"""Rollout arithmetic, and the controllers against a little API server."""

from collections.abc import Callable
from typing import Any

import pytest

from seatrial_reference import controller_manager
from seatrial_reference.controller_manager.rollout import Part, Strategy, plan, same_template, strategy, template_hash

Play = Callable[..., Any]
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
SETS = "/apis/apps/v1/namespaces/default/replicasets"
PODS = "/api/v1/namespaces/default/pods"


def template(image: str = "i", **labels: str) -> Any:
    return {"metadata": {"labels": {"app": "web"} | labels}, "spec": {"containers": [{"name": "main", "image": image}]}}


def deployment(replicas: int = 3, image: str = "i", **spec: Any) -> Any:
    selector = {"matchLabels": {"app": "web"}}
    own = {"replicas": replicas, "selector": selector, "template": template(image)} | spec
    return {"metadata": {"name": "web", "namespace": "default"}, "spec": own}


def replica_set(replicas: int = 3) -> Any:
    return deployment(replicas)


def sets(api: Any) -> list[Any]:
    return list(api.of("replicasets"))


def alive(api: Any) -> list[Any]:
    return [p for p in api.of("pods") if "deletionTimestamp" not in p["metadata"]]


async def make_ready(api: Any) -> None:
    for pod in alive(api):
        if not pod.get("status"):
            conditions = [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]
            await api.store(f"{PODS}/{pod['metadata']['name']}", pod | {"status": {"phase": "Running", "conditions": conditions}})


@pytest.mark.parametrize(
    ("new", "old", "next_"),
    [
        (Part(name="n", replicas=0), [Part(name="o", replicas=4, available=4)], {"n": 1}),
        (Part(name="n", replicas=1), [Part(name="o", replicas=4, available=4)], {"o": 3}),
        (Part(name="n", replicas=1), [Part(name="o", replicas=3, available=3)], {"n": 2}),
        (Part(name="n", replicas=2), [Part(name="o", replicas=3, available=3)], {}),
        (Part(name="n", replicas=2, available=2), [Part(name="o", replicas=3, available=3)], {"o": 1}),
        (Part(name="n", replicas=2, available=1), [Part(name="o", replicas=3, available=0)], {"o": 2}),
        (Part(name="n", replicas=4, available=4), [Part(name="o", replicas=1, available=1)], {"o": 0}),
        (Part(name="n", replicas=4, available=4), [], {}),
        (Part(name="n", replicas=6, available=6), [], {"n": 4}),
        (Part(name="n", replicas=0), [], {"n": 4}),
    ],
)
def test_one_step_of_a_rollout(new: Part, old: list[Part], next_: dict[str, int]) -> None:
    assert plan(wanted=4, how=Strategy(surge=1, unavailable=1), new=new, old=old) == next_


def test_recreate_waits_until_the_old_is_gone() -> None:
    how = strategy({"replicas": 2, "strategy": {"type": "Recreate"}})
    new = Part(name="n", replicas=0)
    assert plan(wanted=2, how=how, new=new, old=[Part(name="o", replicas=2, present=2)]) == {"o": 0}
    assert plan(wanted=2, how=how, new=new, old=[Part(name="o", replicas=0, present=1)]) == {}
    assert plan(wanted=2, how=how, new=new, old=[Part(name="o", replicas=0)]) == {"n": 2}


def test_surge_is_rounded_up_and_unavailable_down() -> None:
    assert strategy({"replicas": 5}) == Strategy(surge=2, unavailable=1)
    assert strategy({"replicas": 1, "strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "25%"}}}).unavailable == 1


def test_templates_are_told_apart_by_what_they_say() -> None:
    assert same_template(template(), template(**{"pod-template-hash": "x"}))
    assert not same_template(template(), template("j"))
    assert template_hash(template()) != template_hash(template("j"))
    assert template_hash(template()) != template_hash(template(), collisions=1)


def manager(world: Any) -> None:
    world.start(controller_manager.main([world.kubeconfig, "--leader-elect=false"], world.context))


def test_a_deployment_becomes_a_set_becomes_pods(play: Play) -> None:
    async def scene(world: Any) -> None:
        api = world.api
        await api.store(f"{DEPLOYMENTS}/web", deployment())
        manager(world)
        await api.until(lambda: len(api.of("pods")) == 3)
        (owned,) = sets(api)
        digest = owned["metadata"]["labels"]["pod-template-hash"]
        assert owned["metadata"]["name"] == f"web-{digest}"
        assert owned["metadata"]["ownerReferences"][0]["controller"]
        assert {p["metadata"]["labels"]["pod-template-hash"] for p in api.of("pods")} == {digest}
        await make_ready(api)
        await api.until(lambda: api.of("deployments")[0].get("status", {}).get("availableReplicas") == 3)
        assert len(api.seen("create", "/pods")) == 3

    play(scene)


def test_nothing_is_written_once_all_is_well(play: Play) -> None:
    async def scene(world: Any) -> None:
        api = world.api
        await api.store(f"{DEPLOYMENTS}/web", deployment())
        manager(world)
        await api.until(lambda: len(api.of("pods")) == 3)
        await make_ready(api)
        await api.until(lambda: api.of("deployments")[0].get("status", {}).get("availableReplicas") == 3)
        await world.context.sleep(0.1)
        writes = len(api.log)
        await api.stop()
        await api.start()
        manager(world)
        await world.context.sleep(0.3)
        assert len(api.log) == writes

    play(scene)


def test_scaling_keeps_the_set_and_lost_pods_are_replaced(play: Play) -> None:
    async def scene(world: Any) -> None:
        api = world.api
        await api.store(f"{DEPLOYMENTS}/web", deployment(2))
        manager(world)
        await api.until(lambda: len(api.of("pods")) == 2)
        await make_ready(api)
        current = api.objects[f"{DEPLOYMENTS}/web"]
        await api.store(f"{DEPLOYMENTS}/web", current | {"spec": current["spec"] | {"replicas": 3}})
        await api.until(lambda: len(api.of("pods")) == 3)
        assert len(sets(api)) == 1
        path = f"{PODS}/{api.of('pods')[0]['metadata']['name']}"
        await api.store(path, api.objects[path], "DELETED")
        await api.until(lambda: len(api.seen("create", "/pods")) == 4 and len(api.of("pods")) == 3)

    play(scene)


def test_a_new_template_is_rolled_out_within_bounds(play: Play) -> None:
    async def scene(world: Any) -> None:
        api = world.api
        await api.store(f"{DEPLOYMENTS}/web", deployment(4))
        manager(world)
        await api.until(lambda: len(api.of("pods")) == 4)
        await make_ready(api)
        await api.until(lambda: api.of("deployments")[0].get("status", {}).get("availableReplicas") == 4)
        await api.store(
            f"{DEPLOYMENTS}/web",
            api.objects[f"{DEPLOYMENTS}/web"] | deployment(4, "j") | {"metadata": api.of("deployments")[0]["metadata"]},
        )
        for _ in range(100):
            await make_ready(api)
            assert len(alive(api)) <= 5
            images = [p["spec"]["containers"][0]["image"] for p in alive(api)]
            if images == ["j"] * 4:
                break
            await world.context.sleep(0.02)
        assert images == ["j"] * 4
        assert len(sets(api)) == 2

    play(scene)


def test_never_more_creations_than_needed_though_the_watch_lags(play: Play) -> None:
    async def scene(world: Any) -> None:
        api = world.api
        manager(world)
        await api.until(lambda: api.seen("watch", "/pods"))
        api.muted = "/pods"
        item = await api.store(f"{SETS}/web", replica_set(7))
        await api.until(lambda: len(api.of("pods")) == 7)
        for look in range(5):
            meta = item["metadata"] | {"annotations": {"look": str(look)}}
            await api.store(f"{SETS}/web", item | {"metadata": meta})
            await world.context.sleep(0.02)
        assert len(api.seen("create", "/pods")) == 7
        api.muted = ""
        await api.store(f"{SETS}/web", item)
        await api.until(lambda: api.objects[f"{SETS}/web"].get("status", {}).get("replicas") == 7)
        assert len(api.seen("create", "/pods")) == 7

    play(scene)


def test_orphans_are_adopted_and_strangers_left_alone(play: Play) -> None:
    async def scene(world: Any) -> None:
        api = world.api
        labels = {"app": "web"}
        body = {"spec": template()["spec"]}
        await api.store(f"{PODS}/orphan", body | {"metadata": {"name": "orphan", "namespace": "default", "labels": labels}})
        await api.store(f"{SETS}/web", replica_set(2))
        manager(world)
        await api.until(lambda: len(api.of("pods")) == 2)
        await api.until(lambda: api.objects[f"{PODS}/orphan"]["metadata"].get("ownerReferences"))
        assert len(api.seen("create", "/pods")) == 1
        orphan = api.objects[f"{PODS}/orphan"]
        await api.store(f"{PODS}/orphan", orphan | {"metadata": orphan["metadata"] | {"labels": {"app": "other"}}})
        await api.until(lambda: not api.objects[f"{PODS}/orphan"]["metadata"]["ownerReferences"])
        await api.until(lambda: len(api.of("pods")) == 3)

    play(scene)


def test_the_least_needed_go_first(play: Play) -> None:
    async def scene(world: Any) -> None:
        api = world.api
        await api.store(f"{SETS}/web", replica_set(3))
        manager(world)
        await api.until(lambda: len(api.of("pods")) == 3)
        first = api.of("pods")[0]
        path = f"{PODS}/{first['metadata']['name']}"
        await api.store(path, first | {"spec": first["spec"] | {"nodeName": "n"}})
        await world.context.sleep(0.05)
        item = api.objects[f"{SETS}/web"]
        await api.store(f"{SETS}/web", item | {"spec": item["spec"] | {"replicas": 1}})
        await api.until(lambda: len(api.of("pods")) == 1)
        assert path in api.objects

    play(scene)


def test_deletion_cascades(play: Play) -> None:
    async def scene(world: Any) -> None:
        api = world.api
        item = await api.store(f"{DEPLOYMENTS}/web", deployment())
        manager(world)
        await api.until(lambda: len(api.of("pods")) == 3)
        await api.store(f"{DEPLOYMENTS}/web", item, "DELETED")
        await api.until(lambda: not api.of("pods") and not sets(api))

    play(scene)


@pytest.mark.parametrize(("finalizer", "left"), [("foregroundDeletion", 0), ("orphan", 2)])
def test_an_owner_waits_for_its_dependents(play: Play, finalizer: str, left: int) -> None:
    async def scene(world: Any) -> None:
        api = world.api
        await api.store(f"{SETS}/web", replica_set(2))
        manager(world)
        await api.until(lambda: len(api.of("pods")) == 2)
        await api.until(lambda: api.objects[f"{SETS}/web"].get("status", {}).get("replicas") == 2)
        item = api.objects[f"{SETS}/web"]
        meta = item["metadata"] | {"finalizers": [finalizer], "deletionTimestamp": "2026-01-01T00:00:00Z"}
        await api.store(f"{SETS}/web", item | {"metadata": meta})
        await api.until(lambda: not api.objects[f"{SETS}/web"]["metadata"]["finalizers"])
        assert len(api.of("pods")) == left
        assert not any(p["metadata"]["ownerReferences"] for p in api.of("pods"))

    play(scene)


def test_a_refused_creation_is_tried_again(play: Play) -> None:
    async def scene(world: Any) -> None:
        refusals = iter([403, 500])
        world.api.fail = lambda verb, path: next(refusals, 0) if verb == "create" and path == PODS else 0
        await world.api.store(f"{SETS}/web", replica_set(3))
        manager(world)
        await world.api.until(lambda: len(world.api.of("pods")) == 3)
        await world.context.sleep(0.1)
        assert len(world.api.of("pods")) == 3

    play(scene)
