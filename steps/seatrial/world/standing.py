"""A cluster that stands for the next scenario, where a descriptor asks for that: real components take seconds to come up.

Each scenario has a namespace of its own. When it is over, what it made goes, and the history forgets what concerned the namespace, and
whatever people and the suite did: what is left is what happened in this cluster to its components, from the first connection on, as if
they had only had a longer boot. So no scenario can live on the evidence of another one.

Only what has come to no harm goes on: every component is in its first incarnation, nobody was cut off or imitated, and people changed
nothing outside of the namespace and those that they made themselves. Everything else is taken down, as without this.
"""

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from seatrial.checks.facts import OWN
from seatrial.cluster.cluster import Cluster
from seatrial.cluster.departure import NAMESPACES
from seatrial.model.errors import Inconclusive
from seatrial.model.history import Event, History, eventually
from seatrial.model.topology import Topology
from seatrial.observe.audit import AuditLog
from seatrial.observe.store import StoreWatch
from seatrial.observe.watches import Watch
from seatrial.world.leaving import leave
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural

SCENARIOS_MAX = 25  # on one cluster: what its components say of themselves adds up in every history
CONFIGURATIONS = tuple(by_plural(p).path() for p in ("mutatingwebhookconfigurations", "validatingwebhookconfigurations"))
HARMLESS = frozenset({"instance", "started", "ready", "hold", "release"})  # all that may have been done to a cluster
OF_THE_SUITE = frozenset({"people", "steps", "hooks"})  # sources that are about one scenario alone
OF_A_REQUEST = frozenset({"answer", "lost", "dropped", "held", "released", "stream-end", "offered", "delivered"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the next scenario finds."""

    cluster: Cluster
    history: History
    store: StoreWatch | None
    audits: Sequence[AuditLog]
    watchers: Mapping[str, Watch]  # the operator's
    over: "Over"
    scenarios: int = 1  # that there have been

    def fits(self, topology: Topology) -> bool:
        """Whether a scenario that wants this topology may have it."""
        return self.cluster.order.topology == topology and self.scenarios < SCENARIOS_MAX

    async def clear(self, *, namespace: str, context: Context, within_s: float) -> None:
        """Nothing of a scenario is left, and nothing is refused, changed or held any more. Raises Inconclusive where something stays."""
        client = self.cluster.client()
        await _calm(self.cluster)
        for path in _configurations(self.history):
            await client.request("DELETE", path)
        for name in namespaces(self.history, namespace):
            await leave(client, self.history, namespace=name, context=context, beyond=False)
        if not await eventually(self.history, lambda _: self._idle, within_s=within_s):
            raise Inconclusive(f"pods of {namespace}, which is gone, still run after {within_s:g} s")

    @property
    def _idle(self) -> bool:
        return not any(runtime.busy() for runtime in self.cluster.runtimes.values())

    def without(self, namespace: str) -> Self:
        """The history forgets what was there."""
        self.over.end(self.history, namespaces=namespaces(self.history, namespace), watches=self.watchers)
        return self

    async def close(self) -> None:
        """Take everything down."""
        for watch in self.watchers.values():
            await watch.stop()
        await take_down(self.cluster, store=self.store, audits=self.audits)


async def take_down(cluster: Cluster, *, store: StoreWatch | None, audits: Iterable[AuditLog]) -> None:
    """A cluster, and who has watched it from below."""
    for audit in audits:
        await audit.stop()
    if store:
        await store.stop()
    await cluster.stop()


class Over:
    """Tells what concerns scenarios that are over. It must be asked in the order of the events: a request decides about its answer."""

    def __init__(self) -> None:
        self._namespaces: set[str] = set()
        self._requests: set[tuple[str, object]] = set()

    def end(self, history: History, *, namespaces: Iterable[str], watches: Iterable[str]) -> None:
        """Let the history forget a scenario. `watches` go on."""
        self._namespaces.update(namespaces)
        keep = {f"watch/{name}" for name in watches}

        def over(event: Event) -> bool:
            others = event.source.startswith("watch/") and event.source not in keep
            return event.source in OF_THE_SUITE or others or self._of(event, people=True)

        history.forget(over, late=self._of)

    def _of(self, event: Event, *, people: bool = False) -> bool:
        key = event.source, event.data.get("request")
        if not people and event.kind == "asked":
            self._namespaces.difference_update(_made(event))  # new ones of old names
        if event.kind == "request":
            if self._about(event) or (people and event.instance in OWN):
                self._requests.add(key)
            return key in self._requests
        return (event.kind in OF_A_REQUEST and key in self._requests) or self._about(event)

    def _about(self, event: Event) -> bool:
        """Whether an event is about one of the namespaces, or what lies there."""
        if event.kind in ("put", "delete"):
            *_, above, name = f"/{event['key']}".split("/")  # as the catalogue has it (STORE-09, STORE-10): .../NAMESPACE/NAME
            return (name if above == "namespaces" else above) in self._namespaces
        named = event["name"] if event["resource"] == "namespaces" else event["namespace"]
        return named in self._namespaces


def namespaces(history: History, own: str) -> list[str]:
    """Those of the scenario: its own, and what people have made."""
    return list(dict.fromkeys([own, *(name for asked in history.of("asked") for name in _made(asked))]))


def _made(asked: Event) -> list[str]:
    """The namespace that a request of somebody's makes."""
    makes = asked["method"] == "POST" and asked["path"] == NAMESPACES and isinstance(asked["body"], dict)
    return [asked["body"]["metadata"]["name"]] if makes else []


def unharmed(history: History, cluster: Cluster, *, namespace: str) -> bool:
    """Whether the scenario that is over has left the cluster as it was, but for its namespaces and its admission hooks."""
    done, own = [e for e in history if e.source == "cluster"], namespaces(history, namespace)
    calm = {e.kind for e in done} <= HARMLESS and len(history.of("started")) == len(cluster.instances) and not history.of("losses")
    alike = {i.placement.node for i in cluster.instances.values()} - {None} == set(cluster.order.topology.nodes)
    return calm and alike and all(_within(e["path"], own) for e in _writes(history))


def _writes(history: History) -> list[Event]:
    """What people asked to be changed and were not refused."""
    refused = {e["asked"] for e in history.of("told") if 400 <= e["code"] < 500}
    return [e for e in history.of("asked") if e["method"] != "GET" and e.seq not in refused]


def _within(path: str, own: Iterable[str]) -> bool:
    """Whether a write could have changed nothing but these namespaces."""
    if path == NAMESPACES or path.startswith(CONFIGURATIONS):
        return True
    return any(path == f"{NAMESPACES}/{name}" or f"/namespaces/{name}/" in path for name in own)


async def _calm(cluster: Cluster) -> None:
    """Doubles and taps do nothing for anybody any more. People who come next show new tokens: API servers may know the old ones for a while
    without asking (real ones for ten seconds)."""
    await cluster.faults.release()
    for runtime in cluster.runtimes.values():
        runtime.heal()
    for user in cluster.hooks.calm() if cluster.hooks else ():
        cluster.identities.forget(user)


def _configurations(history: History) -> list[str]:
    """Paths of the admission hooks that were registered."""
    made = [e for e in history.of("asked", method="POST") if e["path"] in CONFIGURATIONS]
    return [f"{e['path']}/{e['body']['metadata']['name']}" for e in made]


class Pool:
    """The cluster that stands, if one does. There is at most one: a real one takes up to a gigabyte."""

    def __init__(self, run: Callable[[Coroutine[Any, Any, None]], None]) -> None:
        self._run = run
        self._standing: Standing | None = None

    def take(self, topology: Topology | None) -> Standing | None:
        """The one that stands, if it is of this kind; else it is taken down, to make room."""
        if self._standing and topology and self._standing.fits(topology):
            taken, self._standing = self._standing, None
            return taken
        self.close()
        return None

    def keep(self, standing: Standing | None) -> None:
        """For the next one that takes it."""
        self._standing = standing

    def close(self) -> None:
        """Take down what stands."""
        if self._standing:
            self._run(self._standing.close())
            self._standing = None
