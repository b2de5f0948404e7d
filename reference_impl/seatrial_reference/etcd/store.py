"""A multi-version store: every state that ever was can be read and watched, until it is compacted away.

One number orders everything: the revision. Each transaction that writes gets the next one, and everything it writes carries it
(`mod_revision`). A key's `create_revision` is the revision that brought it to life, its `version` counts its changes since. Nothing is
overwritten: a put appends to the key's history, a deletion appends a tombstone, and a read may name any revision since the last
compaction. A lease is a promise to delete: when it ends, all its keys go in one transaction.

The store is pure: no clock, no sockets. What it did is in `log`, oldest first; who watches, reads there (STORE-01, WATCH-07).
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from seatrial_schemas import etcd_pb2 as pb

MAX_OPS = 128
MAX_TTL_S = 9_000_000_000
MAX_BYTES = 1_572_864
END_OF_KEYS = b"\0"  # as range_end: all keys from `key` on

COMPACTED = (Status.OUT_OF_RANGE, "etcdserver: mvcc: required revision has been compacted")
FUTURE = (Status.OUT_OF_RANGE, "etcdserver: mvcc: required revision is a future revision")
EMPTY_KEY = (Status.INVALID_ARGUMENT, "etcdserver: key is not provided")
KEY_NOT_FOUND = (Status.INVALID_ARGUMENT, "etcdserver: key not found")
VALUE_PROVIDED = (Status.INVALID_ARGUMENT, "etcdserver: value is provided")
LEASE_PROVIDED = (Status.INVALID_ARGUMENT, "etcdserver: lease is provided")
DUPLICATE_KEY = (Status.INVALID_ARGUMENT, "etcdserver: duplicate key given in txn request")
TOO_MANY_OPS = (Status.INVALID_ARGUMENT, "etcdserver: too many operations in txn request")
TOO_LARGE = (Status.INVALID_ARGUMENT, "etcdserver: request is too large")
LEASE_NOT_FOUND = (Status.NOT_FOUND, "etcdserver: requested lease not found")
LEASE_EXISTS = (Status.FAILED_PRECONDITION, "etcdserver: lease already exists")
LEASE_TOO_LONG = (Status.OUT_OF_RANGE, "etcdserver: too large lease TTL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One step of one key: `kv` after it (a tombstone has only key and mod_revision), `previous` before it."""

    kv: pb.KeyValue
    previous: pb.KeyValue | None

    @property
    def deleted(self) -> bool:
        return self.kv.version == 0


@dataclass(slots=True, kw_only=True)
class Lease:
    ttl_s: int
    expires_s: float
    keys: dict[bytes, None] = field(default_factory=dict)  # a dict keeps order, a set does not


