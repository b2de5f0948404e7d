"""The operator's own watch of the whole store: every put and delete, with its revision, from the first one on.

The stream resumes where it broke, after the last revision seen, so a restart of the store loses nothing. Values that are JSON are recorded
decoded; of others only the size is known.
"""

import asyncio
from contextlib import suppress
from typing import Any

import orjson
from grpclib.client import Channel
from grpclib.exceptions import GRPCError, StreamTerminatedError

from seatrial.model.history import History, eventually
from seatrial.wire.large import decoded
from seatrial_schemas import etcd, etcd_pb2
from seatrial_schemas.context import Context

BROKEN = (OSError, GRPCError, StreamTerminatedError, asyncio.IncompleteReadError)
RETRY_S = 0.05
NUDGE_S = 0.5  # so long the next change may take to be told; then the store is asked whether there is one
BEGINNING = 1


class StoreWatch:
    """Follows one store. `start` returns once the stream stands."""

    def __init__(self, *, history: History, host: str, port: int, context: Context) -> None:
        self._context = context
        self._history = history
        self._record = history.recorder("store")
        self._address = (host, port)
        self._next = BEGINNING
        self._stream: Any = None
        self._task: asyncio.Task[None] | None = None
        self._reads = Channel(host, port)

    async def start(self) -> None:
        standing = asyncio.Event()
        self._task = asyncio.create_task(self._follow(standing))
        await standing.wait()

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._reads.close()

    async def revision(self) -> int:
        """The store's current revision. Raises what a broken connection raises."""
        return int((await self._range(count_only=True)).header.revision)

    async def keys(self, *, prefix: str) -> list[str]:
        """All keys below a prefix, now."""
        reply = await self._range(prefix=prefix, keys_only=True)
        return [kv.key.decode() for kv in reply.kvs]

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
            with suppress(*BROKEN):
                await self._stream.send_message(etcd_pb2.WatchRequest(progress_request=etcd_pb2.WatchProgressRequest()))

    async def _range(self, *, prefix: str = "\0", **options: Any) -> Any:
        key = prefix.encode()
        end = b"\0" if prefix == "\0" else key[:-1] + bytes([key[-1] + 1])
        return await etcd.RANGE.unary(self._reads)(etcd_pb2.RangeRequest(key=key, range_end=end, **options))

    async def _follow(self, standing: asyncio.Event) -> None:
        while True:
            channel = Channel(*self._address)
            try:
                with suppress(*BROKEN):
                    await self._hear(channel, standing)
            finally:
                self._stream = None
                channel.close()
            await self._context.sleep(RETRY_S)

    async def _hear(self, channel: Channel, standing: asyncio.Event) -> None:
        """Until the stream breaks, or the store ends the watch."""
        create = etcd_pb2.WatchCreateRequest(key=b"\0", range_end=b"\0", start_revision=self._next, progress_notify=True)
        async with etcd.WATCH.stream(channel).open() as self._stream:
            await self._stream.send_message(etcd_pb2.WatchRequest(create_request=create))
            async for reply in self._stream:
                if reply.canceled:
                    if self._next == BEGINNING:  # nothing was missed: it had forgotten that before we came
                        self._next = max(BEGINNING, reply.compact_revision)
                    await self._stream.cancel()
                    return
                standing.set()
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
    if raw[:1] == b"{":
        try:
            return {"value": decoded(raw)}
        except orjson.JSONDecodeError:
            return {"size": len(raw), "head": raw[:8].hex()}
    return {"size": len(raw), "head": raw[:8].hex()} if raw else {}
