"""When an instance is ready: its port answers, its health URL says 200, its log says so, its lease is held, its node is Ready.

Who lives and does not ask for the lease that it should take is ready as well, late: nobody would find out otherwise how it works.
Of lease and node the operator's watches tell; where they have told nothing for long, the operator asks: who serves them may be wrong.
A node that still bears the taint of a new one takes no pods: where a controller manager is there to take it away, the node is ready then.
Readiness is asked by the operator and bounded by the component's `ready_s`. An instance that ends meanwhile and is not started again, or
whose command cannot be executed, is not waited for any longer; it is to blame by name, with its last words, as is one that does not get
ready in time.
"""

import asyncio
import math
import re
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from seatrial.cluster.filling import Filling
from seatrial.cluster.instances import Supervised
from seatrial.model.errors import NotReady
from seatrial.model.history import History
from seatrial.model.waiting import until
from seatrial.wire.kubernetes import Answer
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural

POLL_S = 0.02
READ_EVERY_S = 1.0
MANAGER_ROLE = "controller-manager"
NODE_LEASES = "kube-node-lease"
NOT_READY = "node.kubernetes.io/not-ready"
READINESS_AGENT = "seatrial/readiness"
Probe = Callable[[], Awaitable[bool]]
Json = dict[str, Any]


