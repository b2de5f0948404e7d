"""What the suite's hooks do on behalf of a scenario: see, hold up, refuse, change."""

from itertools import count
from typing import Any

from seatrial.checks.objects import pods_of
from seatrial.checks.pipeline import CANARY
from seatrial.checks.runtime import ENDINGS, unstarted
from seatrial.cluster.cluster import HOOKS, HOOKS_PORT
from seatrial.doubles.barrier import Barrier
from seatrial.doubles.hook_objects import mutating_webhook, validating_webhook
from seatrial.doubles.hooks import Hooks
from seatrial.doubles.runtime import INIT
from seatrial.model.errors import HarnessFault, Inconclusive, NotRunnable
from seatrial.model.history import Event, History
from seatrial.model.waiting import until
from seatrial.wire.kubernetes import Answer
from seatrial.world import operations, people, windows
from seatrial.world.objects import MADE_HERE, OTHER_IMAGE, kind_of
from seatrial.world.world import World

SOON_S, CANARIES_S = 1.0, 20.0  # until hooks take effect, mostly and at the latest
ERROR, SIGNALLED = 3, 143  # exit codes: of a container that has failed, and of one that a signal has ended
HELD_S = 10.0  # webhooks are given three times as long
HELD_SHARE = 0.8  # of the time after which an API server may give a request up
IMPATIENT_S = 5.0  # longer than those wait for a hook who go on without it; half of it in real time
NOTE = "seatrial.example/noted"  # an annotation that a hook leaves
ABOUT_ONE = frozenset({"get", "update", "patch", "delete"})  # verbs that name an object; those of subresources all do


def hooks(world: World) -> Hooks:
    """Those of the cluster. Raises HarnessFault where it has none."""
    if world.cluster.hooks is None:
        raise HarnessFault("the cluster serves no hooks")
    return world.cluster.hooks


def see_every_write(world: World) -> None:
    """Register both admission hooks for the scenario's namespace, and for what people make outside of all namespaces; wait until a canary's
    write is seen by both of them."""
    world.run(_see_every_write(world))


async def _see_every_write(world: World) -> None:
    url, ca = f"https://{world.cluster.host(HOOKS).address}:{HOOKS_PORT}", world.cluster.identities.pki.ca
    for make, plural in ((mutating_webhook, "mutatingwebhookconfigurations"), (validating_webhook, "validatingwebhookconfigurations")):
        body = make("seatrial", url=url, ca=ca, namespace=world.namespace, beyond=dict([MADE_HERE]))
        answer = await world.operator.request("POST", kind_of(plural).path(), body=body)
        if not answer.ok:
            raise Inconclusive(f"blocked: the {plural} could not be created: {answer.code} {answer.body.get('message')}")
    world.mark("registered")
    names = (f"{CANARY}-{number}" for number in count())

    async def seen() -> bool:
        await people.create(world, CANARY, "configmap", name := next(names))
        return _both_asked(world.history, name)

    context = world.backend.context()
    soon = await until(seen, context=context, within_s=SOON_S, every_s=0.05)
    if not soon and not await until(seen, context=context, within_s=CANARIES_S, every_s=0.5):
        raise Inconclusive("blocked: the admission hooks never took effect")


def _both_asked(history: History, name: str) -> bool:
    return {e["stage"] for e in history.of("review", name=name)} >= {"mutation", "validation"}


def hold_up(world: World, stage: str) -> None:
    """Hold the stage's decisions on alice's requests; everybody else's pass."""
    world.barriers[stage] = hooks(world).hold(stage, user=people.ACTOR)  # type: ignore[arg-type]


def reached(world: World, stage: str) -> None:
    """Wait until a request waits at the stage, or was answered instead; then, for a while, see that it goes no further."""
    world.run(_reached(world, world.barriers[stage]))


async def _reached(world: World, barrier: Barrier) -> None:
    await barrier.reached(within_s=world.timing("apiserver").reaction)
    least_s, limits = IMPATIENT_S / (1 if "virtual-time" in world.backend.can else 2), world.timing("apiserver").limits
    await world.pause(min(max(limits.react_s, least_s), HELD_S, HELD_SHARE * limits.request_s))


def goes_on(world: World, stage: str) -> None:
    """Release it, and wait for the answers to what was begun, or until the request time is over."""
    world.barriers[stage].release()
    all_answered(world)


def all_answered(world: World) -> None:
    """Everything that was begun has been answered, or the request time is over."""
    for person in list(world.begun):
        world.run(people.answered(world, person, within_s=world.timing("apiserver").limits.request_s + 5))


def refuse(world: World, stage: str, name: str | None, *, of: str | None = None, verb: str | None = None, mute: bool = False) -> None:
    """The hook of the stage (of admission: the validating one) refuses what has this name, or what of a kind is made for the workload of
    that name, or one verb alone; or all that alice writes. `mute`: it does not say why."""
    match: dict[str, Any] = {"of": name, "resource": of} if of else {"name": name} if name else {"user": people.ACTOR}
    match |= {"verb": verb} if verb else {}
    where = "validation" if stage == "admission" else stage
    hooks(world).deny(where, message=f"{stage} refuses this", mute=mute, **match)  # type: ignore[arg-type]
    world.mark("refuses", match=match)


def relent(world: World) -> None:
    """Refuse nothing any more, some time after something was refused: a pod, a ReplicaSet, a binding, or what a scheduler writes before
    it binds. An API server that had decided by what it remembers may ask a second time before it answers."""
    if not world.run(world.wait(_refused_writes, within_s=world.timing().recovery)):
        raise Inconclusive("blocked: nothing was ever refused")
    world.run(world.pause(world.timing().limits.react_s))
    hooks(world).relent()
    world.mark("relents")


