"""The watch cache: per kind, the objects as of a revision and the events up to it, fed by one etcd watch and shared by all watchers.

Events come from the store and from nowhere else, so nobody is told of what is not stored (WATCH-07). The cache lags; whoever must not
read the past asks the store for its present revision and waits until the cache has reached it (`until`). All watches of this server
are one gRPC stream; when it breaks, each goes on after the last revision it has seen, and where the store has forgotten that one, the
cache and its watchers are dropped: they must begin anew (P-W-8).
"""

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson
from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError

from seatrial_reference.apiserver import status
from seatrial_reference.apiserver.selectors import Selection
from seatrial_reference.apiserver.store import PREFIX, Store, Stored, decode
from seatrial_schemas import etcd
from seatrial_schemas import etcd_pb2 as pb
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import Kind

HISTORY = 10_000  # events kept per kind
BACKLOG = 10_000  # events a watcher may lag behind before it is cut off
PATIENCE_S = 3.0  # how long to wait for a revision that does not come
RETRY_S = 0.1
EMPTY = 1  # revision of a store in which nothing has happened
STREAM_WIDE = -1
EVERYTHING = "\0"  # as key and as end of a range


@dataclass(frozen=True, kw_only=True)
class Event:
    """One change of one object. `now` is None for a deletion; `before` then is the last state, under the deletion's revision."""

    revision: int
    key: str
    now: Stored | None
    before: Stored | None

    @cached_property
    def _frames(self) -> dict[str, bytes]:
        return {}

    def seen(self, selection: Selection) -> tuple[str, Stored] | None:
        """Type and object as one sees it who watches a selection: entering it is ADDED, leaving it is DELETED (WATCH-06)."""
        now = self.now is not None and selection.matches(self.now.object)
        before = self.before is not None and selection.matches(self.before.object)
        if now and self.now:
            return ("MODIFIED" if before else "ADDED"), self.now
        if before and self.before:
            return "DELETED", self._last
        return None

    @cached_property
    def _last(self) -> Stored:
        if self.before is None:
            raise LookupError(self.key)
        return self.before.at(self.revision)

    def frame(self, kind: str, shown: Stored) -> bytes:
        """The line on the wire, encoded once for all watchers."""
        if kind not in self._frames:
            self._frames[kind] = frame(kind, shown.encoded)
        return self._frames[kind]


def frame(kind: str, encoded: bytes) -> bytes:
    return b'{"type":"' + kind.encode() + b'","object":' + encoded + b"}\n"


@dataclass(kw_only=True, eq=False)
class Watcher:
    """One reader's queue: events, or None at the end."""

    prefix: str
    queue: "asyncio.Queue[Event | None]" = field(default_factory=asyncio.Queue)

    def tell(self, event: Event | None) -> None:
        self.queue.put_nowait(event)


class Cache:
    """One kind. `oldest` is the revision after which all events are known."""

    def __init__(self, kind: Kind, found: Sequence[Stored], revision: int) -> None:
        self.kind = kind
        self.objects = {each.key: each for each in found}
        self.revision = self.oldest = revision
        self.number = 0
        self.live = False  # the store has confirmed the watch: only then does its progress concern this cache
        self.closed = False
        self._seen = revision
        self._events: list[Event] = []
        self._watchers: dict[Watcher, None] = {}
        self._advanced = asyncio.Event()

    def apply(self, events: Sequence[pb.Event], revision: int) -> None:
        """Changes from the store, in its order. Those seen before are passed over."""
        for each in events:
            if each.kv.mod_revision > self._seen:
                self._happened(self._event(each))
        self._seen = max(self._seen, revision)
        self.advance(revision)

    def advance(self, revision: int) -> None:
        """Nothing more will come up to `revision`."""
        if revision > self.revision:
            self.revision = revision
            self._advanced.set()
            self._advanced = asyncio.Event()

    def _event(self, change: pb.Event) -> Event:
        key = change.kv.key.decode()
        before = self.objects.get(key)
        now = decode(change.kv, self.kind) if change.type == pb.Event.PUT else None
        return Event(revision=change.kv.mod_revision, key=key, now=now, before=before)

    def _happened(self, event: Event) -> None:
        if event.now is not None:
            self.objects[event.key] = event.now
        else:
            self.objects.pop(event.key, None)
        self._events.append(event)
        if len(self._events) >= 2 * HISTORY:
            self.oldest = self._events[-HISTORY - 1].revision
            self._events = self._events[-HISTORY:]
        for watcher in list(self._watchers):
            if event.key.startswith(watcher.prefix):
                watcher.tell(event)
                if watcher.queue.qsize() > BACKLOG:
                    self.leave(watcher)  # cut off, never skipped

    def since(self, revision: int) -> Sequence[Event]:
        """All events after `revision`. Raises 410 where some of them are forgotten."""
        if revision < self.oldest:
            raise status.expired(f"too old resource version: {revision} ({self.oldest})")
        return self._events[bisect_right(self._events, revision, key=lambda event: event.revision) :]

    def prepend(self, events: Sequence[Event], oldest: int) -> None:
        """Learn of earlier events: all between `oldest` and what was known."""
        self._events[:0] = [event for event in events if event.revision <= self.oldest]
        self.oldest = oldest

    def watch(self, prefix: str) -> Watcher:
        """A queue of everything that happens from now on."""
        watcher = Watcher(prefix=prefix)
        self._watchers[watcher] = None
        return watcher

    def leave(self, watcher: Watcher) -> None:
        if watcher in self._watchers:
            del self._watchers[watcher]
            watcher.tell(None)

    def close(self) -> None:
        """It gets no newer: the store has forgotten where it is."""
        self.closed = True
        for watcher in list(self._watchers):
            self.leave(watcher)
        self._advanced.set()

    async def wait(self) -> None:
        """Until the cache is newer than it is now."""
        await self._advanced.wait()


