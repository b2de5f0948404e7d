"""A stage for the tap: a little API server of aiohttp above it, aiohttp clients below it, real TLS on loopback."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from seatrial.doubles import tap
from seatrial.doubles.tap_control import TapControl
from seatrial.model.history import Event, History, eventually
from seatrial.wire.pki import Pki
from seatrial_schemas.context import SystemContext
from unit.ports import free_port

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Stage:
    """Tap and control, running; `url` is what clients are told."""

    def __init__(self, pki: Pki, history: History, url: str) -> None:
        self.pki = pki
        self.history = history
        self.url = url
        self.context = SystemContext()
        self.control: TapControl

    @contextlib.asynccontextmanager
    async def client(self, *, user: str | None = None, groups: tuple[str, ...] = (), bearer: str = "", address: str = "127.0.0.1") -> Any:
        pair = self.pki.client(user, groups=groups) if user else None
        tls = self.context.tls(server=False, ca=self.pki.ca, cert=pair and pair.cert, key=pair and pair.key)
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        connector = aiohttp.TCPConnector(ssl=tls, local_addr=(address, 0))
        async with aiohttp.ClientSession(self.url, connector=connector, headers=headers) as session:
            yield session

    async def seen(self, kind: str, *, count: int = 1, **match: Any) -> list[Event]:
        """Events of that kind, once there are enough."""

        def enough(history: History) -> list[Event]:
            found = history.of(kind, **match)
            return found if len(found) >= count else []

        found = await eventually(self.history, enough, within_s=30)
        assert found, f"no {kind} {match} in {[f'{e.kind} {dict(e.data)}'[:200] for e in self.history][-50:]}"
        return found


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def stage(pki: Pki, tmp_path: Path) -> Callable[..., contextlib.AbstractAsyncContextManager[Stage]]:
    @contextlib.asynccontextmanager
    async def build(handler: Handler | None = None, *, raw: Any = None) -> AsyncIterator[Stage]:
        """The API server is `handler`, of aiohttp, or `raw`, a callback of asyncio.start_server."""
        context = SystemContext()
        loop = asyncio.get_running_loop()
        serving = pki.serving("apiserver", names=["127.0.0.1", "localhost"])
        proxy = pki.front_proxy()
        port, upstream_port = free_port(), free_port()
        tls = context.tls(server=True, ca=pki.front_proxy_ca, cert=serving.cert, key=serving.key)
        server = web.Server(handler, access_log=None, handler_cancellation=True) if handler else None
        if server is None:
            upstream = await asyncio.start_server(raw, "127.0.0.1", upstream_port, ssl=tls)
        else:
            upstream = await loop.create_server(server, "127.0.0.1", upstream_port, ssl=tls)
        socket_path = tmp_path / "tap.sock"
        running = loop.create_task(
            tap.main(
                [
                    f"--listen=127.0.0.1:{port}",
                    f"--upstream=https://127.0.0.1:{upstream_port}",
                    f"--tls-cert-file={serving.cert}",
                    f"--tls-private-key-file={serving.key}",
                    f"--client-ca-file={pki.ca}",
                    f"--upstream-ca-file={pki.ca}",
                    f"--proxy-client-cert-file={proxy.cert}",
                    f"--proxy-client-key-file={proxy.key}",
                    f"--control={socket_path}",
                ],
                context,
            )
        )
        history = History(context.now_s)
        built = Stage(pki, history, f"https://127.0.0.1:{port}")
        built.control = await TapControl.connect(socket_path, record=history.recorder("tap/api"), context=context)
        await built.control.configure(
            hosts={"127.0.0.1": "scheduler", "127.0.0.2": "kubelet"},
            identities={sha256(b"s3cret").hexdigest(): "system:kube-scheduler"},
            key="k",
        )
        try:
            yield built
        finally:
            await built.control.close()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            upstream.close()
            if server is not None:
                await server.shutdown(0)
            left = asyncio.all_tasks() - {asyncio.current_task()}
            assert not [t for t in left if "seatrial" in repr(t.get_coro())]

    return build
