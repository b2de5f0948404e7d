"""API servers that do not take from a hook what it makes of an object: not of every kind, not at every place, or without a second look."""

import base64
from collections.abc import Sequence
from functools import partial
from typing import Any

import orjson

from seatrial_reference import apiserver
from seatrial_reference.apiserver import strategy, validation
from seatrial_reference.apiserver.admission import Admission, Review
from seatrial_reference.apiserver.core import Parts, Request
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.store import Stored
from seatrial_reference.apiserver.writing import own
from seatrial_reference.machinery.objects import Json
from seatrial_schemas.context import Context
from violations.usual import _Deaf


class ChangesPodsOnly(_Deaf):
    """Knows pods as hooks see them, and everything else as it came."""

    def deaf(self, review: Review) -> bool:
        return review.asked.resource != "pods"


async def main_changes_pods_only(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ChangesPodsOnly)


class ChangesNoScales(_Deaf):
    """Shows hooks the scale, and scales as was asked."""

    def deaf(self, review: Review) -> bool:
        return review.asked.subresource == "scale"


async def main_changes_no_scales(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ChangesNoScales)


class TakesTildesForLetters(ApiServer):
    """Cuts the paths of a hook's patch at slashes, and that is all it does with them."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        parts.admission._patched = partial(_literally, parts.admission)  # type: ignore[method-assign]


def _literally(admission: Admission, hook: Json, obj: Json, answer: Json) -> Json:
    operations = [each | {"path": each["path"].replace("~", "~0")} for each in orjson.loads(base64.b64decode(answer["patch"]))]
    return Admission._patched(admission, hook, obj, answer | {"patch": base64.b64encode(orjson.dumps(operations))})


async def main_takes_tildes_for_letters(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TakesTildesForLetters)


class ChecksChangesAsSent(ApiServer):
    """Checks a change when it comes, and what hooks have made of it no more."""

    async def changed(self, request: Request, old: Stored, new: Json) -> Json | None:
        kind, subresource = request.kind, request.asked.subresource
        strategy.before_update(kind, subresource, old.object, new)
        validation.validate(kind, new)
        strategy.check_update(kind, old.object, new)
        review = self.review(request, "UPDATE", new, old.object)
        admitted = own(await self.mutate(review))
        strategy.before_update(kind, subresource, old.object, admitted)
        await self.validate(self.review(request, "UPDATE", admitted, old.object))
        return None if strategy.may_go(admitted) else admitted


async def main_checks_changes_as_sent(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ChecksChangesAsSent)


class BindsAsAsked(_Deaf):
    """Shows hooks the binding, and binds as was asked."""

    def deaf(self, review: Review) -> bool:
        return review.asked.subresource == "binding"


async def main_binds_as_asked(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=BindsAsAsked)


class ReportsAsSaid(_Deaf):
    """Shows hooks what is said about an object, and takes down what was said."""

    def deaf(self, review: Review) -> bool:
        return review.asked.subresource == "status"


async def main_reports_as_said(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ReportsAsSaid)
