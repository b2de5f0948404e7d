"""The memory of one scenario: its cluster, its people, what they were told, and what has been judged."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, TypeVar

from seatrial.adapters.implementation import Implementation
from seatrial.backends.interface import Backend, Network
from seatrial.checks import facts, judge
from seatrial.cluster.cluster import Cluster, Order
from seatrial.cluster.departure import NAMESPACES
from seatrial.cluster.filling import ETCD_PORT
from seatrial.cluster.instances import AtEndpoint, Supervised
from seatrial.cluster.visit import Visit
from seatrial.doubles.barrier import Barrier
from seatrial.model.errors import HarnessFault, Inconclusive, Nonconformant, NotRunnable
from seatrial.model.history import Event, History, eventually
from seatrial.model.topology import Topology
from seatrial.model.verdicts import Finding
from seatrial.model.waiting import cancel
from seatrial.observe.audit import AuditLog
from seatrial.observe.store import StoreWatch
from seatrial.observe.watches import Watch
from seatrial.wire.kubernetes import Answer, Client
from seatrial.world.guests import altered, hindrance, images
from seatrial.world.leaving import leave, only_new_nodes
from seatrial.world.objects import kind_of
from seatrial.world.sightings import seen_last
from seatrial.world.standing import Over, Standing, take_down, unharmed
from seatrial.world.timing import Timing

T = TypeVar("T")
NAMESPACE = "trial"
AUDIT_S = 5.0  # until an audit log shows what has been answered
WATCHED = ("pods", "nodes", "leases")
WORKLOADS = ("deployments", "replicasets")  # watched from the first one on that somebody creates
OPERATORS = frozenset(f"operator/{resource}" for resource in (*WATCHED, *WORKLOADS))


class World:
    """One scenario's world. Made by the plugin, closed by it."""

    def __init__(
        self,
        *,
        backend: Backend,
        implementation: Implementation,
        seed: int,
        settings: Mapping[str, str],
        standing: Standing | None = None,
        patient: bool = False,
    ) -> None:
        """`standing`: a cluster that an earlier scenario has left, of the kind that this one orders. `patient`: time may go by for patient
        wrongdoers, real time too."""
        self.backend = backend
        self.patient = patient or "virtual-time" in backend.can
        self.implementation = implementation
        self.namespace = f"{NAMESPACE}-{next(backend.context().ids)[:8]}" if implementation.at_endpoint else NAMESPACE
        self.history = standing.history if standing else History(backend.now_s)
        self.evidence: list[Event] = []
        self.findings: list[Finding] = []
        self.judged = 0
        self.watched_s = 0.0  # how long all windows were, by the clock of the backend
        self._watched_until_s = 0.0
        self.answers: dict[str, Answer] = {}  # by person: what they were told last
        self.begun: dict[str, asyncio.Task[Answer]] = {}  # by person: what they have asked and not been told yet
        self.batch: list[str] = []  # names of "them"
        self.watchers: dict[str, Watch] = {}
        self.asleep: list[str] = []  # watches that nobody reads from
        self.barriers: dict[str, Barrier] = {}  # by stage
        self.stops: list[Barrier] = []  # of runtimes: containers that may not stop yet
        self.verb = ""  # of the last operation
        self.last = ""  # the user of the last request that a sentence was about
        self.store: StoreWatch | None = None
        self.audits: list[AuditLog] = []
        self._settings = dict(settings)
        self._seed = seed
        self._cluster: Cluster | None = None
        self._standing = standing
        self._people = self.history.recorder("people")
        self._steps = self.history.recorder("steps")

    # -- the cluster

    @property
    def cluster(self) -> Cluster:
        if self._cluster is None:
            raise HarnessFault("the scenario has no cluster")
        return self._cluster

    def run(self, act: Coroutine[Any, Any, T]) -> T:
        """Run to the end; what was begun before goes on meanwhile."""
        return self.backend.run(act)

    def boot(self, topology: Topology) -> None:
        """A new cluster, its observers, and a namespace for the scenario, unless one stands already."""
        if self._standing and self._cluster is None:
            self.run(self._move_in(self._standing))
        else:
            self.run(self._boot(topology))

    async def _boot(self, topology: Topology) -> None:
        network = await self.backend.network(self.history.recorder("flows"))
        order = Order(implementation=self.implementation, topology=topology, seed=self._seed, settings=self._settings)
        self._cluster = self._new(order, network)
        await self._cluster.start(stores_up=self._observe_store, servers_up=self._observe_api)
        self.mark("ready", revision=await self.revision())

    async def _move_in(self, standing: Standing) -> None:
        self._cluster, self.store, self.audits = standing.cluster, standing.store, list(standing.audits)
        self.watchers = dict(standing.watchers)
        self.namespace = f"{NAMESPACE}-{standing.scenarios + 1}"
        await self._own_namespace()
        self.mark("ready", revision=await self.revision(), scenario=standing.scenarios + 1)

    def _new(self, order: Order, network: Network) -> Cluster:
        known: Any = {"order": order, "backend": self.backend, "network": network, "history": self.history}
        if self.implementation.guest is None:
            return Cluster(**known)
        return Visit(**known, images=images(self._settings))

    async def _observe_store(self) -> None:
        stores = self.cluster.around.stores
        if self.implementation.observe["store"] == "etcd" and stores:
            self.store = StoreWatch(history=self.history, host=stores[0], port=ETCD_PORT, context=self.backend.context())
            await self.store.start()

    async def _observe_api(self) -> None:
        if isinstance(self._cluster, Visit):
            self.namespace = self._cluster.manners.namespace
            await self.watch("operator", "pods")
            return
        await self._observe_audits()
        if self.implementation.at_endpoint:
            await only_new_nodes(self.operator, self.cluster.order.topology.nodes)
        await self._own_namespace()
        for resource in WATCHED:
            await self.watch("operator", resource, everywhere=True)

    async def _own_namespace(self) -> None:
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        answer = await self.operator.request("POST", NAMESPACES, body=namespace)
        if answer.code not in (201, 409):
            raise Inconclusive(f"the operator cannot create the namespace of the scenario: {answer.code} {answer.body}")
        await self.audited()  # before anybody's requests are waited for

    async def _observe_audits(self) -> None:
        cluster, context = self.cluster, self.backend.context()
        for server in cluster.of_role("apiserver") if self.implementation.audit else ():
            file, key = cluster.audit_of(server), str(self._seed)
            audit = AuditLog(history=self.history, server=server.name, file=file, callers=lambda: cluster.names, key=key, context=context)
            await audit.start()
            self.audits.append(audit)

    async def watch(
        self,
        person: str,
        resource: str,
        *,
        everywhere: bool = False,
        selector: Mapping[str, str] | None = None,
        revision: str | None = None,
    ) -> Watch:
        """Let a person watch a kind of object in the scenario's namespace, or everywhere; `selector`: only those that it selects."""
        client = self.operator if person == "operator" else self.client(person)
        name = f"{person}/{resource}"
        namespace = None if everywhere and self.implementation.guest is None else self.namespace  # a guest looks at its own
        context = self.backend.context()
        kind = kind_of(resource)
        watch = Watch(history=self.history, client=client, kind=kind, name=name, namespace=namespace, selector=selector, context=context)
        await watch.start(revision=revision)
        self.watchers[name] = watch
        return watch

    async def watch_workloads(self) -> None:
        """Let the operator watch deployments and ReplicaSets, if it does not yet."""
        for resource in WORKLOADS:
            if f"operator/{resource}" not in self.watchers:
                await self.watch("operator", resource, everywhere=True)

    @property
    def operator(self) -> Client:
        return self.cluster.client()

    def client(self, person: str) -> Client:
        return self.cluster.client(person)

    def timing(self, *roles: str) -> Timing:
        """Timing from the loosest limits of the roles; of all roles without any."""
        components = self.implementation.components.values()
        return Timing.of([c.limits for c in components if not roles or set(roles) & set(c.roles)])

    # -- waiting

    async def seen(self, predicate: Callable[[History], T | None], *, within_s: float, what: str) -> T:
        """What the history shows within a time. Inconclusive with what was seen last where it does not."""
        found = await eventually(self.history, predicate, within_s=within_s)
        if found is None and self.implementation.guest and (why := hindrance(self.history)):
            raise Inconclusive(f"blocked: {why}")
        if found is None:
            self.mark("in-vain", revision=await self.revision())  # what has happened meanwhile can be judged all the same
            raise Inconclusive(f"blocked: not seen within {within_s:g} s: {what}; {seen_last(self.history, what)}")
        return found

    async def wait(self, predicate: Callable[[History], T | None], *, within_s: float) -> T | None:
        """The same for a Then: a check decides afterwards."""
        return await eventually(self.history, predicate, within_s=within_s)

    async def pause(self, seconds: float) -> None:
        """Watch for a while: the window of a *never*. Virtual time in simulation."""
        now_s = self.backend.now_s()
        self.watched_s += max(0.0, now_s + seconds - max(now_s, self._watched_until_s))  # two at a time are one
        self._watched_until_s = max(self._watched_until_s, now_s + seconds)
        await self.backend.context().sleep(seconds)

    # -- remembering and judging

    def mark(self, name: str, **data: Any) -> Event:
        """A moment that windows begin or end at."""
        return self._steps("mark", name=name, **data)

    async def revision(self) -> int | None:
        """The store's revision, with everything up to it recorded; None where the store cannot be read."""
        if self.store is None or self.paused("etcd"):
            return None
        return await self.store.caught_up(within_s=5)

    def step(self, keyword: str, sentence: str) -> None:
        """A sentence begins."""
        self._steps("step", keyword=keyword, sentence=sentence)

    def judge(self, check: str, **arguments: Any) -> None:
        """Let a check conclude from the history; what it was asked is part of the history. Raises Nonconformant for findings.

        It looks at the store as far as the revision that the judgement names.
        """
        revision = self.run(self._all_seen())
        self._steps("judge", check=check, arguments=arguments, revision=revision)
        proof = judge(self.history, check, arguments)
        self.judged += 1
        self.evidence.extend(proof.evidence)
        if proof.findings and self.implementation.guest and (why := hindrance(self.history)):
            raise Inconclusive(f"blocked: {why}")
        if proof.findings:
            self.findings.extend(proof.findings)
            raise Nonconformant(proof.findings)

    async def _all_seen(self) -> int | None:
        """Everything so far is recorded, and what components wrote up to the store's revision of now has been answered."""
        await self.cluster.settle()
        await self.audited()
        if self.store is None or self.paused("etcd"):
            return None
        revision = await self.revision()
        if revision is None:
            raise Inconclusive("the operator's watch of the store lags behind, or the store does not answer")
        await self._answered()
        return revision

    async def audited(self) -> None:
        """What the API servers have written down themselves so far is recorded. Inconclusive where they do not write down everything."""
        for number, audit in enumerate(self.audits):
            answers = self.cluster.instances[audit.server].up and not self.paused("apiserver")
            await audit.caught_up(self.cluster.client(server=number) if answers else None, within_s=AUDIT_S)

    def needs_pure_answers(self) -> None:
        """A sentence is about what the API server itself makes of an object."""
        if isinstance(self._cluster, Visit) and (why := self.run(altered(self.history, self._cluster.stay))):
            raise NotRunnable(why)

    def needs_deliveries(self) -> None:
        """A sentence is about what was delivered to a component over its watches."""
        if not self.cluster.tapped:
            raise NotRunnable("only a tap tells what is delivered over watches (observe.requests)")

    async def _answered(self) -> None:
        """The store is written before the writer is answered: let the answers come. Checks say what they make of one that never does."""
        await self.cluster.settle()
        members = self.cluster.instances
        lost = {(e.source, e["request"]) for kind in ("lost", "dropped") for e in self.history.of(kind)}
        asked = [r for r in facts.unanswered(self.history) if r.instance in members and (r.source, r["request"]) not in lost]
        wanted = {(r.source, r["request"]) for r in asked}

        def answered(history: History) -> bool:
            over = {(e.source, e["request"]) for kind in ("answer", "lost", "dropped") for e in history.of(kind)}
            return wanted <= over

        if wanted:
            await self.wait(answered, within_s=self.timing().reaction)

    def paused(self, role: str) -> bool:
        """Whether an instance of the role is paused just now, or each of them has ended."""
        names = self._names(role)
        turns = [e for kind in ("paused", "resumed", "started", "exited") for e in self.history.of(kind) if e.instance in names]
        states = {e.instance: e.kind for e in sorted(turns, key=lambda e: e.seq)}  # all are told by the cluster
        return "paused" in states.values() or set(states.values()) == {"exited"}

    def _names(self, role: str) -> set[str]:
        return {i.name for i in self.cluster.of_role(role)}

    def suspects(self, roles: Iterable[str]) -> list[Supervised]:
        """The instances of any of the roles."""
        return [i for i in self.cluster.instances.values() if set(roles) & set(i.placement.roles)]

    @property
    def deaths(self) -> list[str]:
        """What there is to say about components that ended by themselves."""
        return [i.died for i in self._cluster.instances.values() if i.died] if self._cluster else []

    def close(self) -> None:
        """Take the cluster down, that of an earlier scenario too which this one never came to; records nothing more."""
        if self._cluster is not None:
            self.run(self._close())
        elif self._standing is not None:
            self.run(self._standing.close())

    def stand(self) -> Standing | None:
        """Leave the cluster as it was to the next scenario; where that cannot be, take it down."""
        standing = None
        with contextlib.suppress(Inconclusive, HarnessFault):  # whatever is wrong with it, nobody has to do with it any more
            if self._cluster is not None and self._unharmed:
                standing = self.run(self._stand())
        if standing is None:
            self.close()
        return standing

    @property
    def _unharmed(self) -> bool:
        return unharmed(self.history, self.cluster, namespace=self.namespace)

    async def _stand(self) -> Standing | None:
        await self._dismiss([watch for name, watch in self.watchers.items() if name not in OPERATORS])
        for barrier in self.stops:
            barrier.release()
        left = Standing(
            cluster=self.cluster,
            history=self.history,
            store=self.store,
            audits=self.audits,
            watchers={name: watch for name, watch in self.watchers.items() if name in OPERATORS},
            over=self._standing.over if self._standing else Over(),
            scenarios=self._standing.scenarios + 1 if self._standing else 1,
        )
        await left.clear(namespace=self.namespace, context=self.backend.context(), within_s=self.timing().reaction)
        await self._all_seen()
        return left.without(self.namespace) if self._unharmed else None

    async def _dismiss(self, watches: Iterable[Watch]) -> None:
        """Nobody waits for an answer any more, and these watch no more."""
        await cancel(*self.begun.values())
        for watch in watches:
            await watch.stop()

    async def _close(self) -> None:
        await self._dismiss(self.watchers.values())
        try:
            if isinstance(self._cluster, Visit):
                await self._cluster.leave()
            elif self.implementation.at_endpoint and self.history.of("told", method="POST", path=NAMESPACES, code=201):
                await self._leave()
        finally:
            await take_down(self.cluster, store=self.store, audits=self.audits)

    async def _leave(self) -> None:
        """The cluster goes on without us."""
        for instance in reversed(self.cluster.instances.values()):
            if not isinstance(instance, AtEndpoint):
                await instance.end("kill")
        await self.cluster.settle()
        await leave(self.operator, self.history, namespace=self.namespace, context=self.backend.context())
