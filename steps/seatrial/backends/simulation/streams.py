"""Streams: two ends of one connection, first in first out in each direction, and a constant time of flight.

What one end sends stands in the other's inbox from the moment it is sent; a timer without payload only says "look now", because the
order of timers must never reorder bytes. A cut makes the sender keep what it sends, as TCP does for retransmission. Writing more than
a kernel would buffer pauses the writer's protocol until the reader has taken it.
"""

import asyncio
import contextvars
import errno
from collections import deque
from collections.abc import Iterable
from typing import Any

from seatrial.backends.simulation.boot import Boot
from seatrial.backends.simulation.handshake import Handshake
from seatrial.backends.simulation.link import Link, What
from seatrial.backends.simulation.tls import CIPHER, CarriedSession

BUFFER_HIGH = 256 * 1024  # about what Linux buffers for one stream
BUFFER_LOW = 64 * 1024
SEGMENT = 64 * 1024  # the most that arrives at once


class Endpoint(asyncio.Transport):
    """One end of a stream, as asyncio sees it. Its protocol is called in `context`, on behalf of the boot that stands there."""

    peer: "Endpoint"
    _extra: dict[str, Any]  # the base class keeps what get_extra_info gives there

    def __init__(self, *, link: Link, boot: Boot, context: contextvars.Context, local: object, remote: object) -> None:
        super().__init__({"sockname": local, "peername": remote})
        self.link = link
        self.boot = boot
        self.context = context
        self.route: tuple[str, str] | None = None  # from host to host, once something was sent between hosts
        self.unsent: list[tuple[What, Any]] = []  # sent while cut off
        self._loop = link.wires.loop
        self._protocol: asyncio.BaseProtocol | None = None
        self._inbox: deque[tuple[float, What, Any]] = deque()
        self._due_s = -1.0
        self._reading = True
        self._closing = self._finished = self._dropped = self._choked = False
        self._unread = 0
        link.ends.append(self)
        boot.endpoints[self] = None

    # The transport's interface.

    def start(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand the stream to `protocol`."""
        if self._dropped:
            raise ConnectionResetError(errno.ECONNRESET, "connection was reset during the handshake")
        self._protocol = protocol
        protocol.connection_made(self)
        self._look_soon()

    def write(self, data: "bytes | bytearray | memoryview[Any]") -> None:
        if not data or self._finished:
            return
        data = bytes(data)
        self._unread += len(data)
        if len(data) <= SEGMENT:
            self.send(What.DATA, data)
        else:
            for start in range(0, len(data), SEGMENT):
                self.send(What.DATA, data[start : start + SEGMENT])
        if self._unread > BUFFER_HIGH and not self._choked and self._protocol is not None:
            self._choked = True
            self._protocol.pause_writing()

    def writelines(self, list_of_data: "Iterable[bytes | bytearray | memoryview[Any]]") -> None:
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        if not self._finished:
            self._finished = True
            self.send(What.FIN)

    def can_write_eof(self) -> bool:
        return "sslcontext" not in self._extra

    def close(self) -> None:
        if not self._closing:
            self.write_eof()
            self.drop(None)

    def abort(self) -> None:
        """What was written is in the kernel's hands already: the same as close()."""
        self.close()

    def is_closing(self) -> bool:
        return self._closing

    def is_reading(self) -> bool:
        return self._reading and not self._closing

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True
        self._look_soon()

    def get_protocol(self) -> asyncio.BaseProtocol:
        if self._protocol is None:
            raise RuntimeError("the connection was not accepted yet")
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_write_buffer_size(self) -> int:
        return max(0, self._unread - BUFFER_HIGH)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return BUFFER_LOW, BUFFER_HIGH

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """The kernel's buffers are what matters here, and they are constants."""

    # What the wires do.

    def fly(self, value: object) -> None:
        """Send a step of a TLS handshake."""
        self.send(What.FLIGHT, value)

    def send(self, what: What, value: Any = None) -> None:
        if self.link.wires.carries(self):
            self.peer.arrive(what, value)
        else:
            self.unsent.append((what, value))

    def retransmit(self) -> None:
        """After a heal: everything that was sent meanwhile."""
        unsent, self.unsent = self.unsent, []
        for what, value in unsent:
            self.send(what, value)

    def arrive(self, what: What, value: Any) -> None:
        due_s = self._loop.now_s + self.link.latency_s
        self._inbox.append((due_s, what, value))
        if due_s > self._due_s:
            self._due_s = due_s
            self._loop.call_at(due_s, self._look, context=self.context)

    def reset(self) -> None:
        """Its process is gone without a word."""
        self.unsent.clear()
        if not self._closing:
            self._finished = True
            self.send(What.RESET)
            self.drop(None)

    def drop(self, error: Exception | None) -> None:
        """This end is over: tell the protocol, once."""
        if self._dropped:
            return
        self._dropped = self._closing = self._finished = True
        self.boot.endpoints.pop(self, None)
        self.link.over()
        self.link.forget_one()
        self._loop.call_soon(self._lost, error, context=self.context)

    def secure(self, session: CarriedSession) -> None:
        """The handshake is done: the protocol may ask who the other end is."""
        self._extra |= {
            "sslcontext": session.context,
            "ssl_object": session,
            "peercert": session.getpeercert(),
            "cipher": CIPHER,
            "compression": None,
        }

    def _lost(self, error: Exception | None) -> None:
        self._inbox.clear()
        if self._protocol is not None:
            self._protocol.connection_lost(error)

    def _look_soon(self) -> None:
        if self._inbox:
            self._loop.call_soon(self._look, context=self.context)

    def _look(self) -> None:
        while self._inbox and self._inbox[0][0] <= self._loop.now_s:
            if self._closing:
                self._refuse(self._inbox.popleft()[1])
            elif self._protocol is not None and self._reading:
                _, what, value = self._inbox.popleft()
                self._take(what, self._join(value) if what is What.DATA else value)
            else:
                return

    def _join(self, first: bytes) -> bytes:
        """Small pieces that have arrived by now are read at once, as from a kernel's buffer."""
        if not self._inbox:
            return first
        parts, size, now_s = [first], len(first), self._loop.now_s
        while self._inbox and self._inbox[0][1] is What.DATA and self._inbox[0][0] <= now_s and size + len(self._inbox[0][2]) <= SEGMENT:
            parts.append(self._inbox.popleft()[2])
            size += len(parts[-1])
        return b"".join(parts) if len(parts) > 1 else first

    def _refuse(self, what: What) -> None:
        """Bytes for a stream that this end has closed are answered with a reset."""
        if what is What.DATA:
            self.send(What.RESET)

    def _take(self, what: What, value: Any) -> None:
        protocol: Any = self._protocol
        match what:
            case What.DATA:
                self.peer.consumed(len(value))
                protocol.data_received(value)
            case What.FLIGHT if isinstance(protocol, Handshake):
                protocol.flight_received(value)
            case What.FLIGHT:  # somebody speaks TLS to a plain server: the first bytes of a ClientHello
                protocol.data_received(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
            case What.FIN if not protocol.eof_received() or "sslcontext" in self._extra:
                self.close()
            case What.RESET:
                self.drop(ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"))

    def consumed(self, count: int) -> None:
        """The other end has read `count` bytes."""
        self._unread -= count
        if self._choked and self._unread <= BUFFER_LOW and not self._dropped:
            self._choked = False
            self._loop.call_soon(self._resume_writing, context=self.context)

    def _resume_writing(self) -> None:
        if self._protocol is not None and not self._dropped:
            self._protocol.resume_writing()
