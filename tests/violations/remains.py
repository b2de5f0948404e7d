"""API servers that are not done when they say so, or leave something of what they refuse."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver.core import Request
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.status import Failure
from seatrial_reference.apiserver.store import Stored, stored
from seatrial_reference.apiserver.writing import Make
from seatrial_reference.machinery.objects import Json
from seatrial_schemas.context import Context
from violations.deeds import _Busy

PATIENCE_S = 0.3
INVALID = 422


class WritesLeasesBehind(_Busy):
    """A lease is written so often that nobody will miss one write."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        if obj["kind"] != "Lease" or not obj["metadata"].get("labels"):
            return await super().store_new(key, obj)
        self.later(self.in_a_while(super().store_new(key, obj)))
        return stored(key, obj, await self.parts.store.revision() + 1)

    async def in_a_while(self, write: Coroutine[Any, Any, Any]) -> None:
        await self.context.sleep(PATIENCE_S)
        await write


async def main_writes_leases_behind(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=WritesLeasesBehind)


class BindsBehind(ApiServer):
    """Where the store takes its time, the scheduler need not wait for it."""

    def change(self, request: Request, found: Stored | None, confirmed: bool, make: Make) -> Coroutine[Any, Any, Stored]:
        change = super().change(request, found, confirmed, make)
        return self.soon(change, found) if request.asked.subresource == "binding" else change

    async def soon(self, change: Coroutine[Any, Any, Stored], found: Stored | None) -> Stored:
        task = asyncio.create_task(change)
        await asyncio.wait([task], timeout=PATIENCE_S)
        return found if found is not None and not task.done() else await task


async def main_binds_behind(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=BindsBehind)


class StoresWhatIsInvalid(ApiServer):
    """Writes a change while it is being checked, and takes it back where it turns out to be wrong."""

    async def changed(self, request: Request, old: Stored, new: Json) -> Json | None:
        try:
            return await super().changed(request, old, new)
        except Failure as failure:
            early = await self.store_changed(old, new) if failure.code == INVALID else None
            if early is not None:
                await self.store_changed(early, old.copy())
            raise


async def main_stores_what_is_invalid(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=StoresWhatIsInvalid)


class NotesRefusedBindings(ApiServer):
    """A pod that was not bound shall say so."""

    async def bind(self, request: Request) -> web.StreamResponse:
        try:
            return await super().bind(request)
        except Failure:
            found, _ = await self.confirmed(request)
            if found is not None:
                pod = found.copy()
                pod["metadata"].setdefault("annotations", {})["binding"] = "refused"
                await self.store_changed(found, pod)
            raise


async def main_notes_refused_bindings(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=NotesRefusedBindings)
