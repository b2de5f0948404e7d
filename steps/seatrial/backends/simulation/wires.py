"""The wires of one cluster: who listens where, who is cut off from whom, and the record of every attempt.

A host has one address and a loopback of its own. An attempt is recorded before anything else happens to it. A SYN that is not answered
is sent again after 1, 2, 4 ... seconds, as Linux does; an address that belongs to no host never answers.
"""

import asyncio
import contextvars
import errno
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import TYPE_CHECKING, Any, Self

from seatrial.backends.interface import CANARY_PORTS
from seatrial.backends.simulation.boot import Boot
from seatrial.backends.simulation.datagrams import Address, Datagrams
from seatrial.backends.simulation.handshake import ServerHandshake
from seatrial.backends.simulation.link import Link
from seatrial.backends.simulation.streams import Endpoint
from seatrial.backends.simulation.tls import CarriedTLS
from seatrial.model.history import Record

if TYPE_CHECKING:
    from seatrial.backends.simulation.loop import SimulatedLoop

SYN_RETRIES_S = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)  # net.ipv4.tcp_syn_retries = 6
EPHEMERAL_PORTS = range(32768, 61000)
LATENCY_S = (0.0001, 0.0003)
LATENCY_LOCAL_S = 0.00002
LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - a key, not a socket
Key = tuple[str, int]


class Site:
    """A host as the wires know it."""

    def __init__(self, *, wires: "Wires", name: str, address: str) -> None:
        self.wires = wires
        self.name = name
        self.address = address
        self.listeners: dict[Key, Listener] = {}
        self.ports: Iterator[int] = itertools.cycle(EPHEMERAL_PORTS)

    def local(self, address: str | None) -> str:
        """The canonical form of an address to bind. Raises OSError where it is none of this host's."""
        if address in (None, "", "::", EVERYWHERE):
            return EVERYWHERE
        if is_loopback(address):
            return LOOPBACK
        if address != self.address:
            raise OSError(errno.EADDRNOTAVAIL, f"error while attempting to bind on address {address}: not an address of {self.name}")
        return self.address

    def listener(self, address: str, port: int) -> "Listener | None":
        return self.listeners.get((address, port)) or self.listeners.get((EVERYWHERE, port))

    def is_taken(self, address: str, port: int) -> bool:
        return any(p == port and (address == a or EVERYWHERE in (address, a)) for a, p in self.listeners)


class ListeningSocket:
    """As much of a socket as tells where a server listens."""

    def __init__(self, name: object) -> None:
        self._name = name

    def getsockname(self) -> object:
        return self._name


class Listener(asyncio.AbstractServer):
    """A listening socket. `table` is where it stands: a host's ports, or the paths."""

    def __init__(self, *, boot: Boot, table: dict[Any, "Listener"], key: Any, factory: Callable[[], Any], tls: CarriedTLS | None) -> None:
        self.boot = boot
        self.context = contextvars.copy_context()
        self.sockets = (ListeningSocket(key),)
        self._table, self._key, self._factory, self._tls = table, key, factory, tls
        self._closed: asyncio.Future[None] | None = None
        table[key] = self
        boot.listeners[self] = None

    def protocol(self) -> asyncio.BaseProtocol:
        """For one new connection."""
        protocol: asyncio.BaseProtocol = self._factory() if self._tls is None else ServerHandshake(self._tls, self._factory)
        return protocol

    def is_serving(self) -> bool:
        return self._table.get(self._key) is self

    def close(self) -> None:
        if self.is_serving():
            del self._table[self._key]
            self.boot.listeners.pop(self)
            if self._closed is not None and not self._closed.done():
                self._closed.set_result(None)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    async def start_serving(self) -> None:
        """It does from the beginning."""

    async def serve_forever(self) -> None:
        self._closed = asyncio.get_running_loop().create_future()
        try:
            await self._closed
        finally:
            self.close()

    async def wait_closed(self) -> None:
        """Nothing to wait for, as in CPython 3.11."""

    async def __aenter__(self) -> Self:
        return self