def _refused_writes(history: History) -> list[Event]:
    verbs = {k: v for e in history.of("mark", name="refuses")[-1:] for k, v in e["match"].items() if k == "verb"}
    return [e for kind in ("pods", "replicasets") for e in history.of("review", resource=kind, **verbs) if not e["allowed"]]


def forbid(world: World, person: str, verb: str | None, resource: str | None, *, namespace: str | None = None) -> None:
    """The authorization hook denies a person everything, or one operation as hooks are asked about it: with the group, the namespace (""
    where all are meant) and the name of the one object that it is about. Who leaves any of that out is not refused."""
    match: dict[str, Any] = {"user": person}
    if verb and resource:
        plural, _, sub = resource.partition("/")
        kind = kind_of(plural)
        where = (world.namespace if namespace is None else namespace) if kind.namespaced else ""
        match |= {"verb": verb, "group": kind.group, "resource": plural, "subresource": sub, "namespace": where}
        match |= {"name": operations.OLD} if sub or verb in ABOUT_ONE else {}
    world.client(person)
    hooks(world).deny("authorization", message=f"{person} may not do this", **match)


def label(world: World, word: str, label: str, other: str, *, image: bool) -> None:
    """The mutating hook sets a label on what the actor writes of the kind, removes another, leaves a note, and may replace the image."""
    key, _, value = label.partition("=")
    without = {"op": "remove", "path": f"/metadata/labels/{other}"}
    noted = {"op": "add", "path": f"/metadata/annotations/{NOTE.replace('/', '~1')}", "value": key}
    images = [{"op": "replace", "path": "/spec/containers/0/image", "value": OTHER_IMAGE}] if image else []
    operations = [without, noted, *images]
    hooks(world).patch(labels={key: value}, operations=operations, resource=kind_of(word).plural, subresource="", user=people.ACTOR)


def rewrite(world: World, subresource: str, path: str, value: Any) -> None:
    """The mutating hook has something else in mind than the actor's scales, or bindings, say."""
    hooks(world).patch(operations=[{"op": "replace", "path": path, "value": value}], subresource=subresource, user=people.ACTOR)


def heard(world: World, watch: str, name: str, *, written: int | None) -> None:
    """Wait until a watcher has heard of this version of the object; None: of one that has a node."""

    def of_it(history: History) -> list[Event]:
        told = history.of("watched", watch=watch, name=name)
        return [e for e in told if (e["revision"] == written if written else e["object"].get("spec", {}).get("nodeName"))]

    world.run(world.wait(of_it, within_s=world.timing().reaction))


def sentinel(world: World, word: str = "pod") -> Answer:
    """A later, accepted write that every watcher of the kind and the store will see."""
    answer = world.run(people.create(world, "sentinel", word, "sentinel"))
    if not answer.ok:
        raise Inconclusive(f"blocked: the sentinel could not be created: {answer.code} {answer.body.get('message')}")
    return answer


def wait_quietly(world: World) -> None:
    """A window without a stimulus, while the store may not be readable; longer than anybody's patience where time costs nothing."""
    windows.window(world, patiently_s=windows.POLLERS_S)


def stop_is_held(world: World, pod: str) -> None:
    """Wait until a runtime has been asked to stop the pod's container, which `slow_end` holds."""
    world.run(_stop_is_held(world, pod))


async def _stop_is_held(world: World, pod: str) -> None:
    await world.wait(lambda h: [e for method in ENDINGS for e in h.of("cri", method=method, pod=pod)], within_s=world.timing().recovery)
    await world.pause(world.timing().quiet)
    await world.revision()


def stop_goes_on(world: World) -> None:
    """Let containers stop."""
    for barrier in world.stops:
        barrier.release()


def containers_end(world: World, name: str, *, which: str, well: bool) -> None:
    """All containers of the pod end once all were started, or only the first: well, or with an error of their own, or, the first alone or
    with the sandbox, as by a signal."""
    world.run(world.wait(lambda h: not unstarted(h, name), within_s=world.timing().recovery))
    how = {"only_one": which == "one container", "with_sandbox": which == "the sandbox"}
    code = 0 if well else SIGNALLED if any(how.values()) else ERROR
    pods = [p for p in pods_of(world.history, name) if p["object"].get("spec", {}).get("nodeName") in world.cluster.runtimes]
    if not pods:
        raise Inconclusive(f"blocked: no pod of {name} is on a node of the suite's")
    for pod in pods:
        world.cluster.runtimes[pod["object"]["spec"]["nodeName"]].exit_containers(pod["uid"], code=code, **how)


FIRST_ATTEMPTS = {
    "pull an image": "PullImage",
    "make a sandbox": "RunPodSandbox",
    "create a container": "CreateContainer",
    "start a container": "StartContainer",
    "finish an init container": INIT,
}


def fails_at_first(world: World, attempt: str) -> None:
    """The runtimes fail once to do this for each pod, and can do it after that."""
    for runtime in world.cluster.runtimes.values():
        runtime.fail_once(FIRST_ATTEMPTS[attempt])


def slow_end(world: World) -> None:
    """From now on containers do not stop before `stop_goes_on`."""
    world.stops += [runtime.hold(method) for runtime in world.cluster.runtimes.values() for method in ENDINGS]


def slow_start(world: World, node: str) -> None:
    """From now on no container starts on the node. Raises NotRunnable where its runtime is not the suite's."""
    if node not in world.cluster.runtimes:
        raise NotRunnable(f"{node} has no container runtime of the suite's")
    world.cluster.runtimes[node].hold("StartContainer")
