"""The webhooks double: what an API server asks before it lets a request through, in this order.

    /authenticate  TokenReview          who is that?           people that were introduced with `know`
    /authorize     SubjectAccessReview  may they?              people may everything, whatever no rule denies; of others it has no opinion
    /mutate        AdmissionReview      how is it changed?     as `patch` says
    /validate      AdmissionReview      is it acceptable?      unless `deny` says no
    /nod           AdmissionReview      what do you think?     yes, always

Each review is recorded when it arrives, with its decision. A barrier holds the answer: what is decided is not told yet.
"""

import asyncio
import base64
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal, Protocol

import orjson
from aiohttp import web
from aiohttp.web_server import Server

from seatrial.doubles.barrier import Barrier, Barriers, matches
from seatrial.doubles.hook_objects import NOD
from seatrial.doubles.redaction import Redactor
from seatrial.model.history import Event, Record
from seatrial.wire.decoding import without_nulls

Json = dict[str, Any]
Stage = Literal["authentication", "authorization", "mutation", "validation", "nod"]
ADMISSION = ("mutation", "validation", "nod")
READS = frozenset({"get", "list", "watch"})  # are not denied, but not allowed either: who has no opinion does not say yes
FORBIDDEN = {"code": 403, "reason": "Forbidden"}  # a hook need not say so to refuse: one of ours does, the other does not
SHUTDOWN_S = 0.01  # aiohttp takes 0 for "no limit"
_PATHS: dict[str, Stage] = {
    "/authenticate": "authentication",
    "/authorize": "authorization",
    "/mutate": "mutation",
    "/validate": "validation",
    NOD: "nod",
}


class Place(Protocol):
    """As much of a backend's Host as is needed: doubles know no backend."""

    address: str

    async def serve(self, server: Server, *, port: int, tls: ssl.SSLContext | None = None) -> asyncio.AbstractServer:
        """Serve HTTP on this address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    user: str
    groups: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A denial, or a patch of what matches."""

    stage: Stage
    match: Mapping[str, Any]
    message: str = ""
    mute: bool = False  # a refusal that says nothing
    operations: Sequence[Json] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


