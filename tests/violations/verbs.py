"""API servers whose verbs do not mean what HTTP says, each in one way."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver import status
from seatrial_reference.apiserver.core import Request
from seatrial_reference.apiserver.request import Query
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.status import Failure
from seatrial_reference.apiserver.store import Stored
from seatrial_reference.machinery.objects import Json
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
