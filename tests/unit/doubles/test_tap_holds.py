"""What is held waits at the tap, and only that; what gives up waiting is gone; nothing is lost, nothing leaks."""

import asyncio
import struct
from typing import Any

import orjson
from aiohttp import web


def event(name: str, revision: int, kind: str = "ADDED") -> bytes:
    meta = {"name": name, "namespace": "a", "uid": f"u-{name}", "resourceVersion": str(revision)}
    return orjson.dumps({"type": kind, "object": {"kind": "Pod", "metadata": meta}}) + b"\n"


class Watched:
    """An API server whose watches send what is put into `feed`; everything else is answered at once and counted."""

    def __init__(self) -> None:
        self.feed: list[asyncio.Queue[bytes | None]] = []
        self.opened = asyncio.Event()
        self.closed = asyncio.Event()
        self.writes = 0

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        if "watch" not in request.query:
            self.writes += 1
            return web.json_response({"metadata": {"name": "p", "resourceVersion": "5"}})
        assert "Accept-Encoding" not in request.headers
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.feed.append(queue)
        self.opened.set()
        try:
            while (data := await queue.get()) is not None:
                await response.write(data)
        finally:
            self.closed.set()
        return response

    def send(self, data: bytes | None) -> None:
        for queue in self.feed:
            queue.put_nowait(data)


def test_events_are_offered_and_delivered(stage: Any) -> None:
    async def act() -> None:
        api = Watched()
        async with stage(api) as s, s.client(bearer="s3cret") as client:
            reply = await client.get("/api/v1/pods?watch=true")
            both = event("x", 1) + event("y", 2)
            api.send(both[:20])
            api.send(both[20:])
            assert await reply.content.readline() + await reply.content.readline() == both
            api.send(None)
            assert await reply.content.read() == b""
            [end] = await s.seen("stream-end")
            assert (end["who"], end.instance) == ("server", "scheduler")
            fields = {"request": 1, "resource": "pods", "namespace": "a"}
            seen = [fields | {"type": "ADDED", "name": n, "uid": f"u-{n}", "revision": r} for n, r in (("x", 1), ("y", 2))]
            assert [dict(e.data) for e in s.history.of("offered")] == seen
            assert [dict(e.data) for e in s.history.of("delivered")] == seen

    asyncio.run(act())


def test_a_held_stream_is_read_but_not_passed_on(stage: Any) -> None:
    async def act() -> None:
        api = Watched()
        async with stage(api) as s, s.client() as scheduler, s.client(address="127.0.0.2") as kubelet:
            held, free = await scheduler.get("/api/v1/pods?watch=1"), await kubelet.get("/api/v1/pods?watch=1")
            hold = await s.control.hold("stream", instance="scheduler", resource="pods|nodes")
            api.send(event("x", 1))
            assert await free.content.readline() == event("x", 1)
            late = await scheduler.get("/api/v1/nodes?watch=1")  # opened while the hold exists: its head passes, its events do not
            other = await scheduler.get("/api/v1/services?watch=1")
            api.send(event("y", 2))
            assert await other.content.readline() == event("y", 2)
            await s.seen("offered", count=2, request=1)
            await s.seen("offered", request=3)
            assert not [e for e in s.history.of("delivered") if e["request"] in (1, 3)]
            assert [(e["request"], e["what"]) for e in s.history.of("held")] == [(1, "stream"), (3, "stream")]
            await s.control.release(hold)
            assert await held.content.readline() + await held.content.readline() == event("x", 1) + event("y", 2)
            assert await late.content.readline() == event("y", 2)
            assert [e["hold"] for e in s.history.of("released")] == [hold, hold]
            for reply in (held, free, late, other):
                reply.close()

    asyncio.run(act())


def test_a_stream_that_ends_while_held_ends_after_its_events(stage: Any) -> None:
    async def act() -> None:
        api = Watched()
        async with stage(api) as s, s.client() as client:
            reply = await client.get("/api/v1/pods?watch=1")
            await s.control.hold("stream")
            api.send(event("x", 1))
            api.send(None)
            await s.seen("offered")
            await s.control.settle()
            assert not s.history.of("stream-end")
            await s.control.release()
            assert await reply.content.read() == event("x", 1)
            await s.seen("stream-end", who="server")

    asyncio.run(act())


