"""The store is followed whatever it makes of its freedom: a past that it has forgotten, watches that it ends, revisions of nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from seatrial.model.errors import NotReady
from seatrial.model.history import History, eventually
from seatrial.model.waiting import cancel
from seatrial.observe.store import StoreWatch
from seatrial_reference.etcd.server import Etcd, Watches
from seatrial_schemas import etcd_pb2 as pb
from seatrial_schemas.context import SystemContext

WITHIN_S = 15.0  # what comes comes sooner, however busy the machine
IN_VAIN_S = 0.7


def followed(prepare: Callable[[Etcd], None], act: Callable[[Etcd, StoreWatch], Awaitable[Any]]) -> History:
    """What is recorded of a store that was prepared before, and acted on while it is watched."""

    async def run() -> History:
        context = SystemContext()
        store, history = Etcd(context=context), History(context.now_s)
        prepare(store)
        server = await store.listen("127.0.0.1", 0)
        watch = StoreWatch(history=history, host="127.0.0.1", port=server._server.sockets[0].getsockname()[1], context=context)
        try:
            async with asyncio.timeout(20):
                await watch.start()
                await act(store, watch)
        finally:
            await watch.stop()
            server.close()
        return history

    return asyncio.run(run())


def stores(store: Etcd, key: str) -> None:
    store.store.put(pb.PutRequest(key=key.encode(), value=b"{}"))
    store._publish()


def test_what_is_no_object_is_not_read_as_one() -> None:
    async def act(store: Etcd, watch: StoreWatch) -> None:
        for key, value in (("/a", b'{"kind": "Pod", "metadata": {}}'), ("/b", b'{"alg": "x", "ct": "y"}'), ("/c", b"[1]"), ("/d", b"{")):
            store.store.put(pb.PutRequest(key=key.encode(), value=value))
        store._publish()
        await eventually(watch._history, lambda h: len(keys(h)) == 4, within_s=WITHIN_S)

    history = followed(lambda _: None, act)

    assert [bool(e["value"]) for e in history.of("put")] == [True, False, False, False]


def ends_watches(store: Etcd, **why: Any) -> None:
    for watches in store._streams:
        for number in list(watches._watchers):
            del watches._watchers[number]
            watches._answer(watch_id=number, canceled=True, **why)


def keys(history: History) -> list[str]:
    return [e["key"] for e in history.of("put")]


def test_a_store_that_may_not_be_watched_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seatrial.observe.store.STANDING_S", 0.3)
    monkeypatch.setattr(Watches, "request", lambda self, _: self._answer(watch_id=0, canceled=True, cancel_reason="not here"))

    with pytest.raises(NotReady, match=r"does not let the operator watch: the watch was cancelled, not here; `observe: "):
        followed(lambda _: None, _at_once)


async def _at_once(_: Etcd, __: StoreWatch) -> None:
    """Nothing happens."""


def test_a_store_may_have_forgotten_how_it_began() -> None:
    def prepare(store: Etcd) -> None:
        for key in ("a", "b", "c"):
            stores(store, key)
        store.store.compact(3)

    async def act(store: Etcd, watch: StoreWatch) -> None:
        stores(store, "d")
        assert await watch.caught_up(within_s=WITHIN_S) == store.store.revision

    assert keys(followed(prepare, act)) == ["b", "c", "d"]


def test_a_store_may_end_a_watch_at_any_time() -> None:
    async def act(store: Etcd, watch: StoreWatch) -> None:
        stores(store, "a")
        assert await watch.caught_up(within_s=WITHIN_S)
        ends_watches(store)
        stores(store, "b")
        assert await watch.caught_up(within_s=WITHIN_S) == store.store.revision

    assert keys(followed(lambda _: None, act)) == ["a", "b"]


def test_a_store_may_end_a_whole_stream_in_good_order(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, end, ended = Etcd.watch, asyncio.Event(), asyncio.Event()

    async def once(store: Etcd, stream: Any) -> None:
        serving, ending = asyncio.ensure_future(whole(store, stream)), asyncio.ensure_future(end.wait())
        await asyncio.wait({serving} if ended.is_set() else {serving, ending}, return_when=asyncio.FIRST_COMPLETED)
        ended.set()
        await cancel(serving, ending)

    async def act(store: Etcd, watch: StoreWatch) -> None:
        stores(store, "a")
        assert await watch.caught_up(within_s=WITHIN_S)
        end.set()
        await ended.wait()
        stores(store, "b")
        assert await watch.caught_up(within_s=WITHIN_S) == store.store.revision

    monkeypatch.setattr(Etcd, "watch", once)

    assert keys(followed(lambda _: None, act)) == ["a", "b"]


def test_a_stream_without_a_watch_on_it_is_not_asked_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, asked = Watches.request, []

    def once(watches: Watches, request: pb.WatchRequest) -> None:
        asked.append(request.WhichOneof("request_union"))
        if asked.count("create_request") < 2 or asked[-1] != "create_request":
            whole(watches, request)

    async def act(store: Etcd, watch: StoreWatch) -> None:
        stores(store, "a")
        assert await watch.caught_up(within_s=WITHIN_S)
        ends_watches(store)
        stores(store, "b")
        assert await watch.caught_up(within_s=IN_VAIN_S) is None

    monkeypatch.setattr(Watches, "request", once)

    assert keys(followed(lambda _: None, act)) == ["a"]


def test_a_store_may_count_on_without_a_change() -> None:
    async def act(store: Etcd, watch: StoreWatch) -> None:
        stores(store, "a")
        store.store.revision += 3
        assert await watch.caught_up(within_s=WITHIN_S) == store.store.revision

    history = followed(lambda _: None, act)
    assert keys(history) == ["a"]


def test_changes_that_were_forgotten_before_they_were_told_are_not_passed_over() -> None:
    async def act(store: Etcd, watch: StoreWatch) -> None:
        stores(store, "a")
        assert await eventually(watch._history, lambda h: h.of("put"), within_s=WITHIN_S)
        ends_watches(store)
        stores(store, "b")
        stores(store, "c")
        store.store.compact(store.store.revision)
        assert await watch.caught_up(within_s=IN_VAIN_S) is None

    assert keys(followed(lambda _: None, act)) == ["a"]
