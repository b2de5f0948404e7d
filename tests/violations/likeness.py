"""API servers that take one thing for another: namesakes, what nearly says the same, what was so a while ago."""

from collections.abc import Sequence
from typing import Any

import orjson
from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver import status
from seatrial_reference.apiserver.core import Parts, Request
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.store import Stored
from seatrial_reference.machinery.objects import Json
from seatrial_schemas import etcd
from seatrial_schemas import etcd_pb2 as pb
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural

FRESH_S = 2.0
PAGE = 1 << 16


class NamesOnceForAll(ApiServer):
    """A name is taken, in whatever namespace."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        if obj["kind"] == "ConfigMap":
            known = await self.caches.fresh(by_plural("configmaps"))
            if any(each.object["metadata"]["name"] == obj["metadata"]["name"] for each in known.objects.values()):
                return None
        return await super().store_new(key, obj)


async def main_names_once_for_all(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=NamesOnceForAll)


class NamesOnceForAllKinds(ApiServer):
    """A name is taken, by whatever kind of object."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        if obj["kind"] in ("ConfigMap", "Secret"):
            other = by_plural("secrets" if obj["kind"] == "ConfigMap" else "configmaps")
            if (await self.parts.store.get(other.store_key(namespace=obj["metadata"]["namespace"], name=obj["metadata"]["name"])))[0]:
                return None
        return await super().store_new(key, obj)


async def main_names_once_for_all_kinds(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=NamesOnceForAllKinds)


class StoresAscii(ApiServer):
    """Writes what can be written with an old typewriter."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        return await super().store_new(key, orjson.loads(orjson.dumps(obj).decode().encode("ascii", "replace")))


async def main_stores_ascii(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=StoresAscii)


class DropsWhatIsEmpty(ApiServer):
    """Who says nothing about something need not have said it."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        data = {k: v for k, v in obj.get("data", {}).items() if v}
        return await super().store_new(key, obj | {"data": data} if data else obj)


async def main_drops_what_is_empty(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=DropsWhatIsEmpty)


class ListsWhatWas(ApiServer):
    """Whoever lists configmaps again so soon is told what was told before."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        self.told: dict[str, tuple[float, tuple[Sequence[Stored], Json]]] = {}

    async def collect(self, request: Request) -> tuple[Sequence[Stored], Json]:
        if request.asked.resource != "configmaps" or request.query.values:
            return await super().collect(request)
        now_s = self.context.now_s()
        at_s, found = self.told.get(request.asked.path, (now_s - FRESH_S, ((), {})))
        if now_s - at_s >= FRESH_S:
            found = await super().collect(request)
            self.told[request.asked.path] = now_s, found
        return found


async def main_lists_what_was(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ListsWhatWas)


class FindsNoEmptyLists(ApiServer):
    """Where no configmap is there is nothing to list."""

    async def list(self, request: Request) -> web.StreamResponse:
        if request.asked.resource == "configmaps" and not request.query.values and not (await self.collect(request))[0]:
            raise status.not_found(request.kind, "")
        return await super().list(request)


async def main_finds_no_empty_lists(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=FindsNoEmptyLists)


class ListsDefaultForAll(ApiServer):
    """Who names no namespace means the default one."""

    async def collect(self, request: Request) -> tuple[Sequence[Stored], Json]:
        found, metadata = await super().collect(request)
        if request.asked.resource == "configmaps" and not request.asked.namespace:
            found = [each for each in found if each.object["metadata"]["namespace"] == "default"]
        return found, metadata


async def main_lists_default_for_all(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ListsDefaultForAll)


class DeletesNamesakes(ApiServer):
    """The secret of a configmap's name goes with it."""

    async def store_removed(self, old: Stored) -> Stored | None:
        done, meta = await super().store_removed(old), old.object["metadata"]
        if done is not None and old.object["kind"] == "ConfigMap":
            key = by_plural("secrets").store_key(namespace=meta["namespace"], name=meta["name"])
            await self.parts.store.client.ask(etcd.DELETE_RANGE, pb.DeleteRangeRequest(key=key.encode()))
        return done


async def main_deletes_namesakes(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=DeletesNamesakes)


class ClipsValues(ApiServer):
    """Keeps as much of a value as fits on a page."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        data = {k: v[:PAGE] for k, v in obj.get("data", {}).items()}
        return await super().store_new(key, obj | {"data": data} if data else obj)


async def main_clips_values(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ClipsValues)