def test_a_client_that_leaves_its_stream_is_recorded_and_the_api_server_is_told(stage: Any) -> None:
    async def act() -> None:
        api = Watched()
        async with stage(api) as s, s.client() as client:
            reply = await client.get("/api/v1/pods?watch=1")
            await s.control.hold("stream")
            api.send(event("x", 1))
            await s.seen("offered")
            reply.close()
            await s.seen("stream-end", who="client")
            await asyncio.wait_for(api.closed.wait(), 5)
            await s.control.release()
            assert not s.history.of("released")  # nobody waited any more
            assert not s.history.of("delivered")

    asyncio.run(act())


def test_protobuf_streams_are_read_too(stage: Any) -> None:
    def field(number: int, value: bytes) -> bytes:
        return bytes([number << 3 | 2, len(value)]) + value

    async def act() -> None:
        meta = field(1, b"p") + field(3, b"a") + field(5, b"u") + field(6, b"42") + field(12, field(1, b"k8s.io/initial-events-end"))
        unknown = field(1, field(1, b"v1") + field(2, b"Pod")) + field(2, field(1, meta))
        watch_event = field(1, b"BOOKMARK") + field(2, field(1, b"k8s\0" + unknown))
        frame = struct.pack(">I", len(watch_event)) + watch_event

        async def watch(request: web.BaseRequest) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Type": "application/vnd.kubernetes.protobuf;stream=watch"})
            await response.prepare(request)
            await response.write(frame[:7])
            await response.write(frame[7:] + frame)
            return response

        async with stage(watch) as s, s.client() as client:
            reply = await client.get("/api/v1/pods?watch=1")
            assert await reply.content.read() == frame + frame
            first, _ = await s.seen("delivered", count=2)
            assert (first["type"], first["namespace"], first["name"], first["uid"], first["revision"]) == ("BOOKMARK", "a", "p", "u", 42)
            assert first["initial_events_end"] is True

    asyncio.run(act())


def test_a_slow_reader_loses_nothing_and_stops_nobody(stage: Any) -> None:
    async def act() -> None:
        api = Watched()
        count, filler = 300, "x" * 40_000
        async with stage(api) as s, s.client() as slow, s.client() as quick:
            reply, other = await slow.get("/api/v1/pods?watch=1"), await quick.get("/api/v1/pods?watch=1")
            for n in range(count):
                api.send(event(f"{n}-{filler}", n))

            async def drain() -> None:
                while other.content.at_eof() is False:
                    await other.content.readany()

            draining = asyncio.create_task(drain())
            await s.seen("delivered", count=count, request=2)
            await s.seen("offered", count=count, request=1)
            assert len(s.history.of("delivered", request=1)) < count  # the tap holds the rest
            api.send(None)
            lines = (await reply.content.read()).splitlines()
            assert [orjson.loads(line)["object"]["metadata"]["resourceVersion"] for line in lines] == [str(n) for n in range(count)]
            await draining

    asyncio.run(act())


def test_a_held_request_has_not_happened_and_then_happens(stage: Any) -> None:
    async def act() -> None:
        api = Watched()
        async with stage(api) as s, s.client(bearer="s3cret") as client:
            hold = await s.control.hold(
                "request", user="system:kube-scheduler", verb="create", resource="pods", subresource="binding", name="p"
            )
            sending = asyncio.create_task(client.post("/api/v1/namespaces/a/pods/p/binding", json={}))
            await s.seen("held", what="request", hold=hold)
            await client.get("/api/v1/pods")  # others pass
            assert api.writes == 1
            await s.control.release(hold)
            assert (await sending).status == 200
            assert api.writes == 2
            assert len(await s.seen("released", hold=hold)) == 1

    asyncio.run(act())


