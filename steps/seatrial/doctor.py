"""Starts an implementation once, with one node, and says what works before any rule is tried: who came up, and what can be observed.

Whose fault a failure is: the environment's where the backend does not open, the file's where a role that the file fills is concerned, the
base's where it is not, and ours where the suite's own observers see nothing of a cluster that is up.

In a cluster that exists nothing is started but one pod: there the questions are who we are, what we may do, and what will be left out.
"""

import contextlib
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from seatrial import catalogue
from seatrial.adapters.implementation import Implementation
from seatrial.backends.attached import Attached
from seatrial.cluster.instances import AtEndpoint, Supervised
from seatrial.cluster.stay import Stay
from seatrial.model.errors import HarnessFault, Inconclusive, NotReady, NotRunnable
from seatrial.model.topology import NODE_ROLE, Topology
from seatrial.opening import backend_name, on_trial, open_backend
from seatrial.prerequisites import GUESTS
from seatrial.versions import complaints
from seatrial.world import World, people, probes, stages

ONE_NODE = ("node-1",)
SUSPECTS = ("scheduler", "controller-manager", "kubelet")
LAST_LINES = 8
PATIENCE_S = 8.0  # of a guest, for each of the few things that take time
WIDTH = 110
ACCOUNTS = "system:serviceaccount:kube-system:"  # those that components use, if they use any


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom:
    """One thing that was looked at."""

    ok: bool
    what: str
    detail: str
    fault: str = ""

    def __str__(self) -> str:
        head, *rest = self.detail.splitlines() or [""]
        lines = [*rest, f"[fault: {self.fault}]"] if not self.ok and self.fault else rest
        return "\n".join([f"{'ok  ' if self.ok else 'FAIL'}  {self.what:<22} {head}", *(f"        {line}" for line in lines)])


def examine(name: str, *, backend: str | None, settings: Mapping[str, str]) -> Iterator[Symptom]:
    """The symptoms, as they are found. Raises UsageError for a bad descriptor."""
    implementation = on_trial(name, backend)
    yield Symptom(
        ok=True,
        what="descriptor",
        detail=f"{' '.join(filter(None, (implementation.name, implementation.version)))} ({implementation.file})",
    )
    for component, problem in complaints(implementation, settings):
        yield Symptom(ok=False, what=component.name, detail=problem, fault="the environment")
    kind = backend_name(backend, implementation)
    if implementation.guest:
        yield from _visited(Attached(kubeconfig=implementation.guest, context=implementation.context), settings)
        return
    try:
        opened = open_backend(kind, implementation, seed=0)
    except NotReady as error:
        yield Symptom(ok=False, what=f"backend {kind}", detail=str(error), fault="the environment")
        return
    try:
        yield Symptom(ok=True, what=f"backend {kind}", detail=f"can {', '.join(sorted(opened.can))}")
        world = World(backend=opened, implementation=implementation, seed=0, settings=settings)
        yield from _cluster(world, implementation)
    finally:
        opened.close()


def _visited(backend: Attached, settings: Mapping[str, str]) -> Iterator[Symptom]:
    """A cluster that exists, within half a minute."""
    stay = Stay.of(backend, image=settings.get("image", ""), patience_s=PATIENCE_S)
    try:
        try:
            met = backend.run(stay.meet())
        except NotReady as error:
            yield Symptom(ok=False, what="cluster", detail=str(error), fault="the environment")
            return
        yield Symptom(ok=True, what="cluster", detail=f"{met.version} at {backend.access.server}, context {backend.access.context}")
        who = f"{met.user}, of {', '.join(met.groups)}" if met.user else "the cluster does not say who we are"
        yield Symptom(ok=True, what="identity", detail=who)
        yield from _permissions(backend.run(stay.permissions()))
        left = backend.run(stay.leftovers())
        yield Symptom(
            ok=not left, what="leftovers", detail="\n".join(left) or "none of earlier runs", fault="a run that was killed, or goes on"
        )
        yield from _workloads(backend, stay)
        yield _prospects()
    finally:
        with contextlib.suppress(Inconclusive):  # said above
            backend.close()


def _permissions(found: Mapping[str, bool | None]) -> Iterator[Symptom]:
    """What a run wants to do; what it may not do makes scenarios not-run, and nothing worse."""
    for verdict, words in ((True, "may"), (False, "may not"), (None, "not known whether we may")):
        if which := [what for what, allowed in found.items() if allowed is verdict]:
            yield Symptom(ok=True, what="permissions", detail="\n".join(textwrap.wrap(f"{words} {', '.join(which)}", WIDTH)))


