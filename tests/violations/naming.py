"""API servers that get names wrong: who watches by one, who gives one and a prefix too, or who wants one that others want as well."""

from collections.abc import Sequence

from seatrial_reference import apiserver
from seatrial_reference.apiserver.cache import Event, Watcher
from seatrial_reference.apiserver.core import Request
from seatrial_reference.apiserver.reading import _selected
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.store import Stored, _put, stored
from seatrial_reference.machinery.objects import Json
from seatrial_schemas import etcd
from seatrial_schemas import etcd_pb2 as pb
from seatrial_schemas.context import Context
from violations.lateness import _Filtering


class TellsTheNamedOfNoEnd(_Filtering):
    """Who watches one object by its name waits for news of it, and its end is none."""

    def told(self, request: Request, watcher: Watcher, event: Event) -> bool:
        return event.now is not None or not _selected(request).name


async def main_tells_the_named_of_no_end(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TellsTheNamedOfNoEnd)


class PrefersPrefixes(ApiServer):
    """Who gives a prefix gets a name that begins with it, whatever else they wanted."""

    async def create_object(self, request: Request, obj: Json) -> Stored:
        if obj["metadata"].get("generateName"):
            obj["metadata"].pop("name", None)
        return await super().create_object(request, obj)


async def main_prefers_prefixes(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=PrefersPrefixes)


class LooksBeforeItPuts(ApiServer):
    """Sees that the name of a pod is free, and takes it."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        if obj["kind"] != "Pod":
            return await super().store_new(key, obj)
        if (await self.parts.store.get(key))[0]:
            return None
        reply = await self.parts.store.client.ask(etcd.TXN, pb.TxnRequest(success=[_put(key, obj)]))
        return stored(key, obj, reply.header.revision)


async def main_looks_before_it_puts(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=LooksBeforeItPuts)
