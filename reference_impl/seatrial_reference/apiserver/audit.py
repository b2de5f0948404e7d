"""What the server writes down of what it is asked, in its own words: an audit log of JSON lines, Events of audit.k8s.io/v1.

A request is written down when it is known who asks (RequestReceived), before anything comes of it, and again before the client has its
answer (ResponseComplete); a watch when it is accepted (ResponseStarted), and when it is over. So the order of the lines is the order of
events, and a line that is missing is something that did not happen. Of writes the object that came of them is written down too, but
never of secrets, nor of reviews, which carry tokens.
"""

import datetime as dt
import os
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from seatrial_reference.apiserver.authentication import ANONYMOUS
from seatrial_reference.apiserver.request import Attributes, User
from seatrial_schemas.context import Context

Json = dict[str, Any]
READS = frozenset({"get", "list", "watch"})


class AuditLog:
    """A file to which lines are appended, each in one piece; without a path nothing is."""

    def __init__(self, context: Context, path: Path | None = None) -> None:
        self._context = context
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if path else None

    @property
    def kept(self) -> bool:
        return self._file is not None

    def begin(self, http: web.BaseRequest, audit: str, asked: Attributes) -> "Entry":
        return Entry(self, http, audit, asked)

    def now(self) -> str:
        if not self.kept:
            return ""
        return dt.datetime.fromtimestamp(self._context.wall_s(), tz=dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

    def write(self, event: Json) -> None:
        if self._file is not None:
            os.write(self._file, orjson.dumps(event) + b"\n")

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)


class Entry:
    """One request's lines."""

    def __init__(self, log: AuditLog, http: web.BaseRequest, audit: str, asked: Attributes) -> None:
        self._log = log
        self._asked = asked
        self._secret = asked.resource == "secrets" or asked.resource.endswith("reviews")
        self._event: Json = {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": "Metadata" if asked.verb in READS or self._secret else "RequestResponse",
            "auditID": audit,
            "requestURI": http.raw_path,
            "verb": asked.verb,
            "userAgent": http.headers.get("User-Agent", ""),
            "sourceIPs": [http.remote or ""],
            "requestReceivedTimestamp": log.now(),
        }
        self._received = self._started = False

    def received(self, user: User) -> None:
        """It is known who asks."""
        self._event["user"] = user.info()
        self._received = True
        self._write("RequestReceived")

    def started(self) -> None:
        """The answer is a stream, and it has begun."""
        self._started = True
        self._write("ResponseStarted", code=200)

    def complete(self, response: web.StreamResponse) -> None:
        """Nobody who could not be told who they are gets past here unseen."""
        if not self._log.kept:
            return
        if not self._received:
            self.received(ANONYMOUS)
        body = response.body if isinstance(response, web.Response) and self._event["level"] == "RequestResponse" else None
        shown = {"responseObject": orjson.loads(body)} if isinstance(body, bytes) and body[:1] == b"{" else {}
        self._write("ResponseComplete", code=response.status, **shown)

    def gone(self) -> None:
        """The client has left. What became of a request that was under way is not known; a stream is over."""
        if self._started:
            self._write("ResponseComplete", code=200)

    def _write(self, stage: str, *, code: int | None = None, **more: Any) -> None:
        if not self._log.kept:
            return
        status = {"responseStatus": {"metadata": {}, "code": code}} if code else {}
        self._log.write(self._event | {"stage": stage, "stageTimestamp": self._log.now()} | status | self._about() | more)

    def _about(self) -> Json:
        asked = self._asked
        names = {"resource": asked.resource, "namespace": asked.namespace, "name": asked.name, "apiGroup": asked.group}
        kind = {"apiVersion": asked.kind.version} if asked.kind else {}
        reference = {k: v for k, v in (names | kind | {"subresource": asked.subresource}).items() if v}
        return {"objectRef": reference} if asked.kind else {}