def _workloads(backend: Attached, stay: Stay) -> Iterator[Symptom]:
    """Whether a pod gets to run, and whether all is as it was afterwards."""
    try:
        why = backend.run(stay.idle_because())
        where = f"in the namespace {stay.shared}, with others" if stay.shared else "in namespaces of our own"
        good = f"a pod with the image {stay.image} became running {where}"
        bad = f"{why}\nrules that need running pods will be not-run; another image is given by --set image=NAME"
        yield Symptom(ok=not why, what="workloads", detail=bad if why else good, fault="the environment")
        backend.run(stay.departure.see_off())
        yield Symptom(ok=True, what="departure", detail="nothing of ours is left")
    except (NotReady, Inconclusive) as error:
        yield Symptom(ok=False, what="workloads", detail=str(error), fault="the environment")


def _prospects() -> Symptom:
    seen = [r.id for r in catalogue.rules() if GUESTS in r.profiles]
    unseen = [r.id for r in catalogue.rules() if GUESTS not in r.profiles]
    detail = f"judged: {', '.join(seen)}\nnot-run, each with its reason in a run: {', '.join(unseen)}"
    return Symptom(ok=True, what="rules", detail="\n".join(line for part in detail.split("\n") for line in textwrap.wrap(part, WIDTH)))


def _cluster(world: World, implementation: Implementation) -> Iterator[Symptom]:
    try:
        trouble = _boot(world)
        yield from (_instance(world, implementation, i) for i in world.cluster.instances.values())
        if trouble:
            yield Symptom(ok=False, what="cluster", detail=_shortly(trouble), fault=_first_fault(world, implementation))
            return
        yield from (_probe(what, probe, world) for what, probe in PROBES.items())
    finally:
        world.close()


def _shortly(trouble: str) -> str:
    """Without the last words of an instance, which stand beside it already."""
    return trouble.partition(" Its last words:")[0]


def _boot(world: World) -> str:
    """Empty where the cluster came up."""
    try:
        world.boot(Topology(nodes=ONE_NODE if world.implementation.role(NODE_ROLE) else ()))
    except (NotReady, NotRunnable, Inconclusive) as error:
        _await_the_others(world)
        return str(error)
    return ""


def _await_the_others(world: World) -> None:
    """The first that is not ready ends a boot; whether those after it would have come up is what a doctor wants to know."""
    for instance in world.cluster.instances.values():
        if _states(world, instance)[-1:] == ["started"] and instance.up:
            with contextlib.suppress(NotReady):
                world.run(world.cluster.ready(instance))


def _states(world: World, instance: Supervised) -> list[str]:
    return [e.kind for e in world.history if e.instance == instance.name and e.kind in ("started", "ready", "exited")]


def _instance(world: World, implementation: Implementation, instance: Supervised) -> Symptom:
    states, what, roles = _states(world, instance), instance.name, ", ".join(instance.placement.roles)
    if isinstance(instance, AtEndpoint) and "ready" in states:
        detail = f"{roles}: runs already at {instance.endpoint}, through a relay; rules that would end it or look into it will be not-run"
        return Symptom(ok=True, what=what, detail=detail)
    if "ready" in states:
        unasked = _unasked_lease(world, instance)
        return Symptom(
            ok=not unasked, what=what, detail=f"{roles}: {unasked or 'started and became ready'}", fault=_fault(implementation, instance)
        )
    if not states:
        return Symptom(ok=False, what=what, detail=f"{roles}: was not started, for another one did not become ready")
    words = "\n".join(instance.last_words().splitlines()[-LAST_LINES:]) or "(it wrote nothing)"
    state = instance.fate or ("ended" if states[-1] == "exited" else "runs, and is not ready")
    detail = f"{roles}: started, {state}. Its last words:\n{words}"
    return Symptom(ok=False, what=what, detail=detail, fault=_fault(implementation, instance))


def _unasked_lease(world: World, instance: Supervised) -> str:
    """Of a component that should take a lease and does not try to; empty for all others."""
    component = instance.placement.component
    namespace, _, name = (component.lease or "/").partition("/")
    leases = [e["object"].get("spec", {}) for e in world.history.of("watched", resource="leases", namespace=namespace, name=name)]
    if "lease" not in component.ready or any(spec.get("holderIdentity") for spec in leases):
        return ""
    return f"lives, and has never asked for the lease {component.lease} (`ready: lease`, `replicas.election`)"


def _fault(implementation: Implementation, instance: Supervised) -> str:
    own = not implementation.base or set(instance.placement.roles) & set(implementation.own)
    return f"{implementation.file.name}, component {instance.placement.component.name}" if own else f"the base, {implementation.base}"


