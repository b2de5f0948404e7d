"""The TLS handshake as three flights: hello, welcome, finished.

    client -> server  Hello     the client's certificate and the name that it asked for
    server -> client  Welcome   the server's certificate, or an alert and the end
    client -> server  Finished  the server hands the stream to its protocol only now, or an alert and the end

While it lasts a Handshake is the protocol of its end; a plain stream at the other end shows as bytes that are no flight.
"""

import asyncio
import contextlib
import errno
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from seatrial.backends.simulation.tls import CarriedSession, CarriedTLS, Chain

if TYPE_CHECKING:
    from seatrial.backends.simulation.streams import Endpoint

HANDSHAKE_TIMEOUT_S = 60.0  # asyncio's own


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    chain: Chain


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    chain: Chain


@dataclass(frozen=True, slots=True)
class Finished:
    pass


@dataclass(frozen=True, slots=True)
class Alert:
    text: str


class Handshake(asyncio.Protocol):
    """What both ends share: the stream, and how it is given up."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._end = cast("Endpoint", transport)

    def flight_received(self, flight: object) -> None:
        raise NotImplementedError


class ClientHandshake(Handshake):
    """The end that connects. `done` becomes the server's chain, or the reason why there is none."""

    def __init__(self, tls: CarriedTLS, done: "asyncio.Future[Chain]") -> None:
        self._tls = tls
        self._done = done

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._end.fly(Hello(chain=self._tls.chain))

    def flight_received(self, flight: object) -> None:
        if isinstance(flight, Welcome) and not self._done.done():
            self._done.set_result(flight.chain)
        elif isinstance(flight, Alert):
            self._fail(ssl.SSLError(ssl.SSL_ERROR_SSL, f"[SSL: TLSV1_ALERT_UNKNOWN_CA] {flight.text}"))

    def data_received(self, data: bytes) -> None:
        self._fail(ssl.SSLError(ssl.SSL_ERROR_SSL, f"[SSL: WRONG_VERSION_NUMBER] wrong version number: {data[:8]!r}"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionResetError(errno.ECONNRESET, "connection was closed during the TLS handshake"))

    def _fail(self, error: Exception) -> None:
        if not self._done.done():
            self._done.set_exception(error)


class ServerHandshake(Handshake):
    """The end that listens: verifies the client where it was told an authority, then makes the protocol."""

    def __init__(self, tls: CarriedTLS, factory: Callable[[], asyncio.BaseProtocol]) -> None:
        self._tls = tls
        self._factory = factory
        self._peer: Chain = ()

    def flight_received(self, flight: object) -> None:
        match flight:
            case Hello(chain=chain):
                self._welcome(chain)
            case Finished():
                self._end.secure(CarriedSession(context=self._tls, peer=self._peer, server_side=True, server_hostname=None))
                self._end.start(self._factory())
            case _:
                self._end.close()

    def data_received(self, data: bytes) -> None:
        """Not TLS at all."""
        self._end.reset()

    def _welcome(self, chain: Chain) -> None:
        try:
            self._tls.accept(chain, None)
        except ssl.SSLCertVerificationError as error:
            self._end.fly(Alert(str(error)))
            self._end.close()
            return
        self._peer = () if self._tls.verify_mode is ssl.CERT_NONE else chain
        self._end.fly(Welcome(chain=self._tls.chain))


async def shake_hands(end: "Endpoint", tls: CarriedTLS, *, hostname: str | None) -> None:
    """The client's side. Raises ssl.SSLError, ConnectionError or TimeoutError; the stream is then closed."""
    done: asyncio.Future[Chain] = asyncio.get_running_loop().create_future()
    end.start(ClientHandshake(tls, done))
    with contextlib.ExitStack() as stack:
        stack.callback(end.close)
        async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
            peer = await done
        _verify(end, tls, peer, hostname)
        stack.pop_all()
    end.fly(Finished())
    end.secure(CarriedSession(context=tls, peer=peer, server_side=False, server_hostname=hostname))


def _verify(end: "Endpoint", tls: CarriedTLS, peer: Chain, hostname: str | None) -> None:
    try:
        tls.accept(peer, hostname)
    except ssl.SSLCertVerificationError:
        end.fly(Alert("unknown authority"))
        raise
