"""The operator's own watch of the whole store: every put and delete, with its revision, from the first one on.

The stream resumes where it broke, after the last revision seen, so a restart of the store loses nothing. Values that are JSON are recorded
decoded; of others only the size is known.
"""

import asyncio
from contextlib import suppress
from typing import Any

import orjson
from grpclib.client import Channel
from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError

from seatrial.model.errors import NotReady
from seatrial.model.history import History, eventually
from seatrial.model.waiting import cancel
from seatrial.wire.decoding import decoded
from seatrial_schemas import etcd, etcd_pb2
from seatrial_schemas.context import Context

BROKEN = (OSError, GRPCError, ProtocolError, StreamTerminatedError, asyncio.IncompleteReadError)  # ProtocolError: ended in good order
RETRY_S = 0.05
NUDGE_S = 0.5  # so long the next change may take to be told; then the store is asked whether there is one
BEGINNING = 1
STANDING_S = 10.0  # for the first stream to be accepted


class StoreWatch:
    """Follows one store. `start` returns once the stream stands. Raises NotReady where the store does not let it."""

    def __init__(self, *, history: History, host: str, port: int, context: Context) -> None:
        self._context = context
        self._history = history
        self._record = history.recorder("store")
        self._address = (host, port)
        self._next = BEGINNING
        self._stream: Any = None
        self._why = ""  # the last stream broke
        self._task: asyncio.Task[None] | None = None
        self._reads = Channel(host, port)

    async def start(self) -> None:
        standing = asyncio.Event()
        self._task = asyncio.create_task(self._follow(standing))
        try:
            async with asyncio.timeout(STANDING_S):
                await standing.wait()
        except TimeoutError:
            advice = "`observe: {store: none}` does without"
            raise NotReady(
                f"The store at {self._address[0]} does not let the operator watch: {self._why or 'no answer'}; {advice}."
            ) from None

    async def stop(self) -> None:
        await cancel(self._task)
        self._reads.close()

    async def revision(self) -> int:
        """The store's current revision. Raises what a broken connection raises."""
        everything = etcd_pb2.RangeRequest(key=b"\0", range_end=b"\0", count_only=True)
        return int((await etcd.RANGE.unary(self._reads)(everything)).header.revision)

    async def caught_up(self, *, within_s: float) -> int | None:
        """Wait until all that is stored now is recorded; gives that revision, None where the watch lags too long."""
        try:
            async with asyncio.timeout(within_s):
                revision = await self.revision()
        except (TimeoutError, *BROKEN):
            return None
        for wait_s in (NUDGE_S, within_s):
            if await eventually(self._history, lambda _: self._next > revision or None, within_s=wait_s):
                return revision
            await self._nudge()
        return None

    async def _nudge(self) -> None:
        """Ask how far the stream is: stores may count on without a change that anybody is told of."""
        if self._stream is not None:
            with suppress(*BROKEN, TimeoutError):
                async with asyncio.timeout(NUDGE_S):
                    await self._stream.send_message(etcd_pb2.WatchRequest(progress_request=etcd_pb2.WatchProgressRequest()))

    async def _follow(self, standing: asyncio.Event) -> None:
        while True:
            channel = Channel(*self._address)
            try:
                await self._hear(channel, standing)
            except BROKEN as error:
                self._why = str(error) or type(error).__name__
            finally:
                self._stream = None
                channel.close()
            await self._context.sleep(RETRY_S)

    async def _hear(self, channel: Channel, standing: asyncio.Event) -> None:
        """Until the stream breaks, or the store ends the watch."""
        create = etcd_pb2.WatchCreateRequest(key=b"\0", range_end=b"\0", start_revision=self._next, progress_notify=True)
        async with etcd.WATCH.stream(channel).open() as stream:
            await stream.send_message(etcd_pb2.WatchRequest(create_request=create))
            async for reply in stream:
                if reply.canceled:
                    self._why = f"the watch was cancelled, {reply.cancel_reason or 'without a reason'}"
                    if self._next == BEGINNING:  # nothing was missed: it had forgotten that before we came
                        self._next = max(BEGINNING, reply.compact_revision)
                    await stream.cancel()
                    return
                standing.set()
                self._stream = stream  # not before: without a watch on it, a stream says how far the store is, and has told nothing
                for event in reply.events:
                    self._take(event)
                if not reply.events and not reply.created:
                    self._reached(reply.header.revision)

    def _reached(self, revision: int) -> None:
        """Everything up to the revision has been told."""
        if revision >= self._next:
            self._next = revision + 1
            self._record("progress", revision=revision)

    def _take(self, event: Any) -> None:
        kv = event.kv
        kind = "delete" if event.type == etcd_pb2.Event.DELETE else "put"
        self._next = kv.mod_revision + 1
        self._record(kind, key=kv.key.decode(errors="replace"), revision=kv.mod_revision, created=kv.create_revision, **_value(kv.value))


def _value(raw: bytes) -> dict[str, Any]:
    """The object that it is; of what is none, or is hidden in something else, the size and how it begins."""
    try:
        value = decoded(raw) if raw[:1] == b"{" else None
    except orjson.JSONDecodeError:
        value = None
    if isinstance(value, dict) and {"kind", "metadata"} <= value.keys():
        return {"value": value}
    return {"size": len(raw), "head": raw[:8].hex()} if raw else {}
