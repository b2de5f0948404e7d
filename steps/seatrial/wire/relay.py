"""A relay carries bytes between whoever connects and one address that lies elsewhere, both ways, half-closed connections included."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from seatrial.model.waiting import cancel

CHUNK = 1 << 16
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Relay:
    """`serve` is what a listener calls for each connection; `close` breaks them all. Where nobody answers, it hangs up."""

    def __init__(self, dial: Callable[[], Awaitable[Streams]]) -> None:
        self._dial = dial
        self._open: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._both_ways(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        await asyncio.wait([task])

    async def close(self) -> None:
        """Returns when every connection is broken."""
        await cancel(*self._open)

    async def _both_ways(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError):
            theirs, back = await self._dial()
            with contextlib.closing(back):
                await asyncio.gather(_carry(reader, back), _carry(theirs, writer))


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except (OSError, RuntimeError):
        writer.close()