class Store:
    """All keys, at all revisions since `compacted`. Methods either do all of what is asked or raise GRPCError and change nothing."""

    def __init__(self) -> None:
        self.revision = 1
        self.compacted = 0
        self.log: list[Change] = []
        self.leases: dict[int, Lease] = {}
        self._history: dict[bytes, list[pb.KeyValue]] = {}
        self._keys: list[bytes] = []  # sorted; dead keys too, until compaction

    # reading

    def latest(self, key: bytes) -> pb.KeyValue | None:
        """The living value of `key`."""
        history = self._history.get(key)
        return history[-1] if history and history[-1].version else None

    def at(self, key: bytes, revision: int) -> pb.KeyValue | None:
        """The value of `key` as it was at `revision`."""
        history = self._history[key]
        index = bisect_right(history, revision, key=_mod) - 1
        return history[index] if index >= 0 and history[index].version else None

    def between(self, key: bytes, end: bytes) -> Sequence[bytes]:
        """The keys of a range, dead ones included: one key where `end` is empty."""
        if not end:
            return [key] if key in self._history else []
        low = bisect_left(self._keys, key)
        high = len(self._keys) if end == END_OF_KEYS else bisect_left(self._keys, end)
        return self._keys[low:high]

    def range(self, request: pb.RangeRequest) -> pb.RangeResponse:
        """What the range held at the asked revision, 0 being now."""
        if not request.key:
            raise GRPCError(*EMPTY_KEY)
        if request.revision > self.revision:
            raise GRPCError(*FUTURE)
        if 0 < request.revision < self.compacted:
            raise GRPCError(*COMPACTED)
        found = list(self._living(request))
        reply = pb.RangeResponse(header=self.header(), count=len(found))
        if request.count_only:
            return reply
        chosen = _sorted([kv for kv in found if _passes(kv, request)], request)
        reply.more = 0 < request.limit < len(chosen)
        chosen = chosen[: request.limit] if request.limit > 0 else chosen
        reply.kvs.extend(map(_without_value, chosen) if request.keys_only else chosen)
        return reply

    def _living(self, request: pb.RangeRequest) -> Iterator[pb.KeyValue]:
        now = request.revision <= 0
        for key in self.between(request.key, request.range_end):
            kv = self.latest(key) if now else self.at(key, request.revision)
            if kv is not None:
                yield kv

    def header(self) -> pb.ResponseHeader:
        return pb.ResponseHeader(cluster_id=1, member_id=1, revision=self.revision, raft_term=2)

    def since(self, revision: int) -> Sequence[Change]:
        """All changes at `revision` and later, in the order in which they were made."""
        return self.log[bisect_left(self.log, revision, key=lambda change: change.kv.mod_revision) :]

    # writing

    def txn(self, request: pb.TxnRequest) -> pb.TxnResponse:
        """Compare, then do one of two lists of operations, all in one revision. Reads in it see its own writes before them."""
        self._check(request)
        before = self.revision
        reply = self._apply(request, writing=before + 1)
        if reply.header.revision != before:
            self.revision = before + 1
        return reply

    def put(self, request: pb.PutRequest) -> pb.PutResponse:
        op = pb.RequestOp(request_put=request)
        _check_form([op])
        if request.lease and request.lease not in self.leases:  # a single put looks for its lease first, one in a transaction last
            raise GRPCError(*LEASE_NOT_FOUND)
        return self.txn(pb.TxnRequest(success=[op])).responses[0].response_put

    def delete_range(self, request: pb.DeleteRangeRequest) -> pb.DeleteRangeResponse:
        return self.txn(pb.TxnRequest(success=[pb.RequestOp(request_delete_range=request)])).responses[0].response_delete_range

    def _apply(self, request: pb.TxnRequest, *, writing: int) -> pb.TxnResponse:
        succeeded = all(self._holds(compare) for compare in request.compare)
        reply = pb.TxnResponse(header=self.header(), succeeded=succeeded)
        for op in request.success if succeeded else request.failure:
            reply.responses.append(self._operate(op, writing=writing))
        reply.header.revision = self._reached(writing)
        return reply

    def _reached(self, writing: int) -> int:
        return writing if self.log and self.log[-1].kv.mod_revision == writing else self.revision

    def _operate(self, op: pb.RequestOp, *, writing: int) -> pb.ResponseOp:
        match op.WhichOneof("request"):
            case "request_range":
                reply = pb.ResponseOp(response_range=self.range(op.request_range))
                reply.response_range.header.revision = self._reached(writing)
            case "request_put":
                reply = pb.ResponseOp(response_put=self._put(op.request_put, writing=writing))
            case "request_delete_range":
                reply = pb.ResponseOp(response_delete_range=self._delete(op.request_delete_range, writing=writing))
            case _:
                reply = pb.ResponseOp(response_txn=self._apply(op.request_txn, writing=writing))
        return reply

    def _put(self, request: pb.PutRequest, *, writing: int) -> pb.PutResponse:
        old = self.latest(request.key)
        kv = pb.KeyValue(
            key=request.key,
            value=old.value if request.ignore_value and old else request.value,
            lease=old.lease if request.ignore_lease and old else request.lease,
            create_revision=old.create_revision if old else writing,
            mod_revision=writing,
            version=old.version + 1 if old else 1,
        )
        self._record(kv, old)
        reply = pb.PutResponse(header=pb.ResponseHeader(revision=writing))
        if request.prev_kv and old:
            reply.prev_kv.CopyFrom(old)
        return reply

    def _delete(self, request: pb.DeleteRangeRequest, *, writing: int) -> pb.DeleteRangeResponse:
        doomed = [kv for key in self.between(request.key, request.range_end) if (kv := self.latest(key))]
        for kv in doomed:
            self._record(pb.KeyValue(key=kv.key, mod_revision=writing), kv)
        header = pb.ResponseHeader(revision=self._reached(writing))
        return pb.DeleteRangeResponse(header=header, deleted=len(doomed), prev_kvs=doomed if request.prev_kv else ())

    def _record(self, kv: pb.KeyValue, old: pb.KeyValue | None) -> None:
        if kv.key not in self._history:
            insort(self._keys, kv.key)
            self._history[kv.key] = []
        self._history[kv.key].append(kv)
        self.log.append(Change(kv=kv, previous=old))
        if old and old.lease and old.lease in self.leases:
            self.leases[old.lease].keys.pop(kv.key, None)
        if kv.lease in self.leases:
            self.leases[kv.lease].keys[kv.key] = None

    def restore(self, kvs: Sequence[pb.KeyValue]) -> None:
        """Take in changes that an earlier store of this name has made, in its order."""
        for kv in kvs:
            self._record(kv, self.latest(kv.key))
            self.revision = kv.mod_revision

    def _holds(self, compare: pb.Compare) -> bool:
        if not compare.range_end:
            return _compare(compare, self.latest(compare.key))
        living = [kv for key in self.between(compare.key, compare.range_end) if (kv := self.latest(key))]
        # An empty range compares like a missing key, except by value, where nothing equals nothing.
        return all(_compare(compare, kv) for kv in living) if living else _compare(compare, None)

    # what a transaction may not contain

    def _check(self, request: pb.TxnRequest, *, nested: int = 0) -> None:
        """Raise for whatever would fail halfway: a transaction is all or nothing."""
        if max(len(request.compare), len(request.success), len(request.failure)) > MAX_OPS:
            raise GRPCError(*TOO_MANY_OPS)
        if not nested and request.ByteSize() > MAX_BYTES:
            raise GRPCError(*TOO_LARGE)
        if any(not compare.key for compare in request.compare):
            raise GRPCError(*EMPTY_KEY)
        for check in (_check_form, _check_duplicates):
            check(request.success)
            check(request.failure)
        chosen = request.success if all(self._holds(c) for c in request.compare) else request.failure
        for op in chosen:
            if op.HasField("request_put"):
                self._check_put(op.request_put)
        for op in chosen:
            if op.HasField("request_range"):
                self.range(pb.RangeRequest(key=op.request_range.key, revision=op.request_range.revision))
            elif op.HasField("request_txn"):
                self._check(op.request_txn, nested=nested + 1)

    def _check_put(self, put: pb.PutRequest) -> None:
        if (put.ignore_value or put.ignore_lease) and self.latest(put.key) is None:
            raise GRPCError(*KEY_NOT_FOUND)
        if put.lease and put.lease not in self.leases:
            raise GRPCError(*LEASE_NOT_FOUND)

    # leases

    def grant(self, *, lease: int, ttl_s: int, now_s: float) -> Lease:
        if ttl_s > MAX_TTL_S:
            raise GRPCError(*LEASE_TOO_LONG)
        if lease in self.leases:
            raise GRPCError(*LEASE_EXISTS)
        ttl_s = max(ttl_s, 1)
        self.leases[lease] = Lease(ttl_s=ttl_s, expires_s=now_s + ttl_s)
        return self.leases[lease]

    def keep_alive(self, *, lease: int, now_s: float) -> int:
        """The renewed time to live; 0 where the lease is no more."""
        found = self.leases.get(lease)
        if found is None:
            return 0
        found.expires_s = now_s + found.ttl_s
        return found.ttl_s

    def revoke(self, lease: int) -> None:
        """End a lease: its keys go together, in the order of their names."""
        found = self.leases.pop(lease, None)
        if found is None:
            raise GRPCError(*LEASE_NOT_FOUND)
        doomed = [kv for key in sorted(found.keys) if (kv := self.latest(key))]
        for kv in doomed:
            self._record(pb.KeyValue(key=kv.key, mod_revision=self.revision + 1), kv)
        self.revision += bool(doomed)

    def overdue(self, now_s: float) -> list[int]:
        """The leases whose time is over."""
        return sorted(number for number, found in self.leases.items() if found.expires_s <= now_s)

    def due_s(self) -> float | None:
        """When the next lease is over, if nobody renews it."""
        return min((found.expires_s for found in self.leases.values()), default=None)

    # compaction

    def compact(self, revision: int) -> None:
        """Forget every state before `revision`; that of `revision` itself stays readable."""
        if revision <= self.compacted:
            raise GRPCError(*COMPACTED)
        if revision > self.revision:
            raise GRPCError(*FUTURE)
        self.compacted = revision
        kept = self.since(revision)
        # What was before the oldest change is forgotten with the rest.
        self.log = [replace(change, previous=None) if change.kv.mod_revision == revision else change for change in kept]
        for key in list(self._history):
            history = self._history[key]
            lasting = history[max(bisect_right(history, revision, key=_mod) - 1, 0) :]
            self._history[key] = lasting if lasting[0].version or lasting[0].mod_revision >= revision else lasting[1:]
        self._keys = [key for key in self._keys if self._history[key]]
        self._history = {key: self._history[key] for key in self._keys}


