"""The store by itself, its journal, and its manners on the wire. What it answers is compared with etcd's own in test_etcd_parity.py."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from grpclib.client import Channel
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from seatrial_reference.etcd import main
from seatrial_reference.etcd.journal import NAME, Journal, restored
from seatrial_reference.etcd.server import Etcd
from seatrial_reference.etcd.store import Store
from seatrial_schemas import etcd
from seatrial_schemas import etcd_pb2 as pb
from seatrial_schemas.context import SystemContext
from seatrial_schemas.rpc import Method

Act = Callable[[Etcd, int], Awaitable[Any]]


def served(act: Act, **options: Any) -> Any:
    """What `act` gives, called with a store that serves and its port."""

    async def run() -> Any:
        store = Etcd(context=SystemContext(), **options)
        server = await store.listen("127.0.0.1", 0)
        expiring = asyncio.ensure_future(store.expire_leases())
        try:
            async with asyncio.timeout(10):
                return await act(store, server._server.sockets[0].getsockname()[1])
        finally:
            expiring.cancel()
            server.close()

    return asyncio.run(run())


def put(key: bytes, value: bytes = b"1", **fields: Any) -> pb.PutRequest:
    return pb.PutRequest(key=key, value=value, **fields)


def test_a_transaction_is_one_revision() -> None:
    store = Store()
    ops = [pb.RequestOp(request_put=put(key)) for key in (b"b", b"a")]
    reply = store.txn(pb.TxnRequest(success=ops))
    assert reply.header.revision == store.revision == 2
    assert [(change.kv.key, change.kv.mod_revision) for change in store.since(2)] == [(b"b", 2), (b"a", 2)]


def test_what_writes_nothing_takes_no_revision() -> None:
    store = Store()
    store.delete_range(pb.DeleteRangeRequest(key=b"none"))
    store.txn(pb.TxnRequest(compare=[pb.Compare(key=b"none", version=1)], success=[pb.RequestOp(request_put=put(b"a"))]))
    assert store.revision == 1


def test_a_recreated_key_begins_anew() -> None:
    store = Store()
    store.put(put(b"a"))
    store.put(put(b"a"))
    store.delete_range(pb.DeleteRangeRequest(key=b"a"))
    store.put(put(b"a"))
    kv = store.latest(b"a")
    assert kv is not None
    assert (kv.create_revision, kv.mod_revision, kv.version) == (5, 5, 1)
    old = store.range(pb.RangeRequest(key=b"a", revision=3)).kvs[0]
    assert (old.create_revision, old.mod_revision, old.version) == (2, 3, 2)


def test_a_lease_takes_its_keys_with_it_in_one_revision() -> None:
    store = Store()
    store.grant(lease=7, ttl_s=10, now_s=0)
    for key in (b"b", b"a", b"c"):
        store.put(put(key, lease=7))
    store.put(put(b"c"))  # not the lease's any more
    assert (store.overdue(9), store.due_s(), store.overdue(10)) == ([], 10, [7])
    store.revoke(7)
    assert store.due_s() is None
    assert [change.kv.key for change in store.since(6)] == [b"a", b"b"]
    assert store.revision == 6
    assert store.latest(b"c") is not None
    assert store.keep_alive(lease=7, now_s=11) == 0


def test_a_journal_tells_of_the_end_of_leases(tmp_path: Path) -> None:
    async def act(store: Etcd, _: int) -> None:
        for _ in range(2):
            await store.lease_grant(pb.LeaseGrantRequest(ID=7, TTL=10))
            await store.put(put(b"a", lease=7))
            await store.lease_revoke(pb.LeaseRevokeRequest(ID=7))

    served(act, journal=Journal(tmp_path))
    again = restored(tmp_path, now_s=0)

    assert (again.leases, again.latest(b"a")) == ({}, None)


@pytest.mark.parametrize("end", [b"", b"x"])
def test_a_journal_restores_the_store(tmp_path: Path, end: bytes) -> None:
    async def act(store: Etcd, port: int) -> pb.RangeResponse:
        await store.lease_grant(pb.LeaseGrantRequest(ID=7, TTL=10))
        for request in (put(b"a"), put(b"b", lease=7), put(b"a", b"2")):
            await store.put(request)
            store._publish()
        await store.delete_range(pb.DeleteRangeRequest(key=b"b"))
        store._publish()
        await store.put(put(b"b", lease=7))
        store._publish()
        await store.compact(pb.CompactionRequest(revision=3))
        return store.store.range(everything)

    everything = pb.RangeRequest(key=b"\0", range_end=b"\0")
    before = served(act, journal=Journal(tmp_path))
    with (tmp_path / NAME).open("ab") as file:
        file.write(end)
    after = restored(tmp_path, now_s=0)
    assert after.range(everything) == before
    assert (after.compacted, after.leases[7].keys) == (3, {b"b": None})
    Journal(tmp_path).changed(after.since(after.revision))  # a cut off record does not spoil what follows
    assert restored(tmp_path, now_s=0).revision == after.revision


def test_who_does_not_speak_http2_is_hung_up_on() -> None:
    async def act(_: Etcd, port: int) -> tuple[bytes, pb.RangeResponse]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 10)
        said = await reader.read()
        writer.close()
        async with Channel("127.0.0.1", port) as channel:
            return said, await etcd.RANGE.unary(channel)(pb.RangeRequest(key=b"a"))

    said, reply = served(act)
    assert b"HTTP" not in said[:4]
    assert reply.header.revision == 1


def test_a_lease_expires_by_itself_and_the_watcher_is_told() -> None:
    async def act(store: Etcd, port: int) -> pb.WatchResponse:
        async with Channel("127.0.0.1", port) as channel:
            await etcd.LEASE_GRANT.unary(channel)(pb.LeaseGrantRequest(ID=7, TTL=1))
            await etcd.PUT.unary(channel)(put(b"a", lease=7))
            async with etcd.WATCH.stream(channel).open() as stream:
                await stream.send_message(pb.WatchRequest(create_request=pb.WatchCreateRequest(key=b"a", prev_kv=True)))
                await stream.recv_message()
                response = await stream.recv_message()
                await stream.cancel()
        assert isinstance(response, pb.WatchResponse)
        return response

    response = served(act)
    assert [(event.type, event.kv.key, event.prev_kv.value) for event in response.events] == [(pb.Event.DELETE, b"a", b"1")]


def test_those_who_ask_for_it_are_told_how_far_they_are() -> None:
    async def act(store: Etcd, port: int) -> list[int]:
        reporting = asyncio.ensure_future(store.report_progress())
        async with Channel("127.0.0.1", port) as channel, etcd.WATCH.stream(channel).open() as stream:
            create = pb.WatchCreateRequest(key=b"a", progress_notify=True, watch_id=5)
            await stream.send_message(pb.WatchRequest(create_request=create))
            seen = [await stream.recv_message(), await stream.recv_message()]
            await stream.cancel()
        reporting.cancel()
        assert not any(each.events for each in seen)
        return [each.watch_id for each in seen]

    assert served(act, progress_s=0.01) == [5, 5]


def test_the_role_serves_until_it_is_cancelled_and_remembers(tmp_path: Path) -> None:
    async def once(act: Callable[[Channel], Awaitable[Any]]) -> Any:
        flags = [f"--listen-client-urls=http://127.0.0.1:{port}", f"--data-dir={tmp_path / 'data'}", "--log-level=error"]
        task = asyncio.ensure_future(main(flags, SystemContext()))
        async with Channel("127.0.0.1", port) as channel, asyncio.timeout(5):
            while True:
                try:
                    answer = await act(channel)
                    break
                except ConnectionRefusedError:
                    await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return answer

    port = 23790
    asyncio.run(once(lambda channel: etcd.PUT.unary(channel)(put(b"a"))))
    reply = asyncio.run(once(lambda channel: etcd.RANGE.unary(channel)(pb.RangeRequest(key=b"a"))))
    assert [(kv.value, kv.mod_revision) for kv in reply.kvs] == [(b"1", 2)]


@pytest.mark.parametrize(("prefix", "end"), [(b"/a/", b"/a0"), (b"a\xff", b"b"), (b"\xff", b"\0")])
def test_the_end_of_a_prefix(prefix: bytes, end: bytes) -> None:
    assert etcd.prefix_end(prefix) == end


def test_refusals_of_the_store_are_etcds() -> None:
    store = Store()
    store.put(put(b"a"))
    store.put(put(b"a"))
    store.compact(3)
    for request, words in (
        (pb.RangeRequest(key=b"a", revision=2), "compacted"),
        (pb.RangeRequest(key=b"a", revision=4), "future"),
        (pb.RangeRequest(), "key is not provided"),
    ):
        with pytest.raises(GRPCError, match=words):
            store.range(request)


def test_what_only_a_newer_store_serves_is_not_implemented() -> None:
    newer = Method(path="/etcdserverpb.KV/RangeStream", request=pb.RangeRequest, reply=pb.RangeResponse)

    async def act(_: Etcd, port: int) -> None:
        async with Channel("127.0.0.1", port) as channel:
            await newer.unary(channel)(pb.RangeRequest(key=b"a"))

    with pytest.raises(GRPCError) as caught:
        served(act)
    assert caught.value.status is Status.UNIMPLEMENTED
