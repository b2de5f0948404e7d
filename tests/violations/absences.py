"""API servers that miss somebody who is away: the last worker, the store, or whoever holds an object back."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver import status
from seatrial_reference.apiserver.core import Parts, Request
from seatrial_reference.apiserver.patching import STRATEGIC_PATCH
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.status import Failure
from seatrial_reference.apiserver.store import Stored, stored
from seatrial_reference.machinery.objects import Json, deleting, epoch_s
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural

LOST = 500
AGAIN_S = 0.5
STUCK_S = 20.0


class MissesItsNodes(ApiServer):
    """Takes no work any more when it has had nodes and has none."""

    had = False

    async def create(self, request: Request) -> web.StreamResponse:
        nodes = (await self.caches.of(by_plural("nodes"))).objects
        self.had = self.had or bool(nodes)
        if self.had and not nodes and request.asked.resource in ("pods", "deployments"):
            raise status.unavailable("all nodes have gone")
        return await super().create(request)


async def main_misses_its_nodes(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=MissesItsNodes)


class PutsOff(ApiServer):
    """Says yes where the store is not to be had, and sees to it later."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        self.later: list[asyncio.Task[None]] = []

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        try:
            return await super().store_new(key, obj)
        except Failure as failure:
            if failure.code != LOST:
                raise
        self.later.append(asyncio.create_task(self.see_to(key, obj)))
        return stored(key, obj, 1)

    async def see_to(self, key: str, obj: Json) -> None:
        while True:
            await self.context.sleep(AGAIN_S)
            try:
                await super().store_new(key, obj)
            except Failure:
                continue
            return


async def main_puts_off(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=PutsOff)


class FreesTheStuck(ApiServer):
    """Removes what has waited for its finalizers long enough."""

    async def start(self) -> None:
        await super().start()
        cache = await self.caches.of(by_plural("configmaps"))
        while not cache.closed:
            await self.context.sleep(AGAIN_S)
            for each in [found for found in cache.objects.values() if deleting(found.object)]:
                if self.context.wall_s() - epoch_s(each.object["metadata"]["deletionTimestamp"]) > STUCK_S:
                    await self.parts.store.remove(each)


async def main_frees_the_stuck(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=FreesTheStuck)


class KeepsWhatIsFreed(ApiServer):
    """Of a strategic patch it does not expect that it takes away what holds an object back."""

    async def changed(self, request: Request, old: Stored, new: Json) -> Json | None:
        left = await super().changed(request, old, new)
        return new if left is None and request.media.startswith(STRATEGIC_PATCH) else left


async def main_keeps_what_is_freed(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=KeepsWhatIsFreed)


class KnowsNoNodes(ApiServer):
    """Where there are no nodes there is no list of them either."""

    async def list(self, request: Request) -> web.StreamResponse:
        if request.asked.resource == "nodes" and not (await self.caches.of(request.kind)).objects:
            raise status.no_such_path()
        return await super().list(request)


async def main_knows_no_nodes(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=KnowsNoNodes)
