"""HTTP/2 that only carries messages, for gRPC: what h2 does for grpclib, without compression, settings, priorities and pushes.

Both ends of a simulated gRPC connection are grpclib, and a third of the time of a simulation would go into bytes that nobody looks at.
Streams open, end, are reset and wait for their window as RFC 9113 says; a frame has the head of 9 octets, and headers stand in it as
JSON. Whoever speaks something else is refused at the preface.

A stream has the window that grpclib asks for. The connection has none: what a host does not take stays in the buffers of the wires.
"""

import struct
from typing import Any

import orjson
from h2 import events
from h2.config import H2Configuration
from h2.connection import ConnectionState
from h2.exceptions import ProtocolError, StreamClosedError, TooManyStreamsError

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD = struct.Struct("!IBI")  # length and type in one word, flags, stream
DATA, HEADERS, RESET, PING, WINDOW_UPDATE = 0x0, 0x1, 0x3, 0x6, 0x8
END_STREAM = ACK = 0x1
WINDOW = 4 << 20
STREAMS_MAX = 100
FRAME_MAX = 1 << 20


class CarriedStream:
    """One stream as one end knows it."""

    __slots__ = ("answered", "finished", "given_up", "over", "taken", "window")

    def __init__(self) -> None:
        self.window = WINDOW  # what may still be sent
        self.taken = 0  # what was read since the other end was last told
        self.answered = False  # the other end has sent headers
        self.finished = False  # by this end
        self.over = False  # by the other end
        self.given_up = False

    @property
    def closed(self) -> bool:
        return self.given_up or (self.finished and self.over)

    @property
    def open(self) -> bool:
        return not self.closed


