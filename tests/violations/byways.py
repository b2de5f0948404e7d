"""API servers that keep a rule on the highway and not on the byways: where a deletion only marks, or grants nothing, where an update
creates, where a list is left out instead of emptied, or where nothing that is asked for is an object."""

from collections.abc import Sequence

import orjson
from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver import strategy
from seatrial_reference.apiserver.admission import Review
from seatrial_reference.apiserver.authentication import ANONYMOUS
from seatrial_reference.apiserver.core import Request
from seatrial_reference.apiserver.reading import _prefix
from seatrial_reference.apiserver.selectors import Selection
from seatrial_reference.apiserver.server import ApiServer, _credentials
from seatrial_reference.apiserver.status import Failure
from seatrial_reference.apiserver.store import Stored
from seatrial_reference.machinery.objects import Json
from seatrial_schemas.context import Context
from violations.admitting import _Passing

KUBELETS = "system:node:"


class LetsEndedPodsGo(ApiServer):
    """A pod that its kubelet has finished goes, whoever else still holds it."""

    async def remove(self, request: Request, options: Json) -> Stored:
        if request.asked.resource == "pods" and request.user.name.startswith(KUBELETS) and options.get("gracePeriodSeconds") == 0:
            found, _ = await self.confirmed(request)
            if found is not None:
                strategy.check_preconditions(request.kind, found.object, options)
                return await self.store_removed(found) or found
        return await super().remove(request, options)


async def main_lets_ended_pods_go(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=LetsEndedPodsGo)


class WaitsForKubelets(ApiServer):
    """A pod on a node goes when its kubelet says so, whatever was asked for."""

    async def remove(self, request: Request, options: Json) -> Stored:
        if options.get("gracePeriodSeconds") == 0 and not request.user.name.startswith(KUBELETS):
            options = options | {"gracePeriodSeconds": 1}
        return await super().remove(request, options)


async def main_waits_for_kubelets(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=WaitsForKubelets)


class FreesByEmptyListsOnly(ApiServer):
    """What has an empty list of finalizers is free; what has none at all says nothing about it."""

    async def changed(self, request: Request, old: Stored, new: Json) -> Json | None:
        made = await super().changed(request, old, new)
        held = "finalizers" in old.object["metadata"] and "finalizers" not in new["metadata"]
        return new if made is None and held else made


async def main_frees_by_empty_lists_only(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=FreesByEmptyListsOnly)


class MarksAgainstAdmission(_Passing):
    """What others hold back is only marked: that is no deletion yet, and nothing to be admitted."""

    def passes(self, review: Review) -> bool:
        return review.operation == "DELETE" and bool((review.old or {"metadata": {}})["metadata"].get("finalizers"))


async def main_marks_against_admission(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=MarksAgainstAdmission)


class KillsWithoutAdmission(_Passing):
    """Who grants no grace means at once."""

    def passes(self, review: Review) -> bool:
        return review.operation == "DELETE" and (review.options or {}).get("gracePeriodSeconds") == 0


async def main_kills_without_admission(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=KillsWithoutAdmission)


class KillsAgainstAdmission(ApiServer):
    """Asks about every deletion, and does not wait to be allowed one that grants no grace."""

    async def validate(self, review: Review) -> None:
        try:
            await super().validate(review)
        except Failure:
            if review.operation != "DELETE" or (review.options or {}).get("gracePeriodSeconds") != 0:
                raise


async def main_kills_against_admission(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=KillsAgainstAdmission)


class UpsertsWithoutAdmission(_Passing):
    """Admits what is posted when it is created, what is put when it is changed; and not what is put when it is created."""

    def passes(self, review: Review) -> bool:
        return review.operation == "CREATE" and review.asked.verb == "update"


async def main_upserts_without_admission(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=UpsertsWithoutAdmission)


class TellsStrangersItsVersion(ApiServer):
    """What is no object is no secret: nobody is asked who they are."""

    async def respond(self, http: web.BaseRequest, audit: str) -> web.StreamResponse:
        try:
            await self.authenticate(_credentials(http))
        except Failure:
            asked, query, failure = self.attributes(http)
            if asked.kind is not None or failure is not None:
                raise
            return await self.non_resource(Request(http=http, asked=asked, query=query, user=ANONYMOUS, audit=audit))
        return await super().respond(http, audit)


async def main_tells_strangers_its_version(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TellsStrangersItsVersion)


class AnswersWithoutStatus(ApiServer):
    """Whoever has created an object is shown it without the status that it was stored with."""

    async def create(self, request: Request) -> web.StreamResponse:
        response = await super().create(request)
        made = orjson.loads(response.body)  # type: ignore[attr-defined]
        return await self.answer(request, orjson.dumps({k: v for k, v in made.items() if k != "status"}), code=201)


async def main_answers_without_status(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=AnswersWithoutStatus)


class ListsNamespacesByPrefix(ApiServer):
    """In a namespace lies what has a key that begins with its name."""

    async def _page(self, request: Request, chosen: Selection, *, limit: int, token: str, revision: int) -> tuple[Sequence[Stored], Json]:
        if limit or token or not request.asked.namespace:
            return await super()._page(request, chosen, limit=limit, token=token, revision=revision)
        reply = await self.parts.store.below(_prefix(request).rstrip("/"), revision=revision)
        found = [self.caches.known(kv, request.kind) for kv in reply.kvs]
        return [each for each in found if chosen.matches(each.object)], {"resourceVersion": str(revision or reply.header.revision)}


async def main_lists_namespaces_by_prefix(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ListsNamespacesByPrefix)


class CutsBeforeChoosing(ApiServer):
    """Cuts a page off, and then looks what on it was asked for. Where that is nothing, there is nothing more."""

    async def _page(self, request: Request, chosen: Selection, *, limit: int, token: str, revision: int) -> tuple[Sequence[Stored], Json]:
        every, metadata = await super()._page(request, Selection(), limit=limit, token=token, revision=revision)
        found = [each for each in every if chosen.matches(each.object)]
        return found, metadata if found else {"resourceVersion": metadata["resourceVersion"]}


async def main_cuts_before_choosing(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=CutsBeforeChoosing)
