"""Objects in etcd: one key each, the whole object as JSON, its resourceVersion being the key's mod revision and never in the value.

Three transactions are all there is: create (put if the key does not exist), replace (put if it is still at that revision) and remove
(delete if it is still at that revision). Each either happens or answers what is there instead. An answer that does not come says
nothing about whether the transaction took place; so none is ever repeated here (STORE-08, P-OCC-1).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import orjson
from grpclib.client import Channel
from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from seatrial_reference.apiserver import status, versions
from seatrial_schemas import etcd
from seatrial_schemas import etcd_pb2 as pb
from seatrial_schemas.kinds import Kind
from seatrial_schemas.rpc import Method

Json = dict[str, Any]
PREFIX = "/registry"


@dataclass(frozen=True, kw_only=True)
class Stored:
    """An object as it is in the store at `revision`, its resourceVersion filled in. Shared by all who read it: nobody changes it."""

    key: str
    object: Json
    revision: int

    @cached_property
    def encoded(self) -> bytes:
        return orjson.dumps(self.object)

    def at(self, revision: int) -> "Stored":
        """The same object under a later revision: what a deletion shows."""
        return stored(self.key, self.object, revision)

    def copy(self) -> Json:
        """One's own object to change."""
        return dict(orjson.loads(self.encoded))


def stored(key: str, obj: Json, revision: int) -> Stored:
    return Stored(key=key, object=obj | {"metadata": obj["metadata"] | {"resourceVersion": str(revision)}}, revision=revision)


def value_of(obj: Json) -> bytes:
    """What is written: everything but the resourceVersion."""
    metadata = {k: v for k, v in obj["metadata"].items() if k != "resourceVersion"}
    return orjson.dumps(versions.to_store(obj) | {"metadata": metadata})


def decode(kv: pb.KeyValue, kind: Kind | None = None) -> Stored:
    """What is stored, in the words of `kind`."""
    obj = orjson.loads(kv.value)
    return stored(kv.key.decode(), obj if kind is None else versions.shown(obj, kind), kv.mod_revision)


class Etcd:
    """A client of the store: the first of its endpoints that can be connected to."""

    def __init__(self, *, urls: Sequence[str], timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._channels = [Channel(split.hostname, split.port or 2379) for split in map(urlsplit, urls)]

    def close(self) -> None:
        for channel in self._channels:
            channel.close()

    async def ask(self, method: Method, request: Any, *, timeout_s: float | None = None) -> Any:
        """One request, sent at most once. Raises Failure: 504 where no answer came in time, 500 where the connection was lost, and
        GRPCError where etcd refused."""
        try:
            async with asyncio.timeout(timeout_s or self.timeout_s):
                channel = await self.connected()
                return await method.unary(channel)(request)
        except TimeoutError as error:
            raise status.timeout() from error
        except (StreamTerminatedError, ConnectionError) as error:
            raise status.internal(f"etcd: connection lost: {error}") from error

    async def connected(self) -> Channel:
        """A channel that is connected. Those that cannot be are tried last from then on; nothing has been sent to them."""
        refused: OSError | None = None
        for _ in range(len(self._channels)):
            try:
                await self._channels[0].__connect__()
            except OSError as error:
                refused = error
                self._channels.append(self._channels.pop(0))
            else:
                return self._channels[0]
        raise status.internal(f"etcd: {refused}") from refused


class Store:
    """Objects by key."""

    def __init__(self, client: Etcd) -> None:
        self.client = client

    async def get(self, key: str, *, kind: Kind | None = None, revision: int = 0) -> tuple[Stored | None, int]:
        """The object, and the revision at which it was read: the present one, whatever that is when etcd answers."""
        reply = await self._range(pb.RangeRequest(key=key.encode(), revision=revision))
        return (decode(reply.kvs[0], kind) if reply.kvs else None), reply.header.revision

    async def below(self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0) -> pb.RangeResponse:
        """The key-values below `prefix`, from the key `start` on."""
        end = etcd.prefix_end(prefix.encode())
        return await self._range(pb.RangeRequest(key=(start or prefix).encode(), range_end=end, limit=limit, revision=revision))

    async def revision(self, *, timeout_s: float | None = None) -> int:
        """The store's present revision."""
        request = pb.RangeRequest(key=f"{PREFIX}/health".encode(), count_only=True)
        reply = await self.client.ask(etcd.RANGE, request, timeout_s=timeout_s)
        return int(reply.header.revision)

    async def snapshot(self, kinds: Sequence[Kind]) -> tuple[list[list[Stored]], int]:
        """Everything of several kinds, as of one revision."""
        prefixes = [kind.store_key(prefix=PREFIX).encode() for kind in kinds]
        ranges = [pb.RangeRequest(key=prefix, range_end=etcd.prefix_end(prefix)) for prefix in prefixes]
        reply = await self.client.ask(etcd.TXN, pb.TxnRequest(success=[pb.RequestOp(request_range=r) for r in ranges]))
        replies = zip(kinds, reply.responses, strict=True)
        return [[decode(kv, kind) for kv in each.response_range.kvs] for kind, each in replies], reply.header.revision

    async def create(self, key: str, obj: Json) -> Stored | None:
        """None where the key exists already."""
        reply = await self._compare(key, revision=0, then=_put(key, obj))
        return stored(key, obj, reply.header.revision) if reply.succeeded else None

    async def replace(self, old: Stored, obj: Json) -> Stored | None:
        """None where the object is no longer the `old` one."""
        reply = await self._compare(old.key, revision=old.revision, then=_put(old.key, obj))
        return stored(old.key, obj, reply.header.revision) if reply.succeeded else None

    async def remove(self, old: Stored) -> Stored | None:
        """The last state under the revision of its deletion; None where the object is no longer the `old` one."""
        delete = pb.RequestOp(request_delete_range=pb.DeleteRangeRequest(key=old.key.encode()))
        reply = await self._compare(old.key, revision=old.revision, then=delete)
        return old.at(reply.header.revision) if reply.succeeded else None

    async def _compare(self, key: str, *, revision: int, then: pb.RequestOp) -> pb.TxnResponse:
        compare = pb.Compare(target=pb.Compare.MOD, result=pb.Compare.EQUAL, key=key.encode(), mod_revision=revision)
        reply: pb.TxnResponse = await self._ask(etcd.TXN, pb.TxnRequest(compare=[compare], success=[then]))
        return reply

    async def _range(self, request: pb.RangeRequest) -> pb.RangeResponse:
        reply: pb.RangeResponse = await self._ask(etcd.RANGE, request)
        return reply

    async def _ask(self, method: Method, request: Any) -> Any:
        try:
            return await self.client.ask(method, request)
        except GRPCError as error:
            raise _translated(error) from error


def _put(key: str, obj: Json) -> pb.RequestOp:
    return pb.RequestOp(request_put=pb.PutRequest(key=key.encode(), value=value_of(obj)))


def _translated(error: GRPCError) -> status.Failure:
    if error.status is Status.OUT_OF_RANGE and "compacted" in (error.message or ""):
        return status.expired("The provided continue parameter or resourceVersion is too old; the history before it is compacted.")
    if error.status is Status.OUT_OF_RANGE:
        return status.Failure(
            504,
            "Timeout",
            "Timeout: Too large resource version",
            details={"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}], "retryAfterSeconds": 1},
        )
    if error.status is Status.INVALID_ARGUMENT and "too large" in (error.message or ""):
        return status.Failure(413, "RequestEntityTooLarge", f"Request entity too large: {error.message}")
    return status.internal(f"etcd: {error.message}")
