"""API servers that do to everything what they should, but for one verb, one kind or one part of an object."""

from collections.abc import Sequence
from typing import Any

from seatrial_reference import apiserver
from seatrial_reference.apiserver.admission import Review
from seatrial_reference.apiserver.authentication import Credentials
from seatrial_reference.apiserver.core import Parts, Request
from seatrial_reference.apiserver.request import Attributes, User
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.status import Failure
from seatrial_reference.apiserver.store import Stored
from seatrial_reference.machinery.objects import Json, deleting
from seatrial_schemas.context import Context
from violations.admitting import _Passing

ENOUGH = 8  # characters of a token that nobody will guess
PAGE = 100


class TrustsPartsOfTokens(ApiServer):
    """Remembers tokens that were good, and compares as much of them as it is shown."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        self.good: dict[str, User] = {}

    async def authenticate(self, shown: Credentials) -> User:
        known = [user for token, user in self.good.items() if token.startswith(shown.bearer)]
        if known and len(shown.bearer) > ENOUGH:
            return known[0]
        user = await super().authenticate(shown)
        if shown.bearer:
            self.good[shown.bearer] = user
        return user


async def main_trusts_parts_of_tokens(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TrustsPartsOfTokens)


class AuthorizesNoReadsOfSecrets(ApiServer):
    """Whoever knows the name of a secret may have it."""

    async def authorize(self, user: User, asked: Attributes) -> None:
        if (asked.verb, asked.resource) != ("get", "secrets"):
            await super().authorize(user, asked)


async def main_authorizes_no_reads_of_secrets(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=AuthorizesNoReadsOfSecrets)


class AuthorizesNoListsOfAll(ApiServer):
    """What lies in no namespace in particular belongs to nobody in particular."""

    async def authorize(self, user: User, asked: Attributes) -> None:
        if not (asked.verb == "list" and asked.kind is not None and asked.kind.namespaced and not asked.namespace):
            await super().authorize(user, asked)


async def main_authorizes_no_lists_of_all(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=AuthorizesNoListsOfAll)


class FreesByPatchOnly(ApiServer):
    """Looks for finalizers when an object is patched; an update is an update."""

    async def changed(self, request: Request, old: Stored, new: Json) -> Json | None:
        made = await super().changed(request, old, new)
        return new if made is None and request.asked.verb == "update" and request.asked.resource == "configmaps" else made


async def main_frees_by_patch_only(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=FreesByPatchOnly)


class BuriesWhatGoes(ApiServer):
    """Keeps a copy of what is deleted, in a place of its own."""

    async def store_removed(self, old: Stored) -> Stored | None:
        gone = await super().store_removed(old)
        if gone is not None and old.object["kind"] in ("ConfigMap", "Pod"):
            await super().store_new(old.key.replace("/registry/", "/registry/graveyard/"), old.copy())
        return gone


async def main_buries_what_goes(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=BuriesWhatGoes)


class RemembersPermissionsEverywhere(ApiServer):
    """Asks once what a person may do to what, and takes it for the same in every namespace."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        self.allowed: dict[tuple[str, ...], None] = {}

    async def authorize(self, user: User, asked: Attributes) -> None:
        decision = user.name, asked.verb, asked.group, asked.resource, asked.subresource
        if asked.kind is None or user.name.startswith("system:") or decision not in self.allowed:
            await super().authorize(user, asked)
            self.allowed[decision] = None


async def main_remembers_permissions_everywhere(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=RemembersPermissionsEverywhere)


class ValidatesBindingsFirst(ApiServer):
    """Of a binding there is nothing to change, so it is validated at once, and changed all the same."""

    async def mutate(self, review: Review) -> Json | None:
        if review.asked.subresource == "binding":
            await self.validate(review)
        return await super().mutate(review)


async def main_validates_bindings_first(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ValidatesBindingsFirst)


class ScalesWithoutAdmission(_Passing):
    """A number is no object that anybody would have to admit."""

    def passes(self, review: Review) -> bool:
        return review.asked.subresource == "scale"


async def main_scales_without_admission(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ScalesWithoutAdmission)


class BindsAgainstAdmission(ApiServer):
    """Asks admission about a binding, and binds."""

    async def validate(self, review: Review) -> None:
        try:
            await super().validate(review)
        except Failure:
            if review.asked.subresource != "binding":
                raise


async def main_binds_against_admission(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=BindsAgainstAdmission)


class ReplacesWhatGoes(ApiServer):
    """An object that is marked for deletion is as good as gone: POST may have its name."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        made = await super().store_new(key, obj)
        if made is not None or "/leases/" in key:
            return made
        old, _ = await self.parts.store.get(key)
        return await self.store_changed(old, obj) if old and deleting(old.object) else None


async def main_replaces_what_goes(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ReplacesWhatGoes)


class DeletesAnyVersion(ApiServer):
    """Sees to it that an object is the one that was meant, but not whether it still is as it was."""

    async def remove(self, request: Request, options: Json) -> Stored:
        wanted = options.get("preconditions") or {}
        kept = {"preconditions": {k: v for k, v in wanted.items() if k != "resourceVersion"}} if wanted else {}
        return await super().remove(request, options | kept)


async def main_deletes_any_version(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=DeletesAnyVersion)


class ListsAHundred(ApiServer):
    """Who does not ask for pages gets the first one, and no word about others."""

    async def collect(self, request: Request) -> tuple[Sequence[Stored], Json]:
        found, metadata = await super().collect(request)
        return found[:PAGE], metadata


async def main_lists_a_hundred(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ListsAHundred)
