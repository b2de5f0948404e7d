"""What asyncio calls its network: servers, connections and names, answered by the wires instead of by the kernel.

aiohttp dials with a real, unconnected socket and hands it over connected; it serves as a name for the stream until then. A socket may
carry an `origin`: the suite's own sessions come from a host that their caller does not stand on.
"""

import asyncio
import ipaddress
import itertools
import os
import socket
from collections.abc import Callable
from typing import Any

from seatrial.backends.simulation.boot import BOOT, Boot
from seatrial.backends.simulation.datagrams import Address, Datagrams
from seatrial.backends.simulation.handshake import shake_hands
from seatrial.backends.simulation.streams import Endpoint
from seatrial.backends.simulation.tls import CarriedTLS, must_carry
from seatrial.backends.simulation.wires import EVERYWHERE, LOOPBACK, Listener, Site, is_loopback, site_of
from seatrial.model.errors import HarnessFault, UsageError

Factory = Callable[[], Any]


class OriginSocket(socket.socket):
    """A socket of a host of its own."""

    origin: Boot | None = None


class Sockets(asyncio.BaseEventLoop):
    """The half of the loop that faces the network."""

    def __init__(self) -> None:
        super().__init__()
        self._dialled: dict[socket.socket, Endpoint] = {}

    async def getaddrinfo(
        self,
        host: Any,
        port: Any,
        *,
        family: int = 0,
        type: int = 0,  # noqa: A002
        proto: int = 0,
        flags: int = 0,
    ) -> Any:
        if is_loopback(host):
            host = "127.0.0.1"
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            raise socket.gaierror(socket.EAI_NONAME, f"Name or service not known: {host!r} (simulation has no DNS)") from None
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, int(port)))]

    async def create_server(  # type: ignore[override]
        self, protocol_factory: Factory, host: str | None = None, port: int = 0, *, ssl: Any = None, sock: Any = None, **_: Any
    ) -> Listener:
        if sock is not None:
            raise UsageError("create_server(sock=...) cannot run in simulation: pass host and port")
        boot = _current()
        site = site_of(boot)
        address = site.local(host)
        port = port or _free_port(site, address)
        if site.is_taken(address, port):
            raise OSError(98, f"error while attempting to bind on address {(address, port)}: address already in use")
        return Listener(boot=boot, table=site.listeners, key=(address, port), factory=protocol_factory, tls=_tls(ssl))

    async def create_unix_server(  # type: ignore[override]
        self, protocol_factory: Factory, path: Any = None, *, ssl: Any = None, **_: Any
    ) -> Listener:
        boot = _current()
        paths = site_of(boot).wires.paths
        name = os.fsdecode(path)
        if name in paths:
            raise OSError(98, f"Address {name!r} is already in use")
        return Listener(boot=boot, table=paths, key=name, factory=protocol_factory, tls=_tls(ssl))

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        boot = getattr(sock, "origin", None) or _current()
        self._dialled[sock] = await site_of(boot).wires.dial(boot, address[0], address[1])

    async def create_connection(
        self,
        protocol_factory: Factory,
        host: str | None = None,
        port: int | None = None,
        *,
        ssl: Any = None,
        sock: socket.socket | None = None,
        local_addr: tuple[str, int] | None = None,
        server_hostname: str | None = None,
        **_: Any,
    ) -> tuple[Endpoint, Any]:
        tls = _tls(ssl)
        if sock is not None:
            end = self._dialled.pop(sock)
            sock.close()
        else:
            [(*_rest, address)] = await self.getaddrinfo(host, port)
            boot = _current()
            end = await site_of(boot).wires.dial(boot, *address, sport=local_addr[1] if local_addr else None)
        return await _established(end, protocol_factory, tls, server_hostname or host)

    async def create_datagram_endpoint(  # type: ignore[override]
        self, protocol_factory: Factory, local_addr: Address | None = None, remote_addr: Address | None = None, **_: Any
    ) -> tuple[Datagrams, Any]:
        boot = _current()
        site = site_of(boot)
        address = LOOPBACK if is_loopback(local_addr[0] if local_addr else None) else site.address
        local = (address, (local_addr[1] if local_addr else 0) or next(site.ports))
        if local in site.wires.datagrams:
            raise OSError(98, f"{local}: address already in use")
        protocol = protocol_factory()
        return Datagrams(wires=site.wires, boot=boot, protocol=protocol, local=local, remote=remote_addr), protocol

    async def create_unix_connection(
        self, protocol_factory: Factory, path: Any = None, *, ssl: Any = None, server_hostname: str | None = None, **_: Any
    ) -> tuple[Endpoint, Any]:
        boot = _current()
        end = await site_of(boot).wires.dial_path(boot, os.fsdecode(path))
        return await _established(end, protocol_factory, _tls(ssl), server_hostname)

    def forget_dialled(self) -> None:
        """Close what was dialled and never taken over."""
        for sock, end in self._dialled.items():
            sock.close()
            end.close()
        self._dialled.clear()


async def _established(end: Endpoint, factory: Factory, tls: CarriedTLS | None, hostname: str | None) -> tuple[Endpoint, Any]:
    if tls is not None:
        await shake_hands(end, tls, hostname=hostname)
    protocol = factory()
    end.start(protocol)
    return end, protocol


def _tls(context: object) -> CarriedTLS | None:
    return must_carry(context) if context else None


def _free_port(site: Site, address: str) -> int:
    taken = EVERYWHERE if address == EVERYWHERE else address
    return next(port for port in itertools.islice(site.ports, 60000) if not site.is_taken(taken, port))


def _current() -> Boot:
    boot = BOOT.get()
    if boot is None:
        raise HarnessFault("something used the simulated network on behalf of nobody: use Backend.run")
    return boot
