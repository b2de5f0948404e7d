"""Requests in the API server's own words: its audit log, JSON lines of audit.k8s.io/v1 Events, where no tap may stand in front of it.

The events are those of a tap, `request` and `answer`, under the source `audit/SERVER`: self-reported. What is delivered over watches no
audit tells, and nothing can be held. A line RequestReceived is the request, so that lines order requests as a tap does; the first line
after it is the answer. Who asked is told by the last of its source addresses, the one that the API server saw itself; whoever is at the
API server's loopback is in its process or beside it.

The log proves nothing by itself. What the operator asks last must show in it, and what came of what the operator wrote, else the log is
not known to be whole.
"""

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import orjson

from seatrial.doubles.redaction import Redactor
from seatrial.model.errors import Inconclusive
from seatrial.model.history import History, eventually
from seatrial.model.waiting import cancel
from seatrial.wire.decoding import without_nulls
from seatrial.wire.kubernetes import Client
from seatrial.wire.request import request_info
from seatrial.wire.watch import Meta, json_meta
from seatrial_schemas.context import Context

Json = dict[str, Any]
POLL_S = 0.02
LOOPBACK = frozenset({"127.0.0.1", "::1"})
OPERATOR = "operator"
ASKED = "/api/v1/namespaces/default"  # a resource: audit policies like to leave out what is none
ALL_STAGES = "It must hold the stages RequestReceived and ResponseComplete of every request, and writes at the level RequestResponse."


class AuditLog:
    """Follows the log of one API server, which may not have been written yet."""

    def __init__(
        self, *, history: History, server: str, file: Path, callers: Callable[[], Mapping[str, str]], key: str, context: Context
    ) -> None:
        self.server = server
        self._history = history
        self._record = history.recorder(f"audit/{server}")
        self._file = file
        self._callers = callers
        self._redact = Redactor.of(key)
        self._context = context
        self._earlier_s = context.wall_s() - context.now_s()
        self._numbers, self._markers = count(1), count(1)
        self._asked: dict[str, Json] = {}  # by audit id: the facts of requests that are not over
        self._streams: set[str] = set()
        self._position, self._rest = 0, b""
        self._broken = ""
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns at once: the log may be written later."""
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        await cancel(self._task)

    async def caught_up(self, client: Client | None, *, within_s: float) -> None:
        """Everything that the server was asked so far is recorded. Raises Inconclusive where what `client` asks now does not show; without
        a client, for a server that does not answer, what has been written so far must do."""
        self._read()
        if client is not None:
            uri = f"{ASKED}?seatrial={next(self._markers)}"
            await client.request("GET", uri)
            await eventually(self._history, lambda _: self._broken or self._answered(uri), within_s=within_s)
            if not self._answered(uri):
                raise Inconclusive(self._broken or f"the audit log of {self.server} does not show what the operator asked. {ALL_STAGES}")
        written = self._history.of(
            "answer", source=f"audit/{self.server}", instance=OPERATOR, verb="create", resource="namespaces", code=201
        )
        if any(e["revision"] is None for e in written):
            raise Inconclusive(f"the audit log of {self.server} does not say what came of the operator's writes. {ALL_STAGES}")

    def _answered(self, uri: str) -> bool:
        return bool(self._history.of("answer", source=f"audit/{self.server}", instance=OPERATOR, uri=uri))

    async def _follow(self) -> None:
        while not self._broken:
            self._read()
            await self._context.sleep(POLL_S)

    def _read(self) -> None:
        """What has been written since; a log that has become shorter has been begun anew."""
        try:
            if self._file.stat().st_size < self._position:
                self._position, self._rest = 0, b""
            with self._file.open("rb") as log:
                log.seek(self._position)
                more = log.read()
        except FileNotFoundError:
            return
        except OSError as error:
            self._break(f"the audit log of {self.server} cannot be read: {error}")
            return
        self._position += len(more)
        *lines, self._rest = (self._rest + more).split(b"\n")
        for line in lines:
            self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            event = without_nulls(orjson.loads(line))
            audit, stage = str(event["auditID"]), str(event["stage"])
            if stage == "RequestReceived":
                self._asked[audit] = self._request(event)
            elif audit in self._asked:
                self._answer(event, audit, over=stage != "ResponseStarted")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            what = f"a line that is no event of audit.k8s.io/v1 ({error!r}): {line[:80]!r}"
            self._break(f"{self._file.name} of {self.server} holds {what}")

    def _break(self, why: str) -> None:
        self._broken = why
        self._record("audit-broken", why=why)

    def _request(self, event: Json) -> Json:
        uri, verb = str(event["requestURI"]), str(event["verb"])
        info = request_info("GET", uri)
        facts = {
            "request": next(self._numbers),
            "user": str(event.get("user", {}).get("username", "")),
            "verb": "connect" if info.connects else verb,
            "resource": info.resource,
            "subresource": info.subresource,
            "namespace": info.namespace,
            "name": info.name,
        }
        caller, at_s = self._caller(event), self._at_s(event["requestReceivedTimestamp"])
        about = {"path": info.path, "query": self._redact.query(info.query), "group": info.group, "agent": event.get("userAgent", "")}
        self._record("request", instance=caller, at_s=at_s, **facts, **about)
        return facts | {"uri": uri}

    def _answer(self, event: Json, audit: str, *, over: bool) -> None:
        facts, caller, at_s = self._asked[audit], self._caller(event), self._at_s(event["stageTimestamp"])
        if over:
            del self._asked[audit]
        if audit in self._streams:
            self._streams.discard(audit)
            self._record("stream-end", instance=caller, at_s=at_s, request=facts["request"])
            return
        if not over:
            self._streams.add(audit)
        meta = json_meta(shown) if isinstance(shown := event.get("responseObject"), dict) else Meta()
        found = {"namespace": facts["namespace"] or meta.namespace, "name": facts["name"] or meta.name}
        code = int(event.get("responseStatus", {}).get("code") or 0)
        told = {"code": code, "revision": meta.revision, "uid": meta.uid, "audit": audit}
        self._record("answer", instance=caller, at_s=at_s, **facts | found, **told)

    def _caller(self, event: Json) -> str:
        """By its address, or the address."""
        address = str((event.get("sourceIPs") or [""])[-1])
        return self.server if address in LOOPBACK else self._callers().get(address, address)

    def _at_s(self, stamp: str) -> float:
        return dt.datetime.fromisoformat(stamp).timestamp() - self._earlier_s
