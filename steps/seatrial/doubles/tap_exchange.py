"""One request and its answer on their way through the tap.

The request is read whole, recorded, held if a hold says so, and sent up. What comes down is one of three kinds:

    document  JSON or protobuf that is no watch: collected, recorded with its revision, held, then written in one piece
    stream    a watch: each event is recorded as offered when it arrives and as delivered when it is written; held in between
    pipe      everything else (logs, openapi, upgrades after 101): recorded at its head, then bytes as they come

Whatever waits, waits in the outbox, in order: because of a hold, or because the client reads slowly. The tap keeps reading watches from
above meanwhile, unless the hold is one of the reader; of pipes it does not, for nothing is recorded of them.
"""

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seatrial.doubles.tap_facts import answer_facts
from seatrial.doubles.tap_hold import Hold
from seatrial.wire.http1 import HOP_BY_HOP, LAST_CHUNK, Head, chunk, render_head
from seatrial.wire.request import RequestInfo
from seatrial.wire.watch import Frames

if TYPE_CHECKING:
    from seatrial.doubles.tap import Tap
    from seatrial.doubles.tap_client import Client
    from seatrial.doubles.tap_upstream import Upstream

_DOCUMENTS = (b"application/json", b"application/vnd.kubernetes.protobuf", b"application/cbor")
_NOT_FORWARDED = HOP_BY_HOP | {b"content-length", b"expect"}
_LENGTHS = HOP_BY_HOP | {b"content-length"}
_WITH_BODY = (b"POST", b"PUT", b"PATCH")


def _readable(accept: bytes) -> bytes:
    """The media types that a client accepts, but for CBOR where it accepts others: its streams cannot be cut into events here."""
    types = accept.split(b",")
    return b",".join([t for t in types if b"/cbor" not in t.lower()] or types)


