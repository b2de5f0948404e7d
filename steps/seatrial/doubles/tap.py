"""The tap: the suite's recording proxy in front of an API server, on that server's own host.

The API server listens on its host's loopback; the tap terminates TLS on the host's address, which is what everybody is told. It speaks
HTTP/1.1 only, forwards requests untouched but for hop-by-hop fields and identities, records what passes, and can hold any of it. When its
API server is gone, so is the tap: `down` closes the listener and breaks every connection, because a proxy that accepts and then hangs up
teaches clients another lesson than a refusal.

    components --TLS--> tap_client  --tap_exchange-->  tap_upstream --TLS--> API server
                                     |  tap_hold, tap_facts
    suite <------ unix socket -------+  JSON lines: commands one way, replies and batches of events the other

Everything happens in callbacks of the loop: a request that nothing holds costs no task.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import orjson

from seatrial.doubles.redaction import Redactor
from seatrial.doubles.tap_client import Client
from seatrial.doubles.tap_hold import Holds
from seatrial.doubles.tap_upstream import Pool
from seatrial_schemas.context import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, `--flag=value` each."""

    listen: str
    upstream: str
    tls_cert_file: Path
    tls_private_key_file: Path
    client_ca_file: Path | None = None
    upstream_ca_file: Path
    upstream_name: str | None = None  # that its certificate bears, where it is not the address
    proxy_client_cert_file: Path | None = None
    proxy_client_key_file: Path | None = None
    control: str

    @classmethod
    def parse(cls, args: Sequence[str]) -> "Options":
        pairs = (arg.removeprefix("--").partition("=") for arg in args)
        values: dict[str, Any] = {name.replace("-", "_"): Path(v) if name.endswith("-file") else v for name, _, v in pairs}
        return cls(**values)


async def main(args: Sequence[str], context: Context) -> None:
    """Serve until cancelled."""
    tap = Tap(Options.parse(args), context)
    await tap.up()
    control = await asyncio.get_running_loop().create_unix_server(lambda: Control(tap), tap.options.control)
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        control.close()
        tap.close()


class Tap:
    """What the connections share."""

    def __init__(self, options: Options, context: Context) -> None:
        self.options = options
        self.hosts: dict[str, str] = {}
        self.identities: dict[str, str] = {}
        self.redact = Redactor.of("")
        self.clients: dict[Client, None] = {}
        self.turns = 0  # how often anybody was hung up on
        self._last_turns: dict[str, int] = {}  # by instance
        self.holds = Holds(self.record)
        self.pool = _pool(options, context)
        self._context = context
        self._numbers = count(1)
        self._events: list[tuple[str, float, str, Mapping[str, Any]]] = []
        self._control: Control | None = None
        self._listener: asyncio.AbstractServer | None = None
        self._tls = context.tls(server=True, ca=options.client_ca_file, cert=options.tls_cert_file, key=options.tls_private_key_file)

    def number(self) -> int:
        return next(self._numbers)

    def record(self, kind: str, instance: str, data: Mapping[str, Any]) -> None:
        """Kept until a suite listens; handed over in batches, at the latest when the loop comes round."""
        if not self._events and self._control is not None:
            asyncio.get_running_loop().call_soon(self.hand_over)
        self._events.append((kind, self._context.now_s(), instance, data))

    def hand_over(self) -> None:
        if self._events and self._control is not None:
            self._control.send(self._events)
            self._events = []

    def attach(self, control: "Control | None") -> None:
        """The suite that listens; when it leaves, nothing stays held."""
        self._control = control
        if control is None:
            self.holds.release(None)
            self._events.clear()
        else:
            self.hand_over()

    async def up(self) -> None:
        if self._listener is None:
            host, _, port = self.options.listen.rpartition(":")
            loop = asyncio.get_running_loop()
            self._listener = await loop.create_server(lambda: Client(self), host, int(port), ssl=self._tls, backlog=1024)

    def down(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for client in list(self.clients):
            client.drop()

    def close(self) -> None:
        self.down()
        self.pool.close()
        if self._control is not None:
            self.hand_over()
            self._control.close()

    # Commands of the suite, by their names on the wire; `up` and `down` above are the others.

    def configure(self, *, hosts: Mapping[str, str], identities: Mapping[str, str], key: str) -> None:
        self.hosts.update(hosts)
        self.identities.update(identities)
        self.redact = Redactor.of(key)

    def hold(self, *, what: str, match: Mapping[str, str]) -> int:
        return self.holds.add(what, match)

    def release(self, *, hold: int | None) -> None:
        self.holds.release(hold)

    def end_streams(self, *, match: Mapping[str, str]) -> None:
        for stream in self.holds.streams(match):
            stream.end()

    def hang_up(self, *, instance: str) -> None:
        """Break every connection of an instance, those included whose TLS handshake is not over; it may come back."""
        self.turns += 1
        self._last_turns[instance] = self.turns
        for client in [c for c in self.clients if self.hosts.get(c.address) == instance]:
            client.drop()

    def hung_up_on(self, client: Client) -> bool:
        """Whether a connection that stands now was begun before its instance was hung up on."""
        return self._last_turns.get(self.hosts.get(client.address, ""), 0) > client.turn

    def settle(self) -> None:
        """Nothing to do: what was recorded goes before the reply."""


def _pool(options: Options, context: Context) -> Pool:
    url = urlsplit(options.upstream)
    ca = options.upstream_ca_file
    return Pool(
        str(url.hostname),
        url.port or 443,
        name=options.upstream_name,
        plain=context.tls(server=False, ca=ca, cert=None, key=None),
        proxy=context.tls(server=False, ca=ca, cert=options.proxy_client_cert_file, key=options.proxy_client_key_file),
    )


class Control(asyncio.Protocol):
    """The suite's connection. Lines in: `{"id", "do", ...}`; lines out: a list of events, or `{"id", "value" | "error"}`."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self._buffer = b""
        self._transport: asyncio.Transport
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._tap.attach(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._tap.attach(None)

    def close(self) -> None:
        self._transport.close()

    def send(self, message: Any) -> None:
        self._transport.write(orjson.dumps(message) + b"\n")

    def data_received(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            command = orjson.loads(line)
            number, do = command.pop("id"), command.pop("do")
            if do == "up":
                self._tasks[number] = asyncio.get_running_loop().create_task(self._up(number))
            else:
                self._reply(number, value=getattr(self._tap, do)(**command))

    async def _up(self, number: int) -> None:
        try:
            await self._tap.up()
        except OSError as refusal:
            self._reply(number, error=str(refusal))
        else:
            self._reply(number, value=None)
        finally:
            del self._tasks[number]

    def _reply(self, number: int, **result: Any) -> None:
        self._tap.hand_over()
        self.send({"id": number, **result})
