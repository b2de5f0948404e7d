"""The side of the tap that speaks to the API server: kept connections, each for one exchange at a time.

Two kinds, never mixed: those over which the tap presents its proxy certificate, for clients that presented one, and plain ones, for
tokens and for anonymous clients (whom the API server would refuse over the proxy's).
"""

import asyncio
import ssl
from typing import TYPE_CHECKING, cast

from seatrial.wire.http1 import MAX_HEAD, Body, Endless, Head, Malformed, answer_body, parse_head

if TYPE_CHECKING:
    from seatrial.doubles.tap_exchange import Exchange


class Pool:
    """Connections to one API server."""

    def __init__(self, host: str, port: int, *, name: str | None, plain: ssl.SSLContext, proxy: ssl.SSLContext) -> None:
        self._host, self._port = host, port
        self._name = name or host
        self._tls = {False: plain, True: proxy}
        self._idle: dict[bool, list[Upstream]] = {False: [], True: []}
        self._connecting: dict[int, asyncio.Task[None]] = {}

    def send(self, exchange: "Exchange", *, fresh: bool = False) -> None:
        """Send its request: at once where a connection is idle."""
        idle = self._idle[exchange.proxied]
        if idle and not fresh:
            idle.pop().begin(exchange)
        else:
            task = asyncio.get_running_loop().create_task(self._connect(exchange))
            self._connecting[exchange.number] = task

    async def _connect(self, exchange: "Exchange") -> None:
        loop = asyncio.get_running_loop()
        try:
            _, upstream = await loop.create_connection(
                lambda: Upstream(self, proxied=exchange.proxied),
                self._host,
                self._port,
                ssl=self._tls[exchange.proxied],
                server_hostname=self._name,
            )
        except OSError as refusal:
            del self._connecting[exchange.number]
            exchange.upstream_lost(str(refusal))
            return
        del self._connecting[exchange.number]
        upstream.begin(exchange)

    def withdraw(self, exchange: "Exchange") -> None:
        """Its client is gone: the API server must hear of it."""
        task = self._connecting.pop(exchange.number, None)
        if task is not None:
            task.cancel()
        if exchange.upstream is not None:
            exchange.upstream.abort()

    def give(self, upstream: "Upstream") -> None:
        """Keep a connection whose exchange is over for the next one."""
        self._idle[upstream.proxied].append(upstream)

    def remove(self, upstream: "Upstream") -> None:
        idle = self._idle[upstream.proxied]
        if upstream in idle:
            idle.remove(upstream)

    def close(self) -> None:
        """Break all connections off, those under way included."""
        for task in self._connecting.values():
            task.cancel()
        for upstream in [*self._idle[False], *self._idle[True]]:
            upstream.abort()


class Upstream(asyncio.Protocol):
    """One connection to the API server, which serves one exchange at a time, of one kind only. It goes back to the pool after an answer
    that says where it ends; what is sent unasked, or breaks off, ends it."""

    def __init__(self, pool: Pool, *, proxied: bool) -> None:
        self.proxied = proxied
        self._pool = pool
        self._transport: asyncio.Transport
        self._exchange: Exchange | None = None
        self._buffer = b""
        self._head: Head | None = None
        self._body: Body
        self._paused = False
        self._uses = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def begin(self, exchange: "Exchange") -> None:
        """Send the request of an exchange; its answer is handed over piece by piece."""
        self._exchange = exchange
        exchange.upstream = self
        self._uses += 1
        self._transport.write(exchange.request)

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def abort(self) -> None:
        """Break the connection off, and say nothing to the exchange."""
        self._exchange = None
        self._transport.abort()

    def pause(self, *, when: bool) -> None:
        """Stop reading while the client reads slowly."""
        if when != self._paused:
            self._paused = when
            if when:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is None:  # unasked
            self._pool.remove(self)
            self._transport.abort()
            return
        try:
            self._feed(exchange, data)
        except Malformed as broken:
            self.abort()
            exchange.upstream_lost(str(broken))

    def _feed(self, exchange: "Exchange", data: bytes) -> None:
        if self._head is None:
            data = self._buffer + data
            head, data = self._next_head(data)
            if head is None:
                self._buffer = data
                return
            self._buffer, self._head = b"", head
            code = int(head.start[1])
            self._body = Endless() if code == 101 else answer_body(head, method=exchange.method, code=code)
            exchange.answer_head(head, code)
        payload, rest = self._body.feed(data)
        if payload:
            exchange.answer_data(payload)
        if rest is not None and self._exchange is exchange:
            self._end(exchange, self._head)

    def _next_head(self, data: bytes) -> tuple[Head | None, bytes]:
        """The head of the answer, and what comes after it; interim answers are skipped, 101 is none."""
        while True:
            block, end, rest = data.partition(b"\r\n\r\n")
            if not end:
                if len(block) > MAX_HEAD:
                    raise Malformed("head without end")
                return None, data
            head = parse_head(block)
            if not head.start[1].isdigit():
                raise Malformed(f"status line {head.start!r}")
            if len(head.start[1]) == 3 and (head.start[1] == b"101" or not head.start[1].startswith(b"1")):
                return head, rest
            data = rest

    def _end(self, exchange: "Exchange", head: Head) -> None:
        self._exchange = exchange.upstream = self._head = None
        if head.persistent:
            self.pause(when=False)
            self._pool.give(self)
        else:
            self._transport.close()
        exchange.answer_end()

    def pause_writing(self) -> None:
        if self._exchange is not None:
            self._exchange.pause_client(when=True)

    def resume_writing(self) -> None:
        if self._exchange is not None:
            self._exchange.pause_client(when=False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._pool.remove(self)
        exchange, self._exchange = self._exchange, None
        if exchange is None:
            return
        exchange.upstream = None
        if self._head is not None and isinstance(self._body, Endless) and exc is None:
            exchange.answer_end()
        elif self._head is None and not self._buffer and self._uses > 1 and exchange.method in ("GET", "HEAD"):
            self._pool.send(exchange, fresh=True)  # it was closed for idling while the request was on its way
        else:
            exchange.upstream_lost(str(exc or "connection closed"))
