"""API servers that admit what they think of, and forget some of it: subresources, all but the first, refusals of those who may change."""

import copy
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver import status
from seatrial_reference.apiserver.admission import Review
from seatrial_reference.apiserver.core import Parts, Request
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.status import Failure
from seatrial_reference.apiserver.store import Stored
from seatrial_reference.machinery.objects import Json
from seatrial_schemas.context import Context
from violations.stages import _Remembering


class _Passing(ApiServer):
    """Lets some writes pass admission."""

    def passes(self, review: Review) -> bool:
        return False

    async def mutate(self, review: Review) -> Json | None:
        return review.object if self.passes(review) else await super().mutate(review)

    async def validate(self, review: Review) -> None:
        if not self.passes(review):
            await super().validate(review)


class AdmitsNoSubresources(_Passing):
    """A status, a binding: that is no object."""

    def passes(self, review: Review) -> bool:
        return bool(review.asked.subresource)


async def main_admits_no_subresources(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=AdmitsNoSubresources)


class AdmitsFirstOfMany(_Passing):
    """Asks once about the deletion of a collection, by the example of its first object."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        self.first: dict[tuple[str, str], str] = {}

    def passes(self, review: Review) -> bool:
        sweep = review.user.name, review.asked.path
        return review.asked.verb == "deletecollection" and self.first.setdefault(sweep, review.name) != review.name


async def main_admits_first_of_many(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=AdmitsFirstOfMany)


class AdmitsReadsOfSecrets(ApiServer):
    """Asks admission who may see a secret."""

    async def get(self, request: Request) -> web.StreamResponse:
        if request.asked.resource == "secrets":
            review = self.review(request, "CONNECT", {"metadata": {}}, None)
            await self.mutate(review)
            await self.validate(review)
        return await super().get(request)


async def main_admits_reads_of_secrets(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=AdmitsReadsOfSecrets)


class OverrulesMutators(ApiServer):
    """Who may change an object has no say in whether it is changed; only of a new one is a refusal heard."""

    async def mutate(self, review: Review) -> Json | None:
        try:
            return await super().mutate(review)
        except Failure:
            if review.operation == "CREATE":
                raise
            return review.object


async def main_overrules_mutators(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=OverrulesMutators)


class SweepsAgainstAdmission(ApiServer):
    """Who wants a whole collection gone is not stopped by one hook's objection to one object."""

    async def validate(self, review: Review) -> None:
        try:
            await super().validate(review)
        except Failure:
            if review.asked.verb != "deletecollection":
                raise


async def main_sweeps_against_admission(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=SweepsAgainstAdmission)


class StoresTwice(_Remembering):
    """Stores what was sent, and then what admission has made of it."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        sent = self.as_sent(obj)
        made = await super().store_new(key, sent)
        return made if made is None or sent == obj else await self.store_changed(made, obj)


async def main_stores_twice(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=StoresTwice)


class TakesLabelsOnly(ApiServer):
    """Of what a hook makes of an object it takes the metadata."""

    async def mutate(self, review: Review) -> Json | None:
        sent = copy.deepcopy(review.object)
        wanted = await super().mutate(review)
        if sent is None or wanted is None or review.resource != "pods":
            return wanted
        return wanted | {"spec": wanted["spec"] | {"containers": sent["spec"]["containers"]}}


async def main_takes_labels_only(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TakesLabelsOnly)


class StoresPatchesFirst(ApiServer):
    """Applies a patch at once, and takes it back where admission turns out to be against it."""

    async def changed(self, request: Request, old: Stored, new: Json) -> Json | None:
        if request.asked.verb != "patch" or request.user.name.startswith("system:"):
            return await super().changed(request, old, new)
        early = await self.store_changed(old, new)
        if early is None:
            raise status.conflict(request.kind, request.asked.name)
        try:
            return await super().changed(request, early, new)
        except Failure:
            await self.store_changed(early, old.copy())
            raise

    async def store_change(self, request: Request, old: Stored, new: Json | None) -> Stored | None:
        if request.asked.verb == "patch" and new is not None:
            now, _ = await self.parts.store.get(old.key)
            return await super().store_change(request, now or old, new)
        return await super().store_change(request, old, new)


async def main_stores_patches_first(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=StoresPatchesFirst)
