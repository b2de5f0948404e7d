"""API servers that do not tell everybody everything: the slow, the late, those who watch everywhere."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver.cache import Event, Watcher
from seatrial_reference.apiserver.core import Parts, Request
from seatrial_reference.apiserver.reading import Show, Stream
from seatrial_reference.apiserver.server import ApiServer
from seatrial_schemas.context import Context

BACKLOG = 3


class SkipsForSlow(ApiServer):
    """Leaves out what somebody would be told who has not read what they were told before."""

    async def open_watch(self, request: Request) -> Stream:
        stream = await super().open_watch(request)
        stream.watcher.tell = partial(_if_read, stream.watcher)  # type: ignore[method-assign]
        return stream


def _if_read(watcher: Watcher, event: Event | None) -> None:
    if event is None or watcher.queue.qsize() < BACKLOG:
        watcher.queue.put_nowait(event)


async def main_skips_for_slow(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=SkipsForSlow)


class WaitsForSlowest(ApiServer):
    """Tells one after another: nobody is told before the one before has read."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        self.turn = asyncio.Lock()

    async def _follow(self, request: Request, stream: Stream, show: Show, response: web.StreamResponse) -> None:
        write = response.write

        async def in_turn(data: Any) -> None:
            async with self.turn:
                await write(data)

        response.write = in_turn  # type: ignore[method-assign]
        await super()._follow(request, stream, show, response)


async def main_waits_for_slowest(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=WaitsForSlowest)


class SumsUpThePast(ApiServer):
    """Who comes late is told how things are, and not how they came to be so."""

    async def open_watch(self, request: Request) -> Stream:
        stream = await super().open_watch(request)
        last = {event.key: event for event in stream.past}
        return replace(stream, past=[replace(event, before=None) for event in last.values() if event.now])


async def main_sums_up_the_past(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=SumsUpThePast)


class TellsNoChangesEverywhere(ApiServer):
    """Who watches all namespaces is told what comes and goes, not what is changed: it would be too much."""

    async def open_watch(self, request: Request) -> Stream:
        stream = await super().open_watch(request)
        if request.asked.resource == "configmaps" and not request.asked.namespace:
            stream.watcher.tell = partial(_but_changes, stream.watcher)  # type: ignore[method-assign]
        return stream


def _but_changes(watcher: Watcher, event: Event | None) -> None:
    if event is None or event.now is None or event.before is None:
        watcher.queue.put_nowait(event)


async def main_tells_no_changes_everywhere(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TellsNoChangesEverywhere)