class Exchange:
    """Driven from three sides: its client, its upstream connection, and the holds."""

    def __init__(
        self, tap: "Tap", client: "Client", *, info: RequestInfo, head: Head, body: bytes, facts: Mapping[str, Any], instance: str
    ) -> None:
        self.number: int = facts["request"]
        self.facts = facts
        self.instance = instance
        self.holds: list[Hold] = []
        self.head = head
        self.proxied = client.identity is not None
        self.upstream: Upstream | None = None
        self._tap = tap
        self._client = client
        self._body = body
        self._watch = info.verb == "watch"
        self._connects = info.connects
        self._forwarded = self._chunked = self._framed = self._lost = self._ended = False
        self._document: list[bytes] | None = None
        self._frames: Frames | None = None
        self._outbox: deque[tuple[bytes, dict[str, Any] | None]] = deque()
        self._answer_head: Head
        self._code = 0

    @property
    def method(self) -> str:
        return self.head.start[0].decode("latin-1")

    @property
    def upgraded(self) -> bool:
        return self._code == 101

    @property
    def request(self) -> bytes:
        """As it is sent up: nobody but the tap says who a client is."""
        kept = [
            (name, _readable(value) if name.lower() == b"accept" else value)
            for name, value in self.head.fields
            if self._forwards(name.lower())
        ]
        if self._body or self.head.start[0] in _WITH_BODY:
            kept.append((b"Content-Length", b"%d" % len(self._body)))
        if not self._watch and b"gzip" in self.head.values.get(b"accept-encoding", b""):
            kept.append((b"Accept-Encoding", b"gzip"))  # nothing may come that cannot be read here
        kept.append((b"X-Forwarded-For", self._client.address.encode()))
        kept += self._client.identity or ()
        return render_head((*self.head.start[:2], b"HTTP/1.1"), kept) + self._body

    def _forwards(self, name: bytes) -> bool:
        if name.startswith(b"x-remote-") or name == b"accept-encoding":
            return False
        upgrade = self.head.upgrade and not self._watch  # events within WebSocket frames could not be read here: proxies need not upgrade
        return name not in _NOT_FORWARDED or (upgrade and name in (b"connection", b"upgrade"))

    def begin(self) -> None:
        self._tap.record("request", self.instance, self.facts)
        if not self._tap.holds.check("request", self):
            self.resume()

    def resume(self) -> None:
        """Nothing holds it any more."""
        if self._forwarded:
            self.flush()
        else:
            self._forwarded = True
            self._tap.pool.send(self)

    # From above.

    def answer_head(self, head: Head, code: int) -> None:
        self._answer_head, self._code = head, code
        content = head.values.get(b"content-type", b"")
        if self._watch and code == 200:
            self._frames = Frames(protobuf=b"protobuf" in content)
        elif content.startswith(_DOCUMENTS) and not self._connects:
            self._document = []
            return
        self._answer(b"")
        if self._frames is not None:
            self._tap.holds.check("reader", self)
            self._tap.holds.check("stream", self)
            self.flush()
        if self.upgraded:
            self._client.switch(self)

    def answer_data(self, payload: bytes) -> None:
        if self._document is not None:
            self._document.append(payload)
        elif self._frames is not None:
            self._offer(self._frames, payload)
        else:
            self._put(payload)

    def answer_end(self) -> None:
        if self._document is not None:
            self._answer(b"".join(self._document))
        self._ended = True
        self.flush()

    def end(self) -> None:
        """The suite ends a watch in good order: the API server hears no more of it, and the client gets what arrived before."""
        self._tap.pool.withdraw(self)
        self.upstream, self._ended = None, True
        self.flush()

    def upstream_lost(self, reason: str) -> None:
        """The API server is gone: so is the client's connection, once it has what arrived before."""
        self.upstream, self._lost, self._ended = None, True, True
        self._tap.record("lost", self.instance, {"request": self.number, "reason": reason})
        self.flush()

    def _answer(self, body: bytes) -> None:
        """Record the answer and put its head, and a document's body, into the outbox."""
        self._tap.record("answer", self.instance, answer_facts(self.facts, self._answer_head, code=self._code, body=body))
        self._tap.holds.check("answer", self)
        self._outbox.append((self._rendered_head(len(body)) + body, None))
        self.flush()

    def _rendered_head(self, length: int) -> bytes:
        head = self._answer_head
        start = (b"HTTP/1.1", *head.start[1:])
        if self.upgraded:
            return render_head(start, head.fields)
        empty = self.method == "HEAD" or self._code in (204, 304)
        whole = self._document is not None and not empty
        fields = [f for f in head.fields if f[0].lower() not in (_LENGTHS if whole else HOP_BY_HOP)]
        if whole:
            fields.append((b"Content-Length", b"%d" % length))
        elif not empty and b"content-length" not in head.values and b"HTTP/1.1" in self.head.start:
            self._chunked = True
            fields.append((b"Transfer-Encoding", b"chunked"))
        self._framed = empty or whole or self._chunked or b"content-length" in head.values
        if not self._persistent:
            fields.append((b"Connection", b"close"))
        return render_head(start, fields)

    @property
    def _persistent(self) -> bool:
        return self._framed and self.head.persistent

    def _offer(self, frames: Frames, payload: bytes) -> None:
        for frame in frames.feed(payload):
            event = frames.decode(frame)
            meta = event.object
            seen = {
                "request": self.number,
                "resource": self.facts["resource"],
                "type": event.type,
                "namespace": meta.namespace,
                "name": meta.name,
                "uid": meta.uid,
                "revision": meta.revision,
            }
            if meta.initial_events_end:
                seen["initial_events_end"] = True
            self._tap.record("offered", self.instance, seen)
            self._put(frame, seen)

    def _put(self, payload: bytes, event: dict[str, Any] | None = None) -> None:
        self._outbox.append((chunk(payload) if self._chunked else payload, event))
        self.flush()

    # Towards the client.

    def flush(self) -> None:
        """Write what may be written: called whenever that could have changed."""
        while self._outbox and not self.holds and self._client.writable:
            data, event = self._outbox.popleft()
            self._client.write(data)
            if event is not None:
                self._tap.record("delivered", self.instance, event)
        if self._ended and not self._outbox and not self.holds:
            self._finish()
        elif self.upstream is not None:
            self.upstream.pause(when=any(h.what == "reader" for h in self.holds) or (self._frames is None and bool(self._outbox)))

    def _finish(self) -> None:
        self._tap.holds.forget(self)
        if self._streams:
            self._tap.record("stream-end", self.instance, {"request": self.number, "who": "server"})
        if self._lost:
            self._client.abort()
            return
        if self._chunked:
            self._client.write(LAST_CHUNK)
        self._client.answered(persistent=self._persistent)

    @property
    def _streams(self) -> bool:
        return self._frames is not None or self.upgraded

    def abandon(self) -> None:
        """The client is gone. What was not forwarded never will be; what is under way above is broken off."""
        self._tap.holds.forget(self)
        if self._streams:
            self._tap.record("stream-end", self.instance, {"request": self.number, "who": "client"})
        else:
            what = "answer" if self._forwarded else "request"
            self._tap.record("dropped", self.instance, {"request": self.number, "what": what})
        self._outbox.clear()
        self._tap.pool.withdraw(self)

    def pause_client(self, *, when: bool) -> None:
        """The API server reads slowly what the client sends over an upgraded connection."""
        self._client.pause_reading(when=when)