class Hooks:
    """`callers`: address -> name of the API server that calls from there. `key`: as for TapControl.configure."""

    def __init__(self, *, record: Record, callers: Mapping[str, str] | None = None, key: str = "") -> None:
        self.callers = dict(callers or {})
        self._record = record
        self._redact = Redactor.of(key)
        self._people: dict[str, Person] = {}
        self._rules: list[Rule] = []
        self._barriers = Barriers()
        self._numbers = count(1)
        self._server: asyncio.AbstractServer | None = None
        self._http = Server(self._serve, access_log=None, handler_cancellation=True)

    async def serve(self, host: Place, *, port: int, tls: ssl.SSLContext | None) -> str:
        """Serve on `host`; the URL before the paths."""
        self._server = await host.serve(self._http, port=port, tls=tls)
        return f"{'http' if tls is None else 'https'}://{host.address}:{port}"

    async def close(self) -> None:
        """Nobody waits at a barrier any more, and nothing is served."""
        self._barriers.release()
        if self._server is not None:
            self._server.close()
        for connection in self._http.connections:
            if connection.transport is not None:
                connection.transport.abort()
        await self._http.shutdown(SHUTDOWN_S)

    def know(self, token: str, *, user: str, groups: Sequence[str] = ()) -> None:
        """From now on whoever presents `token` is `user`."""
        self._people[token] = Person(user=user, groups=groups)

    def hold(self, stage: Stage, **match: Any) -> Barrier:
        """Hold the answers to reviews whose recorded fields equal `match`."""
        return self._barriers.hold(stage, match)

    def deny(self, stage: Stage, *, message: str = "denied by seatrial", mute: bool = False, **match: Any) -> None:
        """Refuse what matches at the stage, from now on; `relent` ends it. Admission knows besides what it records `of` which workload an
        object is, and may be `mute` about why."""
        self._rules.append(Rule(stage=stage, match=match, message=message, mute=mute))

    def patch(self, *, labels: Mapping[str, str] | None = None, operations: Sequence[Json] = (), **match: Any) -> None:
        """Change what matches at mutation: set `labels`, then apply `operations` of JSON Patch."""
        self._rules.append(Rule(stage="mutation", match=match, labels=labels or {}, operations=operations))

    def relent(self) -> None:
        """Take all rules back."""
        self._rules.clear()

    def calm(self) -> list[str]:
        """Deny, patch and hold nothing any more, and know nobody. Gives the users who were known."""
        self._barriers.release()
        self.relent()
        users = [person.user for person in self._people.values()]
        self._people.clear()
        return users

    async def _serve(self, request: web.BaseRequest) -> web.Response:
        stage = _PATHS.get(request.path)
        if stage is None or request.method != "POST":
            return web.Response(status=404)
        review = without_nulls(orjson.loads(await request.read()))
        fields, answer = self._decide(stage, review)
        await self._told(stage, fields, caller=request.remote or "")
        return _reply(review, "response" if stage in ADMISSION else "status", answer)

    def _decide(self, stage: Stage, review: Json) -> tuple[Json, Json]:
        """What is recorded, and what is answered."""
        if stage == "authentication":
            return self._authenticate(review["spec"].get("token", ""))
        if stage == "authorization":
            return self._authorize(review["spec"])
        return self._admit(stage, review["request"])

    def _authenticate(self, token: str) -> tuple[Json, Json]:
        person = self._people.get(token)
        fields = {"user": person.user if person else "", "groups": list(person.groups) if person else []}
        denial = self._denial("authentication", fields)
        if person is None or denial is not None:
            return fields | {"allowed": False}, {"authenticated": False, "error": denial.message if denial else "unknown token"}
        user = {"username": person.user, "groups": fields["groups"], "uid": person.user}
        return fields | {"allowed": True}, {"authenticated": True, "user": user}

    def _authorize(self, spec: Json) -> tuple[Json, Json]:
        attributes = spec.get("resourceAttributes") or spec.get("nonResourceAttributes") or {}
        fields = {"user": spec.get("user", ""), "groups": spec.get("groups", [])}
        fields |= {name: attributes.get(name, "") for name in ("verb", "group", "resource", "subresource", "namespace", "name")}
        if "path" in attributes:
            fields["path"] = attributes["path"]
        denial = self._denial("authorization", fields)
        if denial is not None:
            explicit = {} if fields["verb"] in READS else {"denied": True}
            return fields | {"allowed": False}, {"allowed": False, "reason": denial.message} | explicit
        allowed = any(person.user == fields["user"] for person in self._people.values())
        return fields | {"allowed": allowed}, {"allowed": allowed}

    def _admit(self, stage: Stage, request: Json) -> tuple[Json, Json]:
        who, thing, resource = request.get("userInfo", {}), request.get("object"), request.get("resource", {})
        fields = {
            "user": who.get("username", ""),
            "groups": who.get("groups", []),
            "verb": request.get("operation", "").lower(),
            "group": resource.get("group", ""),
            "resource": resource.get("resource", ""),
            "subresource": request.get("subResource", ""),
            "namespace": request.get("namespace", ""),
            "name": request.get("name") or _shown_name(request),
            "dry_run": bool(request.get("dryRun")),
        }
        denial = self._denial(stage, fields | {"of": _workload(thing or request.get("oldObject"))})
        answer: Json = {"uid": request["uid"], "allowed": denial is None}
        if denial is not None and not denial.mute:
            answer["status"] = {"message": denial.message} | (FORBIDDEN if stage == "mutation" else {})
        elif denial is None and stage == "mutation" and thing is not None and (operations := self._operations(fields, thing)):
            answer |= {"patchType": "JSONPatch", "patch": base64.b64encode(orjson.dumps(operations)).decode()}
        shown = self._redact.secret(thing) if fields["resource"] == "secrets" and isinstance(thing, dict) else thing
        return fields | {"allowed": denial is None, "object": shown}, answer

    def _denial(self, stage: Stage, fields: Json) -> Rule | None:
        return next((r for r in self._rules if r.stage == stage and r.message and matches(r.match, fields)), None)

    def _operations(self, fields: Json, thing: Json) -> list[Json]:
        rules = [r for r in self._rules if r.stage == "mutation" and not r.message and matches(r.match, fields)]
        labels = {key: value for rule in rules for key, value in rule.labels.items()}
        operations = [dict(operation) for rule in rules for operation in rule.operations if not _done(thing, operation)]
        return ([_labelling(thing, labels)] if labels else []) + operations

    async def _told(self, stage: Stage, fields: Json, *, caller: str) -> Event:
        """Record the review, and wait where a barrier says so; a caller that gives up meanwhile is recorded, too."""
        instance, number = self.callers.get(caller, caller), next(self._numbers)
        barrier = self._barriers.stopping(stage, fields)
        seen = {"review": number, "stage": stage, **fields, "held": barrier is not None}
        event = self._record("review", instance=instance, **seen)
        if barrier is not None:
            try:
                await barrier.wait(event)
            except asyncio.CancelledError:
                self._record("review-abandoned", instance=instance, review=number, stage=stage)
                raise
            self._record("review-released", instance=instance, review=number, stage=stage)
        return event


def _reply(review: Json, part: str, answer: Json) -> web.Response:
    body = {"apiVersion": review["apiVersion"], "kind": review["kind"], part: answer}
    return web.Response(body=orjson.dumps(body), content_type="application/json")


def _shown_name(request: Json) -> str:
    """Who deletes a collection names none of its objects, and old API servers do not name what is created: a review shows which it is."""
    shown = request.get("object") or request.get("oldObject") or {}
    return str(shown.get("metadata", {}).get("name", ""))


def _workload(thing: Any) -> str:
    """The workload that an object is made for: pods of one have names of their own."""
    labels = thing.get("metadata", {}).get("labels", {}) if isinstance(thing, dict) else {}
    return str(labels.get("app", ""))


def _done(thing: Json, operation: Json) -> bool:
    """Whether it takes away what is not there, which would be an error: a hook may be asked again about what it has changed."""
    if operation["op"] != "remove":
        return False
    *parents, last = (part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:])
    for part in parents:
        thing = thing.get(part) or {}
    return last not in thing


def _labelling(thing: Json, labels: Mapping[str, str]) -> Json:
    """One operation for all labels: JSON Patch cannot add below what is absent."""
    present = thing.get("metadata", {}).get("labels", {})
    return {"op": "add", "path": "/metadata/labels", "value": present | dict(labels)}
