"""A host is a network namespace; the suite acts from it by making its sockets in there.

A socket stays in the namespace it was born in, so the suite speaks with the address of any host from one thread and one loop. Nothing is
awaited inside a namespace. No source address is bound: each host has one, and loopback must keep its own.
"""

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from itertools import cycle
from typing import Any
from weakref import WeakSet

import aiohttp
from aiohttp.web_server import Server as HttpServer

from seatrial.backends.interface import CANARY_PORTS
from seatrial.backends.processes import kernel

TOUCH_S = 1.0


class NamespaceHost:
    """See `interface.Host`. Owns `fd`, its namespace."""

    def __init__(self, *, name: str, address: str, fd: int, link: int) -> None:
        self.name, self.address, self.fd = name, address, fd
        self.link = link  # its number on the switch
        self._canary_ports = cycle(CANARY_PORTS)
        self.made: WeakSet[socket.socket] = WeakSet()  # of the suite's sessions
        self._servers: list[asyncio.Server] = []

    def make_socket(self, kind: int = socket.SOCK_STREAM) -> socket.socket:
        with kernel.inside(self.fd):
            return socket.socket(socket.AF_INET, kind | socket.SOCK_NONBLOCK)

    def session(self, *, tls: ssl.SSLContext | None = None, **options: Any) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(socket_factory=lambda _: self._remembered(), ssl=True if tls is None else tls)
        return aiohttp.ClientSession(connector=connector, **{"timeout": aiohttp.ClientTimeout(total=None)} | options)

    def _remembered(self) -> socket.socket:
        made = self.make_socket()
        self.made.add(made)
        return made

    async def serve(self, server: HttpServer, *, port: int, tls: ssl.SSLContext | None = None) -> asyncio.Server:
        listener = self._bound(self.address, port)
        try:
            serving = await asyncio.get_running_loop().create_server(server, sock=listener, ssl=tls)
        except BaseException:
            listener.close()
            raise
        self._servers.append(serving)
        return serving

    async def listen(self, serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], *, port: int) -> None:
        """Serve a stream protocol of the suite on this host's loopback."""
        self._servers.append(await asyncio.start_server(serve, sock=self._bound("127.0.0.1", port)))

    async def dial(self, address: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(sock=await connected(self.make_socket(), (address, port)))

    async def touch(self, address: str, port: int) -> int:
        with self.make_socket() as canary:
            canary.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            source = next(self._canary_ports)
            canary.bind(("", source))
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(TOUCH_S):
                    await asyncio.get_running_loop().sock_connect(canary, (address, port))
            return source

    def close(self) -> None:
        """Stops what was served here; connections of the suite are closed by those who made them. One whose TLS still waits for the other
        end's good-bye ends now: a component that is paused, or cut off, never says any."""
        for server in self._servers:
            server.close()
        for made in self.made:
            with contextlib.suppress(OSError):  # closed, or the other end has gone
                made.shutdown(socket.SHUT_RDWR)
        os.close(self.fd)
        self.fd = -1  # the number may soon mean another namespace

    def _bound(self, address: str, port: int) -> socket.socket:
        listener = self.make_socket()
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, port))
        except BaseException:
            listener.close()
            raise
        return listener


async def connected(connection: socket.socket, address: Any) -> socket.socket:
    """The socket, once it is connected; closed where that fails."""
    try:
        await asyncio.get_running_loop().sock_connect(connection, address)
    except BaseException:
        connection.close()
        raise
    return connection
