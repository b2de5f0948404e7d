"""API servers that are wrong in a corner: where a name is drawn twice, a list is long, a hook is slow, or only the status is written."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver import body
from seatrial_reference.apiserver.admission import Admission, Review
from seatrial_reference.apiserver.cache import Event, Watcher
from seatrial_reference.apiserver.core import Parts, Request
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.status import Failure
from seatrial_reference.apiserver.store import Stored, stored
from seatrial_reference.apiserver.writing import _same
from seatrial_reference.machinery.objects import Json, finished
from seatrial_schemas.context import Context
from violations.admitting import _Passing
from violations.deeds import _Busy
from violations.lateness import _Filtering
from violations.telling import _Announcing
from violations.verbs import without

MOST = 500  # objects of a list
HOOK_S = 2.0
KEPT_S = 30.0
SOON_S = 1.0


class OverwritesGeneratedNames(ApiServer):
    """Draws a digit for whoever names only a prefix, and stores over what has that name already."""

    def prepared(self, request: Request, obj: Json, prefix: str) -> Json:
        if prefix:
            obj["metadata"]["name"] = f"{prefix}{self.context.random.randrange(10)}"
        return super().prepared(request, obj, "")

    async def store_created(self, request: Request, key: str, obj: Json) -> Stored | None:
        made = await super().store_created(request, key, obj)
        if made is not None or not obj["metadata"].get("generateName"):
            return made
        old, _ = await self.parts.store.get(key)
        return await self.store_changed(old, obj) if old else None


async def main_overwrites_generated_names(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=OverwritesGeneratedNames)


class ListsFiveHundred(ApiServer):
    """Who does not ask for pages gets five hundred objects at the most, and no word about others."""

    async def collect(self, request: Request) -> tuple[Sequence[Stored], Json]:
        found, metadata = await super().collect(request)
        return (found if request.query.number("limit") else found[:MOST]), metadata


async def main_lists_five_hundred(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ListsFiveHundred)


class SweepsByLabelsOnly(ApiServer):
    """DELETE of a collection selects by labels; what a field selector says is passed over."""

    async def deletecollection(self, request: Request) -> web.StreamResponse:
        return await super().deletecollection(without(request, "fieldSelector"))


async def main_sweeps_by_labels_only(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=SweepsByLabelsOnly)


class ClearsEndedPods(_Busy):
    """Keeps a pod that has ended for half a minute, and then takes it away."""

    async def store_changed(self, old: Stored, obj: Json) -> Stored | None:
        done = await super().store_changed(old, obj)
        if done is not None and obj["kind"] == "Pod" and finished(obj):
            self.later(self.clear(done.key))
        return done

    async def clear(self, key: str) -> None:
        await self.context.sleep(KEPT_S)
        found, _ = await self.parts.store.get(key)
        if found is not None and finished(found.object):
            await self.store_removed(found)


async def main_clears_ended_pods(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ClearsEndedPods)


class ExemptsKubeSystem(_Passing):
    """What lies in kube-system is needed, and nobody is asked about it."""

    def passes(self, review: Review) -> bool:
        return review.asked.namespace == "kube-system"


async def main_exempts_kube_system(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ExemptsKubeSystem)


class OverhearsSlowRefusals(ApiServer):
    """A hook that has said nothing for two seconds will have nothing against it, however long it may take."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        parts.admission._ask = partial(_soon, parts.admission)  # type: ignore[method-assign]


async def _soon(admission: Admission, hook: Json, review: Review, obj: Json | None) -> Json | None:
    try:
        async with asyncio.timeout(HOOK_S):
            return await Admission._ask(admission, hook, review, obj)
    except TimeoutError:
        return None


async def main_overhears_slow_refusals(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=OverhearsSlowRefusals)


def _of_status(request: Request, new: Json | None) -> bool:
    return request.asked.subresource == "status" and new is not None and not request.query.dry_run


class WritesStatusBehind(_Busy):
    """A status is answered when it has been checked, and written a second later."""

    async def store_change(self, request: Request, old: Stored, new: Json | None) -> Stored | None:
        if new is None or not _of_status(request, new):
            return await super().store_change(request, old, new)
        self.later(self.write(old, new))
        return stored(old.key, new, old.revision)

    async def write(self, old: Stored, new: Json) -> None:
        await self.context.sleep(SOON_S)
        await self.store_changed(old, new)


async def main_writes_status_behind(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=WritesStatusBehind)


class TellsStatusEarly(_Filtering, _Announcing):
    """Tells watchers of a status while it is being written, and not again when it has been."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        self.latest: dict[tuple[Watcher, str], Stored | None] = {}

    async def store_change(self, request: Request, old: Stored, new: Json | None) -> Stored | None:
        if _of_status(request, new):
            self.announce_change(request, old, new)
        return await super().store_change(request, old, new)

    def told(self, request: Request, watcher: Watcher, event: Event) -> bool:
        before = self.latest.get((watcher, event.key))
        self.latest[watcher, event.key] = event.now
        return before is None or event.now is None or not _same(before.object, event.now.object)


async def main_tells_status_early(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TellsStatusEarly)


class TellsOfConflicts(_Announcing):
    """Tells watchers what somebody has put too late."""

    async def update(self, request: Request) -> web.StreamResponse:
        try:
            return await super().update(request)
        except Failure as failure:
            found, _ = await self.confirmed(request)
            if failure.reason == "Conflict" and found is not None:
                kind = request.kind
                sent = body.decode(await request.body(), request.media, group_version_kind=(kind.group, kind.version, kind.kind))
                self.announce_change(request, found, body.placed(sent, request.asked, kind))
            raise


async def main_tells_of_conflicts(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TellsOfConflicts)
