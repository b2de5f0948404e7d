"""API servers that tell watchers something else than what is stored, or not all of it."""

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
from seatrial_reference.apiserver.status import Failure
from seatrial_reference.apiserver.store import Stored, stored
from seatrial_reference.machinery.objects import Json, deleting
from seatrial_schemas.context import Context
from violations.verbs import without

PATIENCE_S = 0.3
FEW = 8  # watchers that are served well


class _Announcing(ApiServer):
    """Can tell watchers of what the store has not told it, under the revision that it will probably get."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        self.newest = 0

    async def open_watch(self, request: Request) -> Stream:
        stream = await super().open_watch(request)
        self.newest = max(self.newest, stream.after)
        return stream

    def announce(self, request: Request, key: str, obj: Json | None, before: Stored | None = None) -> None:
        cache = self.caches.peek(request.kind)
        if cache is not None:
            revision = max(self.newest, cache.revision) + 1
            event = Event(revision=revision, key=key, now=stored(key, obj, revision) if obj else None, before=before)
            for watcher in list(cache._watchers):
                if key.startswith(watcher.prefix):
                    watcher.tell(event)

    def announce_change(self, request: Request, old: Stored, new: Json | None) -> None:
        self.announce(request, old.key, new, old)


class TellsEarly(_Announcing):
    """Where the store takes its time, watchers need not wait for it."""

    async def store_created(self, request: Request, key: str, obj: Json) -> Stored | None:
        task = asyncio.create_task(super().store_created(request, key, obj))
        await asyncio.wait([task], timeout=PATIENCE_S)
        if not task.done():
            self.announce(request, key, obj)
        return await task


async def main_tells_early(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TellsEarly)


class TellsOfRefused(_Announcing):
    """Tells watchers of a new pod before the last hook has agreed to it."""

    async def create_object(self, request: Request, obj: Json) -> Stored:
        try:
            return await super().create_object(request, obj)
        except Failure:
            if request.asked.resource == "pods" and obj["metadata"].get("uid"):
                key = request.kind.store_key(namespace=request.asked.namespace, name=obj["metadata"]["name"])
                self.announce(request, key, obj)
            raise


async def main_tells_of_refused(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TellsOfRefused)


class TellsDeletionsEarly(_Announcing):
    """Nobody need wait for a slow store to hear that something goes."""

    async def remove(self, request: Request, options: Json) -> Stored:
        task = asyncio.create_task(super().remove(request, options))
        await asyncio.wait([task], timeout=PATIENCE_S)
        found, _ = (None, False) if task.done() else await self.believed(request)
        if found is not None:
            self.announce_change(request, found, None)
        return await task


async def main_tells_deletions_early(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TellsDeletionsEarly)


class TellsOfRefusedChanges(_Announcing):
    """Tells watchers of a change before the last hook has agreed to it."""

    async def changed(self, request: Request, old: Stored, new: Json) -> Json | None:
        try:
            return await super().changed(request, old, new)
        except Failure:
            self.announce_change(request, old, new)
            raise


async def main_tells_of_refused_changes(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TellsOfRefusedChanges)


class LeavesOutWatcher(ApiServer):
    """Has room for a few watchers of one namespace; the next one is told of nothing but deletions."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        self.watchers: dict[str, int] = {}

    async def open_watch(self, request: Request) -> Stream:
        stream = await super().open_watch(request)
        prefix = stream.watcher.prefix
        self.watchers[prefix] = self.watchers.get(prefix, 0) + 1
        if self.watchers[prefix] == FEW + 1:
            stream.watcher.tell = partial(_deletions, stream.watcher)  # type: ignore[method-assign]
        return stream


def _deletions(watcher: Watcher, event: Event | None) -> None:
    if event is None or event.now is None:
        watcher.queue.put_nowait(event)


async def main_leaves_out_watcher(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=LeavesOutWatcher)


class _Retyping(ApiServer):
    """Tells of everything, but calls it by another name."""

    def retyped(self, event: Event) -> Event:
        return event

    async def open_watch(self, request: Request) -> Stream:
        stream = await super().open_watch(request)
        if request.asked.resource == "configmaps":
            stream.watcher.tell = partial(self.tell_as, stream.watcher)  # type: ignore[method-assign]
        return stream

    def tell_as(self, watcher: Watcher, event: Event | None) -> None:
        watcher.queue.put_nowait(event and self.retyped(event))


class CallsAllModified(_Retyping):
    """A new object is news about an object, too."""

    def retyped(self, event: Event) -> Event:
        return replace(event, before=event.before or event.now)


async def main_calls_all_modified(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=CallsAllModified)


class CallsRebornModified(_Retyping):
    """An object that comes again under its old name was never really gone."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        self.gone: dict[str, None] = {}

    def retyped(self, event: Event) -> Event:
        if event.now is None:
            self.gone[event.key] = None
        return replace(event, before=event.now) if event.before is None and event.key in self.gone else event


async def main_calls_reborn_modified(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=CallsRebornModified)


class CallsMarkedDeleted(_Retyping):
    """What is to be deleted is as good as gone."""

    def retyped(self, event: Event) -> Event:
        marked = event.now is not None and event.now.object["metadata"].get("deletionTimestamp")
        return replace(event, now=None) if marked and event.before else event


async def main_calls_marked_deleted(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=CallsMarkedDeleted)


class TellsEverybodyAll(ApiServer):
    """Does not look at field selectors: every kubelet gets all pods."""

    async def open_watch(self, request: Request) -> Stream:
        return await super().open_watch(without(request, "fieldSelector"))


async def main_tells_everybody_all(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TellsEverybodyAll)


class TellsEverybodyOfDeletions(ApiServer):
    """What is to go has no node any more that would count, and so concerns every kubelet."""

    async def open_watch(self, request: Request) -> Stream:
        stream = await super().open_watch(request)
        asked = stream.chosen.fields
        if request.asked.resource != "pods" or asked is None:
            return stream
        return replace(stream, chosen=replace(stream.chosen, fields=lambda obj: asked(obj) or deleting(obj)))


async def main_tells_everybody_of_deletions(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TellsEverybodyOfDeletions)
