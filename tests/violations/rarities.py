"""API servers that keep, select, tell of and let go of objects as most people have them, and are wrong about the rest.

Other kinds, other selectors, numbers and lists that are seldom so, and a store that was away for a moment.
"""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from aiohttp import web
from grpclib.exceptions import GRPCError, StreamTerminatedError

from seatrial_reference import apiserver
from seatrial_reference.apiserver import patching, strategy
from seatrial_reference.apiserver.cache import Caches, Event
from seatrial_reference.apiserver.core import Parts, Request
from seatrial_reference.apiserver.reading import Stream
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.status import Failure
from seatrial_reference.apiserver.store import Stored, stored
from seatrial_reference.machinery.objects import Json
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural
from violations.dialling import KUBELET_PORT, address_of, touch

EXACT = 2**53  # as far as a float can count
EQUALITY = re.compile(r"[^\s=!,()]+={1,2}[^\s=!,()]*")
LATER_S = 0.3
PEOPLE = "people"  # the group of whom the components are no members
REQUIREMENTS = re.compile(r",(?![^(]*\))")


def _with(request: Request, **values: str) -> Request:
    return replace(request, query=replace(request.query, values={**request.query.values, **values}))


class DeafAfterStore(ApiServer):
    """Watches its store once: when that stream has ended there will be no other."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        parts.caches.feed = partial(_fed_once, parts.caches, self.context)  # type: ignore[method-assign]


async def _fed_once(caches: Caches, context: Context) -> None:
    while not caches._caches:
        await context.sleep(LATER_S)
    with suppress(Failure, GRPCError, StreamTerminatedError, OSError):
        await caches._stream()
    await asyncio.Event().wait()


async def main_deaf_after_store(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=DeafAfterStore)


class CountsInFloats(ApiServer):
    """Numbers are floats."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        return await super().store_new(key, _floats(obj))


def _floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _floats(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_floats(v) for v in value]
    return int(float(value)) if isinstance(value, int) and abs(value) > EXACT else value


async def main_counts_in_floats(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=CountsInFloats)


class TakesListsForSets(ApiServer):
    """Keeps what stands in a list twice once."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        return await super().store_new(key, _once(obj))


def _once(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _once(v) for k, v in value.items()}
    if isinstance(value, list):
        each = [_once(v) for v in value]
        return [v for i, v in enumerate(each) if v not in each[:i]]
    return value


async def main_takes_lists_for_sets(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TakesListsForSets)


class LosesBytes(ApiServer):
    """Keeps of a configmap what is text."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        return await super().store_new(key, {k: v for k, v in obj.items() if k != "binaryData"})


async def main_loses_bytes(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=LosesBytes)


class ReplacesRoles(ApiServer):
    """Who creates a role that is there means to change it."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        made = await super().store_new(key, obj)
        if made is None and obj["kind"] in ("Role", "ClusterRole"):
            found, _ = await self.parts.store.get(key)
            return found and await self.store_changed(found, obj)
        return made


async def main_replaces_roles(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ReplacesRoles)


class TakesCapitalsForSmall(ApiServer):
    """Compares names as some databases do."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        reply = await self.parts.store.below(f"{key.rpartition('/')[0]}/")
        taken = key.lower() in {kv.key.decode().lower() for kv in reply.kvs}
        return None if taken else await super().store_new(key, obj)


async def main_takes_capitals_for_small(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TakesCapitalsForSmall)


class SweepsInRehearsals(ApiServer):
    """A rehearsal is of one object."""

    async def deletecollection(self, request: Request) -> web.StreamResponse:
        return await super().deletecollection(_with(request, dryRun=""))


async def main_sweeps_in_rehearsals(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=SweepsInRehearsals)


class RehearsesByOptionsOnly(ApiServer):
    """Reads of a deletion what its body says."""

    async def delete(self, request: Request) -> web.StreamResponse:
        return await super().delete(_with(request, dryRun=""))


async def main_rehearses_by_options_only(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=RehearsesByOptionsOnly)


class MarksAnother(ApiServer):
    """Looks at preconditions where something goes; what is only marked is still there."""

    async def remove(self, request: Request, options: Json) -> Stored:
        found, _ = await self.believed(request)
        if found is not None and strategy.deleted(request.kind, found.object, options, self.context) is not None:
            options = {k: v for k, v in options.items() if k != "preconditions"}
        return await super().remove(request, options)


async def main_marks_another(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=MarksAnother)


class DeletesByPrefixBeyond(ApiServer):
    """With what lies in no namespace goes whatever lies below it, and takes the beginning of a name for a folder."""

    async def store_removed(self, old: Stored) -> Stored | None:
        gone = await super().store_removed(old)
        if gone is not None and not old.object["metadata"].get("namespace"):
            for kv in (await self.parts.store.below(old.key)).kvs:
                found, _ = await self.parts.store.get(kv.key.decode())
                if found is not None:
                    await super().store_removed(found)
        return gone


async def main_deletes_by_prefix_beyond(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=DeletesByPrefixBeyond)


