"""Our store and etcd are asked the same questions in the same order; their answers must be equal.

Compared are whole messages, less what names a particular cluster: cluster, member, term. Leases and watches included.
"""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from grpclib.client import Channel
from grpclib.exceptions import GRPCError
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from seatrial_reference.etcd.server import Etcd
from seatrial_schemas import etcd
from seatrial_schemas import etcd_pb2 as pb
from seatrial_schemas.context import SystemContext
from seatrial_schemas.rpc import Method
from unit.ports import free_port

BINARY = shutil.which("etcd", path=str(Path(sys.executable).parent))
ANSWER_S = 10
pytestmark = pytest.mark.skipif(BINARY is None, reason="no etcd binary installed")


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A real etcd, and the port that it listens on."""
    client, peer, home = free_port(), free_port(), tmp_path_factory.mktemp("etcd")
    urls = {"client": f"http://127.0.0.1:{client}", "peer": f"http://127.0.0.1:{peer}"}
    flags = [f"--data-dir={home / 'data'}", f"--listen-client-urls={urls['client']}", f"--advertise-client-urls={urls['client']}"]
    flags += [f"--listen-peer-urls={urls['peer']}", f"--initial-advertise-peer-urls={urls['peer']}"]
    flags += [f"--initial-cluster=default={urls['peer']}", "--unsafe-no-fsync", "--log-level=error"]
    with (home / "log").open("wb") as log, subprocess.Popen([str(BINARY), *flags], stdout=log, stderr=log) as process:
        try:
            asyncio.run(answering(client))
            yield client
        finally:
            process.terminate()
            process.wait(10)


async def answering(port: int) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                async with Channel("127.0.0.1", port) as channel:
                    await etcd.RANGE.unary(channel)(pb.RangeRequest(key=b"health"))
            except (OSError, GRPCError):
                await asyncio.sleep(0.02)
            else:
                return


def plain(message: Any, *, base: int) -> Any:
    """The message as a value, with revisions counted from `base` and without what names a cluster."""
    value = MessageToDict(message, preserving_proto_field_name=True)

    def walk(item: Any) -> Any:
        if isinstance(item, list):
            return [walk(each) for each in item]
        if not isinstance(item, dict):
            return item
        kept = {k: walk(v) for k, v in item.items() if k not in {"cluster_id", "member_id", "raft_term"}}
        return {k: int(v) - base if k.endswith("revision") else v for k, v in kept.items()}

    return walk(value)


class Subject:
    """One of the two stores, emptied, its revisions counted from where it stood then."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.base = 0

    async def reset(self) -> None:
        await etcd.PUT.unary(self.channel)(pb.PutRequest(key=b"x", value=b"x"))
        await etcd.DELETE_RANGE.unary(self.channel)(pb.DeleteRangeRequest(key=b"\0", range_end=b"\0"))
        self.base = (await etcd.RANGE.unary(self.channel)(pb.RangeRequest(key=b"x"))).header.revision

    async def ask(self, method: Method, request: Any) -> Any:
        request = shifted(request, self.base)
        try:
            return plain(await method.unary(self.channel)(request), base=self.base)
        except GRPCError as error:
            return (error.status, error.message)


def shifted(request: Any, base: int) -> Any:
    """A copy whose revisions are counted from zero of the store, not from `base`."""
    copy = type(request)()
    copy.CopyFrom(request)
    for descriptor, value in list(copy.ListFields()):
        if descriptor.name.endswith("revision"):
            setattr(copy, descriptor.name, value + base)
        elif descriptor.type == descriptor.TYPE_MESSAGE:
            children = value if descriptor.is_repeated else [value]
            for child in children:
                child.CopyFrom(shifted(child, base))
    return copy


def both(port: int, act: Callable[[Subject], Awaitable[Any]]) -> tuple[Any, Any]:
    """What `act` gives with our store and with the real one."""

    async def run() -> tuple[Any, Any]:
        ours = Etcd(context=SystemContext())
        server = await ours.listen("127.0.0.1", 0)
        own_port = server._server.sockets[0].getsockname()[1]
        expiring = asyncio.ensure_future(ours.expire_leases())
        answers = []
        try:
            for each in (own_port, port):
                async with Channel("127.0.0.1", each) as channel, asyncio.timeout(ANSWER_S):
                    subject = Subject(channel)
                    await subject.reset()
                    answers.append(await act(subject))
        finally:
            expiring.cancel()
            server.close()
        return answers[0], answers[1]

    return asyncio.run(run())