def _mod(kv: pb.KeyValue) -> int:
    return kv.mod_revision


def _without_value(kv: pb.KeyValue) -> pb.KeyValue:
    bare = pb.KeyValue()
    bare.CopyFrom(kv)
    bare.ClearField("value")
    return bare


def _passes(kv: pb.KeyValue, request: pb.RangeRequest) -> bool:
    return (
        kv.mod_revision >= request.min_mod_revision
        and kv.create_revision >= request.min_create_revision
        and (not request.max_mod_revision or kv.mod_revision <= request.max_mod_revision)
        and (not request.max_create_revision or kv.create_revision <= request.max_create_revision)
    )


_TARGETS: dict[int, Callable[[pb.KeyValue], bytes | int]] = {
    pb.RangeRequest.VERSION: lambda kv: kv.version,
    pb.RangeRequest.CREATE: lambda kv: kv.create_revision,
    pb.RangeRequest.MOD: lambda kv: kv.mod_revision,
    pb.RangeRequest.VALUE: lambda kv: kv.value,
}


def _sorted(kvs: list[pb.KeyValue], request: pb.RangeRequest) -> list[pb.KeyValue]:
    """In the asked order; they come sorted by key."""
    if request.sort_target == pb.RangeRequest.KEY:
        return kvs[::-1] if request.sort_order == pb.RangeRequest.DESCEND else kvs
    return sorted(kvs, key=_TARGETS[request.sort_target], reverse=request.sort_order == pb.RangeRequest.DESCEND)


