"""The tap forwards what it is given, records what passes, and vouches for nobody it has not verified."""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

POD = {"kind": "Pod", "metadata": {"name": "p", "namespace": "a", "uid": "u-1", "resourceVersion": "7"}}


def answer(body: object, *, status: int = 200, **headers: str) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json", headers=headers)


async def echo(request: web.BaseRequest) -> web.Response:
    fields = {str(k): request.headers.getall(k) for k in request.headers}
    return answer({"method": request.method, "path": request.raw_path, "fields": fields, "body": (await request.read()).decode()})


def test_a_request_and_its_answer_are_recorded(stage: Any) -> None:
    async def act() -> None:
        async def create(request: web.BaseRequest) -> web.StreamResponse:
            return answer(POD, status=201, **{"Audit-Id": "audit-1"})

        async with stage(create) as s, s.client(bearer="s3cret") as client:
            body = {"kind": "Pod", "metadata": {"name": "p"}}
            async with client.post("/api/v1/namespaces/a/pods?fieldManager=me", json=body, headers={"User-Agent": "test"}) as reply:
                assert (reply.status, await reply.json()) == (201, POD)
            await s.control.settle()
            [request], [answered] = s.history.of("request"), s.history.of("answer")
            assert request.instance == answered.instance == "scheduler"
            assert request.data == {
                "request": 1,
                "user": "system:kube-scheduler",
                "method": "POST",
                "verb": "create",
                "path": "/api/v1/namespaces/a/pods",
                "query": {"fieldManager": "me"},
                "group": "",
                "resource": "pods",
                "subresource": "",
                "namespace": "a",
                "name": "p",
                "agent": "test",
                "body": body,
            }
            assert (answered["code"], answered["revision"], answered["uid"], answered["audit"]) == (201, 7, "u-1", "audit-1")
            assert s.history.of("request")[0].at_s <= answered.at_s

    asyncio.run(act())


def test_certificates_go_on_as_front_proxy_headers_and_nobody_can_forge_them(stage: Any) -> None:
    async def act() -> None:
        presented = []

        async def who(request: web.BaseRequest) -> web.StreamResponse:
            presented.append(request.get_extra_info("peercert"))
            return await echo(request)

        async with stage(who) as s, s.client(user="jane", groups=("dev", "ops")) as jane, s.client(bearer="other") as anybody:
            forged = {"X-Remote-User": "admin", "X-Remote-Group": "system:masters"}
            fields = (await (await jane.get("/api/v1/pods", headers=forged)).json())["fields"]
            assert fields["X-Remote-User"] == ["jane"]
            assert fields["X-Remote-Group"] == ["dev", "ops"]
            assert fields["X-Remote-Extra-Authentication.kubernetes.io%2Fcredential-id"][0].startswith("X509SHA256=")
            fields = (await (await anybody.get("/api/v1/pods", headers=forged)).json())["fields"]
            assert not [f for f in fields if f.startswith("X-Remote")]
            assert fields["Authorization"] == ["Bearer other"]
            assert fields["X-Forwarded-For"] == ["127.0.0.1"]
            assert [bool(p) for p in presented] == [True, False]  # the proxy certificate only for those who presented one
            await s.control.settle()
            assert [e["user"] for e in s.history.of("request")] == ["jane", ""]

    asyncio.run(act())


def test_bodies_pass_byte_by_byte_whatever_their_framing(stage: Any) -> None:
    async def act() -> None:
        async def mirror(request: web.BaseRequest) -> web.StreamResponse:
            data = await request.read()
            if request.query.get("chunked"):
                response = web.StreamResponse(headers={"Content-Type": "application/json"})
                await response.prepare(request)
                for at in range(0, len(data), 1000):
                    await response.write(data[at : at + 1000])
                await response.write_eof()
                return response
            return web.Response(body=data)

        async with stage(mirror) as s, s.client() as client:
            data = orjson.dumps({"x": [str(i) for i in range(5000)]})

            async def pieces() -> AsyncIterator[bytes]:
                yield data[:17]
                yield data[17:]

            for path in ("/x", "/x?chunked=1"):
                for body in (data, pieces()):
                    reply = await client.put(path, data=body)
                    assert await reply.read() == data
            reply = await client.put("/x", data=data, expect100=True)
            assert await reply.read() == data
            reply = await client.head("/x")
            assert (reply.status, await reply.read()) == (200, b"")

    asyncio.run(act())


