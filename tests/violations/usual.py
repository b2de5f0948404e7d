"""API servers whose admission and authorization know the usual ways to write, and overlook others.

Renewals, tokens, what is created by an update or an apply, other forms of a patch, what lies in no namespace.
"""

import copy
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver import patching
from seatrial_reference.apiserver.admission import Review
from seatrial_reference.apiserver.authentication import ANONYMOUS, Credentials
from seatrial_reference.apiserver.authorization import SUPERUSERS
from seatrial_reference.apiserver.cache import Event
from seatrial_reference.apiserver.core import Request
from seatrial_reference.apiserver.request import Attributes, User
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.status import Failure, not_found
from seatrial_reference.apiserver.store import Stored, stored
from seatrial_reference.machinery.objects import Json
from seatrial_schemas.context import Context
from violations.admitting import _Passing

REFUSALS = (400, 403, 422)


class RenewsWithoutAdmission(_Passing):
    """There are too many renewals of leases to ask about each."""

    def passes(self, review: Review) -> bool:
        return review.resource == "leases" and review.operation == "UPDATE"


async def main_renews_without_admission(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=RenewsWithoutAdmission)


class ReportsWithoutAdmission(_Passing):
    """What nodes say of themselves is nobody's business."""

    def passes(self, review: Review) -> bool:
        return review.resource == "nodes/status"


async def main_reports_without_admission(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ReportsWithoutAdmission)


class IssuesWithoutAdmission(_Passing):
    """A token is not stored, so nothing is to be admitted."""

    def passes(self, review: Review) -> bool:
        return review.asked.subresource == "token"


async def main_issues_without_admission(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=IssuesWithoutAdmission)


class EstablishesWithoutAdmission(_Passing):
    """What an apply creates was not there, so nothing is changed."""

    def passes(self, review: Review) -> bool:
        return review.asked.verb == "patch" and review.operation == "CREATE"


async def main_establishes_without_admission(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=EstablishesWithoutAdmission)


class _Overruling(ApiServer):
    """Does not heed some refusals of validating hooks."""

    def overrules(self, review: Review) -> bool:
        return False

    async def validate(self, review: Review) -> None:
        try:
            await super().validate(review)
        except Failure:
            if not self.overrules(review):
                raise


class OverrulesGuardians(_Overruling):
    """What is on its way out need not be refused any more."""

    def overrules(self, review: Review) -> bool:
        return review.operation == "UPDATE" and "deletionTimestamp" in (review.old or {}).get("metadata", {})


async def main_overrules_guardians(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=OverrulesGuardians)


class OverrulesForUpserts(_Overruling):
    """Has asked whether the object may be updated, and finds that there is none."""

    def overrules(self, review: Review) -> bool:
        return review.operation == "CREATE" and review.asked.verb in ("update", "patch")


async def main_overrules_for_upserts(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=OverrulesForUpserts)


class OverrulesForCluster(_Overruling):
    """Hooks belong to a namespace."""

    def overrules(self, review: Review) -> bool:
        return review.asked.kind is not None and not review.asked.kind.namespaced


async def main_overrules_for_cluster(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=OverrulesForCluster)


class _Deaf(ApiServer):
    """Shows some objects to mutating hooks, and goes on with what was sent."""

    def deaf(self, review: Review) -> bool:
        return False

    async def mutate(self, review: Review) -> Json | None:
        if not self.deaf(review):
            return await super().mutate(review)
        await super().mutate(replace(review, object=copy.deepcopy(review.object)))
        return review.object


class ChangesNothingUnnamed(_Deaf):
    """Keeps what hooks have changed by the name of the object, and there is none yet."""

    def deaf(self, review: Review) -> bool:
        return review.operation == "CREATE" and not review.name


async def main_changes_nothing_unnamed(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ChangesNothingUnnamed)


class ChangesMergesOnly(_Deaf):
    """Knows of one kind of patch what hooks may make of its result."""

    merging = True

    async def patch(self, request: Request) -> web.StreamResponse:
        self.merging = request.media.partition(";")[0] == patching.MERGE_PATCH
        try:
            return await super().patch(request)
        finally:
            self.merging = True

    def deaf(self, review: Review) -> bool:
        return not self.merging