def _first_fault(world: World, implementation: Implementation) -> str:
    """The first instance that started and did not become ready; without one it is how the API server answers the operator."""
    ready = {e.instance for e in world.history.of("ready")}
    started = [i for i in world.cluster.instances.values() if i.name not in ready and world.history.of("started", instance=i.name)]
    servers = world.cluster.of_role("apiserver")
    return _fault(implementation, next(iter([*started, *servers]))) if started or servers else implementation.file.name


def _probe(what: str, probe: Callable[[World], Symptom], world: World) -> Symptom:
    try:
        return probe(world)
    except (Inconclusive, HarnessFault, NotReady, NotRunnable) as error:
        ours = isinstance(error, HarnessFault)
        return Symptom(ok=False, what=what, detail=str(error), fault="Seatrial" if ours else world.implementation.file.name)


def _requests(world: World) -> Symptom:
    """Everybody who talks to the API server has been seen doing so."""
    known = world.implementation.requests
    if known == "none":
        return Symptom(ok=True, what="requests", detail="ruled out by the descriptor; rules that need requests will be not-run")
    world.run(world.cluster.settle())
    world.run(world.audited())
    clients = [i for i in world.suspects(SUSPECTS) if not i.placement.has("apiserver")]
    unseen = [i.name for i in clients if not world.history.of("request", instance=i.name)]
    how = f"{len(world.history.of('request'))} seen by the tap" if known == "tap" else f"{len(world.history.of('request'))} self-reported"
    detail = how + (f"; none of {', '.join(unseen)}" if unseen else "")
    return Symptom(ok=not unseen, what="requests", detail=detail, fault=world.implementation.file.name)


def _identities(world: World) -> Symptom:
    """Each instance presents the identity that it was given, or one of the accounts that it has itself made."""
    own = world.implementation.identity
    shared = {world.cluster.identities.admin.user} if "admin" in own and "mint" not in own else set()
    wrong = []
    for instance in world.suspects(SUSPECTS):
        known = {world.cluster.identities.of_role(r, instance.placement.node).user for r in instance.placement.roles} | shared
        users = {e["user"] for e in world.history.of("request", instance=instance.name) if e["user"] and not e["user"].startswith(ACCOUNTS)}
        wrong += [f"{instance.name} presents itself as {user or 'nobody'}" for user in sorted(users - known)]
    good = "everybody shows what the operator shows, for nothing mints (identity.mint)" if shared else "everybody presents their own"
    return Symptom(ok=not wrong, what="identities", detail="; ".join(wrong) or good, fault=world.implementation.file.name)


def _store(world: World) -> Symptom:
    if world.store is None:
        return Symptom(ok=True, what="store watch", detail="ruled out by the descriptor; rules that need the store will be not-run")
    revision = world.run(world.store.caught_up(within_s=5))
    detail = f"{len(world.history.of('put'))} changes seen, up to revision {revision}" if revision else "the watch lags behind the store"
    return Symptom(ok=revision is not None, what="store watch", detail=detail, fault=world.implementation.file.name)


def _hooks(world: World) -> Symptom:
    wanted = [stage for stage, how in world.implementation.hooks.items() if how != "none"]
    if not wanted:
        return Symptom(ok=True, what="hooks", detail="ruled out by the descriptor; rules that need hooks will be not-run")
    if "admission" in wanted:
        stages.see_every_write(world)
    else:
        world.run(people.create(world, "canary", "configmap", "canary"))
    asked = {e["stage"] for e in world.history.of("review")}
    silent = [s for s in wanted if s != "admission" and s not in asked]
    detail = f"asked for {', '.join(sorted(asked))}" + (f"; not for {', '.join(silent)}" if silent else "")
    return Symptom(ok=not silent, what="hooks", detail=detail, fault=world.implementation.file.name)


def _canaries(world: World) -> Symptom:
    """The recorder sees what the suite itself does from inside each host."""
    probes.canaries(world, SUSPECTS, ["etcd", "apiserver"])
    sent = {(e.instance, e["sport"]) for e in world.history.of("canary")}
    seen = sent & {(e["origin"], e["sport"]) for e in world.history.of("open")}
    detail = f"{len(seen)} of {len(sent)} seen by the recorder"
    return Symptom(ok=seen == sent, what="canaries", detail=detail, fault="Seatrial, or the environment")


PROBES: Mapping[str, Callable[[World], Symptom]] = {
    "requests": _requests,
    "identities": _identities,
    "store watch": _store,
    "hooks": _hooks,
    "canaries": _canaries,
}