def test_a_compressed_answer_stays_compressed_and_its_revision_is_read(stage: Any) -> None:
    async def act() -> None:
        async def compressed(request: web.BaseRequest) -> web.StreamResponse:
            assert "gzip" in request.headers["Accept-Encoding"]
            return web.Response(
                body=gzip.compress(orjson.dumps(POD)), headers={"Content-Type": "application/json", "Content-Encoding": "gzip"}
            )

        async with stage(compressed) as s, s.client() as client:
            reply = await client.get("/api/v1/namespaces/a/pods/p")
            assert reply.headers["Content-Encoding"] == "gzip"
            assert await reply.json() == POD
            [answered] = await s.seen("answer")
            assert answered["revision"] == 7

    asyncio.run(act())


@pytest.mark.parametrize(("offered", "passed_on"), [("gzip, deflate, br", ["gzip"]), ("zstd", None), ("identity", None)])
def test_only_compression_that_can_be_read_is_offered_to_the_server(stage: Any, offered: str, passed_on: list[str] | None) -> None:
    async def act() -> None:
        async with stage(echo) as s, s.client() as client:
            reply = await client.get("/api/v1/namespaces/a/pods/p", headers={"Accept-Encoding": offered})
            assert (await reply.json())["fields"].get("Accept-Encoding") == passed_on

    asyncio.run(act())


def test_a_binding_sent_to_the_namespace_is_one_of_the_pod_that_it_names(stage: Any) -> None:
    async def act() -> None:
        async with stage(echo) as s, s.client() as client:
            await client.post("/api/v1/namespaces/a/bindings", json={"metadata": {"name": "p"}, "target": {"name": "n1"}})
            await s.control.settle()
            [request], [answered] = s.history.of("request"), s.history.of("answer")
            assert (request["resource"], request["subresource"], request["name"], request["verb"]) == ("pods", "binding", "p", "create")
            assert (answered["resource"], answered["subresource"], answered["name"]) == ("pods", "binding", "p")
            assert request["path"] == "/api/v1/namespaces/a/bindings"

    asyncio.run(act())


def test_a_status_answer_names_what_it_speaks_of(stage: Any) -> None:
    async def act() -> None:
        async def refuse(request: web.BaseRequest) -> web.StreamResponse:
            return answer({"kind": "Status", "metadata": {}, "code": 409, "details": {"name": "p", "uid": "u-9"}}, status=409)

        async with stage(refuse) as s, s.client() as client:
            await client.post("/api/v1/namespaces/a/pods", json={"metadata": {"generateName": "p-"}})
            [answered] = await s.seen("answer")
            assert (answered["code"], answered["name"], answered["uid"], answered["revision"]) == (409, "p", "u-9", None)

    asyncio.run(act())


