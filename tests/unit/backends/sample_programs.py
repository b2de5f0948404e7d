"""Programs that the tests of the backends boot: small servers and clients that behave, and some that do not."""

import asyncio
import contextlib
import logging
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from grpclib.client import Channel
from grpclib.server import Server, Stream

from seatrial_schemas import etcd
from seatrial_schemas import etcd_pb2 as pb
from seatrial_schemas.context import Context
from seatrial_schemas.rpc import Service

log = logging.getLogger("sample")


def client_session(tls: ssl.SSLContext | None = None) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(ssl=True if tls is None else tls)
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None, sock_connect=5))


async def hello(request: web.BaseRequest) -> web.StreamResponse:
    if request.path == "/stream":
        return await ticks(request)
    if request.path == "/socket":
        return await echo_socket(request)
    if request.path == "/hang":
        await asyncio.get_running_loop().create_future()
    assert request.transport is not None
    peer = request.transport.get_extra_info("peercert")
    return web.json_response({"remote": request.remote, "scheme": request.scheme, "peer": peer, "body": (await request.text())})


async def ticks(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for number in range(10):
        await asyncio.sleep(1)
        await response.write(f"{number}\n".encode())
    return response


async def echo_socket(request: web.BaseRequest) -> web.StreamResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data.upper())
    return socket


async def serve_http(args: Sequence[str], context: Context) -> None:
    """[address, port, and for TLS: ca, cert, key]."""
    address, port, *files = args
    paths = [Path(f) for f in files]
    tls = context.tls(server=True, ca=paths[0], cert=paths[1], key=paths[2]) if files else None
    runner = web.ServerRunner(web.Server(hello, access_log=None, handler_cancellation=True), shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, address, int(port), ssl_context=tls).start()
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        await runner.cleanup()


async def poll_http(args: Sequence[str], context: Context) -> None:
    """[url]: ask for ever, with a jittered pause, over one session that nobody closes."""
    session = client_session()
    while True:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            await (await session.get(args[0])).read()
        await context.sleep(context.random.uniform(0.05, 0.2))


@contextlib.asynccontextmanager
async def grpc_server(**where: Any) -> AsyncIterator[None]:
    async def answer(stream: Stream[pb.RangeRequest, pb.RangeResponse]) -> None:
        request = await stream.recv_message()
        assert request is not None
        await stream.send_message(pb.RangeResponse(count=len(request.key)))

    server = Server([Service({etcd.RANGE: answer})])
    await server.start(**where)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


async def serve_grpc(args: Sequence[str], context: Context) -> None:
    """[address, port] or [path]."""
    where: dict[str, Any] = {"path": args[0]} if len(args) == 1 else {"host": args[0], "port": int(args[1])}
    async with grpc_server(**where):
        await asyncio.get_running_loop().create_future()


async def poll_grpc(args: Sequence[str], context: Context) -> None:
    channel = Channel(args[0], int(args[1]))
    while True:
        await etcd.RANGE.unary(channel)(pb.RangeRequest(key=b"abc"), timeout=3)
        await asyncio.gather(*(context.sleep(context.random.random()) for _ in range(3)))


def escape(way: str) -> None:
    """By the operating system, in spite of the loop."""
    if way == "dial in a thread":
        thread = threading.Thread(target=escape, args=("dial",))
        thread.start()
        thread.join()
    with contextlib.suppress(OSError):
        if way == "dial":
            socket.create_connection(("127.0.0.1", 9), timeout=0.1)
        elif way == "call":
            subprocess.run([sys.executable, "--version"], check=False)


async def leave(args: Sequence[str], context: Context) -> None:
    """[what]: end in some way."""
    log.warning("about to leave: %s", args[0])
    left_behind = asyncio.create_task(asyncio.sleep(3600))
    match args[0]:
        case "return":
            return
        case "raise":
            raise ValueError("no way on")
        case "exit":
            raise SystemExit(3)
        case "exit in a task":
            await asyncio.gather(left_behind, asyncio.create_task(exit_soon(context)))
        case "say why":
            raise SystemExit("lost the lease")
        case "block":
            while True:
                time.sleep(0.01)  # noqa: ASYNC251
        case "spin":
            while True:  # noqa: ASYNC110
                await asyncio.sleep(0)
        case way:
            escape(way)
    await left_behind


async def exit_soon(context: Context) -> None:
    await context.sleep(1)
    raise SystemExit(4)


async def fail_aside(args: Sequence[str], context: Context) -> None:
    """A callback fails; the program goes on."""

    def fail() -> None:
        raise ValueError("aside")

    asyncio.get_running_loop().call_later(1, fail)
    await context.sleep(3600)


async def stubborn(args: Sequence[str], context: Context) -> None:
    """Ignores every cancellation."""
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await context.sleep(1)


async def tell(args: Sequence[str], context: Context) -> None:
    """Say what the context gives, then end."""
    log.warning("%s %s %.3f", context.random.random(), next(iter(context.ids)), context.wall_s())


class Answering(asyncio.DatagramProtocol):
    """Sends back what it gets, louder."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        log.warning("got %s", data.decode())
        if data.islower():
            self.transport.sendto(data.upper(), addr)


async def answer_datagrams(args: Sequence[str], context: Context) -> None:
    """[address, port]"""
    await asyncio.get_running_loop().create_datagram_endpoint(Answering, local_addr=(args[0], int(args[1])))
    await context.sleep(3600)


async def throw_datagrams(args: Sequence[str], context: Context) -> None:
    """[address, port]: three, a second apart."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Answering, remote_addr=(args[0], int(args[1])))
    for _ in range(3):
        transport.sendto(b"ahoy")
        await context.sleep(1)
    transport.close()
    await context.sleep(3600)


async def introduce(args: Sequence[str], context: Context) -> None:
    """What everybody says who wants to be told from others."""
    sys.stdout.write("I am ")
    sys.stderr.write(f"on {socket.gethostname()}\n")
