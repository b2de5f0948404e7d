"""API servers that trust too easily: in half a token, in a decision about something else, in whoever only wants to read."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver import body
from seatrial_reference.apiserver.authentication import ANONYMOUS, Credentials
from seatrial_reference.apiserver.authorization import SUPERUSERS
from seatrial_reference.apiserver.core import Parts
from seatrial_reference.apiserver.request import Attributes, User
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.status import Failure
from seatrial_schemas.context import Context


class DecodesChangesFirst(ApiServer):
    """Reads a new object late, as one must, and a change of one before it asks who sent it."""

    async def respond(self, http: web.BaseRequest, audit: str) -> web.StreamResponse:
        if http.method in ("PUT", "PATCH"):
            body.parse(await http.read(), body.JSON_MEDIA)
        return await super().respond(http, audit)


async def main_decodes_changes_first(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=DecodesChangesFirst)


class TrustsPrefixes(ApiServer):
    """Remembers tokens that were good, and compares as much of a token as it remembers."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        self.good: dict[str, User] = {}

    async def authenticate(self, shown: Credentials) -> User:
        for token, user in self.good.items():
            if shown.bearer.startswith(token):
                return user
        user = await super().authenticate(shown)
        if shown.bearer:
            self.good[shown.bearer] = user
        return user


async def main_trusts_prefixes(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TrustsPrefixes)


class LetsAnybodyRead(ApiServer):
    """Minds bad tokens where something would be changed."""

    async def respond(self, http: web.BaseRequest, audit: str) -> web.StreamResponse:
        self.reading = http.method == "GET"
        return await super().respond(http, audit)

    async def authenticate(self, shown: Credentials) -> User:
        reading = self.reading
        try:
            return await super().authenticate(shown)
        except Failure:
            if not reading:
                raise
            return replace(ANONYMOUS, groups=(SUPERUSERS,))


async def main_lets_anybody_read(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=LetsAnybodyRead)


class AuthorizesNoUpdates(ApiServer):
    """Who may read an object may put it back."""

    async def authorize(self, user: User, asked: Attributes) -> None:
        if asked.verb != "update":
            await super().authorize(user, asked)


async def main_authorizes_no_updates(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=AuthorizesNoUpdates)


class RemembersPermissions(ApiServer):
    """Asks once what a person may do, and takes it for what they may do to anything. `decision`: what is remembered."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        self.allowed: dict[Any, None] = {}

    def decision(self, user: User, asked: Attributes) -> Any:
        return user.name, asked.verb

    async def authorize(self, user: User, asked: Attributes) -> None:
        decision = self.decision(user, asked)
        if user.name.startswith("system:") or decision not in self.allowed:
            await super().authorize(user, asked)
            self.allowed[decision] = None


async def main_remembers_permissions(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=RemembersPermissions)


class RemembersKinds(RemembersPermissions):
    """Who may do it to one object may do it to any."""

    def decision(self, user: User, asked: Attributes) -> Any:
        return user.name, asked.verb, asked.group, asked.resource, asked.subresource, asked.namespace


async def main_remembers_kinds(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=RemembersKinds)


class RemembersObjects(RemembersPermissions):
    """What somebody may do to an object, anybody may."""

    def decision(self, user: User, asked: Attributes) -> Any:
        return asked.verb, asked.group, asked.resource, asked.subresource, asked.namespace, asked.name


async def main_remembers_objects(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=RemembersObjects)