keys = st.sampled_from([b"a", b"a/1", b"a/2", b"ab", b"b", b""])
ends = st.sampled_from([b"", b"", b"a0", b"b", b"\0", b"a"])
revisions = st.integers(min_value=1, max_value=12)
small = st.integers(min_value=0, max_value=3)
ranges = st.builds(
    pb.RangeRequest,
    key=keys,
    range_end=ends,
    limit=small,
    revision=st.sampled_from([0, 0, 0, 1, 2, 3, 5, 9]),
    sort_order=st.sampled_from([0, 0, 1, 2]),
    sort_target=st.sampled_from([0, 0, 1, 2, 3, 4]),
    keys_only=st.booleans(),
    count_only=st.sampled_from([False, False, True]),
    min_mod_revision=st.sampled_from([0, 0, 2]),
    max_create_revision=st.sampled_from([0, 0, 3]),
)
puts = st.builds(
    pb.PutRequest,
    key=keys,
    value=st.sampled_from([b"", b"1", b"2"]),
    prev_kv=st.booleans(),
    ignore_value=st.sampled_from([False, False, False, True]),
    lease=st.sampled_from([0, 0, 0, 0, 77]),
)
deletes = st.builds(pb.DeleteRangeRequest, key=keys, range_end=ends, prev_kv=st.booleans())
compares = st.one_of(
    st.builds(pb.Compare, key=keys, result=small, target=st.just(0), version=small),
    st.builds(pb.Compare, key=keys, result=small, target=st.just(1), create_revision=revisions),
    st.builds(pb.Compare, key=keys, result=small, target=st.just(2), mod_revision=revisions),
    st.builds(pb.Compare, key=keys, result=small, target=st.just(3), value=st.sampled_from([b"1", b"2"])),
    st.builds(pb.Compare, key=keys, result=small, target=st.just(3), value=st.sampled_from([b"1", b"2"]), range_end=ends),
)
ops = st.one_of(
    st.builds(lambda r: pb.RequestOp(request_range=r), ranges),
    st.builds(lambda r: pb.RequestOp(request_put=r), puts),
    st.builds(lambda r: pb.RequestOp(request_delete_range=r), deletes),
)
txns = st.builds(
    pb.TxnRequest,
    compare=st.lists(compares, max_size=2),
    success=st.lists(ops, max_size=3),
    failure=st.lists(ops, max_size=2),
)
requests = st.one_of(
    st.tuples(st.just(etcd.RANGE), ranges),
    st.tuples(st.just(etcd.PUT), puts),
    st.tuples(st.just(etcd.DELETE_RANGE), deletes),
    st.tuples(st.just(etcd.TXN), txns),
    st.tuples(st.just(etcd.TXN), txns),
    st.tuples(st.just(etcd.COMPACT), st.builds(pb.CompactionRequest, revision=st.integers(1, 12))),
)


