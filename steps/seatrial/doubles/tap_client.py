"""The side of the tap that components speak to: one connection, one request at a time.

Who the client is, is decided once per connection where it presented a certificate: then the tap vouches for it to the API server with
front-proxy headers (common name: user, organizations: groups). Otherwise the API server judges the token itself, and the tap only looks
up whose it is.
"""

import asyncio
import hashlib
from typing import TYPE_CHECKING, cast

from seatrial.doubles.tap_exchange import Exchange
from seatrial.doubles.tap_facts import request_facts, token_user
from seatrial.wire.http1 import MAX_HEAD, Body, Field, Head, Malformed, parse_head, request_body
from seatrial.wire.request import request_info

if TYPE_CHECKING:
    from seatrial.doubles.tap import Tap

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_CREDENTIAL = b"X-Remote-Extra-Authentication.kubernetes.io%2Fcredential-id"


class Client(asyncio.Protocol):
    """One connection of a component. Its requests are taken one at a time, in the order in which they came; what cannot be read is
    answered 400, and whoever hangs up takes the request with it."""

    def __init__(self, tap: "Tap") -> None:
        self.address = ""
        self.turn = tap.turns
        self.identity: list[Field] | None = None  # front-proxy headers
        self.writable = True
        self._tap = tap
        self._user = ""
        self._transport: asyncio.Transport
        self._buffer = b""
        self._head: Head | None = None
        self._body: Body
        self._pieces: list[bytes] = []
        self._exchange: Exchange | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.address = transport.get_extra_info("peername")[0]
        if self._tap.hung_up_on(self):
            self._transport.abort()
            return
        self._user, self.identity = _presented(self._transport)
        self._tap.clients[self] = None

    def connection_lost(self, _exc: Exception | None) -> None:
        self._tap.clients.pop(self, None)
        self._leave()

    def pause_writing(self) -> None:
        self.writable = False

    def resume_writing(self) -> None:
        self.writable = True
        if self._exchange is not None:
            self._exchange.flush()

    def data_received(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is not None and exchange.upgraded and exchange.upstream is not None:
            exchange.upstream.write(data)
            return
        self._buffer += data
        if exchange is None:
            self._read()

    def _read(self) -> None:
        try:
            while self._exchange is None and self._next():
                pass
        except Malformed:
            self._transport.write(_BAD_REQUEST)
            self._transport.close()

    def _next(self) -> bool:
        """Read one request from the buffer; False where it is not there yet."""
        if self._head is None:
            block, end, rest = self._buffer.lstrip(b"\r\n").partition(b"\r\n\r\n")
            if not end:
                if len(block) > MAX_HEAD:
                    raise Malformed("head without end")
                return False
            self._head, self._buffer = parse_head(block), rest
            self._body = request_body(self._head)
            if self._head.values.get(b"expect", b"").lower() == b"100-continue":
                self._transport.write(_CONTINUE)
        piece, left = self._body.feed(self._buffer)
        self._pieces.append(piece)
        self._buffer = left or b""
        if left is None:
            return False
        head, body = self._head, b"".join(self._pieces)
        self._head, self._pieces = None, []
        self._begin(head, body)
        return True

    def _begin(self, head: Head, body: bytes) -> None:
        tap = self._tap
        info = request_info(head.start[0].decode("latin-1"), head.start[1].decode("latin-1"))
        user = self._user or token_user(head.values.get(b"authorization", b"").decode("latin-1"), tap.identities)
        facts = request_facts(tap.number(), info, head, body, user=user, redact=tap.redact)
        instance = tap.hosts.get(self.address, self.address)
        self._exchange = Exchange(tap, self, info=info, head=head, body=body, facts=facts, instance=instance)
        self._exchange.begin()

    # Called by the exchange.

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def answered(self, *, persistent: bool) -> None:
        """The answer is out: the next request may come, or the connection ends."""
        self._exchange = None
        if persistent:
            self._read()
        else:
            self._transport.close()

    def abort(self) -> None:
        """Break the connection off: the API server has gone, and took the exchange with it."""
        self._exchange = None
        self._transport.abort()

    def drop(self) -> None:
        """Break the connection off, whatever is under way."""
        self._leave()
        self._transport.abort()

    def switch(self, exchange: Exchange) -> None:
        """From here on bytes, not requests; those that came early go up first."""
        early, self._buffer = self._buffer, b""
        if early and exchange.upstream is not None:
            exchange.upstream.write(early)

    def pause_reading(self, *, when: bool) -> None:
        if when:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _leave(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.abandon()


def _presented(transport: asyncio.Transport) -> tuple[str, list[Field] | None]:
    """User and front-proxy headers of a client certificate; the handshake has verified it."""
    certificate = transport.get_extra_info("peercert")
    if not certificate:
        return "", None
    attributes = [attribute for name in certificate["subject"] for attribute in name]
    user = next((value for key, value in attributes if key == "commonName"), "")
    fields = [(b"X-Remote-User", user.encode())]
    fields += [(b"X-Remote-Group", value.encode()) for key, value in attributes if key == "organizationName"]
    der = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
    if der:
        fields.append((_CREDENTIAL, b"X509SHA256=" + hashlib.sha256(der).hexdigest().encode()))
    return user, fields