class CarriedHTTP2:
    """As much of h2's H2Connection as grpclib uses."""

    def __init__(self, config: H2Configuration) -> None:
        self.streams: dict[int, CarriedStream] = {}
        self.state_machine = self
        self.state = ConnectionState.CLIENT_OPEN if config.client_side else ConnectionState.SERVER_OPEN
        self.local_settings = self
        self.initial_window_size = WINDOW
        self.max_outbound_frame_size = FRAME_MAX
        self._client = bool(config.client_side)
        self._next = 1
        self._greeted = self._client
        self._out: list[bytes] = []
        self._in = b""

    # Sending.

    def initiate_connection(self) -> None:
        if self._client:
            self._out.append(PREFACE)

    def increment_flow_control_window(self, increment: int) -> None:
        """There is none for the connection."""

    def update_settings(self, settings: dict[Any, int]) -> None:
        """The window of streams is a constant."""

    def data_to_send(self) -> bytes:
        data = b"".join(self._out)
        self._out.clear()
        return data

    def get_next_available_stream_id(self) -> int:
        return self._next

    def send_headers(self, stream_id: int, headers: list[tuple[str, str]], end_stream: bool = False) -> None:
        if self._client and stream_id == self._next:
            if len(self.streams) >= STREAMS_MAX:
                raise TooManyStreamsError(f"{STREAMS_MAX} streams are open")
            self.streams[stream_id] = CarriedStream()
            self._next += 2
        self._send(HEADERS, stream_id, orjson.dumps(headers), end_stream=end_stream)

    def send_data(self, stream_id: int, data: bytes, end_stream: bool = False) -> None:
        self._stream(stream_id).window -= len(data)
        self._send(DATA, stream_id, data, end_stream=end_stream)

    def end_stream(self, stream_id: int) -> None:
        self._send(DATA, stream_id, b"", end_stream=True)

    def reset_stream(self, stream_id: int, error_code: int = 0) -> None:
        self._stream(stream_id).given_up = True
        self._frame(RESET, 0, stream_id, error_code.to_bytes(4))
        del self.streams[stream_id]

    def ping(self, opaque_data: bytes) -> None:
        self._frame(PING, 0, 0, opaque_data)

    def local_flow_control_window(self, stream_id: int) -> int:
        return self._stream(stream_id).window

    def acknowledge_received_data(self, size: int, stream_id: int) -> None:
        stream = self.streams.get(stream_id)
        if stream is None:
            return
        stream.taken += size
        if stream.taken >= WINDOW // 2:
            self._frame(WINDOW_UPDATE, 0, stream_id, stream.taken.to_bytes(4))
            stream.taken = 0

    def _stream(self, stream_id: int) -> CarriedStream:
        try:
            return self.streams[stream_id]
        except KeyError:
            raise StreamClosedError(stream_id) from None

    def _send(self, kind: int, stream_id: int, payload: bytes, *, end_stream: bool) -> None:
        stream = self._stream(stream_id)
        self._frame(kind, END_STREAM if end_stream else 0, stream_id, payload)
        if end_stream:
            stream.finished = True
            self._forget(stream_id, stream)

    def _frame(self, kind: int, flags: int, stream_id: int, payload: bytes) -> None:
        self._out += (HEAD.pack(len(payload) << 8 | kind, flags, stream_id), payload)

    def _forget(self, stream_id: int, stream: CarriedStream) -> None:
        if stream.closed:
            self.streams.pop(stream_id, None)

    # Receiving.

    def receive_data(self, data: bytes) -> list[events.Event]:
        self._in += data
        if not self._greeted and not self._greet():
            return []
        found: list[events.Event] = []
        at, end = 0, len(self._in)
        while end - at >= HEAD.size:
            word, flags, stream_id = HEAD.unpack_from(self._in, at)
            start = at + HEAD.size
            if end - start < word >> 8:
                break
            at = start + (word >> 8)
            self._received(word & 0xFF, flags, stream_id, self._in[start:at], found)
        self._in = self._in[at:]
        return found

    def _greet(self) -> bool:
        """Whether the preface is there. Raises ProtocolError where something else is."""
        if not PREFACE.startswith(self._in[: len(PREFACE)]):
            raise ProtocolError("no preface of HTTP/2")
        self._greeted = len(self._in) >= len(PREFACE)
        if self._greeted:
            self._in = self._in[len(PREFACE) :]
        return self._greeted

    def _received(self, kind: int, flags: int, stream_id: int, payload: bytes, found: list[events.Event]) -> None:
        if kind == PING:
            self._pinged(flags, payload, found)
            return
        if kind == HEADERS and not self._client and stream_id >= self._next:
            self.streams[stream_id] = CarriedStream()
            self._next = stream_id + 2
        elif kind not in (DATA, HEADERS, RESET, WINDOW_UPDATE):
            raise ProtocolError(f"a frame of type {kind}")
        stream = self.streams.get(stream_id)
        if stream is not None:  # else it was given up meanwhile
            found.append(self._event(kind, stream_id, stream, payload))
            if flags & END_STREAM:
                stream.over = True
                found.append(events.StreamEnded(stream_id=stream_id))
            self._forget(stream_id, stream)

    def _event(self, kind: int, stream_id: int, stream: CarriedStream, payload: bytes) -> events.Event:
        if kind == DATA:
            return events.DataReceived(stream_id=stream_id, data=payload, flow_controlled_length=len(payload))
        if kind == HEADERS:
            said = orjson.loads(payload)
            first, stream.answered = not stream.answered, True
            if first and not self._client:
                return events.RequestReceived(stream_id=stream_id, headers=said)
            return (events.ResponseReceived if first else events.TrailersReceived)(stream_id=stream_id, headers=said)
        number = int.from_bytes(payload)
        if kind == WINDOW_UPDATE:
            stream.window += number
            return events.WindowUpdated(stream_id=stream_id, delta=number)
        stream.given_up = True
        return events.StreamReset(stream_id=stream_id, error_code=number)

    def _pinged(self, flags: int, payload: bytes, found: list[events.Event]) -> None:
        if flags & ACK:
            found.append(events.PingAckReceived(ping_data=payload))
        else:
            self._frame(PING, ACK, 0, payload)
            found.append(events.PingReceived(ping_data=payload))