class Readiness:
    """Probes of one cluster."""

    def __init__(
        self,
        *,
        history: History,
        session: aiohttp.ClientSession,
        token: str,
        dial: Callable[[str, int], Awaitable[Any]],
        read: Callable[[str], Awaitable[Answer]],
        context: Context,
    ) -> None:
        self._history = history
        self._read = read  # a path of the API, by the operator
        self._read_s: dict[str, float] = {}  # when it did last, for each instance
        self._token = token  # the operator's: an API server may answer nobody who does not say who they are
        self._session = session
        self._dial = dial
        self._context = context

    async def wait(self, instance: Supervised, filling: Filling) -> None:
        """Return when it is ready. Raises NotReady with its last words."""
        await self.until(instance, self._probe(instance, filling))

    async def until(self, instance: Supervised, probe: Probe) -> None:
        """Return when something is true of it. Raises NotReady likewise."""

        async def true() -> bool:
            if await probe():
                return True
            if why := instance.hopeless:
                raise NotReady(why)
            return False

        limit_s = instance.placement.component.limits.ready_s
        if not await until(true, context=self._context, within_s=limit_s, every_s=POLL_S):
            why = f": it {instance.fate}" if instance.fate else _missing(instance)
            raise NotReady(instance.obituary(f"was not ready within {limit_s:g} s{why}"))

    def _probe(self, instance: Supervised, filling: Filling) -> Probe:
        ready = instance.placement.component.ready
        kind, template = next(iter(ready.items()), ("none", ""))
        probes: dict[str, Callable[[], Awaitable[bool]]] = {
            "none": self._at_once,
            "http": lambda: self._http(filling.text(template), known=instance.placement.has("apiserver")),
            "tcp": lambda: self._tcp(filling.text(template)),
            "log": lambda: self._log(instance, template),
            "lease": lambda: self._lease(instance),
            "node": lambda: self._node(instance),
        }
        return probes[kind]

    async def _at_once(self) -> bool:
        return True

    async def _http(self, url: str, *, known: bool) -> bool:
        headers = {"User-Agent": READINESS_AGENT} | ({"Authorization": f"Bearer {self._token}"} if known and self._token else {})
        try:
            limit = aiohttp.ClientTimeout(total=5)
            async with self._session.get(url, headers=headers, timeout=limit) as reply:
                return reply.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False

    async def _tcp(self, address: str) -> bool:
        host, _, port = address.rpartition(":")
        try:
            async with asyncio.timeout(2):
                _, writer = await self._dial(host, int(port))
        except (OSError, TimeoutError):
            return False
        writer.close()
        return True

    async def _log(self, instance: Supervised, pattern: str) -> bool:
        return bool(instance.running and re.search(pattern, instance.running.log_tail(1000), re.MULTILINE))

    async def _lease(self, instance: Supervised) -> bool:
        """Somebody holds the lease, and this instance lives."""
        namespace, _, name = (instance.placement.component.lease or "/").partition("/")
        leases = self._history.of("watched", resource="leases", namespace=namespace, name=name)
        told = leases[-1]["object"] if leases else {}
        lease = await self._asked(instance, by_plural("leases").path(namespace=namespace, name=name)) or told
        return self._lives(instance) if lease.get("spec", {}).get("holderIdentity") else self._stands_aside(instance)

    def _stands_aside(self, instance: Supervised) -> bool:
        """Whether it has lived for half of the time that it may take to get ready, and has never asked about a lease of its own: it means
        to take none, and what that is worth is for rules to say."""
        mine = [r for r in self._history.of("request", instance=instance.name) if r.at_s >= self._born_s(instance)]
        asked = [r for r in mine if r["resource"] == "leases" and r["namespace"] != NODE_LEASES and r["verb"] not in ("list", "watch")]
        return bool(mine) and not asked and self._late(instance)

    def _born_s(self, instance: Supervised) -> float:
        return max((e.at_s for e in self._history.of("started", instance=instance.name)), default=math.inf)

    def _late(self, instance: Supervised) -> bool:
        """Whether it has lived for half of the time that it may take to get ready."""
        return self._context.now_s() >= self._born_s(instance) + instance.placement.component.limits.ready_s / 2

    async def _asked(self, instance: Supervised, path: str) -> Json:
        """What the operator reads there, now and then, once it is late; nothing before."""
        now_s = self._context.now_s()
        if not self._late(instance) or now_s < self._read_s.get(instance.name, -math.inf) + READ_EVERY_S:
            return {}
        self._read_s[instance.name] = now_s
        answer = await self._read(path)
        return answer.body if answer.ok else {}

    async def _node(self, instance: Supervised) -> bool:
        name = instance.placement.node or ""
        nodes = self._history.of("watched", resource="nodes", name=name)
        told = nodes[-1]["object"] if nodes else {}
        node = await self._asked(instance, by_plural("nodes").path(name=name)) or told
        return node_ready(node) and (not tainted(node) or not self._managed()) and self._lives(instance)

    def _lives(self, instance: Supervised) -> bool:
        """Whether it has asked the API server for something in this life, where anybody's requests are known: of an earlier life others may
        not yet know that it is over."""
        born_s = max((e.at_s for e in self._history.of("started", instance=instance.name)), default=0.0)
        last = self._history.of("request", instance=instance.name)[-1:]
        return any(r.at_s >= born_s for r in last) or not self._history.of("request")

    def _managed(self) -> bool:
        """Whether a controller manager is there, which takes the taint of a new node away as soon as the node is ready."""
        managers = {e.instance for e in self._history.of("instance") if MANAGER_ROLE in e["roles"]}
        lives = [e for e in self._history if e.kind in ("started", "exited") and e.instance in managers]
        return bool(lives) and lives[-1].kind == "started"


def node_ready(node: Json) -> bool:
    """Whether a Node object says Ready."""
    return any(c["type"] == "Ready" and c["status"] == "True" for c in node.get("status", {}).get("conditions", ()))


def tainted(node: Json) -> bool:
    """Whether a Node object still says that it is not ready to take pods: admission may say so of every new one."""
    return any(t["key"] == NOT_READY for t in node.get("spec", {}).get("taints") or ())


def _missing(instance: Supervised) -> str:
    """What it is that nobody has seen, where its descriptor may have meant something else."""
    component = instance.placement.component
    held = f": nobody was seen to hold the lease {component.lease} (`ready: lease`, `replicas.election`)"
    return held if component.ready.keys() == {"lease"} else ""