def _compare(compare: pb.Compare, kv: pb.KeyValue | None) -> bool:
    if kv is None and compare.target == pb.Compare.VALUE:
        return False  # a missing key has no value to compare
    kv = kv or pb.KeyValue()
    pair: tuple[Any, Any] = {
        pb.Compare.VERSION: (kv.version, compare.version),
        pb.Compare.CREATE: (kv.create_revision, compare.create_revision),
        pb.Compare.MOD: (kv.mod_revision, compare.mod_revision),
        pb.Compare.VALUE: (kv.value, compare.value),
        pb.Compare.LEASE: (kv.lease, compare.lease),
    }[compare.target]
    found, wanted = pair
    return {  # type: ignore[no-any-return]
        pb.Compare.EQUAL: found == wanted,
        pb.Compare.NOT_EQUAL: found != wanted,
        pb.Compare.GREATER: found > wanted,
        pb.Compare.LESS: found < wanted,
    }[compare.result]


def _check_form(ops: Sequence[pb.RequestOp]) -> None:
    """What is wrong whatever the store holds; both branches are looked at."""
    for op in ops:
        name = op.WhichOneof("request")
        if name != "request_txn" and (name is None or not getattr(op, name).key):
            raise GRPCError(*EMPTY_KEY)
        if op.request_put.ignore_value and op.request_put.value:
            raise GRPCError(*VALUE_PROVIDED)
        if op.request_put.ignore_lease and op.request_put.lease:
            raise GRPCError(*LEASE_PROVIDED)


def _check_duplicates(ops: Sequence[pb.RequestOp]) -> None:
    """No key may be written twice in one transaction: its two versions would share a revision."""
    puts: list[bytes] = []
    deletes: list[tuple[bytes, bytes]] = []
    for op in ops:
        if op.HasField("request_put"):
            puts.append(op.request_put.key)
        elif op.HasField("request_delete_range"):
            deletes.append((op.request_delete_range.key, op.request_delete_range.range_end))
        elif op.HasField("request_txn"):
            inner = max(_writes(op.request_txn.success), _writes(op.request_txn.failure), key=len)
            puts.extend(inner)
    if len(puts) != len(dict.fromkeys(puts)) or any(key <= put < (end or key + b"\0") for key, end in deletes for put in puts):
        raise GRPCError(*DUPLICATE_KEY)


def _writes(ops: Sequence[pb.RequestOp]) -> list[bytes]:
    return [op.request_put.key for op in ops if op.HasField("request_put")]


def covers(key: bytes, end: bytes, wanted: bytes) -> bool:
    """Is `wanted` in the range? The rule of all requests that name one."""
    if not end:
        return key == wanted
    return key <= wanted and (end == END_OF_KEYS or wanted < end)
