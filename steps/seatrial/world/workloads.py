"""Pods and workloads: waiting until they are where they should be, as the operator sees them, and taking away from them."""

from collections.abc import Callable
from typing import Any

from seatrial.checks import statuses
from seatrial.checks.objects import belongs, current, owner, pods_of
from seatrial.checks.runtime import unfinished_restarts, unstarted
from seatrial.checks.workloads import bound, running, wanted
from seatrial.model.errors import Inconclusive
from seatrial.model.history import Event, History
from seatrial.world import people, windows
from seatrial.world.world import World

Pods = list[Event]
STATES: dict[str, Callable[[dict[str, Any]], bool]] = {
    "been created": bool,
    "been bound": bound,
    "become running": running,
}


def reached(history: History, name: str, state: str) -> Pods | None:
    """The pods of `name`, if there are as many as wanted and all have reached the state."""
    pods = pods_of(history, name)
    good = [p for p in pods if STATES[state](p["object"])]
    return pods if good and len(good) == len(pods) == wanted(history, name) else None


def have(world: World, name: str, state: str) -> None:
    """A When: the pods get there. Inconclusive where they do not."""
    within_s = world.timing().recovery
    world.run(world.seen(lambda h: reached(h, name, state), within_s=within_s, what=f"the pods of {name} have {state}"))


def become(world: World, *names: str, state: str = "become running") -> None:
    """A Then: wait for it, and let the check decide. What is so already may be about to change: it stays so for a while."""

    def all_have(history: History) -> bool:
        return all(reached(history, name, state) for name in names)

    if all_have(world.history):
        windows.window(world)
    world.run(world.wait(all_have, within_s=world.timing().recovery))
    for name in names:
        world.judge("workloads.reached", name=name, state=state)


def left(world: World, name: str, number: int) -> None:
    """A Then: exactly so many pods, those not counted that are to go, and it stays so for a while. Their number may have passed by on its
    way elsewhere: within the time of recovery, it may come back."""

    def settled(history: History) -> bool:
        return len([p for p in pods_of(history, name) if "deletionTimestamp" not in p["object"]["metadata"]]) == number

    now_s = world.backend.now_s
    end_s = now_s() + world.timing().recovery
    while world.run(world.wait(settled, within_s=end_s - now_s())):
        windows.window(world, patiently_s=windows.POLLERS_S)
        if settled(world.history) or now_s() >= end_s:
            break
    world.judge("workloads.count", name=name, number=number)


def ever_created(world: World, name: str, number: int, *, at_most: bool) -> None:
    """A Then: so many pods have come, or less, and no other one comes for a while. Who makes more and more is found out before that."""

    def come(history: History) -> bool:
        seen = history.of("watched", watch="operator/pods", type="ADDED")
        return len({e["uid"] for e in seen if belongs(e["object"], name)}) >= number

    world.run(world.wait(come, within_s=world.timing().recovery))
    world.judge("workloads.ever_created", name=name, number=number, at_most=at_most)
    windows.window(world, patiently_s=windows.POLLERS_S)
    world.judge("workloads.ever_created", name=name, number=number, at_most=at_most)


def owned(history: History, name: str, number: int) -> Pods | None:
    """The ReplicaSets of a deployment, if there are so many."""
    sets = _sets(history, name)
    return sets if len(sets) == number else None


def _sets(history: History, name: str) -> list[Event]:
    return [e for e in current(history, "replicasets").values() if owner(e["object"]) == ("Deployment", name)]


def all_reported(world: World, name: str) -> None:
    """Wait until something of every pod of `name` was started, and until that and what has ended in them is reported, if it ever is."""

    def told(history: History) -> bool:
        begun = {e["uid"] for e in history.of("cri", method="StartContainer")}
        idle = bool(world.cluster.runtimes) and any(e["uid"] not in begun for e in pods_of(history, name))
        return not (idle or statuses.unreported_starts(history, name) or statuses.unreported_ends(history, name))

    world.run(world.wait(told, within_s=world.timing().recovery))


def all_started(world: World, name: str) -> None:
    """Wait until every container of the pod was started, and again if it has ended by itself and is to run, if that ever happens."""
    world.run(world.wait(lambda h: not unstarted(h, name) and not unfinished_restarts(h, name), within_s=world.timing().recovery))


def judge_bound_once(world: World, names: list[str]) -> None:
    """Wait until all are bound, and judge each pod's whole life."""
    become(world, *names, state="been bound")
    world.judge("workloads.bound_once", names=names)


def deletes_one_pod(world: World, person: str, name: str) -> None:
    """The first pod by name; returns when the operator has seen it go, or that only somebody's finalizer still holds it. It goes when all
    else is over, so that nothing but its end is news."""
    world.run(world.pause(2 * world.timing().limits.react_s))
    victim = _first_pod(world, name)
    people.deletes(world, person, "pod", victim)
    gone = world.seen(
        lambda h: [e for e in h.of("watched", watch="operator/pods", name=victim) if e["type"] == "DELETED" or _held(e["object"])],
        within_s=world.timing().recovery,
        what=f"the end of the pod {victim}",
    )
    world.run(gone)


def _held(pod: dict[str, Any]) -> bool:
    """Whether a pod has stopped, and waits for whoever has put a finalizer on it."""
    meta = pod["metadata"]
    return "deletionTimestamp" in meta and meta.get("deletionGracePeriodSeconds") == 0 and bool(meta.get("finalizers"))


def unlabels_one_pod(world: World, person: str, name: str) -> None:
    """The first pod by name belongs to no selector any more; returns when the operator has seen that, too."""
    pod = _first_pod(world, name)
    people.changes(world, person, "pod", pod, {"metadata": {"labels": {"app": None}}})
    without = world.seen(
        lambda h: pod not in [e["name"] for e in pods_of(h, name)],
        within_s=world.timing().recovery,
        what=f"the pod {pod} without its label",
    )
    world.run(without)


def deletes_the_replicaset(world: World, person: str, name: str) -> None:
    """The one that the deployment has, with all that is its own; returns when the operator has seen it go, and its pods begin to."""
    sets = _sets(world.history, name)
    if len(sets) != 1:
        raise Inconclusive(f"blocked: the deployment {name} has {len(sets)} ReplicaSets")
    pods = {e["uid"] for e in pods_of(world.history, name)}
    people.deletes(world, person, "replicaset", sets[0]["name"], propagationPolicy="Background")

    def gone(history: History) -> bool:
        left = [e["object"]["metadata"] for e in pods_of(history, name) if e["uid"] in pods]
        ended = history.of("watched", watch="operator/replicasets", uid=sets[0]["uid"], type="DELETED")
        return bool(ended) and all("deletionTimestamp" in meta for meta in left)

    world.run(world.seen(gone, within_s=world.timing().recovery, what=f"the end of the ReplicaSet {sets[0]['name']} and its pods"))


def scales_the_replicaset(world: World, person: str, name: str) -> None:
    """The one that the deployment has: it is to have as many pods more as there are now."""
    sets = _sets(world.history, name)
    if len(sets) != 1:
        raise Inconclusive(f"blocked: the deployment {name} has {len(sets)} ReplicaSets")
    people.changes(world, person, "replicaset", sets[0]["name"], {"spec": {"replicas": 2 * int(sets[0]["object"]["spec"]["replicas"])}})


def _first_pod(world: World, name: str) -> str:
    names = [str(e["name"]) for e in pods_of(world.history, name)]
    if not names:
        raise Inconclusive(f"blocked: no pod of {name} is left, so none can be taken")
    return min(names)
