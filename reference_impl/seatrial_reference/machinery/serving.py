"""Serving HTTP and reading flags the way Kubernetes components do.

The server is aiohttp's low-level one: a coroutine from request to response, without routes or applications. A request whose client has
gone is cancelled. Durations on command lines are Go's: `1.5s`, `200ms`, `1h30m`.
"""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.web_server import Server as HttpServer

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

PARTING_S = 0.01  # what runs after that is cancelled; aiohttp takes zero for "no limit"
BODY_MAX = 3 * 1024 * 1024  # as kube-apiserver

_UNIT_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|us|µs|ns|m|s)")


def duration_s(text: str) -> float:
    """Seconds of a Go duration. Raises ValueError where it is none."""
    if text == "0":
        return 0.0
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"not a duration: {text!r}")
    return sum(float(number) * _UNIT_S[unit] for number, unit in parts)


def subject_of(authority: Path) -> object:
    """The name of a certificate authority, in the form in which `peercert` shows the issuer of what it has signed.

    TLS has verified the chain; the issuer's name then tells which of several authorities it was, as long as their names differ.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_verify_locations(authority)
    certificates: list[dict[str, Any]] = context.get_ca_certs()
    return certificates[0]["subject"]


class Listening:
    """An open port. `close` stops accepting and hangs up on everybody."""

    def __init__(self, http: HttpServer, server: asyncio.AbstractServer) -> None:
        self._http = http
        self._server = server

    @property
    def port(self) -> int:
        sockets: list[ssl.SSLSocket] = getattr(self._server, "sockets", [])
        return int(sockets[0].getsockname()[1])

    async def close(self) -> None:
        self._server.close()
        self._http.pre_shutdown()  # idle connections end by themselves
        await self._http.shutdown(PARTING_S)


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=BODY_MAX)


async def serve(handler: Handler, *, host: str, port: int, tls: ssl.SSLContext | None) -> Listening:
    """Answer requests from now on."""
    http = HttpServer(handler, request_factory=_request, handler_cancellation=True, access_log=None)
    server = await asyncio.get_running_loop().create_server(http, host, port, ssl=tls)
    return Listening(http, server)
