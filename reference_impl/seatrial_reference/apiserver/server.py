"""The API server: the one way to the state (API-01). It authenticates, authorizes, admits, stores, answers, and does nothing else.

That an object is stored has no further effect here; whoever is concerned is watching (NOOP-01). Its own writes are four namespaces, at
its first start. Until they are there it is not ready.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import orjson
from aiohttp import web
from grpclib.exceptions import GRPCError, StreamTerminatedError

from seatrial_reference.apiserver import authorization, body, discovery, status
from seatrial_reference.apiserver.admission import webhook_kinds
from seatrial_reference.apiserver.authentication import Credentials
from seatrial_reference.apiserver.core import ENTRY, Parts, Request
from seatrial_reference.apiserver.request import Attributes, Query, User, parse, unknown
from seatrial_reference.apiserver.status import Failure
from seatrial_reference.apiserver.subresources import Subresources
from seatrial_reference.machinery.objects import stamp
from seatrial_reference.machinery.serving import Listening, serve
from seatrial_schemas.kinds import by_plural

Json = dict[str, Any]
Verb = Callable[[Request], Awaitable[web.StreamResponse]]

NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
HEALTH = ("/healthz", "/livez", "/readyz")
RETRY_S = 0.1
HEALTH_S = 2.0
log = logging.getLogger(__name__)


class ApiServer(Subresources):
    """One instance. Any number of them may serve one store: none keeps anything that another would need (HA-02)."""

    def __init__(self, parts: Parts, *, address: str = "127.0.0.1:6443") -> None:
        super().__init__(parts)
        self.address = address
        self.ready = False
        self.started = asyncio.Event()
        self._verbs: Mapping[str, Verb] = {
            "get": self.get,
            "list": self.list,
            "watch": self.watch,
            "create": self.create,
            "update": self.update,
            "patch": self.patch,
            "delete": self.delete,
            "deletecollection": self.deletecollection,
        }

    # a request's way

    async def handle(self, http: web.BaseRequest) -> web.StreamResponse:
        """From a request to its answer, whatever happens; what happens is written down."""
        audit = http.headers.get("Audit-ID") or next(self.context.ids)
        entry = http[ENTRY] = self.parts.audit.begin(http, audit, self.attributes(http)[0])
        try:
            response = await self.answered(http, audit)
        except asyncio.CancelledError:
            entry.gone()
            raise
        entry.complete(response)
        return response

    async def answered(self, http: web.BaseRequest, audit: str) -> web.StreamResponse:
        """Every failure is an answer too."""
        try:
            return await self.respond(http, audit)
        except Failure as failure:
            return self.refuse(failure, audit)
        except web.HTTPRequestEntityTooLarge:
            return self.refuse(Failure(413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728"), audit)
        except (GRPCError, StreamTerminatedError) as error:
            return self.refuse(status.internal(f"etcd: {error}"), audit)
        except Exception:  # broad: a defect of ours is a Status to the client, never a traceback; the log has it
            log.exception("%s %s", http.method, http.path)
            return self.refuse(status.internal("the request could not be handled"), audit)

    async def respond(self, http: web.BaseRequest, audit: str) -> web.StreamResponse:
        """Authenticate, authorize, and only then look at what exactly is wanted."""
        asked, query, failure = self.attributes(http)
        user = await self.authenticate(_credentials(http))
        http[ENTRY].received(user)
        await self.authorize(user, asked)
        request = Request(http=http, asked=asked, query=query, user=user, audit=audit)
        if failure is not None:
            raise failure
        if asked.kind is None:
            return await self.non_resource(request)
        if not self.ready:
            raise status.unavailable("the API server is starting")
        return await self.resource(request)

    def attributes(self, http: web.BaseRequest) -> tuple[Attributes, Query, Failure | None]:
        """What is asked for. That there is no such thing is told only to those who may ask."""
        try:
            return *parse(http.method, http.raw_path), None
        except Failure as failure:
            return unknown(http.method, http.raw_path), Query(values={}), failure

    async def resource(self, request: Request) -> web.StreamResponse:
        asked = request.asked
        match asked.subresource, asked.verb:
            case "binding" | "", "create" if asked.subresource or request.kind.kind == "Binding":
                return await self.bind(request)
            case "token", "create":
                return await self.issue_token(request)
            case "scale", "get":
                return await self.get_scale(request)
            case "scale", "update" | "patch":
                return await self.set_scale(request)
            case "", "create" if not request.kind.key:
                return await self.review_access(request)
            case ("", _) | ("status", "get" | "update" | "patch") | ("finalize", "update") if request.kind.key:
                if not asked.name and asked.verb in ("update", "patch", "delete"):
                    raise status.method_not_allowed()
                if request.kind.namespaced and not asked.namespace and asked.verb in ("create", "deletecollection"):
                    raise status.method_not_allowed()
                return await self._verbs[asked.verb](request)
        raise status.method_not_allowed()

    def refuse(self, failure: Failure, audit: str) -> web.StreamResponse:
        headers = {"Audit-Id": audit, "Cache-Control": "no-cache, private"}
        headers |= {"Retry-After": "1"} if failure.code in (429, 503) else {}
        return web.Response(status=failure.code, body=orjson.dumps(failure.status()), headers=headers, content_type="application/json")

    # what is no resource

    async def non_resource(self, request: Request) -> web.StreamResponse:
        path = request.asked.path.rstrip("/") or "/"
        if request.asked.verb != "get":
            raise status.method_not_allowed()
        if path.startswith(HEALTH):
            return await self.health(path)
        aggregated = "apidiscovery.k8s.io" in request.http.headers.get("Accept", "") and "v=v2;" in request.http.headers["Accept"] + ";"
        if path in ("/api", "/apis") and aggregated:
            response = await self.answer(request, discovery.aggregated(core=path == "/api"))
            response.headers["Content-Type"] = discovery.AGGREGATED
            return response
        found = self.document(path)
        if found is None:
            raise status.no_such_path()
        return await self.answer(request, found)

    def document(self, path: str) -> Json | None:
        found: Json | None = None
        match path.strip("/").split("/"):
            case [""]:
                found = {"paths": ["/api", "/apis", *HEALTH, "/version"]}
            case ["openapi", "v3"]:
                found = discovery.openapi_index()
            case ["openapi", "v3", *root]:
                found = discovery.openapi("/".join(root))
            case ["version"]:
                found = dict(discovery.VERSION)
            case ["api"]:
                found = discovery.core_versions(self.address)
            case ["apis"]:
                found = discovery.group_list()
            case ["apis", group]:
                found = discovery.group(group)
            case ["api", version]:
                found = discovery.resource_list("", version)
            case ["apis", group, version]:
                found = discovery.resource_list(group, version)
        return found

    async def health(self, path: str) -> web.StreamResponse:
        """Healthy is who reaches the store; ready is who has also started."""
        failed = "" if self.ready or path.startswith("/livez") else "[-]poststarthook/start-namespaces failed\n"
        try:
            await self.parts.store.revision(timeout_s=HEALTH_S)
        except (Failure, GRPCError, OSError):
            failed += "[-]etcd failed: reason withheld\n"
        return web.Response(status=500 if failed else 200, text=f"{failed}{path[1:]} check failed\n" if failed else "ok")

    # reviews: asked, answered, never stored

    async def review_access(self, request: Request) -> web.StreamResponse:
        kind = request.kind
        review = body.decode(await request.body(), request.media, group_version_kind=(kind.group, kind.version, kind.kind))
        spec = review.get("spec") or {}
        match kind.kind:
            case "TokenReview":
                review["status"] = await self._token_reviewed(str(spec.get("token") or ""))
            case "SelfSubjectReview":
                review["status"] = {"userInfo": request.user.info()}
            case "SelfSubjectAccessReview":
                review["status"] = await self._access_reviewed(request.user, spec)
            case _:
                groups = tuple(spec.get("groups") or ())
                review["status"] = await self._access_reviewed(User(name=str(spec.get("user") or ""), groups=groups), spec)
        return await self.answer(request, review, code=201)

    async def _token_reviewed(self, token: str) -> Json:
        shown = Credentials(headers={"authorization": [f"Bearer {token}"]}, certificate=None)
        try:
            return {"authenticated": True, "user": (await self.authenticate(shown)).info()}
        except Failure:
            return {"authenticated": False, "user": {}}

    async def _access_reviewed(self, user: User, spec: Json) -> Json:
        allowed, reason = await authorization.decide(self.parts.authorizers, user, _wanted(spec))
        return {"allowed": allowed} | ({"reason": reason} if reason else {})

    # running

    async def start(self) -> None:
        """Wait for the store, fill the caches that steer this server, and see that the first namespaces are there."""
        namespaces = by_plural("namespaces")
        while not self.ready:
            try:
                await self.caches.start([namespaces, *webhook_kinds(), *authorization.rbac_kinds()])
                for name in NAMESPACES:
                    await self._ensure_namespace(name)
            except (Failure, GRPCError, StreamTerminatedError, OSError):
                await self.context.sleep(RETRY_S)
            else:
                self.ready = True
                self.started.set()

    async def _ensure_namespace(self, name: str) -> None:
        kind = by_plural("namespaces")
        key = kind.store_key(name=name)
        if key in (await self.caches.of(kind)).objects:
            return
        metadata = {"name": name, "uid": next(self.context.ids), "creationTimestamp": stamp(self.context.wall_s())}
        labels = {"kubernetes.io/metadata.name": name}
        obj = {"kind": "Namespace", "apiVersion": "v1", "metadata": metadata | {"labels": labels}}
        await self.parts.store.create(key, obj | {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}})

    async def run(self, *, host: str, port: int, tls: ssl.SSLContext | None, listening: Callable[[Listening], None] | None = None) -> None:
        """Serve until cancelled."""
        server = await serve(self.handle, host=host, port=port, tls=tls)
        if listening is not None:
            listening(server)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.caches.feed())
                tasks.create_task(self.start())
        finally:
            await server.close()
            self.parts.audit.close()


def _credentials(http: web.BaseRequest) -> Credentials:
    headers: dict[str, list[str]] = {}
    for name, value in http.headers.items():
        headers.setdefault(name.lower(), []).append(value)
    certificate = http.transport.get_extra_info("peercert") if http.transport is not None else None
    return Credentials(headers=headers, certificate=certificate or None)


def _wanted(spec: Json) -> Attributes:
    """The attributes in question in an access review."""
    asked = spec.get("resourceAttributes")
    if not asked:
        path = spec.get("nonResourceAttributes") or {}
        return Attributes(verb=str(path.get("verb", "")), path=str(path.get("path", "")))
    try:
        kind = by_plural(str(asked.get("resource", "")), str(asked.get("group", "")))
    except KeyError:
        kind = replace(by_plural("configmaps"), group=str(asked.get("group", "")), plural=str(asked.get("resource", "")))
    return Attributes(
        verb=str(asked.get("verb", "")),
        path="",
        kind=kind,
        namespace=str(asked.get("namespace", "")),
        name=str(asked.get("name", "")),
        subresource=str(asked.get("subresource", "")),
    )