class Caches:
    """The caches of all kinds that somebody has asked for, and the one watch stream that feeds them."""

    def __init__(self, store: Store, *, context: Context) -> None:
        self._store = store
        self._context = context
        self._caches: dict[Kind, Cache] = {}
        self._starting: dict[Kind, asyncio.Event] = {}
        self._requests: asyncio.Queue[pb.WatchRequest] = asyncio.Queue()
        self._numbers = iter(range(1, 1 << 62))

    def peek(self, kind: Kind) -> Cache | None:
        return self._caches.get(kind)

    def known(self, kv: pb.KeyValue, kind: Kind) -> Stored:
        """The object of a key-value; decoded only where the cache has not done it already."""
        cache = self._caches.get(kind)
        have = cache.objects.get(kv.key.decode()) if cache else None
        return have if have is not None and have.revision == kv.mod_revision else decode(kv, kind)

    async def start(self, kinds: Sequence[Kind]) -> None:
        """Fill the caches of kinds that have none, from one snapshot, and watch from there on."""
        wanted = [kind for kind in kinds if kind not in self._caches and kind not in self._starting]
        for kind in wanted:
            self._starting[kind] = asyncio.Event()
        try:
            found, revision = await self._store.snapshot(wanted)
            for kind, objects in zip(wanted, found, strict=True):
                self._caches[kind] = Cache(kind, objects, revision)
                self._subscribe(self._caches[kind])
        finally:
            for kind in wanted:
                self._starting.pop(kind).set()

    async def of(self, kind: Kind) -> Cache:
        """The cache of a kind, whatever its age."""
        while kind not in self._caches:
            if kind in self._starting:
                await self._starting[kind].wait()
            else:
                await self.start([kind])
        return self._caches[kind]

    async def fresh(self, kind: Kind) -> Cache:
        """The cache of a kind, containing everything that was acknowledged before this call."""
        if kind not in self._caches and kind not in self._starting:
            return await self.of(kind)
        revision = await self._store.revision()
        while True:
            cache = await self.of(kind)
            try:
                await self.until(cache, revision)
            except status.Failure:
                if cache.closed:
                    continue
                raise
            return cache

    async def until(self, cache: Cache, revision: int) -> None:
        """Wait for the cache to reach `revision`. Raises 504 where it does not come, or is not there yet, 410 where it never will."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while cache.revision < revision:
                    if cache.closed:
                        raise status.expired("the resource version is too old: the cache begins anew")
                    await self._nudged(cache)
        except TimeoutError as error:
            raise status.too_large_revision(revision, cache.revision) from error

    async def _nudged(self, cache: Cache) -> None:
        """The store's answer to a progress request says how far all watches of the stream have come."""
        self._requests.put_nowait(pb.WatchRequest(progress_request=pb.WatchProgressRequest()))
        try:
            async with asyncio.timeout(RETRY_S):
                await cache.wait()
        except TimeoutError:
            return  # a real etcd keeps silent while one of the watches lags

    def _subscribe(self, cache: Cache) -> None:
        cache.number, cache.live = next(self._numbers), False
        self._requests.put_nowait(watch_request(_prefix(cache.kind), cache.revision + 1, cache.number))

    async def feed(self) -> None:
        """Runs for ever: keeps the stream of watches."""
        while True:
            try:
                await self._stream()
            except (status.Failure, GRPCError, ProtocolError, StreamTerminatedError, OSError):  # ProtocolError: it was ended in good order
                await self._context.sleep(RETRY_S)

    async def _stream(self) -> None:
        channel = await self._store.client.connected()
        self._requests = asyncio.Queue()
        for cache in self._caches.values():
            self._subscribe(cache)
        async with etcd.WATCH.stream(channel).open() as stream:
            await stream.send_request()
            sending = asyncio.ensure_future(self._send(stream, self._requests))
            try:
                async for response in stream:
                    self._received(response)
            finally:
                sending.cancel()

    async def _send(self, stream: Any, requests: "asyncio.Queue[pb.WatchRequest]") -> None:
        try:
            while True:
                await stream.send_message(await requests.get())
        except (StreamTerminatedError, OSError):
            return  # the reader of the stream sees the same end

    def _received(self, response: pb.WatchResponse) -> None:
        if response.watch_id == STREAM_WIDE:
            for cache in [each for each in self._caches.values() if each.live]:
                cache.advance(response.header.revision)
            return
        for cache in [each for each in self._caches.values() if each.number == response.watch_id]:
            if response.created:
                cache.live = True
            elif response.canceled:
                del self._caches[cache.kind]
                cache.close()
            else:
                last = response.events[-1].kv.mod_revision if response.events else response.header.revision
                cache.apply(response.events, last)

    async def remember(self, cache: Cache, revision: int) -> None:
        """Fetch the events after `revision` that are older than the cache. Raises 410 where the store has forgotten them."""
        wanted, until = revision, cache.oldest
        if wanted >= until or until <= EMPTY:
            return
        events = await self._history(cache.kind, wanted, until)
        if cache.oldest == until:
            cache.prepend(events, wanted)

    async def _history(self, kind: Kind, after: int, until: int) -> Sequence[Event]:
        """Everything is watched, for then something happened at `until`, and with it the end is reached. (An etcd of 3.5.1 tells of its
        progress before it has told a late watch what it missed.)"""
        events: list[Event] = []
        prefix = _prefix(kind).encode()
        channel = await self._store.client.connected()
        async with asyncio.timeout(PATIENCE_S), etcd.WATCH.stream(channel).open() as stream:
            await stream.send_message(watch_request(EVERYTHING, after + 1, 1, previous=True))
            async for response in stream:
                if response.compact_revision:
                    raise status.expired(f"too old resource version: {after} ({response.compact_revision})")
                ours = [each for each in response.events if each.kv.key.startswith(prefix)]
                if any(each.kv.version > 1 and not each.prev_kv.mod_revision for each in ours):
                    raise status.expired(f"too old resource version: {after}")  # what was before is just compacted
                events += [_past(each, kind) for each in ours]
                if any(each.kv.mod_revision >= until for each in response.events):
                    await stream.cancel()
                    return events
        return events


def watch_request(prefix: str, start: int, number: int, *, previous: bool = False) -> pb.WatchRequest:
    end = etcd.prefix_end(prefix.encode()) if prefix != EVERYTHING else prefix.encode()
    create = pb.WatchCreateRequest(key=prefix.encode(), range_end=end, start_revision=start, watch_id=number, prev_kv=previous)
    return pb.WatchRequest(create_request=create)


def _past(change: pb.Event, kind: Kind) -> Event:
    before = decode(change.prev_kv, kind) if change.prev_kv.mod_revision else None
    now = decode(change.kv, kind) if change.type == pb.Event.PUT else None
    return Event(revision=change.kv.mod_revision, key=change.kv.key.decode(), now=now, before=before)


def _prefix(kind: Kind) -> str:
    return kind.store_key(prefix=PREFIX)


def bookmark(kind: Kind, revision: int, *, initial: bool = False) -> bytes:
    """Everything up to `revision` has been sent; `initial` marks the end of the objects that were there at the beginning."""
    metadata: dict[str, Any] = {"resourceVersion": str(revision), "creationTimestamp": None}
    if initial:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    return orjson.dumps({"kind": kind.kind, "apiVersion": kind.api_version, "metadata": metadata})