def test_secrets_never_leave_the_tap(stage: Any) -> None:
    async def act() -> None:
        async with stage(echo) as s, s.client(bearer="s3cret") as client:
            secret = {"kind": "Secret", "metadata": {"name": "x"}, "data": {"a": "Zm9v"}, "stringData": {"b": "Zm9v", "c": "other"}}
            await client.post("/api/v1/namespaces/a/secrets", json=secret)
            await client.patch("/api/v1/namespaces/a/secrets/x", json=[{"op": "replace", "path": "/data/a", "value": "Zm9v"}])
            await client.post("/apis/authentication.k8s.io/v1/tokenreviews", json={"kind": "TokenReview", "spec": {"token": "Zm9v"}})
            await client.post("/api/v1/namespaces/a/pods", data=b"k8s\0Zm9v")
            await s.control.settle()
            created, patched, review, opaque = s.history.of("request")
            first = created["body"]["data"]["a"]
            assert first.startswith("hmac:")
            assert created["body"]["stringData"]["b"] == first  # equality can still be judged
            assert created["body"]["stringData"]["c"] != first
            assert patched["body"][0]["value"] == first
            assert review["body"]["spec"]["token"] == first
            assert opaque["body_hash"].startswith("hmac:")
            assert opaque["body"] is None
            everything = b"".join(s.history.as_lines())
            assert b"Zm9v" not in everything
            assert b"s3cret" not in everything

    asyncio.run(act())


def test_logs_flow_while_they_are_written(stage: Any) -> None:
    async def act() -> None:
        more = asyncio.Event()

        async def follow(request: web.BaseRequest) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Type": "text/plain"})
            await response.prepare(request)
            await response.write(b"one\n")
            await more.wait()
            await response.write(b"two\n")
            return response

        async with stage(follow) as s, s.client() as client:
            reply = await client.get("/api/v1/namespaces/a/pods/p/log?follow=true")
            assert await reply.content.readline() == b"one\n"
            more.set()
            assert await reply.content.read() == b"two\n"

    asyncio.run(act())


def test_requests_of_one_client_share_connections_to_the_api_server(stage: Any) -> None:
    async def act() -> None:
        peers = set()

        async def who(request: web.BaseRequest) -> web.StreamResponse:
            peers.add(request.get_extra_info("peername"))
            return answer({})

        async with stage(who) as s, s.client(bearer="t") as client:
            for _ in range(5):
                async with client.get("/api/v1/pods"):
                    pass
            assert len(peers) == 1

    asyncio.run(act())


def test_a_tap_goes_down_with_its_api_server_and_comes_back(stage: Any) -> None:
    async def act() -> None:
        waiting = asyncio.Event()

        async def slow(request: web.BaseRequest) -> web.StreamResponse:
            if request.path == "/slow":
                waiting.set()
                await asyncio.Event().wait()
            return answer({})

        async with stage(slow) as s, s.client() as client:
            pending = asyncio.create_task(client.get("/slow"))
            await waiting.wait()
            await s.control.down()
            with pytest.raises(aiohttp.ClientError):
                await pending
            with pytest.raises(aiohttp.ClientConnectorError):
                await client.get("/healthz")
            [dropped] = await s.seen("dropped")
            assert dropped["what"] == "answer"
            await s.control.up()
            assert (await client.get("/healthz")).status == 200

    asyncio.run(act())


def test_one_instance_can_be_hung_up_on_and_comes_back(stage: Any) -> None:
    async def act() -> None:
        waiting = asyncio.Event()

        async def slow(request: web.BaseRequest) -> web.StreamResponse:
            if request.path == "/slow":
                waiting.set()
                await asyncio.Event().wait()
            return answer({})

        async with stage(slow) as s, s.client(address="127.0.0.2") as kubelet, s.client() as scheduler:
            pending = asyncio.create_task(kubelet.post("/slow"))  # a GET would be tried again
            await waiting.wait()
            await s.control.hang_up("scheduler")
            assert not pending.done()
            await s.control.hang_up("kubelet")
            with pytest.raises(aiohttp.ClientError):
                await pending
            assert (await kubelet.get("/healthz")).status == 200
            assert (await scheduler.get("/healthz")).status == 200

    asyncio.run(act())


