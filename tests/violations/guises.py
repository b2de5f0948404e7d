"""API servers that let somebody do what only somebody else may: by a name that is not theirs, or by a verb that is not meant for it."""

from collections.abc import Sequence

from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver.authentication import AUTHENTICATED, Credentials
from seatrial_reference.apiserver.core import Request
from seatrial_reference.apiserver.request import User
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.machinery.objects import Json
from seatrial_schemas.context import Context


def _meant(shown: Credentials) -> User | None:
    """Whom somebody says to speak for."""
    name = shown.header("impersonate-user")
    return User(name=name, groups=(AUTHENTICATED,)) if name else None


class SpeaksForAnybody(ApiServer):
    """Whoever is known may speak for whom they like."""

    async def authenticate(self, shown: Credentials) -> User:
        user = await super().authenticate(shown)
        return _meant(shown) or user


async def main_speaks_for_anybody(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=SpeaksForAnybody)


class BelievesNames(ApiServer):
    """Takes the name before it looks who says it."""

    async def authenticate(self, shown: Credentials) -> User:
        return _meant(shown) or await super().authenticate(shown)


async def main_believes_names(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=BelievesNames)


class EstablishesForAnybody(ApiServer):
    """An apply is a patch, and who may patch may apply; what comes of it is no question any more."""

    async def _create_by_update(self, request: Request, sent: Json) -> web.StreamResponse:
        if request.asked.verb != "patch":
            return await super()._create_by_update(request, sent)
        return await self.answer(request, (await self.create_object(request, sent)).encoded, code=201)


async def main_establishes_for_anybody(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=EstablishesForAnybody)