@settings(max_examples=60, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(script=st.lists(requests, min_size=4, max_size=16))
def test_the_same_questions_get_the_same_answers(port: int, script: list[tuple[Method, Any]]) -> None:
    async def act(subject: Subject) -> list[Any]:
        return [await subject.ask(method, request) for method, request in script]

    ours, theirs = both(port, act)
    for (method, request), mine, real in zip(script, ours, theirs, strict=True):
        assert mine == real, f"{method.path}\n{request}"


def watch(key: bytes, **fields: Any) -> pb.WatchRequest:
    return pb.WatchRequest(create_request=pb.WatchCreateRequest(key=key, **fields))


def cancel(number: int) -> pb.WatchRequest:
    return pb.WatchRequest(cancel_request=pb.WatchCancelRequest(watch_id=number))


PROGRESS = pb.WatchRequest(progress_request=pb.WatchProgressRequest())
TREE = {"range_end": b"b", "prev_kv": True}
WATCHES: dict[str, list[pb.WatchRequest]] = {
    "from now": [watch(b"a", **TREE)],
    "one key": [watch(b"a/1")],
    "from the past": [watch(b"a", start_revision=2, **TREE)],
    "from the past without what was before": [watch(b"a", range_end=b"b", start_revision=2)],
    "from the future": [watch(b"a", start_revision=9, **TREE)],
    "only deletions": [watch(b"a", filters=[pb.WatchCreateRequest.NOPUT], start_revision=1, **TREE)],
    "only puts": [watch(b"a", filters=[pb.WatchCreateRequest.NODELETE], start_revision=1, **TREE)],
    "everything": [watch(b"", range_end=b"\0", start_revision=1)],
    "two on one stream": [watch(b"a/1", watch_id=3), watch(b"a/2"), watch(b"b", range_end=b"c")],
    "one that is cancelled": [watch(b"a/1"), watch(b"a/2"), cancel(0), cancel(9)],
    "an empty range": [watch(b"b", range_end=b"a"), watch(b"a/1")],
    "a number taken twice": [watch(b"a/1", watch_id=3), watch(b"a/2", watch_id=3)],
}


async def played(subject: Subject, requests_: list[pb.WatchRequest], *, compact: int = 0) -> Any:
    """What a stream of watches tells about a little history, half of which is past when it begins."""

    async def write(*done: tuple[Method, Any]) -> None:
        for method, request in done:
            await subject.ask(method, request)

    def both_of(*ops_: Any) -> pb.TxnRequest:
        return pb.TxnRequest(success=list(ops_))

    await write(
        (etcd.PUT, pb.PutRequest(key=b"a/1", value=b"1")),
        (etcd.PUT, pb.PutRequest(key=b"a/2", value=b"1")),
        (etcd.PUT, pb.PutRequest(key=b"a/1", value=b"2")),
        (etcd.DELETE_RANGE, pb.DeleteRangeRequest(key=b"a/2")),
    )
    if compact:
        await write((etcd.COMPACT, pb.CompactionRequest(revision=compact)))
    told: list[pb.WatchResponse] = []
    async with etcd.WATCH.stream(subject.channel).open() as stream:
        for request in requests_:
            await stream.send_message(shifted(request, subject.base))
            if request.HasField("create_request"):
                told.append(await created(stream, told))
        await asyncio.sleep(0.15)  # a real etcd brings watches of the past up to date every 100 ms
        await write(
            (etcd.PUT, pb.PutRequest(key=b"a/2", value=b"3")),
            (etcd.TXN, both_of(op(put=pb.PutRequest(key=b"b", value=b"4")), op(put=pb.PutRequest(key=b"a/1", value=b"4")))),
            (etcd.DELETE_RANGE, pb.DeleteRangeRequest(key=b"a", range_end=b"c")),
            (etcd.PUT, pb.PutRequest(key=b"a/1", value=b"5")),
        )
        await stream.send_message(PROGRESS)
        while not (told and told[-1].watch_id == -1 and not told[-1].created):
            told.append(await stream.recv_message())  # type: ignore[arg-type]
        await stream.cancel()
    return summary(told, subject.base)


async def created(stream: Any, told: list[pb.WatchResponse]) -> pb.WatchResponse:
    """The answer to a create request; what is told before it belongs to earlier watches."""
    while True:
        response: pb.WatchResponse = await stream.recv_message()
        if response.created:
            return response
        told.append(response)


def op(*, put: pb.PutRequest) -> pb.RequestOp:
    return pb.RequestOp(request_put=put)


def summary(told: list[pb.WatchResponse], base: int) -> Any:
    """Per watch its events in order, and what else was said; how events are packed into messages is free."""
    events: dict[int, list[Any]] = {}
    said = []
    for each in told:
        events.setdefault(each.watch_id, []).extend(plain(event, base=base) for event in each.events)
        if each.created or each.canceled:
            lost = each.compact_revision - base if each.compact_revision else 0
            said.append((each.watch_id, each.created, each.canceled, lost, bool(each.cancel_reason)))
    return events, sorted(said)


@pytest.mark.parametrize("name", list(WATCHES))
def test_the_same_watches_are_told_the_same(port: int, name: str) -> None:
    ours, theirs = both(port, lambda subject: played(subject, WATCHES[name]))
    assert ours == theirs


@pytest.mark.parametrize("start", [1, 2, 3, 4])
def test_a_watch_of_what_is_compacted_is_told_so(port: int, start: int) -> None:
    ours, theirs = both(port, lambda subject: played(subject, [watch(b"a", start_revision=start, **TREE)], compact=3))
    assert ours == theirs


def test_leases_answer_alike(port: int) -> None:
    async def act(subject: Subject) -> list[Any]:
        script: list[tuple[Method, Any]] = [
            (etcd.LEASE_GRANT, pb.LeaseGrantRequest(ID=1234, TTL=60)),
            (etcd.LEASE_GRANT, pb.LeaseGrantRequest(ID=1234, TTL=60)),
            (etcd.PUT, pb.PutRequest(key=b"b", lease=1234)),
            (etcd.PUT, pb.PutRequest(key=b"a", lease=1234)),
            (etcd.PUT, pb.PutRequest(key=b"a", value=b"1", ignore_lease=True)),
            (etcd.LEASE_REVOKE, pb.LeaseRevokeRequest(ID=1234)),
            (etcd.RANGE, pb.RangeRequest(key=b"\0", range_end=b"\0")),
            (etcd.LEASE_REVOKE, pb.LeaseRevokeRequest(ID=1234)),
            (etcd.LEASE_GRANT, pb.LeaseGrantRequest(ID=1235, TTL=10**10)),
        ]
        return [await subject.ask(method, request) for method, request in script]

    ours, theirs = both(port, act)
    assert ours == theirs
