"""API servers whose watchers are shown the wrong state, another kind of event, or nothing of what does not suit their selection."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver.cache import Event, Watcher
from seatrial_reference.apiserver.core import Parts, Request
from seatrial_reference.apiserver.reading import Stream, _selected
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.status import Failure
from seatrial_reference.apiserver.store import Stored, stored
from seatrial_reference.apiserver.writing import Make
from seatrial_reference.machinery.objects import Json
from seatrial_schemas.context import Context
from violations.lateness import _Filtering
from violations.telling import _Announcing, _Retyping


class ShowsWhatWas(_Retyping):
    """Tells of a change and shows what was there before it."""

    def retyped(self, event: Event) -> Event:
        if event.now is None or event.before is None:
            return event
        return replace(event, now=stored(event.key, event.before.object, event.revision))


async def main_shows_what_was(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ShowsWhatWas)


class CallsUnseenAdded(ApiServer):
    """What a watcher has not been told of yet is new."""

    async def open_watch(self, request: Request) -> Stream:
        stream = await super().open_watch(request)
        if request.asked.resource != "configmaps":
            return stream
        seen: dict[str, None] = {}

        def as_new(event: Event) -> Event:
            first = event.now is not None and event.key not in seen
            seen[event.key] = None
            return replace(event, before=None) if first else event

        def tell(event: Event | None) -> None:
            stream.watcher.queue.put_nowait(event and as_new(event))

        stream.watcher.tell = tell  # type: ignore[method-assign]
        return replace(stream, past=[as_new(event) for event in stream.past])


async def main_calls_unseen_added(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=CallsUnseenAdded)


class TellsNothingOfLeaving(_Filtering):
    """What does not bear the label is not for those who watch by it, not even that it no longer does."""

    def told(self, request: Request, watcher: Watcher, event: Event) -> bool:
        if not request.query.text("labelSelector") or event.now is None:
            return True
        return _selected(request).matches(event.now.object)


async def main_tells_nothing_of_leaving(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TellsNothingOfLeaving)


class BeginsAnew(ApiServer):
    """Whoever wants to know what was before the server was there hears nothing of it."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        self.began = 0

    async def start(self) -> None:
        await super().start()
        self.began = await self.parts.store.revision()

    async def open_watch(self, request: Request) -> Stream:
        stream = await super().open_watch(request)
        return replace(stream, past=[event for event in stream.past if event.revision > self.began])


async def main_begins_anew(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=BeginsAnew)


class TellsOfTakenNames(_Announcing):
    """Tells watchers what somebody wanted to put in the place of a pod."""

    async def create_object(self, request: Request, obj: Json) -> Stored:
        try:
            return await super().create_object(request, obj)
        except Failure as failure:
            if failure.reason == "AlreadyExists" and request.asked.resource == "pods":
                key = request.kind.store_key(namespace=request.asked.namespace, name=obj["metadata"]["name"])
                found, _ = await self.parts.store.get(key)
                self.announce(request, key, obj, found)
            raise


async def main_tells_of_taken_names(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TellsOfTakenNames)


def _placed(pod: Stored, node: str) -> Json:
    return pod.object | {"spec": pod.object["spec"] | {"nodeName": node}}


class TellsOfRefusedBindings(_Announcing):
    """Tells watchers where a pod would have been, had nobody been against it."""

    async def bind(self, request: Request) -> web.StreamResponse:
        try:
            return await super().bind(request)
        except Failure:
            found, _ = await self.confirmed(request)
            if found is not None:
                self.announce_change(request, found, _placed(found, "nowhere"))
            raise


async def main_tells_of_refused_bindings(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TellsOfRefusedBindings)


class TellsBindingsEarly(_Announcing):
    """Where the store takes its time, a kubelet need not wait to hear of its pod."""

    async def change(self, request: Request, found: Stored | None, confirmed: bool, make: Make) -> Stored:
        async def told(old: Stored) -> Json | None:
            new = await make(old)
            if request.asked.subresource == "binding" and new is not None:
                self.announce_change(request, old, new)
            return new

        return await super().change(request, found, confirmed, told)


async def main_tells_bindings_early(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TellsBindingsEarly)


class TellsNoChangesOfNodes(_Filtering):
    """What lies in no namespace comes and goes; that it is changed is told to components."""

    def told(self, request: Request, watcher: Watcher, event: Event) -> bool:
        changed = event.now is not None and event.before is not None
        return not changed or request.kind.namespaced or request.user.name.startswith("system:")


async def main_tells_no_changes_of_nodes(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TellsNoChangesOfNodes)
