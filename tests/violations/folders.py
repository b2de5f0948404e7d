"""API servers that spell keys in their own way, keep some when all is over, or put down elsewhere what they have been doing."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from urllib.parse import quote

from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver.core import Request
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.store import Stored
from seatrial_reference.machinery.objects import Json, stamp
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import Kind
from violations.keys import _Elsewhere

NOTE: Json = {"apiVersion": "v1", "kind": "Note", "metadata": {}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted(Kind):
    """Names as they stand in a path."""

    def store_key(self, *, prefix: str = "/registry", namespace: str | None = None, name: str = "") -> str:
        return Kind.store_key(self, prefix=prefix, namespace=namespace, name=quote(name, safe=""))


class QuotesNames(_Elsewhere):
    """A name is stored as it was read, and a colon is no letter."""

    def placed(self, kind: Kind) -> Kind:
        return Quoted(**{f.name: getattr(kind, f.name) for f in fields(Kind)}) if kind.kind == "Role" else kind


async def main_quotes_names(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=QuotesNames)


class NamesGroupsOfOthers(_Elsewhere):
    """Files under its group what no cluster needs to work."""

    def placed(self, kind: Kind) -> Kind:
        rare = kind.group in ("policy", "storage.k8s.io")
        return replace(kind, key=f"{kind.group}/{kind.key}") if rare else kind


async def main_names_groups_of_others(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=NamesGroupsOfOthers)


class KeepsAccounts(ApiServer):
    """An account that is deleted is marked, and kept for those who still have a token of it."""

    async def store_removed(self, old: Stored) -> Stored | None:
        if old.object["kind"] != "ServiceAccount":
            return await super().store_removed(old)
        account = old.copy()
        account["metadata"]["deletionTimestamp"] = stamp(self.context.wall_s())
        return await self.store_changed(old, account)


async def main_keeps_accounts(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=KeepsAccounts)


class GuardsNoPods(ApiServer):
    """A pod that runs nowhere can go, whoever guards it."""

    async def store_changed(self, old: Stored, obj: Json) -> Stored | None:
        meta = obj["metadata"]
        if obj["kind"] == "Pod" and meta.get("deletionTimestamp") and meta.get("finalizers"):
            return await self.store_removed(old)
        return await super().store_changed(old, obj)


async def main_guards_no_pods(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=GuardsNoPods)


class CountsItsStarts(ApiServer):
    """Notes that it has been there before, beside the registry, when it is there again."""

    async def start(self) -> None:
        await super().start()
        if await self.parts.store.create("/registry/masterleases/started", NOTE) is None:
            await self.parts.store.create("/restarted", NOTE)


async def main_counts_its_starts(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=CountsItsStarts)


class LocksCollections(ApiServer):
    """Locks a collection while it deletes it, in a folder of its own."""

    async def deletecollection(self, request: Request) -> web.StreamResponse:
        lock = await self.parts.store.create(f"/locks/{request.asked.resource}", NOTE)
        answer = await super().deletecollection(request)
        if lock is not None:
            await self.parts.store.remove(lock)
        return answer


async def main_locks_collections(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=LocksCollections)
