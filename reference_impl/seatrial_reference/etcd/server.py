"""The store on the wire: etcd v3 over gRPC.

Every request runs to its end without waiting, so that requests are ordered by nothing but their arrival: linearizability needs no lock.
Whoever watches is told in the same breath, but through a queue of its own: a slow reader keeps nobody waiting. What it is told is the
log of the store, revision by revision, all changes of one revision together (WATCH-07).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError
from grpclib.server import Stream

from seatrial_reference.etcd.journal import Journal
from seatrial_reference.etcd.store import END_OF_KEYS, Change, Store, covers
from seatrial_schemas import etcd
from seatrial_schemas import etcd_pb2 as pb
from seatrial_schemas.context import Context
from seatrial_schemas.rpc import Method, Serve, Server, Service

VERSION = "3.6.0"
Signed = TypeVar("Signed", pb.PutResponse, pb.DeleteRangeResponse)
NO_WATCH = -1  # the watch id of what concerns a whole stream
EMPTY_RANGE = "etcdserver: watcher range is empty"
DUPLICATE_WATCH = "mvcc: duplicate watch ID provided on the WatchStream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """One watch of a stream: a range, from a revision on."""

    number: int
    key: bytes
    end: bytes
    start: int
    previous: bool
    progress: bool
    filters: Sequence[int]

    def wants(self, change: Change) -> bool:
        kind = pb.WatchCreateRequest.NODELETE if change.deleted else pb.WatchCreateRequest.NOPUT
        return change.kv.mod_revision >= self.start and kind not in self.filters and covers(self.key, self.end, change.kv.key)


class Watches:
    """The watches of one gRPC stream and what they still have to tell."""

    def __init__(self, store: Store) -> None:
        self.out: asyncio.Queue[pb.WatchResponse] = asyncio.Queue()
        self._store = store
        self._watchers: dict[int, Watcher] = {}

    def request(self, request: pb.WatchRequest) -> None:
        match request.WhichOneof("request_union"):
            case "create_request":
                self._create(request.create_request)
            case "cancel_request":
                self._cancel(request.cancel_request.watch_id)
            case "progress_request":
                self._answer(watch_id=NO_WATCH)

    def publish(self, changes: Sequence[Change]) -> None:
        for watcher in self._watchers.values():
            self._tell(watcher, changes)

    def progress(self) -> None:
        """Tell those who asked for it how far they are."""
        for watcher in self._watchers.values():
            if watcher.progress:
                self._answer(watch_id=watcher.number)

    def _answer(self, **fields: Any) -> None:
        self.out.put_nowait(pb.WatchResponse(header=self._store.header(), **fields))

    def _create(self, request: pb.WatchCreateRequest) -> None:
        key = request.key or END_OF_KEYS
        if request.range_end and request.range_end != END_OF_KEYS and request.range_end <= key:
            self._answer(watch_id=NO_WATCH, created=True, canceled=True, cancel_reason=EMPTY_RANGE)
            return
        if request.watch_id in self._watchers and request.watch_id:
            self._answer(watch_id=NO_WATCH, created=True, canceled=True, cancel_reason=DUPLICATE_WATCH)
            return
        watcher = Watcher(
            number=request.watch_id or self._free_number(),
            key=key,
            end=request.range_end,
            start=request.start_revision or self._store.revision + 1,
            previous=request.prev_kv,
            progress=request.progress_notify,
            filters=tuple(request.filters),
        )
        self._answer(watch_id=watcher.number, created=True)
        if 0 < request.start_revision < self._store.compacted:
            self._answer(watch_id=watcher.number, canceled=True, compact_revision=self._store.compacted)
            return
        self._watchers[watcher.number] = watcher
        self._tell(watcher, self._store.since(watcher.start))

    def _free_number(self) -> int:
        number = 0
        while number in self._watchers:
            number += 1
        return number

    def _cancel(self, number: int) -> None:
        if self._watchers.pop(number, None) is not None:
            self._answer(watch_id=number, canceled=True)

    def _tell(self, watcher: Watcher, changes: Sequence[Change]) -> None:
        events = [_event(change, previous=watcher.previous) for change in changes if watcher.wants(change)]
        if events:
            self._answer(watch_id=watcher.number, events=events)


def _event(change: Change, *, previous: bool) -> pb.Event:
    kind = pb.Event.DELETE if change.deleted else pb.Event.PUT
    return pb.Event(type=kind, kv=change.kv, prev_kv=change.previous if previous else None)


class Etcd:
    """One member that is the whole cluster. Each method of the wire is a method here."""

    def __init__(self, *, context: Context, store: Store | None = None, journal: Journal | None = None, progress_s: float = 600) -> None:
        self.context = context
        self.store = store or Store()
        self.journal = journal
        self.progress_s = progress_s
        self._told = self.store.revision
        self._streams: dict[Watches, None] = {}
        self._leases_changed = asyncio.Event()

    # KV

    async def range(self, request: pb.RangeRequest) -> pb.RangeResponse:
        return self.store.range(request)

    async def put(self, request: pb.PutRequest) -> pb.PutResponse:
        return self._signed(self.store.put(request))

    async def delete_range(self, request: pb.DeleteRangeRequest) -> pb.DeleteRangeResponse:
        return self._signed(self.store.delete_range(request))

    async def txn(self, request: pb.TxnRequest) -> pb.TxnResponse:
        return self.store.txn(request)

    async def compact(self, request: pb.CompactionRequest) -> pb.CompactionResponse:
        self.store.compact(request.revision)
        if self.journal is not None:
            self.journal.compacted(request.revision)
        return pb.CompactionResponse(header=self.store.header())

    def _signed(self, reply: Signed) -> Signed:
        reply.header.CopyFrom(self.store.header())
        return reply

    # Lease

    async def lease_grant(self, request: pb.LeaseGrantRequest) -> pb.LeaseGrantResponse:
        number = request.ID or self.context.random.getrandbits(62) + 1
        lease = self.store.grant(lease=number, ttl_s=request.TTL, now_s=self.context.now_s())
        self._leases_changed.set()
        if self.journal is not None:
            self.journal.granted(number, lease.ttl_s)
        return pb.LeaseGrantResponse(header=self.store.header(), ID=number, TTL=lease.ttl_s)

    async def lease_revoke(self, request: pb.LeaseRevokeRequest) -> pb.LeaseRevokeResponse:
        self._revoke(request.ID)
        return pb.LeaseRevokeResponse(header=self.store.header())

    async def lease_keep_alive(self, request: pb.LeaseKeepAliveRequest) -> pb.LeaseKeepAliveResponse:
        ttl_s = self.store.keep_alive(lease=request.ID, now_s=self.context.now_s())
        return pb.LeaseKeepAliveResponse(header=self.store.header(), ID=request.ID, TTL=ttl_s)

    async def expire_leases(self) -> None:
        """Runs for ever."""
        while True:
            self._leases_changed.clear()
            now_s = self.context.now_s()
            for lease in self.store.overdue(now_s):
                self._revoke(lease)
            due_s = self.store.due_s()
            try:
                async with asyncio.timeout(None if due_s is None else due_s - now_s):
                    await self._leases_changed.wait()
            except TimeoutError:
                continue

    def _revoke(self, lease: int) -> None:
        self.store.revoke(lease)
        self._publish()
        if self.journal is not None:
            self.journal.revoked(lease)

    # Maintenance

    async def status(self, _: pb.StatusRequest) -> pb.StatusResponse:
        revision = self.store.revision
        return pb.StatusResponse(
            header=self.store.header(), version=VERSION, leader=1, raftIndex=revision, raftAppliedIndex=revision, raftTerm=2
        )

    # Watch

    async def watch(self, stream: Stream[Any, Any]) -> None:
        """One stream of watches, until the client hangs up."""
        watches = Watches(self.store)
        self._streams[watches] = None
        teller = asyncio.ensure_future(self._tell(watches, stream))
        try:
            async for request in stream:
                watches.request(request)
        finally:
            del self._streams[watches]
            teller.cancel()

    async def _tell(self, watches: Watches, stream: Stream[Any, Any]) -> None:
        with suppress(StreamTerminatedError, ConnectionError):
            while True:
                await stream.send_message(await watches.out.get())

    async def report_progress(self) -> None:
        """Runs for ever."""
        while True:
            await self.context.sleep(self.progress_s)
            for watches in self._streams:
                watches.progress()

    def _publish(self) -> None:
        """Write down all changes since the last call, then put them into the queues of those who watch them."""
        if self.store.revision > self._told:
            changes = self.store.since(self._told + 1)
            self._told = self.store.revision
            if self.journal is not None:
                self.journal.changed(changes)
            for watches in self._streams:
                for same_revision in _by_revision(changes):
                    watches.publish(same_revision)

    # the wire

    def service(self) -> Service:
        unary: Sequence[tuple[Method, Callable[[Any], Awaitable[Any]]]] = (
            (etcd.RANGE, self.range),
            (etcd.PUT, self.put),
            (etcd.DELETE_RANGE, self.delete_range),
            (etcd.TXN, self.txn),
            (etcd.COMPACT, self.compact),
            (etcd.LEASE_GRANT, self.lease_grant),
            (etcd.LEASE_REVOKE, self.lease_revoke),
            (etcd.STATUS, self.status),
        )
        table: dict[Method, Serve] = {method: self._unary(serve) for method, serve in unary}
        return Service(table | {etcd.WATCH: self.watch, etcd.LEASE_KEEP_ALIVE: self._keep_alives})

    def _unary(self, serve: Callable[[Any], Awaitable[Any]]) -> Serve:
        async def answer(stream: Stream[Any, Any]) -> None:
            request = await stream.recv_message()
            if request is None:
                raise GRPCError(Status.CANCELLED, "no request")
            reply = await serve(request)
            self._publish()
            await stream.send_message(reply)

        return answer

    async def _keep_alives(self, stream: Stream[Any, Any]) -> None:
        async for request in stream:
            await stream.send_message(await self.lease_keep_alive(request))

    async def listen(self, host: str, port: int) -> Server:
        server = Server(self.service())
        await server.start(host, port)
        return server


def _by_revision(changes: Sequence[Change]) -> list[list[Change]]:
    groups: list[list[Change]] = []
    for change in changes:
        if groups and groups[-1][0].kv.mod_revision == change.kv.mod_revision:
            groups[-1].append(change)
        else:
            groups.append([change])
    return groups