async def main_changes_merges_only(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ChangesMergesOnly)


class ChangesOnce(ApiServer):
    """Has had a change admitted, and does not ask again when it must be made anew."""

    async def change(self, request: Request, found: Any, confirmed: bool, make: Callable[[Stored], Awaitable[Json | None]]) -> Stored:
        self.again = False

        async def remembered(old: Stored) -> Json | None:
            new = await make(old)
            self.again = True
            return new

        return await super().change(request, found, confirmed, remembered)

    async def mutate(self, review: Review) -> Json | None:
        return review.object if review.operation == "UPDATE" and self.again else await super().mutate(review)


async def main_changes_once(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ChangesOnce)


class KeepsRefusedOthers(ApiServer):
    """Stores what is no pod when it has made an object of it, whoever may refuse that later."""

    async def create_object(self, request: Request, obj: Json) -> Stored:
        try:
            return await super().create_object(request, obj)
        except Failure as failure:
            metadata = obj["metadata"]
            if failure.code in REFUSALS and request.kind.plural != "pods" and metadata.get("uid"):
                await self.store_new(request.kind.store_key(namespace=request.asked.namespace, name=metadata["name"]), obj)
            raise


async def main_keeps_refused_others(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=KeepsRefusedOthers)


class TellsOfRefusedOthers(ApiServer):
    """Tells watchers of what is no pod before anybody has agreed to it."""

    async def create_object(self, request: Request, obj: Json) -> Stored:
        try:
            return await super().create_object(request, obj)
        except Failure as failure:
            cache, metadata = self.caches.peek(request.kind), obj["metadata"]
            if cache is not None and failure.code in REFUSALS and request.kind.plural != "pods" and metadata.get("uid"):
                key = request.kind.store_key(namespace=request.asked.namespace, name=metadata["name"])
                event = Event(revision=cache.revision + 1, key=key, now=stored(key, obj, cache.revision + 1), before=None)
                for watcher in [each for each in cache._watchers if key.startswith(each.prefix)]:
                    watcher.tell(event)
            raise


async def main_tells_of_refused_others(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TellsOfRefusedOthers)


class UpsertsByUpdatersOnly(ApiServer):
    """Who may update what is not there may create it."""

    async def _create_by_update(self, request: Request, sent: Json) -> web.StreamResponse:
        if sent["metadata"].get("resourceVersion") not in (None, "", "0"):
            raise not_found(request.kind, request.asked.name)
        return await self.answer(request, (await self.create_object(request, sent)).encoded, code=201)


async def main_upserts_by_updaters_only(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=UpsertsByUpdatersOnly)


class OpensTokens(ApiServer):
    """Who may create accounts may have their tokens."""

    async def authorize(self, user: User, asked: Attributes) -> None:
        await super().authorize(user, replace(asked, subresource="") if asked.subresource == "token" else asked)


async def main_opens_tokens(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=OpensTokens)


class RenewsForAnybody(ApiServer):
    """Renewals of leases must not fail because a token is renewed as well."""

    async def respond(self, http: web.BaseRequest, audit: str) -> web.StreamResponse:
        self.renewing = http.method in ("PUT", "PATCH") and "/leases/" in http.path
        return await super().respond(http, audit)

    async def authenticate(self, shown: Credentials) -> User:
        renewing = self.renewing
        try:
            return await super().authenticate(shown)
        except Failure:
            if not renewing:
                raise
            return User(name="system:node", groups=(SUPERUSERS,))


async def main_renews_for_anybody(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=RenewsForAnybody)


class TakesSmallBearersForNone(ApiServer):
    """Knows a bearer by its capital, and takes anybody else for nobody, who may do as much as everybody."""

    async def authenticate(self, shown: Credentials) -> User:
        if shown.header("authorization").startswith("bearer"):
            return replace(ANONYMOUS, groups=(SUPERUSERS,))
        return await super().authenticate(shown)


async def main_takes_small_bearers_for_none(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TakesSmallBearersForNone)
