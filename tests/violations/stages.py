"""API servers that confuse the stages of a request, each in one way."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver import body, defaults
from seatrial_reference.apiserver.admission import Review
from seatrial_reference.apiserver.authentication import ANONYMOUS, Credentials
from seatrial_reference.apiserver.authorization import Authorizer, Decision
from seatrial_reference.apiserver.core import Parts, Request
from seatrial_reference.apiserver.request import Attributes, User
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.status import Failure
from seatrial_reference.apiserver.store import Stored
from seatrial_reference.machinery.objects import Json
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural

PATIENCE_S = 0.3


class AdmitsReads(ApiServer):
    """Asks admission about a GET, as if there were something to admit."""

    async def get(self, request: Request) -> web.StreamResponse:
        await self.admit(request)
        return await super().get(request)

    async def list(self, request: Request) -> web.StreamResponse:
        await self.admit(request)
        return await super().list(request)

    async def admit(self, request: Request) -> None:
        review = self.review(request, "GET", {"metadata": {}}, None)
        await self.mutate(review)
        await self.validate(review)


async def main_admits_reads(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=AdmitsReads)


class StoresBeforeAdmission(ApiServer):
    """Puts a new object into the store first, and takes it out again where admission turns out to be against it."""

    async def create_object(self, request: Request, obj: Json) -> Stored:
        if obj["metadata"].get("generateName"):
            return await super().create_object(request, obj)
        defaults.apply(obj)
        await self.check_namespace(self.review(request, "CREATE", obj, None))
        new = self.prepared(request, obj, "")
        key = request.kind.store_key(namespace=request.asked.namespace, name=new["metadata"]["name"])
        made = await self.store_created(request, key, new)
        if made is None:
            raise await self.taken(request, new["metadata"]["name"])
        return await self.admitted_late(request, made)

    async def admitted_late(self, request: Request, made: Stored) -> Stored:
        review = self.review(request, "CREATE", made.copy(), None)
        try:
            wanted = await self.mutate(review)
            await self.validate(replace(review, object=wanted))
        except Failure:
            await self.store_removed(made)
            raise
        if wanted is None or wanted == made.object:
            return made
        return await self.store_changed(made, wanted) or made


async def main_stores_before_admission(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=StoresBeforeAdmission)


class AdmitsBeforeAuthorizing(ApiServer):
    """Shows new objects to admission before it knows whether their sender may make them."""

    async def respond(self, http: web.BaseRequest, audit: str) -> web.StreamResponse:
        asked, query, unknown = self.attributes(http)
        if asked.verb == "create" and asked.resource == "pods" and not asked.subresource and unknown is None:
            user = await self.authenticate(_credentials(http))
            request = Request(http=http, asked=asked, query=query, user=user, audit=audit)
            obj = body.decode(await request.body(), request.media, group_version_kind=("", "v1", "Pod"))
            await self.mutate(self.review(request, "CREATE", obj, None))
        return await super().respond(http, audit)


def _credentials(http: web.BaseRequest) -> Credentials:
    headers: dict[str, list[str]] = {}
    for name, value in http.headers.items():
        headers.setdefault(name.lower(), []).append(value)
    return Credentials(headers=headers, certificate=None)


async def main_admits_before_authorizing(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=AdmitsBeforeAuthorizing)


class DecodesFirst(ApiServer):
    """Reads what was sent before it asks who sent it."""

    async def respond(self, http: web.BaseRequest, audit: str) -> web.StreamResponse:
        if http.method == "POST":
            body.parse(await http.read(), body.JSON_MEDIA)
        return await super().respond(http, audit)


async def main_decodes_first(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=DecodesFirst)


class TakesBadTokensForNone(ApiServer):
    """Whoever shows a token that nobody knows is as welcome as whoever shows none."""

    async def authenticate(self, shown: Credentials) -> User:
        try:
            return await super().authenticate(shown)
        except Failure:
            return ANONYMOUS


async def main_takes_bad_tokens_for_none(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TakesBadTokensForNone)


def about(part: "type[_Narrow]", authorizer: Authorizer) -> Authorizer:
    """The authorizer, asked about what `part` leaves of a request."""

    async def ask(user: User, asked: Attributes) -> tuple[Decision, str]:
        return await authorizer(user, part.narrowed(asked))

    return ask


class _Narrow(ApiServer):
    """Asks the last authorizer, the webhook, about less than what is wanted."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        *others, last = parts.authorizers
        super().__init__(replace(parts, authorizers=(*others, about(type(self), last))), **how)

    @staticmethod
    def narrowed(asked: Attributes) -> Attributes:
        return asked


