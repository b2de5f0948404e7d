"""API servers whose verbs do not mean what HTTP says, each in one way."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver import status
from seatrial_reference.apiserver.core import Parts, Request
from seatrial_reference.apiserver.reading import _position, _prefix, _token
from seatrial_reference.apiserver.request import Query
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.status import Failure
from seatrial_reference.apiserver.store import Stored
from seatrial_reference.machinery.objects import Json
from seatrial_schemas import etcd
from seatrial_schemas import etcd_pb2 as pb
from seatrial_schemas.context import Context


def without(request: Request, *names: str) -> Request:
    """The request as if some of its parameters had not been there."""
    return replace(request, query=Query(values={k: v for k, v in request.query.values.items() if k not in names}))


class Upserts(ApiServer):
    """POST replaces what is there."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        made = await super().store_new(key, obj)
        if made is None and "/leases/" not in key and "/namespaces/" not in key:
            old, _ = await self.parts.store.get(key)
            return await self.store_changed(old, obj) if old else None
        return made


async def main_upserts(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=Upserts)


class ToleratesEqual(ApiServer):
    """POST of what is there already, word for word, is a success."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        made = await super().store_new(key, obj)
        old, _ = (made, 0) if made else await self.parts.store.get(key)
        return old if old and _essence(old.object) == _essence(obj) else made


def _essence(obj: Json) -> Json:
    named = {k: v for k, v in obj["metadata"].items() if k in ("name", "labels", "annotations")}
    return {k: v for k, v in obj.items() if k != "status"} | {"metadata": named}


async def main_tolerates_equal(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ToleratesEqual)


class ReservesNames(ApiServer):
    """The name of a configmap can be used once."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        self.used: dict[str, None] = {}

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        if obj["kind"] != "ConfigMap":
            return await super().store_new(key, obj)
        made = None if key in self.used else await super().store_new(key, obj)
        self.used[key] = None
        return made


async def main_reserves_names(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ReservesNames)


class ListsAllNamespaces(ApiServer):
    """A list of configmaps is a list of all configmaps."""

    async def list(self, request: Request) -> web.StreamResponse:
        if request.asked.resource == "configmaps":
            return await super().list(replace(request, asked=replace(request.asked, namespace="")))
        return await super().list(request)


async def main_lists_all_namespaces(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ListsAllNamespaces)


