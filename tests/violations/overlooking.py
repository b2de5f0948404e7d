"""API servers whose admission overlooks something: components, what has no namespace or no name yet, refusals in other words."""

import asyncio
import base64
import copy
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

import orjson
from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver.admission import GROUP, VALIDATING, Admission, Review
from seatrial_reference.apiserver.core import Parts, Request
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.status import Failure
from seatrial_reference.machinery.objects import Json
from seatrial_schemas.context import Context
from violations.admitting import _Passing

FORBIDDEN = 403


class AdmitsNoComponents(_Passing):
    """Components know what they do."""

    def passes(self, review: Review) -> bool:
        return review.user.name.startswith("system:")


async def main_admits_no_components(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=AdmitsNoComponents)


class AdmitsNamespacesOnly(_Passing):
    """Looks for hooks by namespace; what lies in none has none."""

    def passes(self, review: Review) -> bool:
        return review.asked.kind is not None and not review.asked.kind.namespaced and review.asked.group != GROUP


async def main_admits_namespaces_only(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=AdmitsNamespacesOnly)


class AdmitsListsOfAll(ApiServer):
    """Who wants to see what lies in all namespaces must be admitted."""

    async def list(self, request: Request) -> web.StreamResponse:
        if request.kind.namespaced and not request.asked.namespace:
            review = self.review(request, "CONNECT", {"metadata": {}}, None)
            await self.mutate(review)
            await self.validate(review)
        return await super().list(request)


async def main_admits_lists_of_all(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=AdmitsListsOfAll)


class AdmitsReadsOfScales(ApiServer):
    """A subresource is for writing, so whoever asks for one writes."""

    async def get_scale(self, request: Request) -> web.StreamResponse:
        review = self.review(request, "CONNECT", {"metadata": {}}, None)
        await self.mutate(review)
        await self.validate(review)
        return await super().get_scale(request)


async def main_admits_reads_of_scales(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=AdmitsReadsOfScales)


class _Overruling(ApiServer):
    """Goes on after some refusals of validating hooks."""

    def overruled(self, review: Review, failure: Failure) -> bool:
        return False

    async def validate(self, review: Review) -> None:
        try:
            await super().validate(review)
        except Failure as failure:
            if not self.overruled(review, failure):
                raise


class HearsForbiddenOnly(_Overruling):
    """Takes a refusal for one where it says so by its code."""

    def overruled(self, review: Review, failure: Failure) -> bool:
        return failure.code != FORBIDDEN


async def main_hears_forbidden_only(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=HearsForbiddenOnly)


class OverrulesForTheUnnamed(_Overruling):
    """What has its name from the server itself cannot be wrong."""

    def overruled(self, review: Review, failure: Failure) -> bool:
        return review.operation == "CREATE" and bool(review.object and review.object["metadata"].get("generateName"))


async def main_overrules_for_the_unnamed(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=OverrulesForTheUnnamed)


class ProtectsPodsOnly(_Overruling):
    """Asks about everything; of all that is not a pod the answer is for the record."""

    def overruled(self, review: Review, failure: Failure) -> bool:
        return review.asked.resource != "pods"


async def main_protects_pods_only(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ProtectsPodsOnly)


class RemovesNothing(ApiServer):
    """Of what a hook does to an object, it follows what adds and what replaces."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        parts.admission._patched = partial(_without_removals, parts.admission)  # type: ignore[method-assign]


def _without_removals(admission: Admission, hook: Json, obj: Json, answer: Json) -> Json:
    operations = [each for each in orjson.loads(base64.b64decode(answer["patch"])) if each["op"] != "remove"]
    return Admission._patched(admission, hook, copy.deepcopy(obj), answer | {"patch": base64.b64encode(orjson.dumps(operations))})


async def main_removes_nothing(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=RemovesNothing)


class HearsTheFirst(ApiServer):
    """Calls the first of several hooks that want to be asked about something."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        parts.admission._hooks = partial(_first, parts.admission)  # type: ignore[method-assign]


def _first(admission: Admission, plural: str, review: Review) -> Iterator[Json]:
    return islice(Admission._hooks(admission, plural, review), 1)


async def main_hears_the_first(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=HearsTheFirst)


class GoesByMajority(ApiServer):
    """One hook cannot stop what two others find good."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        self.admission = parts.admission

    async def validate(self, review: Review) -> None:
        hooks = list(self.admission._hooks(VALIDATING, review))
        answers = await asyncio.gather(*(self.admission._ask(hook, review, review.object) for hook in hooks), return_exceptions=True)
        against = [answer for answer in answers if isinstance(answer, BaseException)]
        if 2 * len(against) > len(answers):
            raise against[0]


async def main_goes_by_majority(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=GoesByMajority)