def test_a_held_request_whose_client_gave_up_is_dropped(stage: Any) -> None:
    async def act() -> None:
        api = Watched()
        async with stage(api) as s, s.client() as client:
            await s.control.hold("request", verb="update")
            sending = asyncio.create_task(client.put("/api/v1/namespaces/a/pods/p", json={}))
            await s.seen("held")
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await s.seen("dropped", what="request")
            await s.control.release()
            assert api.writes == 0
            assert not s.history.of("answer")

    asyncio.run(act())


def test_a_held_answer_has_happened(stage: Any) -> None:
    async def act() -> None:
        api = Watched()
        async with stage(api) as s, s.client() as client:
            first, second = await s.control.hold("answer", namespace="a"), await s.control.hold("answer", name="p")
            sending = asyncio.create_task(client.put("/api/v1/namespaces/a/pods/p", json={}))
            await s.seen("held", count=2, what="answer")
            assert api.writes == 1
            assert s.history.of("answer")[0]["revision"] == 5
            await s.control.release(first)
            await asyncio.sleep(0)
            assert not sending.done()  # two holds, one of them is left
            await s.control.release(second)
            assert (await sending).status == 200

    asyncio.run(act())


def test_when_the_suite_leaves_nothing_stays_held(stage: Any) -> None:
    async def act() -> None:
        api = Watched()
        async with stage(api) as s, s.client() as client:
            await s.control.hold("request")
            sending = asyncio.create_task(client.get("/api/v1/pods"))
            await s.seen("held")
            await s.control.close()
            assert (await sending).status == 200

    asyncio.run(act())


def test_upgrades_are_piped_raw_both_ways(stage: Any) -> None:
    async def act() -> None:
        async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            """After the head it is HTTP no more: what arrives comes back in capitals, until `end`."""
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"X-Remote-User: jane" in head
            assert b"Upgrade: SPDY/3.1" in head
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\n\r\nhello ")
            data = b""
            while not data.endswith(b"end"):
                data = await reader.read(1 << 16)
                writer.write(data.upper())
            writer.close()

        async with stage(raw=shout) as s:
            pair = s.pki.client("jane")
            tls = s.context.tls(server=False, ca=s.pki.ca, cert=pair.cert, key=pair.key)
            host, port = s.url.removeprefix("https://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port), ssl=tls)
            target = b"POST /api/v1/namespaces/a/pods/p/exec?command=ls HTTP/1.1\r\n"
            writer.write(target + b"Host: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"Upgrade: SPDY/3.1" in head
            assert await reader.readexactly(6) == b"hello "
            writer.write(b"GET / HTTP/1.1\r\n\r\n")  # looks like HTTP, is none
            assert await reader.readexactly(18) == b"GET / HTTP/1.1\r\n\r\n"
            writer.write(b"\x00" * 100_000 + b"end")
            assert await reader.read(-1) == b"\x00" * 100_000 + b"END"
            writer.close()
            [request] = await s.seen("request")
            assert (request["verb"], request["subresource"], request["user"]) == ("connect", "exec", "jane")
            await s.seen("answer", code=101)
            await s.seen("stream-end", who="server")

    asyncio.run(act())


def test_a_stream_that_is_ended_ends_in_good_order(stage: Any) -> None:
    async def act() -> None:
        api = Watched()
        async with stage(api) as s, s.client(bearer="s3cret") as client:
            reply = await client.get("/api/v1/pods?watch=true")
            api.send(event("x", 1))
            assert await reply.content.readline() == event("x", 1)
            await s.control.end_streams(instance="scheduler", resource="nodes")
            assert s.history.of("stream-end") == []
            await s.control.end_streams(instance="scheduler", resource="pods")
            assert await reply.content.read() == b""
            await asyncio.wait_for(api.closed.wait(), 5)
            [end] = await s.seen("stream-end")
            assert (end["who"], end.instance) == ("server", "scheduler")
            again = await client.get("/api/v1/pods?watch=true")
            assert again.status == 200
            again.close()

    asyncio.run(act())