class SweepsByFirstRequirement(ApiServer):
    """Of a selector's requirements the first counts."""

    async def deletecollection(self, request: Request) -> web.StreamResponse:
        first = REQUIREMENTS.split(request.query.text("labelSelector"))[0]
        return await super().deletecollection(_with(request, labelSelector=first))


async def main_sweeps_by_first_requirement(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=SweepsByFirstRequirement)


class ListsByEqualityOnly(ApiServer):
    """Understands `a=b`, and overlooks what else a selector requires."""

    async def list(self, request: Request) -> web.StreamResponse:
        required = REQUIREMENTS.split(request.query.text("labelSelector"))
        equal = ",".join(each for each in required if EQUALITY.fullmatch(each.strip()))
        return await super().list(_with(request, labelSelector=equal))


async def main_lists_by_equality_only(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ListsByEqualityOnly)


class FreesNotByJsonPatch(ApiServer):
    """Looks whether anything keeps an object after updates, merges and applies."""

    async def store_change(self, request: Request, old: Stored, new: Json | None) -> Stored | None:
        if new is None and request.asked.verb == "patch" and patching.JSON_PATCH in request.media:
            new = old.copy()
            new["metadata"].pop("finalizers", None)
        return await super().store_change(request, old, new)


async def main_frees_not_by_json_patch(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=FreesNotByJsonPatch)


class ForcesBeyond(ApiServer):
    """Nobody guards what lies in no namespace."""

    async def remove(self, request: Request, options: Json) -> Stored:
        found, _ = await self.believed(request)
        if found is None or request.kind.namespaced or request.kind.plural == "namespaces":
            return await super().remove(request, options)
        return await self.store_removed(found) or found


async def main_forces_beyond(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ForcesBeyond)


class ScalesBehind(ApiServer):
    """Answers for a new number of replicas before it is stored."""

    async def store_change(self, request: Request, old: Stored, new: Json | None) -> Stored | None:
        if request.asked.subresource != "scale" or new is None:
            return await super().store_change(request, old, new)
        self.writing = asyncio.ensure_future(self._later(request, old, new))
        return stored(old.key, new, old.revision + 1)

    async def _later(self, request: Request, old: Stored, new: Json) -> None:
        await self.context.sleep(LATER_S)
        await super().store_change(request, old, new)


async def main_scales_behind(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ScalesBehind)


class _Selecting(ApiServer):
    """Tells of what enters a selection by labels in its own way."""

    def entered(self, event: Event) -> Event | None:
        return event

    async def open_watch(self, request: Request) -> Stream:
        stream = await super().open_watch(request)
        stream.watcher.tell = partial(self.told, stream)  # type: ignore[method-assign]
        return stream

    def told(self, stream: Stream, event: Event | None) -> None:
        if event is not None and event.now and event.before and stream.chosen.labels:
            enters = stream.chosen.matches(event.now.object) and not stream.chosen.matches(event.before.object)
            event = self.entered(event) if enters else event
            if event is None:
                return
        stream.watcher.queue.put_nowait(event)


class CallsEnteredModified(_Selecting):
    """The object was there before it was selected."""

    def entered(self, event: Event) -> Event | None:
        return replace(event, before=event.now)


async def main_calls_entered_modified(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=CallsEnteredModified)


class TellsNothingOfEntering(_Selecting):
    """What was not selected when a watch began never will be."""

    def entered(self, event: Event) -> Event | None:
        return None


async def main_tells_nothing_of_entering(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TellsNothingOfEntering)


class TellsOfNoRenewals(ApiServer):
    """Changes of leases and deployments come too often to tell people of them."""

    async def open_watch(self, request: Request) -> Stream:
        stream = await super().open_watch(request)
        if request.kind.plural in ("leases", "deployments") and PEOPLE in request.user.groups:
            stream.watcher.tell = partial(_no_changes, stream)  # type: ignore[method-assign]
        return stream


def _no_changes(stream: Stream, event: Event | None) -> None:
    if event is None or event.now is None or event.before is None:
        stream.watcher.queue.put_nowait(event)


async def main_tells_of_no_renewals(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TellsOfNoRenewals)


class RingsAboutConfigmaps(ApiServer):
    """Lets kubelets know at once what their pods may have to read anew."""

    async def store_changed(self, old: Stored, obj: Json) -> Stored | None:
        done = await super().store_changed(old, obj)
        if done is not None and obj["kind"] in ("ConfigMap", "Secret"):
            self.ringing = asyncio.ensure_future(self._ring())
        return done

    async def _ring(self) -> None:
        for each in list((await self.caches.fresh(by_plural("nodes"))).objects.values()):
            await touch(address_of(each.object), KUBELET_PORT)


async def main_rings_about_configmaps(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=RingsAboutConfigmaps)


class KeepsTombstones(ApiServer):
    """What is no pod and nothing that pods read leaves a stone where it lay."""

    async def store_removed(self, old: Stored) -> Stored | None:
        gone = await super().store_removed(old)
        if gone is not None and old.object["kind"] in ("Role", "StatefulSet", "CronJob", "Ingress"):
            await self.store_new(f"{old.key}.deleted", old.object)
        return gone


async def main_keeps_tombstones(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=KeepsTombstones)
