"""The suite's end of a tap's control socket: commands go there, events come from there into the history.

Replies and events share one ordered stream, so that a command's answer proves that every earlier event is recorded. The tap stamps its
events itself, on the same clock as the suite's.
"""

import asyncio
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any, Literal, cast

import orjson

from seatrial.doubles.tap_hold import FIELDS
from seatrial.model.errors import HarnessFault
from seatrial.model.history import Record
from seatrial.model.waiting import certain
from seatrial_schemas.context import Context

What = Literal["request", "answer", "stream", "reader"]
_RETRY_S = 0.005


class TapControl(asyncio.Protocol):
    """Made by `connect`. Commands raise HarnessFault where the tap is gone."""

    def __init__(self, path: Path, record: Record) -> None:
        self._path = path
        self._record = record
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._pieces: list[bytes] = []
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def connect(cls, path: Path, *, record: Record, context: Context, within_s: float = 10.0) -> "TapControl":
        """Connect to a tap that is starting; its listener is open by then."""
        control = cls(path, record)
        give_up_s = context.now_s() + within_s
        while True:
            try:
                await asyncio.get_running_loop().create_unix_connection(lambda: control, str(path))
            except OSError as refusal:
                if context.now_s() > give_up_s:
                    raise HarnessFault(f"the tap at {path} did not answer within {within_s} s: {refusal}") from refusal
                await context.sleep(_RETRY_S)
            else:
                return control

    async def configure(self, *, hosts: Mapping[str, str], identities: Mapping[str, str], key: str = "") -> None:
        """`hosts`: address -> name of the instance there; `identities`: SHA-256 of a token in hex -> user; both are added to what is
        known. `key` makes the hashes of secrets, equal ones comparable among all taps of one key."""
        await self._do("configure", hosts=dict(hosts), identities=dict(identities), key=key)

    async def hold(self, what: What, **match: str) -> int:
        """Hold what matches all that is given, as `tap_hold.FIELDS` are called (`resource` is a regular expression for the whole plural),
        from now until released.

        A stream that exists is held at once, and its events from the next one on; a request or an answer only where it comes later.
        """
        return int(await self._do("hold", what=what, match=_known(match)))

    async def release(self, hold: int | None = None) -> None:
        """Let go of one hold, or of all; safe to repeat."""
        await self._do("release", hold=hold)

    async def end_streams(self, **match: str) -> None:
        """End the watch streams that match in good order, as API servers do every so often; what they were still to bring does not come."""
        await self._do("end_streams", match=_known(match))

    async def hang_up(self, instance: str) -> None:
        """Break every connection of an instance."""
        await self._do("hang_up", instance=instance)

    async def down(self) -> None:
        """The API server is gone: refuse, and break every connection. A tap that is gone itself is down."""
        if self._transport is not None and not self._transport.is_closing():
            await self._do("down")

    async def up(self) -> None:
        await self._do("up")

    async def settle(self) -> None:
        """Everything that the tap saw before is recorded."""
        await self._do("settle")

    async def close(self) -> None:
        """Stop listening to the tap; it lets go of everything."""
        if self._transport is not None:
            self._transport.close()

    async def _do(self, command: str, **args: Any) -> Any:
        if self._transport is None or self._transport.is_closing():
            raise HarnessFault(f"the tap at {self._path} is gone: it cannot {command}")
        number = next(self._numbers)
        reply = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._transport.write(orjson.dumps({"id": number, "do": command, **args}) + b"\n")
        return await certain(reply, f"the tap at {self._path} has not answered to {command}")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._transport = None
        for reply in self._waiting.values():
            if not reply.done():
                reply.set_exception(HarnessFault(f"the tap at {self._path} went away"))
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._receive(b"".join([*self._pieces, line]))
            self._pieces = []
        self._pieces.append(rest)

    def _receive(self, line: bytes) -> None:
        message = orjson.loads(line)
        if isinstance(message, list):
            for kind, at_s, instance, data in message:
                self._record(kind, at_s=at_s, instance=instance, **data)
            return
        reply = self._waiting.pop(message["id"])
        if reply.done():  # its caller was cancelled
            return
        if "error" in message:
            reply.set_exception(HarnessFault(f"the tap at {self._path}: {message['error']}"))
        else:
            reply.set_result(message["value"])


def _known(match: Mapping[str, str]) -> Mapping[str, str]:
    if unknown := match.keys() - FIELDS:
        raise HarnessFault(f"requests have no {', '.join(sorted(unknown))} to be known by")
    return match
