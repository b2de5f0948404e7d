"""API servers that ask less than they should about who may do what, or do not ask at all where a path looks unlike the others."""

from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver.authentication import Credentials
from seatrial_reference.apiserver.authorization import SUPERUSERS
from seatrial_reference.apiserver.request import Attributes, User
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.status import Failure
from seatrial_schemas.context import Context
from violations.stages import _Narrow

WAYIN = User(name="system:anonymous", groups=(SUPERUSERS,))


class AsksWithoutGroup(_Narrow):
    """Deployments are deployments, whatever group they are of."""

    @staticmethod
    def narrowed(asked: Attributes) -> Attributes:
        return replace(asked, kind=replace(asked.kind, group="")) if asked.kind else asked


async def main_asks_without_group(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=AsksWithoutGroup)


class AsksWithoutName(_Narrow):
    """Asks about the kind of an object, and not which one it is."""

    @staticmethod
    def narrowed(asked: Attributes) -> Attributes:
        return replace(asked, name="")


async def main_asks_without_name(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=AsksWithoutName)


class AsksWhereOfWrites(_Narrow):
    """Where something is matters when it is changed."""

    @staticmethod
    def narrowed(asked: Attributes) -> Attributes:
        return replace(asked, namespace="") if asked.verb in ("get", "list", "watch") else asked


async def main_asks_where_of_writes(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=AsksWhereOfWrites)


class OpensScales(_Narrow):
    """Who may change a deployment may scale it."""

    @staticmethod
    def narrowed(asked: Attributes) -> Attributes:
        return replace(asked, subresource="") if asked.subresource == "scale" else asked


async def main_opens_scales(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=OpensScales)


class OpensWhatHasNoNamespace(ApiServer):
    """Looks at tokens below the path of a namespace."""

    asked: Attributes

    async def respond(self, http: web.BaseRequest, audit: str) -> web.StreamResponse:
        self.asked = self.attributes(http)[0]
        return await super().respond(http, audit)

    async def authenticate(self, shown: Credentials) -> User:
        asked = self.asked
        try:
            return await super().authenticate(shown)
        except Failure:
            if asked.kind is not None and not asked.namespace:
                return WAYIN
            raise


async def main_opens_what_has_no_namespace(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=OpensWhatHasNoNamespace)