class RemembersAnswers(ApiServer):
    """Answers a GET with what it answered before, as long as the object is there."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        self.remembered: dict[str, Stored] = {}

    async def read(self, request: Request) -> Stored | None:
        found = await super().read(request)
        if found is None or request.asked.resource != "configmaps":
            return found
        known = self.remembered.setdefault(request.key, found)
        return known if known.object["metadata"]["uid"] == found.object["metadata"]["uid"] else found


async def main_remembers_answers(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=RemembersAnswers)


class TurnsPagesInThePresent(ApiServer):
    """Each page shows what is there when it is asked for, under the revision of the first."""

    async def collect(self, request: Request) -> tuple[Sequence[Stored], Json]:
        token, prefix = request.query.text("continue"), _prefix(request)
        if not token:
            return await super().collect(request)
        revision, start = _position(token, prefix)
        now = _token(await self.parts.store.revision(), start, prefix)
        found, metadata = await super().collect(replace(request, query=Query(values={**request.query.values, "continue": now})))
        return found, metadata | {"resourceVersion": str(revision)}


async def main_turns_pages_in_the_present(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TurnsPagesInThePresent)


class DeletesByPrefix(ApiServer):
    """Whatever begins with the key of a deleted configmap goes with it."""

    async def store_removed(self, old: Stored) -> Stored | None:
        done = await super().store_removed(old)
        if done is not None and old.object["kind"] == "ConfigMap":
            key = old.key.encode()
            await self.parts.store.client.ask(etcd.DELETE_RANGE, pb.DeleteRangeRequest(key=key, range_end=etcd.prefix_end(key)))
        return done


async def main_deletes_by_prefix(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=DeletesByPrefix)


class SweepsAllNamespaces(ApiServer):
    """DELETE of a collection finds what it selects wherever it is."""

    async def deletecollection(self, request: Request) -> web.StreamResponse:
        return await super().deletecollection(replace(request, asked=replace(request.asked, namespace="")))


async def main_sweeps_all_namespaces(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=SweepsAllNamespaces)


class SkipsBetweenPages(ApiServer):
    """Every page after the first begins one object too late."""

    async def collect(self, request: Request) -> tuple[Sequence[Stored], Json]:
        found, metadata = await super().collect(request)
        return (found[1:] if request.query.text("continue") else found), metadata


async def main_skips_between_pages(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=SkipsBetweenPages)


class FindsEverything(ApiServer):
    """GET of a configmap that is not there answers 200 with nothing in it."""

    async def get(self, request: Request) -> web.StreamResponse:
        try:
            return await super().get(request)
        except Failure as failure:
            if failure.code == 404 and request.asked.resource == "configmaps":
                return await self.answer(request, {})
            raise


async def main_finds_everything(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=FindsEverything)


class DeletesAll(ApiServer):
    """DELETE of a collection does not look at the selector."""

    async def deletecollection(self, request: Request) -> web.StreamResponse:
        return await super().deletecollection(without(request, "labelSelector", "fieldSelector"))


async def main_deletes_all(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=DeletesAll)


class DeletesNothing(ApiServer):
    """DELETE of what is not there is a success."""

    async def delete(self, request: Request) -> web.StreamResponse:
        try:
            return await super().delete(request)
        except Failure as failure:
            if failure.code == 404:
                return await self.answer(request, status.success(status.about(request.kind, request.asked.name)))
            raise


async def main_deletes_nothing(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=DeletesNothing)


class DeletesAnother(ApiServer):
    """DELETE does not mind which object of that name is meant."""

    async def remove(self, request: Request, options: Json) -> Stored:
        return await super().remove(request, {k: v for k, v in options.items() if k != "preconditions"})


async def main_deletes_another(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=DeletesAnother)


class RemovesAtOnce(ApiServer):
    """Deleted is deleted, whoever would have had something to finish first."""

    async def remove(self, request: Request, options: Json) -> Stored:
        return await super().remove(request, options | {"gracePeriodSeconds": 0})


async def main_removes_at_once(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=RemovesAtOnce)


class IgnoresFinalizers(ApiServer):
    """Removes what is to be deleted while somebody still guards it."""

    async def store_changed(self, old: Stored, obj: Json) -> Stored | None:
        meta: dict[str, Any] = obj["metadata"]
        if meta.get("deletionTimestamp") and meta.get("finalizers"):
            return await self.store_removed(old)
        return await super().store_changed(old, obj)


async def main_ignores_finalizers(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=IgnoresFinalizers)


class YieldsToTheSecond(ApiServer):
    """Who deletes an object twice means it, whoever guards it or is still at work on it."""

    async def remove(self, request: Request, options: Json) -> Stored:
        found, _ = await self.parts.store.get(request.key)
        if found is not None and found.object["metadata"].get("deletionTimestamp"):
            return await self.store_removed(found) or found
        return await super().remove(request, options)


async def main_yields_to_the_second(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=YieldsToTheSecond)


class SweepsGuarded(ApiServer):
    """DELETE of a collection empties it at once."""

    async def deletecollection(self, request: Request) -> web.StreamResponse:
        objects, metadata = await self.collect(request)
        for each in objects:
            await self.store_removed(each)
        return await self.answer(request, self.listed(request, objects, metadata))


async def main_sweeps_guarded(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=SweepsGuarded)


class FreedByOne(ApiServer):
    """The first finalizer that is removed frees the object from all."""

    async def store_changed(self, old: Stored, obj: Json) -> Stored | None:
        guards, before = (each["metadata"].get("finalizers") or () for each in (obj, old.object))
        if obj["metadata"].get("deletionTimestamp") and len(guards) < len(before):
            return await self.store_removed(old)
        return await super().store_changed(old, obj)


async def main_freed_by_one(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=FreedByOne)