class Wires:
    """Everything between hosts."""

    def __init__(self, *, loop: "SimulatedLoop", random: Random, record: Record) -> None:
        self.loop = loop
        self.sites: dict[str, Site] = {}  # by address
        self.links: dict[int, Link] = {}
        self.paths: dict[str, Listener] = {}
        self.datagrams: dict[Address, Datagrams] = {}
        self.cuts: set[tuple[str, str]] = set()
        self.canary_ports: Iterator[int] = itertools.cycle(CANARY_PORTS)
        self._random = random
        self._record: Record | None = record
        self._frames: Counter[tuple[str, str]] = Counter()
        self._numbers = itertools.count(1)
        self._exchanges: set[frozenset[Address]] = set()  # only ever asked whether something is in it

    def record(self, kind: str, **data: Any) -> None:
        if self._record is not None:
            self._record(kind, **data)

    def record_frames(self) -> None:
        self.record("frames", pairs=[[source, target, count] for (source, target), count in sorted(self._frames.items())])

    def carries(self, end: Endpoint) -> bool:
        """Count what `end` sends; whether it arrives."""
        if end.link.local:
            return True
        if end.route is None:
            end.route = site_of(end.boot).name, site_of(end.peer.boot).name
        self._frames[end.route] += 1
        return end.route not in self.cuts

    def heal(self) -> None:
        self.cuts.clear()
        for link in list(self.links.values()):
            for end in link.ends:
                end.retransmit()

    def close(self) -> None:
        """No more records, no more connections, whatever was open is over."""
        self._record = None
        for link in list(self.links.values()):
            for end in link.ends:
                end.drop(None)
        for listener in [*(x for s in self.sites.values() for x in s.listeners.values()), *self.paths.values()]:
            listener.close()

    async def dial(self, boot: Boot, address: str, port: int, *, sport: int | None = None) -> Endpoint:
        """One TCP connection from where `boot` stands. Raises ConnectionRefusedError or TimeoutError."""
        site = site_of(boot)
        target = site if is_loopback(address) else self.sites.get(address)
        sport = sport or next(site.ports)
        local = target is site
        link = Link(
            wires=self, number=next(self._numbers), latency_s=LATENCY_LOCAL_S if local else self._random.uniform(*LATENCY_S), local=local
        )
        if not local:
            self.record("open", origin=site.name, target=target.name if target else address, port=port, sport=sport, link=link.number)
        try:
            await self._knock(site, target, address, link)
            listener = await self._listener(target, LOOPBACK if is_loopback(address) else address, port, link)
            here = (LOOPBACK if is_loopback(address) else site.address, sport)
            near = self._join(link, boot, listener, here, (address, port))
            await self._answered(near)
        except BaseException:
            link.over()
            raise
        return near

    async def dial_path(self, boot: Boot, path: str) -> Endpoint:
        """One connection to a path socket. Raises FileNotFoundError where nobody listens."""
        link = Link(wires=self, number=next(self._numbers), latency_s=LATENCY_LOCAL_S, local=True)
        await asyncio.sleep(link.latency_s)
        listener = self.paths.get(path)
        if listener is None:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        return self._join(link, boot, listener, "", path)

    def throw(self, sender: Datagrams, data: bytes, to: Address) -> None:
        """One datagram. Nobody is told whether it arrived."""
        site, target = site_of(sender.boot), self.sites.get(to[0])
        if is_loopback(to[0]) or target is site:
            self._arrive(sender.local, data, to)
            return
        name = target.name if target else to[0]
        self._frames[site.name, name] += 1
        if (exchange := frozenset((sender.local, to))) not in self._exchanges:
            self._exchanges.add(exchange)
            self.record("open", origin=site.name, target=name, port=to[1], sport=sender.local[1], link=next(self._numbers))
        if target and (site.name, name) not in self.cuts:
            self.loop.call_later(self._random.uniform(*LATENCY_S), self._arrive, sender.local, data, to)

    def _arrive(self, sender: Address, data: bytes, to: Address) -> None:
        if receiver := self.datagrams.get(to):
            receiver.arrive(data, sender)

    async def _knock(self, site: Site, target: Site | None, address: str, link: Link) -> None:
        """Until a SYN arrives and can be answered."""
        name = target.name if target else address
        for pause_s in SYN_RETRIES_S:
            if not link.local:
                self._frames[site.name, name] += 1
            await asyncio.sleep(link.latency_s)
            if target and not {(site.name, name), (name, site.name)} & self.cuts:
                if not link.local:
                    self._frames[name, site.name] += 1
                return
            await asyncio.sleep(pause_s)
        raise TimeoutError(errno.ETIMEDOUT, f"Connect call to {address} timed out")

    async def _listener(self, target: Site | None, address: str, port: int, link: Link) -> Listener:
        listener = target.listener(address, port) if target and self._record else None
        if listener is None:
            await asyncio.sleep(link.latency_s)
            raise ConnectionRefusedError(errno.ECONNREFUSED, f"Connect call failed {(address, port)}")
        return listener

    def _join(self, link: Link, boot: Boot, listener: Listener, here: object, there: object) -> Endpoint:
        near = Endpoint(link=link, boot=boot, context=contextvars.copy_context(), local=here, remote=there)
        far = Endpoint(link=link, boot=listener.boot, context=listener.context.copy(), local=there, remote=here)
        near.peer, far.peer = far, near
        self.links[link.number] = link
        self.loop.call_soon(_accept, far, listener, context=far.context)
        return near

    async def _answered(self, near: Endpoint) -> None:
        try:
            await asyncio.sleep(near.link.latency_s)
        except BaseException:
            near.close()
            raise


def is_loopback(address: str | None) -> bool:
    return address is not None and (address in ("localhost", "::1") or address.startswith("127."))


def site_of(boot: Boot) -> Site:
    """Where `boot` stands. Raises ConnectionError before there is a network."""
    if boot.site is None:
        raise ConnectionError(errno.ENETDOWN, f"{boot.name} has no network")
    return boot.site


def _accept(far: Endpoint, listener: Listener) -> None:
    if listener.is_serving():
        far.start(listener.protocol())
    else:
        far.reset()
