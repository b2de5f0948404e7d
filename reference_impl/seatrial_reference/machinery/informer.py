"""A local copy of one kind, kept up by LIST once and WATCH for ever after (CTRL-03, WATCH-01).

The copy lags behind the server, never runs ahead of it, and misses nothing: a broken stream is resumed at the last revision seen, and
where the server has forgotten that revision (410 Gone) everything is listed again and the difference is told as if it had been watched.
An object that went and came again under its old name while nobody looked is told as a deletion and an addition.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus

from seatrial_reference.machinery.backoff import Backoff
from seatrial_reference.machinery.client import ApiError, Client, RequestFailed, Unreachable
from seatrial_reference.machinery.objects import Json, key_of, uid_of
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import Kind

log = logging.getLogger(__name__)

WATCH_S = 300  # a stream is ended after this time, up to twice as long by jitter: it would not notice that its peer has vanished
_PASSING = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Handlers:
    """What to call, in the order of the stream, with the copy already changed. They must not block."""

    added: Callable[[Json], None]
    updated: Callable[[Json, Json], None]
    deleted: Callable[[Json], None]


class Informer:
    """The copy of one kind, or of a selected part of it. `index` names the groups that an object is to be found under."""

    def __init__(
        self,
        client: Client,
        kind: Kind,
        *,
        context: Context,
        fields: str = "",
        index: Callable[[Json], Iterable[str]] | None = None,
    ) -> None:
        self.kind = kind
        self.synced = asyncio.Event()
        self.revision = ""
        self._client = client
        self._context = context
        self._selection = {"fieldSelector": fields} if fields else {}
        self._handlers: list[Handlers] = []
        self._items: dict[str, Json] = {}
        self._index = index
        self._groups: dict[str, dict[str, Json]] = {}
        self._backoff = Backoff(context)

    def subscribe(self, handlers: Handlers) -> None:
        self._handlers.append(handlers)

    def get(self, key: str) -> Json | None:
        return self._items.get(key)

    def all(self) -> list[Json]:
        return list(self._items.values())

    def group(self, name: str) -> list[Json]:
        """The objects that `index` puts under `name`."""
        return list(self._groups.get(name, {}).values())

    async def run(self) -> None:
        """Never returns. Failures are waited out, however long they last."""
        while True:
            try:
                if not self.revision:
                    await self.relist()
                await self.follow()
            except RequestFailed as failure:
                log.info("%s: %s", self.kind.plural, failure)
                if self.outdated(failure):
                    self.revision = ""
            await self._backoff.wait()

    def outdated(self, failure: RequestFailed) -> bool:
        """Whether the server cannot go on where we stopped: after refusals, 410 above all, but not after silence or overload."""
        return isinstance(failure, ApiError) and failure.status not in _PASSING

    async def relist(self) -> None:
        """Take the state as it is now; what changed since is told to the handlers."""
        answer = await self._client.list(self.kind, query=self._selection)
        listed = {key_of(item): item for item in answer.get("items") or ()}
        for key in [k for k in self._items if k not in listed]:
            self._drop(key)
        for key, item in listed.items():
            self._put(key, item)
        self.revision = str(answer["metadata"]["resourceVersion"])
        self.synced.set()

    async def follow(self) -> None:
        """Watch until the stream ends."""
        query = self._selection | {
            "resourceVersion": self.revision,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(int(WATCH_S * (1 + self._context.random.random()))),
        }
        async with aclosing(self._client.watch(self.kind, query=query)) as events:
            async for event in events:
                self.apply(event)
                self._backoff.reset()

    def apply(self, event: Json) -> None:
        item = event["object"]
        match event["type"]:
            case "ADDED" | "MODIFIED":
                self._put(key_of(item), item)
            case "DELETED":
                self._drop(key_of(item), last=item)
            case "ERROR":
                raise ApiError.of(HTTPStatus.INTERNAL_SERVER_ERROR, item)
            case "BOOKMARK":
                pass
            case other:
                raise Unreachable(f"watch of {self.kind.plural}: unknown event {other!r}")
        self.revision = str(item["metadata"]["resourceVersion"])

    def _put(self, key: str, item: Json) -> None:
        old = self._items.get(key)
        if old is not None and uid_of(old) != uid_of(item):
            self._drop(key)
            old = None
        self._unindex(key)
        self._items[key] = item
        for name in self._index(item) if self._index else ():
            self._groups.setdefault(name, {})[key] = item
        if old is None:
            for handlers in self._handlers:
                handlers.added(item)
        elif old["metadata"].get("resourceVersion") != item["metadata"].get("resourceVersion"):
            for handlers in self._handlers:
                handlers.updated(old, item)

    def _drop(self, key: str, *, last: Json | None = None) -> None:
        self._unindex(key)
        old = self._items.pop(key, None)
        if old is not None:
            for handlers in self._handlers:
                handlers.deleted(last or old)

    def _unindex(self, key: str) -> None:
        old = self._items.get(key)
        for name in self._index(old) if self._index and old is not None else ():
            group = self._groups.get(name, {})
            group.pop(key, None)
            if not group:
                self._groups.pop(name, None)
