"""An API server and its store in one loop, on loopback ports that the kernel chooses, and a client that shows codes and bodies."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import orjson
import pytest
from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver import assembly
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.store import Etcd as Client
from seatrial_reference.apiserver.webhooks import Webhooks
from seatrial_reference.etcd.server import Etcd
from seatrial_reference.machinery.serving import Listening, serve
from seatrial_schemas.context import SystemContext

T = TypeVar("T")
Json = dict[str, Any]
ANSWER_S = 10.0
TOKENS = """operator,seatrial:operator,1,"system:masters"
alice,alice,2,"devs"
scheduler,system:kube-scheduler,3,
node,system:node:n1,4,"system:nodes"
"""


class Replaceable(Etcd):
    """A store whose transactions a test can answer otherwise."""

    txn_now: Any = None

    async def txn(self, request: Any) -> Any:
        return await (self.txn_now or super().txn)(request)


class World:
    """One store, one or more API servers, and whoever asks them. Everything runs inside `run`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runner = asyncio.Runner()
        self.context = SystemContext()
        self.ports: list[int] = []
        self.servers: list[ApiServer] = []
        self.clients: list[Client] = []
        self._ending: list[Callable[[], Coroutine[Any, Any, None]]] = []
        (folder / "tokens").write_text(TOKENS)

    def run(self, act: Coroutine[Any, Any, T]) -> T:
        async def bounded() -> T:
            async with asyncio.timeout(ANSWER_S):
                return await act

        return self.runner.run(bounded())

    async def open(self) -> None:
        self.etcd = Replaceable(context=self.context)
        self.etcd_server = server = await self.etcd.listen("127.0.0.1", 0)
        self.etcd_port = server._server.sockets[0].getsockname()[1]
        expiring = asyncio.ensure_future(self.etcd.expire_leases())
        self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

        async def end() -> None:
            expiring.cancel()
            server.close()
            await self.session.close()

        self._ending.append(end)

    async def serve(self, *flags: str, part: type[ApiServer] = ApiServer) -> int:
        """Start an API server; returns its port once it is ready."""
        common = [f"--etcd-servers=http://127.0.0.1:{self.etcd_port}", f"--token-auth-file={self.folder / 'tokens'}"]
        parsed = apiserver.parser().parse_args([*common, *flags])
        webhooks, client = Webhooks(self.context), Client(urls=parsed.etcd_servers, timeout_s=parsed.request_timeout)
        self.clients.append(client)
        server = part(assembly._parts(parsed, self.context, webhooks, client))
        opened: asyncio.Future[Listening] = asyncio.get_running_loop().create_future()
        tls = assembly._tls(parsed, self.context)
        task = asyncio.ensure_future(server.run(host="127.0.0.1", port=0, tls=tls, listening=opened.set_result))

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            client.close()
            await webhooks.close()

        self._ending.append(end)
        port = (await opened).port
        await server.started.wait()
        self.ports.append(port)
        self.servers.append(server)
        return port

    def cut(self) -> None:
        """Break all connections to the store."""
        for channel in [channel for client in self.clients for channel in client._channels]:
            if channel._protocol is not None:
                channel._protocol.connection._transport.abort()

    async def hook(self, answer: Callable[[Json], Json]) -> str:
        """A webhook; returns its URL. It is asked over plain HTTP."""

        async def handle(request: web.BaseRequest) -> web.Response:
            return web.json_response(answer(orjson.loads(await request.read())))

        listening = await serve(handle, host="127.0.0.1", port=0, tls=None)
        self._ending.append(listening.close)
        return f"http://127.0.0.1:{listening.port}"

    def kubeconfig(self, name: str, url: str) -> Path:
        path = self.folder / name
        named = {"clusters": [{"name": "c", "cluster": {"server": url}}], "users": [{"name": "u", "user": {}}]}
        context = {"contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}], "current-context": "x"}
        path.write_bytes(orjson.dumps(named | context))
        return path

    async def ask(  # noqa: PLR0917
        self,
        method: str,
        path: str,
        body: Any = None,
        user: str | None = "operator",
        media: str = "application/json",
        headers: dict[str, str] | None = None,
        port: int | None = None,
    ) -> tuple[int, Any]:
        """Code and decoded body of the answer."""
        sent = {"Authorization": f"Bearer {user}"} if user else {}
        data = body if isinstance(body, bytes | None) else orjson.dumps(body)
        sent |= ({"Content-Type": media} if data is not None else {}) | (headers or {})
        url = f"http://127.0.0.1:{port or self.ports[0]}{path}"
        sending = io.BytesIO(data) if data is not None else None
        async with self.session.request(method, url, data=sending, headers=sent) as answer:
            text = await answer.read()
            return answer.status, (orjson.loads(text) if answer.content_type == "application/json" else text.decode())

    async def must(self, method: str, path: str, body: Any = None, **options: Any) -> Json:
        code, answer = await self.ask(method, path, body, **options)
        assert code < 300, answer
        return dict(answer)

    @asynccontextmanager
    async def watch(
        self, path: str, user: str = "operator", port: int | None = None
    ) -> AsyncIterator[Callable[[], Coroutine[Any, Any, Json]]]:
        """Gives a function that waits for the next event."""
        url = f"http://127.0.0.1:{port or self.ports[0]}{path}{'&' if '?' in path else '?'}watch=1"
        async with self.session.get(url, headers={"Authorization": f"Bearer {user}"}) as answer:
            assert answer.status == 200, await answer.text()

            async def following() -> Json:
                line = await answer.content.readline()
                return dict(orjson.loads(line)) if line else {}

            yield following

    async def close(self) -> None:
        for end in reversed(self._ending):
            await end()


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[World]:
    """A store; no API server yet."""
    world = World(tmp_path)
    world.run(world.open())
    yield world
    world.run(world.close())
    world.runner.close()


@pytest.fixture
def world(bare: World) -> World:
    """A store and one API server."""
    bare.run(bare.serve())
    return bare
