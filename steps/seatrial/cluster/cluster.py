"""A running cluster: the order in which it comes up and goes down, and whom one can ask there.

Hosts first, so that every address is known; then doubles; then values; then the components in three tiers: stores, API servers with
their taps, everybody else.
"""

import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from seatrial.adapters.implementation import Implementation
from seatrial.backends.interface import Backend, Host, Network
from seatrial.cluster.authority import Authority
from seatrial.cluster.faults import Faults
from seatrial.cluster.filling import API_PORT, Filling, Surroundings, cri_socket
from seatrial.cluster.identities import Identities, Identity
from seatrial.cluster.instances import AtEndpoint, Supervised, tiers
from seatrial.cluster.layout import Placement, node, placements
from seatrial.cluster.readiness import Readiness
from seatrial.cluster.tapping import tap_program
from seatrial.doubles.hooks import Hooks
from seatrial.doubles.runtime import Runtime
from seatrial.doubles.tap_control import TapControl
from seatrial.model.errors import HarnessFault, Inconclusive, NotReady
from seatrial.model.history import History
from seatrial.model.limits import Limits
from seatrial.model.topology import NODE_ROLE, Topology
from seatrial.wire.kubernetes import Client
from seatrial.wire.pki import Pki

HOOKS = "hooks"
HOOKS_PORT = 8443
HOOK_PATHS = {"authentication": "authenticate", "authorization": "authorize"}
NODES_TO_COME = range(1, 6)  # nodes that may join later have their identity from the beginning
DIRECTORY_MAX = 70  # characters: a socket's path has at most 107, its own name included
CLOSING_TURNS = 4  # of the loop, in which connections whose peers are gone say good-bye to themselves
Hook = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a scenario and its user want."""

    implementation: Implementation
    topology: Topology
    seed: int = 0
    settings: dict[str, str] = field(default_factory=dict)
    people: tuple[str, ...] = ()  # who have tokens of the API server's own from the beginning, beside the operator


class Cluster:
    """All its coroutines run as the operator."""

    def __init__(self, *, order: Order, backend: Backend, network: Network, history: History) -> None:
        self.order = order
        self.history = history
        self.instances: dict[str, Supervised] = {}
        self.taps: dict[str, TapControl] = {}
        self.runtimes: dict[str, Runtime] = {}
        self.hooks: Hooks | None = None
        self.backend = backend
        self.network = network
        self.record = history.recorder("cluster")
        self.faults = Faults(network=network, taps=self.taps, record=self.record)
        self.identities = Identities(
            directory=network.directory,
            pki=backend.certificates(network.directory),
            context=backend.context(),
            certificates=order.implementation.identity.get("clients") == "certificates",
        )
        self._hosts: dict[str, Host] = {network.operator.name: network.operator}
        self._session: aiohttp.ClientSession | None = None
        self._around: Surroundings | None = None
        self._authority: Authority | None = None  # where the implementation has certificates of its own
        self._sessions: list[aiohttp.ClientSession] = []

    @property
    def implementation(self) -> Implementation:
        return self.order.implementation

    # -- coming up

    async def start(self, *, stores_up: Hook, servers_up: Hook) -> None:
        """Everything, in order; the observers are let in as soon as there is something to see. Raises NotReady for a component."""
        if len(str(self.network.directory)) > DIRECTORY_MAX:
            raise NotReady(f"{self.network.directory} is too long a path for sockets; set TMPDIR to a shorter one.")
        placed = placements(self.implementation, self.order.topology)
        hosts = [await self._host(p.name) for p in placed]
        self._around = await self._surroundings(placed)
        await self._serve_hooks()
        self._open_session()
        for placement, host in zip(placed, hosts, strict=True):
            await self._place(placement, host)
        stores, servers, rest = tiers(self.instances.values())
        await self._start_all(stores)
        await stores_up()
        await self._start_all(servers)
        await servers_up()
        await self._start_all(rest)

    async def join(self, name: str) -> None:
        """A new node: its host, its runtime, its kubelet; ready when this returns."""
        kubelet = self.implementation.role(NODE_ROLE)
        if kubelet is None:
            raise Inconclusive("no component has the role kubelet")
        await self._place(node(kubelet, name, len(self.of_role(NODE_ROLE))), await self._host(name))
        await self._configure_taps()
        await self._start_all([self.instances[name]])

    async def _host(self, name: str) -> Host:
        self._hosts[name] = await self.network.host(name)
        return self._hosts[name]

    async def _surroundings(self, placed: Sequence[Placement]) -> Surroundings:
        identities, hooks = self.identities, self.implementation.hooks
        address = (await self._host(HOOKS)).address
        known = [identities.admin, *(identities.of_role(r, p.node) for p in placed for r in p.roles)]
        known += [identities.of_role(NODE_ROLE, f"node-{i}") for i in NODES_TO_COME]
        known += [identities.person(name) for name in self.order.people]
        urls = {s: f"https://{address}:{HOOKS_PORT}/{path}" for s, path in HOOK_PATHS.items() if hooks[s] != "none"}
        return Surroundings(
            implementation=self.implementation,
            identities=identities,
            directory=self.network.directory,
            stores=tuple(self._hosts[p.name].address for p in placed if p.has("etcd")),
            servers=tuple(self._hosts[p.name].address for p in placed if p.has("apiserver")),
            tokens=identities.token_file(list(dict.fromkeys(known))),
            hooks={s: identities.webhook(url, name=s) for s, url in urls.items()},
            settings=self.order.settings,
        )

    def _open_session(self) -> None:
        """The operator's connections; anew when it has got other credentials."""
        self._session = self.network.operator.session(tls=self._client_tls(), read_bufsize=1 << 20)
        self._sessions.append(self._session)
        known: Any = {"history": self.history, "session": self._session, "token": self.identities.admin.token}
        known |= {"dial": self.network.operator.dial, "read": lambda path: self.client().request("GET", path)}
        self._readiness = Readiness(**known, context=self.backend.context())

    def _client_tls(self) -> ssl.SSLContext:
        """A tap is of the suite's CA, an API server without one is of its own."""
        identities = self.identities
        own = identities.issued(identities.admin)
        ca = identities.pki.ca if self.tapped else identities.server_ca
        return self.backend.context().tls(server=False, ca=ca, cert=own.cert if own else None, key=own.key if own else None)

    async def _serve_hooks(self) -> None:
        host = self._hosts[HOOKS]
        pair = self.identities.pki.serving(HOOKS, names=[host.address])
        self.hooks = Hooks(record=self.history.recorder("hooks"), callers=self.names, key=str(self.order.seed))
        tls = self.backend.context().tls(server=True, ca=None, cert=pair.cert, key=pair.key)
        await self.hooks.serve(host, port=HOOKS_PORT, tls=tls)

    async def _place(self, placement: Placement, host: Host) -> None:
        """Make the instance known, with what belongs to its host: a node's runtime, an API server's tap."""
        self.instances[placement.name] = self._supervised(placement, host)
        self.record(
            "instance",
            instance=placement.name,
            component=placement.component.name,
            roles=list(placement.roles),
            address=host.address,
            node=placement.node,
            lease=placement.component.lease,
            limits=placement.component.limits.as_mapping(),
        )
        if placement.node:
            await self._serve_runtime(placement.node, len(self.runtimes) + 1)

    def _supervised(self, placement: Placement, host: Host) -> Supervised:
        filling = Filling(placement=placement, host=host, around=self.around)
        known: Any = {
            "placement": placement,
            "host": host,
            "network": self.network,
            "record": self.record,
            "context": self.backend.context(),
        }
        if placement.component.endpoint:
            return AtEndpoint(endpoint=filling.text(placement.component.endpoint), port=API_PORT, **known)
        return Supervised(program=filling.program, **known)

    async def _serve_runtime(self, name: str, index: int) -> None:
        runtime = Runtime(node=name, index=index, record=self.history.recorder(f"runtime/{name}"), context=self.backend.context())
        await runtime.serve(cri_socket(self.network.directory, name))
        self.runtimes[name] = runtime

    async def _start_all(self, instances: Sequence[Supervised]) -> None:
        for instance in instances:
            if instance.placement.has("apiserver"):
                await self._start_server(instance)
            else:
                await self._introduce(instance)
                await instance.start()
        for instance in instances:
            await self.ready(instance)

    async def ready(self, instance: Supervised) -> None:
        """Wait until it is ready. Raises NotReady with its last words."""
        await self._readiness.wait(instance, self._filling(instance))
        self.record("ready", instance=instance.name)

    def _filling(self, instance: Supervised) -> Filling:
        return Filling(placement=instance.placement, host=instance.host, around=self.around)

    async def _start_server(self, instance: Supervised) -> None:
        """An API server and its tap, which goes first where the suite knows what certificate the server will show."""
        own = self.implementation.identity
        if "admin" not in own:
            if self.tapped:
                await self._start_tap(instance)
            await instance.start()
            return
        await instance.start()
        filling = self._filling(instance)
        authority = Authority(
            admin=own["admin"],
            mint=own.get("mint", ()),
            network=self.network,
            identities=self.identities,
            server=instance,
            filling=filling,
        )
        await self._readiness.until(instance, authority.open)
        self._authority = authority
        self._open_session()
        if self.tapped:
            await self._start_tap(instance)

    async def _introduce(self, instance: Supervised) -> None:
        """Have its identities minted, where they are not the suite's."""
        if self._authority is not None:
            for role in instance.placement.roles:
                await self._authority.admit(self.identities.of_role(role, instance.placement.node))
            await self._configure_taps()

    async def _start_tap(self, instance: Supervised) -> None:
        """The tap goes down with its API server and comes up with it."""
        host, control = instance.host, self.network.directory / f"{instance.host.name}.tap"
        endpoint = instance.endpoint if isinstance(instance, AtEndpoint) else ""
        program = tap_program(host, self.identities, control=control, upstream_name=str(urlsplit(endpoint).hostname or ""))
        await self.network.boot(f"tap-{host.name}", host, program)
        tap = await TapControl.connect(control, record=self.history.recorder(f"tap/{host.name}"), context=self.backend.context())
        self.taps[host.name] = tap
        await self._configure_taps()
        instance.on_up.append(tap.up)
        instance.on_down.append(tap.down)

    async def _configure_taps(self) -> None:
        for tap in self.taps.values():
            await tap.configure(hosts=self.names, identities=self.identities.by_digest(), key=str(self.order.seed))

    # -- asking about it

    @property
    def around(self) -> Surroundings:
        """What all instances are told of each other. Raises HarnessFault before the start."""
        if self._around is None:
            raise HarnessFault("the cluster has not been started")
        return self._around

    @property
    def tapped(self) -> bool:
        return self.implementation.requests == "tap"

    @property
    def names(self) -> dict[str, str]:
        """Names of hosts by address."""
        return {h.address: name for name, h in self._hosts.items()}

    def of_role(self, role: str) -> list[Supervised]:
        """All instances that have the role, in the order of their numbers."""
        return [i for i in self.instances.values() if i.placement.has(role)]

    def audit_of(self, server: Supervised) -> Path:
        """Where the API server writes its audit log."""
        return self._filling(server).path(self.implementation.audit)

    def host(self, name: str) -> Host:
        """An instance's, or a double's. Raises KeyError."""
        return self._hosts[name]

    def limits(self, role: str) -> Limits:
        """The limits of the component that has the role."""
        component = self.implementation.role(role)
        return component.limits if component else Limits()

    def client(self, person: str | None = None, *, token: str | None = None, server: int = 0) -> Client:
        """A person (None: the operator) at one API server; with a token of their own where one is given."""
        if self._session is None:
            raise HarnessFault("the cluster has not been started")
        identity, shown = self._known(person) if person else (self.identities.admin, self.identities.admin.token)
        authority = self._authority
        return Client(
            session=self._session,
            url=f"https://{self.around.servers[server % len(self.around.servers)]}:{API_PORT}",
            token=shown if token is None else token,
            user=identity.user,
            record=self.history.recorder("people"),
            mint=(lambda: authority.token(identity)) if authority and person and token is None and not shown else None,
            sleep=self.backend.context().sleep,
        )

    def _known(self, person: str) -> tuple[Identity, str]:
        """A person, and the token they show. The authentication hook knows people by their own; without it the implementation's own
        authority issues one, later; without that they show the operator's."""
        hooks = self.implementation.hooks
        identity = self.identities.person(person, mighty=hooks["authorization"] == "none")
        if hooks["authentication"] != "none" and self.hooks:
            self.hooks.know(identity.token, user=identity.user, groups=identity.groups)
            return identity, identity.token
        return identity, "" if self._authority else self.identities.admin.token

    def stranger(self, what: str) -> Client:
        """Somebody who shows a certificate at the API server's own port, for a tap would refuse the handshake itself: an expired one, one
        of a foreign CA, or a valid one, whose bearer is called `witness`."""
        pki = Pki(self.network.directory / "foreign", context=self.backend.context()) if "foreign" in what else self.identities.pki
        user = "witness" if "valid" in what else "somebody"
        pair = pki.client(user, expired="expired" in what)
        tls = self.backend.context().tls(server=False, ca=self.identities.pki.ca, cert=pair.cert, key=pair.key)
        server = self.of_role("apiserver")[0]
        session = server.host.session(tls=tls)
        self._sessions.append(session)
        url = self._filling(server).text("${url.apiserver.direct}")
        return Client(session=session, url=url, token=None, user=user, record=self.history.recorder("people"))

    # -- going down

    async def settle(self) -> None:
        """All that wires and taps have seen so far is in the history when this returns."""
        await self.network.settle()
        for tap in self.taps.values():
            await tap.settle()

    async def stop(self) -> None:
        """Take everything down, in reverse order of the start."""
        for instance in reversed(list(self.instances.values())):
            await instance.abandon()
        for session in self._sessions:
            await session.close()
        for tap in self.taps.values():
            await tap.close()
        for runtime in self.runtimes.values():
            await runtime.close()
        if self.hooks:
            await self.hooks.close()
        await self.network.close()
        for _ in range(CLOSING_TURNS):
            await self.backend.context().sleep(0)
