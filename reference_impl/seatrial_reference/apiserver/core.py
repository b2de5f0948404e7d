"""The stages of a request, each a method: authenticate, authorize, mutate, validate, store, answer (REQ-01).

`ApiServer` puts them in their order. They stand alone here so that each can be seen, and replaced, by itself.
"""

from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from seatrial_reference.apiserver import admission, authentication, authorization, status
from seatrial_reference.apiserver.admission import Admission, Review
from seatrial_reference.apiserver.audit import AuditLog, Entry
from seatrial_reference.apiserver.authentication import Authenticator, Credentials
from seatrial_reference.apiserver.authorization import Authorizer
from seatrial_reference.apiserver.cache import Caches
from seatrial_reference.apiserver.request import Attributes, Query, User
from seatrial_reference.apiserver.store import Store, Stored
from seatrial_reference.apiserver.tokens import Accounts
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import Kind, by_plural

Json = dict[str, Any]
ENTRY = web.RequestKey("audit", Entry)
PROTECTED = ("default", "kube-system", "kube-public")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request with everything that the stages have found out about it."""

    http: web.BaseRequest
    asked: Attributes
    query: Query
    user: User
    audit: str

    @property
    def kind(self) -> Kind:
        if self.asked.kind is None:
            raise status.no_such_path()
        return self.asked.kind

    @property
    def key(self) -> str:
        return self.kind.store_key(namespace=self.asked.namespace, name=self.asked.name)

    @property
    def media(self) -> str:
        return str(self.http.headers.get("Content-Type", ""))

    async def body(self) -> bytes:
        return await self.http.read()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a server is made of."""

    context: Context
    audit: AuditLog
    store: Store
    caches: Caches
    admission: Admission
    authenticators: tuple[Authenticator, ...]
    authorizers: tuple[Authorizer, ...]
    accounts: Accounts | None = None


class Core:
    """The stages. Each either returns or raises Failure, and then no later one is reached."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.context = parts.context
        self.caches = parts.caches

    async def authenticate(self, shown: Credentials) -> User:
        """Who asks? 401 where a credential does not hold."""
        return await authentication.identify(self.parts.authenticators, shown)

    async def authorize(self, user: User, asked: Attributes) -> None:
        """Raises 403."""
        allowed, reason = await authorization.decide(self.parts.authorizers, user, asked)
        if not allowed:
            raise authorization.refusal(user, asked, reason)

    async def mutate(self, review: Review) -> Json | None:
        """The object of the review as plugins and webhooks want it to be."""
        await self.check_namespace(review)
        if review.operation == "CREATE" and review.object is not None and review.resource == "pods":
            admission.pod_defaults(review.object)
        return await self.parts.admission.mutate(review)

    async def validate(self, review: Review) -> None:
        """Raises where a validating webhook refuses the final object."""
        await self.parts.admission.validate(review)

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        """None where the key is taken."""
        return await self.parts.store.create(key, obj)

    async def store_changed(self, old: Stored, obj: Json) -> Stored | None:
        """None where the object has changed meanwhile."""
        return await self.parts.store.replace(old, obj)

    async def store_removed(self, old: Stored) -> Stored | None:
        """None where the object has changed meanwhile."""
        return await self.parts.store.remove(old)

    async def answer(self, request: Request, body: Json | bytes, *, code: int = 200) -> web.StreamResponse:
        """What the client gets, after everything else has happened."""
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        headers = {"Audit-Id": request.audit, "Cache-Control": "no-cache, private"}
        return web.Response(status=code, body=data, headers=headers, content_type="application/json")

    async def check_namespace(self, review: Review) -> None:
        """The plugin NamespaceLifecycle: nothing new in a namespace that is not there or is going away (P-N-1)."""
        kind, asked = review.asked.kind, review.asked
        if kind is not None and kind.plural == "namespaces" and review.operation == "DELETE" and asked.name in PROTECTED:
            raise status.forbidden(kind, asked.name, "this namespace may not be deleted")
        if kind is None or not kind.namespaced or not kind.key or review.operation != "CREATE":
            return
        namespaces = by_plural("namespaces")
        found = await self.namespace(asked.namespace)
        if found is None:
            raise status.not_found(namespaces, asked.namespace)
        if found.object["metadata"].get("deletionTimestamp"):
            message = f"unable to create new content in namespace {asked.namespace} because it is being terminated"
            failure = status.forbidden(kind, review.name, message)
            causes = [{"reason": "NamespaceTerminating", "message": f"namespace {asked.namespace} is being terminated"}]
            raise status.Failure(403, "Forbidden", failure.message, details={**(failure.details or {}), "causes": causes})

    async def namespace(self, name: str) -> Stored | None:
        """From the cache, or, where it does not know the namespace yet, from the store."""
        kind = by_plural("namespaces")
        key = kind.store_key(name=name)
        cached = (await self.caches.of(kind)).objects.get(key)
        if cached is not None:
            return cached
        found, _ = await self.parts.store.get(key)
        return found