class IgnoresSubresources(_Narrow):
    """Who may patch a pod may patch its status."""

    @staticmethod
    def narrowed(asked: Attributes) -> Attributes:
        return replace(asked, subresource="")


async def main_ignores_subresources(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=IgnoresSubresources)


class JudgesByVerb(_Narrow):
    """Who may get a node may get a pod."""

    @staticmethod
    def narrowed(asked: Attributes) -> Attributes:
        return replace(asked, kind=by_plural("nodes"), namespace="", name="", subresource="") if asked.kind else asked


async def main_judges_by_verb(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=JudgesByVerb)


class _Exempting(ApiServer):
    """Asks admission about everything but writes of one verb."""

    exempt = ""

    async def mutate(self, review: Review) -> Json | None:
        return review.object if review.asked.verb == self.exempt else await super().mutate(review)

    async def validate(self, review: Review) -> None:
        if review.asked.verb != self.exempt:
            await super().validate(review)


class PatchesWithoutAdmission(_Exempting):
    exempt = "patch"


async def main_patches_without_admission(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=PatchesWithoutAdmission)


class DeletesCollectionsWithoutAdmission(_Exempting):
    exempt = "deletecollection"


async def main_deletes_collections_without_admission(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=DeletesCollectionsWithoutAdmission)


class DeletesAgainstAdmission(ApiServer):
    """Asks admission about a deletion, and does not listen."""

    async def validate(self, review: Review) -> None:
        try:
            await super().validate(review)
        except Failure:
            if review.operation != "DELETE":
                raise


async def main_deletes_against_admission(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=DeletesAgainstAdmission)


class _Remembering(ApiServer):
    """Keeps in mind how pods looked when they were sent."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        self.sent: dict[str, Json] = {}

    async def mutate(self, review: Review) -> Json | None:
        if review.object is not None and review.resource == "pods":
            self.sent[review.name] = dict(review.object["metadata"].get("labels") or {})
        return await super().mutate(review)

    def as_sent(self, obj: Json) -> Json:
        """The object with the labels that its sender gave it."""
        labels = self.sent.get(obj["metadata"].get("name", ""))
        return obj if labels is None or obj["kind"] != "Pod" else obj | {"metadata": obj["metadata"] | {"labels": labels}}


class StoresWhatWasSent(_Remembering):
    """Answers with what admission has made of a new object, and stores what came in."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        made = await super().store_new(key, self.as_sent(obj))
        if made is None:
            return None
        shown = obj | {"metadata": obj["metadata"] | {"resourceVersion": str(made.revision)}}
        return replace(made, object=shown)


async def main_stores_what_was_sent(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=StoresWhatWasSent)


class ValidatesWhatWasSent(_Remembering):
    """Shows the validating hooks another object than the one that it stores."""

    async def validate(self, review: Review) -> None:
        shown = review.object and self.as_sent(review.object)
        await super().validate(replace(review, object=shown))


async def main_validates_what_was_sent(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ValidatesWhatWasSent)


class WritesBehind(ApiServer):
    """Where the store takes its time, the client need not wait for it."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        self.writing: list[asyncio.Task[Stored | None]] = []

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        task = asyncio.create_task(super().store_new(key, obj))
        self.writing.append(task)
        await asyncio.wait([task], timeout=PATIENCE_S)
        if task.done():
            return task.result()
        return Stored(key=key, object=obj | {"metadata": obj["metadata"] | {"resourceVersion": "1"}}, revision=1)


async def main_writes_behind(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=WritesBehind)


class NotesRefusals(ApiServer):
    """Leaves an Event about every object that it refuses to make."""

    async def create(self, request: Request) -> web.StreamResponse:
        try:
            return await super().create(request)
        except Failure as failure:
            if request.asked.resource == "pods":
                await self.note(request, failure)
            raise

    async def note(self, request: Request, failure: Failure) -> None:
        sent = body.parse(await request.body(), body.JSON_MEDIA)
        subject = {"kind": "Pod", "namespace": request.asked.namespace, "name": sent["metadata"].get("name")}
        meta = {"name": f"refused.{next(self.context.ids)[:13]}", "namespace": request.asked.namespace, "uid": next(self.context.ids)}
        event = {"apiVersion": "v1", "kind": "Event", "metadata": meta, "involvedObject": subject, "message": failure.message}
        key = by_plural("events", "").store_key(namespace=request.asked.namespace, name=meta["name"])
        await self.store_new(key, event)


async def main_notes_refusals(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=NotesRefusals)
