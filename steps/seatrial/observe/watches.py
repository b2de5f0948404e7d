"""Watches that the suite's people keep at the API server, each a stream of events in the history.

A person who watches reconnects where the stream ends, from the last revision seen, and lists anew where that is too old. What was seen
stands in the history as `watched`; `watching` says that a stream stands.
"""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import aiohttp
import orjson

from seatrial.model.history import History
from seatrial.model.waiting import cancel
from seatrial.wire.kubernetes import Answer, Client
from seatrial.wire.watch import revision_of
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import Kind

RETRY_MAX_S = 0.4
RETRY_S = 0.05
STANDING_S = 5.0  # for the first stream to be accepted
BROKEN = (aiohttp.ClientError, OSError, orjson.JSONDecodeError, ValueError, KeyError, TypeError, AttributeError)


class Watch:
    """One person's watch of one kind, under a name of its own."""

    def __init__(
        self,
        *,
        history: History,
        client: Client,
        kind: Kind,
        name: str,
        context: Context,
        namespace: str | None = None,
        selector: Mapping[str, str] | None = None,
    ) -> None:
        self._context = context
        self._standing = asyncio.Event()
        self.name = name
        self._record = history.recorder(f"watch/{name}")
        self._client = client
        self._kind = kind
        self._path = kind.path(namespace=namespace)
        self._selector = dict(selector or {})
        self._revision = ""
        self._known: dict[tuple[str | None, str], Mapping[str, Any]] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self, *, revision: str | None = None) -> None:
        """Begin with what exists now, or right after `revision`; returns once that has been seen and the stream stands, or the server
        does not let it stand: only what stands is recorded as `watching`."""
        if revision is not None:
            await self._begin(revision, code=200)
            return
        answer = await self._list()
        await self._begin(self._revision, code=answer.code)

    async def _list(self) -> Answer:
        """Take what exists now; what was there before and is not is gone."""
        answer = await self._client.request("GET", self._path, params=self._selector)
        self._revision = answer.body.get("metadata", {}).get("resourceVersion", "")
        items = {_key(item): item for item in answer.body.get("items", ())}
        for item in [item for key, item in self._known.items() if key not in items and answer.ok]:
            self._take("DELETED", item)
        for item in items.values():
            self._take("ADDED", item)
        return answer

    async def _begin(self, version: str, *, code: int) -> None:
        self._revision = version
        self._task = asyncio.create_task(self._follow())
        try:
            await asyncio.wait_for(self._standing.wait(), STANDING_S)
        except TimeoutError:
            self._watching(code=0 if code == HTTPStatus.OK else code)

    def _stand(self) -> None:
        """The first stream was accepted: that stands in the history before anything that it tells."""
        if not self._standing.is_set():
            self._standing.set()
            self._watching(code=200)

    def _watching(self, *, code: int) -> None:
        revision = int(self._revision) if self._revision.isdecimal() else None
        self._record("watching", watch=self.name, resource=self._kind.plural, revision=revision, code=code)

    async def stop(self) -> None:
        await cancel(self._task)

    async def _follow(self) -> None:
        pause_s = RETRY_S
        while True:
            try:
                if not self._revision:
                    await self._list()
                await self._stream()
                pause_s = RETRY_S
            except BROKEN as error:
                if isinstance(error, aiohttp.ClientResponseError) and error.status == HTTPStatus.GONE:
                    self._forgotten(error.message)
                else:
                    self._record("watch-broken", watch=self.name, why=str(error) or type(error).__name__)
                pause_s = min(2 * pause_s, RETRY_MAX_S)
            await self._context.sleep(pause_s)

    async def _stream(self) -> None:
        params = {"resourceVersion": self._revision, "allowWatchBookmarks": "true"} | self._selector
        async for event in self._client.watch(self._path, params=params, standing=self._stand):
            if event["type"] == "ERROR":
                self._forgotten(event["object"].get("message", "ERROR event"))
                return
            self._revision = event["object"]["metadata"].get("resourceVersion", "")
            if event["type"] != "BOOKMARK":
                self._take(event["type"], event["object"])

    def _forgotten(self, why: str) -> None:
        """The server cannot go on where we stopped: it says so by its answer, or in a stream that it has begun."""
        self._revision = ""
        self._record("watch-broken", watch=self.name, why=why, forgotten=True)

    def _take(self, what: str, item: Mapping[str, Any]) -> None:
        meta = item["metadata"]
        self._known[_key(item)] = item
        if what == "DELETED":
            del self._known[_key(item)]
        self._record(
            "watched",
            watch=self.name,
            type=what,
            resource=self._kind.plural,
            namespace=meta.get("namespace"),
            name=meta["name"],
            uid=meta.get("uid"),
            revision=revision_of(item) or 0,
            object=item,
        )


def _key(item: Mapping[str, Any]) -> tuple[str | None, str]:
    return item["metadata"].get("namespace"), item["metadata"]["name"]
