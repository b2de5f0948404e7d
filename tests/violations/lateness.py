"""API servers that do things too late or too early, where nobody looks, and tell watchers only what they still know."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from seatrial_reference import apiserver
from seatrial_reference.apiserver.cache import Event, Watcher
from seatrial_reference.apiserver.core import Parts, Request
from seatrial_reference.apiserver.reading import Stream
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.store import Stored, stored
from seatrial_reference.machinery.objects import Json, deleting
from seatrial_schemas.context import Context
from violations.telling import _Announcing, _Retyping

PEOPLE = "people"
SOON_S = 0.3
BACKLOG = 100
MEMORY = 50


class PutsLater(ApiServer):
    """A PUT is answered when it has been checked, and written a moment later."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        self.writing: list[asyncio.Task[None]] = []

    async def store_change(self, request: Request, old: Stored, new: Json | None) -> Stored | None:
        if request.asked.verb != "update" or new is None or PEOPLE not in request.user.groups:
            return await super().store_change(request, old, new)
        self.writing.append(asyncio.create_task(self.write(request, old, new)))
        return stored(old.key, new, old.revision + 1)

    async def write(self, request: Request, old: Stored, new: Json) -> None:
        await self.context.sleep(SOON_S)
        await super().store_change(request, old, new)


async def main_puts_later(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=PutsLater)


class TellsOfUpdatesEarly(_Announcing):
    """Tells watchers what a PUT will make of a pod before anybody has agreed to it."""

    async def changed(self, request: Request, old: Stored, new: Json) -> Json | None:
        if (request.asked.verb, request.asked.resource) == ("update", "pods") and PEOPLE in request.user.groups:
            self.announce_change(request, old, new)
        return await super().changed(request, old, new)


async def main_tells_of_updates_early(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TellsOfUpdatesEarly)


class _Filtering(ApiServer):
    """Puts each watcher's queue behind a question."""

    async def open_watch(self, request: Request) -> Stream:
        stream = await super().open_watch(request)
        stream.watcher.tell = partial(self.tell_if, request, stream.watcher)  # type: ignore[method-assign]
        return stream

    def tell_if(self, request: Request, watcher: Watcher, event: Event | None) -> None:
        if event is None or self.told(request, watcher, event):
            watcher.queue.put_nowait(event)

    def told(self, request: Request, watcher: Watcher, event: Event) -> bool:
        return True


class DropsAfterAHundred(_Filtering):
    """Keeps a hundred events for a watcher that does not read, and leaves out the next."""

    def told(self, request: Request, watcher: Watcher, event: Event) -> bool:
        return watcher.queue.qsize() < BACKLOG


async def main_drops_after_a_hundred(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=DropsAfterAHundred)


class TellsPeopleNoStatus(_Filtering):
    """What has become of a pod concerns components; people are told what it is to be."""

    def told(self, request: Request, watcher: Watcher, event: Event) -> bool:
        if PEOPLE not in request.user.groups or event.now is None or event.before is None:
            return True
        return bool(event.now.object.get("status") == event.before.object.get("status"))


async def main_tells_people_no_status(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TellsPeopleNoStatus)


class RemembersFifty(ApiServer):
    """Whoever wants to know what happened long ago is told the end of it, and not that there was more."""

    async def open_watch(self, request: Request) -> Stream:
        stream = await super().open_watch(request)
        return replace(stream, past=list(stream.past)[-MEMORY:])


async def main_remembers_fifty(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=RemembersFifty)


class CallsFreedModified(_Retyping):
    """An object that its last finalizer has left was changed last, and so that is what it is called."""

    def retyped(self, event: Event) -> Event:
        if event.now is None and event.before and deleting(event.before.object) and event.before.object["metadata"].get("finalizers"):
            return replace(event, now=event.before)
        return event


async def main_calls_freed_modified(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=CallsFreedModified)
