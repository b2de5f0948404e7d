"""A host of the simulation: a site on the wires, on which the suite may act as if it stood there."""

import asyncio
import contextlib
import ssl
from collections.abc import Coroutine
from contextvars import copy_context
from typing import Any, TypeVar

import aiohttp
from aiohttp.web_server import Server as HttpServer

from seatrial.backends.simulation.boot import BOOT, Boot
from seatrial.backends.simulation.sockets import OriginSocket
from seatrial.backends.simulation.wires import Site, Wires

T = TypeVar("T")
TOUCH_TIMEOUT_S = 1.0


class SimulatedHost(Site):
    """`suite` is the boot of the suite's own doings here: killing what runs on the host leaves it alone."""

    def __init__(self, *, wires: Wires, name: str, address: str, suite: Boot) -> None:
        super().__init__(wires=wires, name=name, address=address)
        self.suite = suite
        suite.site = self

    def session(self, *, tls: ssl.SSLContext | None = None, **options: Any) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(ssl=True if tls is None else tls, limit=0, socket_factory=self._socket)
        limits = {"timeout": aiohttp.ClientTimeout(total=None, sock_connect=None)}
        return aiohttp.ClientSession(connector=connector, **(limits | options))

    async def serve(self, server: HttpServer, *, port: int, tls: ssl.SSLContext | None = None) -> asyncio.AbstractServer:
        return await self._here(self.wires.loop.create_server(server, self.address, port, ssl=tls))

    async def dial(self, address: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await self._here(asyncio.open_connection(address, port))

    async def touch(self, address: str, port: int) -> int:
        sport = next(self.wires.canary_ports)
        knock = self.wires.loop.create_connection(asyncio.Protocol, address, port, local_addr=(self.address, sport))
        with contextlib.suppress(OSError):  # a time-out is one, too
            async with asyncio.timeout(TOUCH_TIMEOUT_S):
                transport, _ = await self._here(knock)
                transport.close()
        return sport

    async def _here(self, act: Coroutine[Any, Any, T]) -> T:
        context = copy_context()
        context.run(BOOT.set, self.suite)
        result: T = await self.wires.loop.create_task(act, context=context)
        return result

    def _socket(self, address_info: Any) -> OriginSocket:
        family, kind, protocol, *_ = address_info
        sock = OriginSocket(family, kind, protocol)
        sock.origin = self.suite
        return sock