def test_whoever_is_hung_up_on_before_the_handshake_is_over_has_no_connection(stage: Any) -> None:
    async def act() -> None:
        async with stage(echo) as s:
            tls = s.context.tls(server=False, ca=s.pki.ca, cert=None, key=None)
            host, port = s.url.removeprefix("https://").split(":")

            async def answer_to(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
                with contextlib.suppress(ConnectionError):  # as it is broken off in the midst of it
                    await writer.start_tls(tls, server_hostname=host)
                    writer.write(b"GET /healthz HTTP/1.1\r\nHost: it\r\n\r\n")
                    return await reader.read(9)
                return b""

            late = await asyncio.open_connection(host, int(port))
            await s.control.settle()
            await s.control.hang_up("scheduler")
            new = await asyncio.open_connection(host, int(port))
            assert [await answer_to(*connection) for connection in (late, new)] == [b"", b"HTTP/1.1 "]
            assert len(s.history.of("request")) == 1
            for _, writer in (late, new):
                writer.close()

    asyncio.run(act())


def test_an_api_server_that_hangs_up_takes_the_clients_connection_with_it(stage: Any) -> None:
    async def act() -> None:
        async def hang_up(request: web.BaseRequest) -> web.StreamResponse:
            request.transport.abort()
            return answer({})

        async with stage(hang_up) as s, s.client() as client:
            with pytest.raises(aiohttp.ClientError):
                await client.post("/api/v1/namespaces/a/pods", json={})
            assert await s.seen("lost", request=1)

    asyncio.run(act())


def test_nonsense_is_refused(stage: Any) -> None:
    async def act() -> None:
        async with stage(echo) as s:
            tls = s.context.tls(server=False, ca=s.pki.ca, cert=None, key=None)
            host, port = s.url.removeprefix("https://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port), ssl=tls)
            writer.write(b"\x16\x03\x01 nonsense\r\nno field\r\n\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
            writer.close()

    asyncio.run(act())


@pytest.mark.parametrize(
    ("accepted", "passed_on"),
    [
        ("application/cbor, application/json;q=0.9, */*", "application/json;q=0.9, */*"),
        ("application/vnd.kubernetes.protobuf,application/json", "application/vnd.kubernetes.protobuf,application/json"),
        ("application/cbor", "application/cbor"),
    ],
)
def test_only_forms_that_can_be_read_are_asked_of_the_server_where_there_is_a_choice(stage: Any, accepted: str, passed_on: str) -> None:
    async def act() -> None:
        async with stage(echo) as s, s.client() as client:
            reply = await client.get("/api/v1/namespaces/a/pods/p", headers={"Accept": accepted})
            [got] = (await reply.json())["fields"]["Accept"]
            assert got.strip() == passed_on

    asyncio.run(act())


def test_a_watch_is_followed_by_http_even_if_a_client_would_rather_have_a_websocket(stage: Any) -> None:
    """The way of clients behind proxies that upgrade nothing: where 200 comes in the place of 101, they read the stream."""

    async def act() -> None:
        async def stream(request: web.BaseRequest) -> web.StreamResponse:
            assert "Upgrade" not in request.headers
            response = web.StreamResponse(headers={"Content-Type": "application/json"})
            await response.prepare(request)
            await response.write(orjson.dumps({"type": "ADDED", "object": POD}) + b"\n")
            return response

        async with stage(stream) as s, s.client() as client:
            wish = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
            reply = await client.get("/api/v1/namespaces/a/pods?watch=true", headers=wish)
            assert (reply.status, orjson.loads(await reply.read())["type"]) == (200, "ADDED")
            await s.seen("delivered", name="p", revision=7)

    asyncio.run(act())


def test_what_stands_before_a_document_does_not_hide_it(stage: Any) -> None:
    async def act() -> None:
        async def spacious(request: web.BaseRequest) -> web.StreamResponse:
            return web.Response(body=b"\n  " + orjson.dumps(POD, option=orjson.OPT_INDENT_2), content_type="application/json")

        async with stage(spacious) as s, s.client() as client:
            await client.post("/api/v1/namespaces/a/pods", data=b"\n" + orjson.dumps(POD))
            [request], [answered] = await s.seen("request"), await s.seen("answer")
            assert (request["name"], request["body"], answered["revision"]) == ("p", POD, 7)

    asyncio.run(act())
