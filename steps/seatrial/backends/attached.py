"""A cluster that exists, seen from outside: the machine's own network, the machine's own clock, and what a kubeconfig shows.

Nothing is started here, cut, killed or held, and no privileges are needed. What a guest has made must be gone afterwards, so the backend
carries the run's name and calls whoever wants to see something off before it closes; a polite end of the process counts as an interrupt.
"""

import asyncio
import contextlib
import random
import signal
import ssl
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from seatrial.backends.interface import Host, Instance, Program
from seatrial.backends.keeper import kept
from seatrial.model.errors import NotRunnable, UsageError
from seatrial.model.history import Record
from seatrial.wire.kubeconfig import Access, read_access
from seatrial.wire.pki import Pki
from seatrial_schemas.context import Context, SystemContext

T = TypeVar("T")
Farewell = Callable[[], Coroutine[Any, Any, None]]


class Attached:
    """See `interface.Backend`. Raises UsageError for a kubeconfig that cannot be followed."""

    name = "attached"
    can: frozenset[str] = frozenset()

    def __init__(self, *, kubeconfig: Path, context: str = "", seed: int = 0) -> None:
        self.directory, self._remove = kept()  # for files of the run
        self._context = SystemContext()
        self.run_id = f"{self._context.random.getrandbits(32):08x}"  # chance that no seed decides: two runs must not meet
        self._context.random = random.Random(seed)  # noqa: S311 - reproducible on purpose
        self.farewells: list[Farewell] = []
        self.stay: Any = None  # what the cluster layer has found out and keeps for the run
        try:
            self.access = _access(kubeconfig, context, self.directory)
            self.tls = _tls(self.access)
        except BaseException:
            self._remove()
            raise
        self._runner = asyncio.Runner()
        self._terminated = _as_interrupt()

    def run(self, act: Coroutine[Any, Any, T], /) -> T:
        return self._runner.run(act)

    def now_s(self) -> float:
        return time.monotonic()

    def context(self) -> Context:
        return self._context

    def certificates(self, directory: Path) -> Pki:
        return Pki(directory / "pki", context=self._context)

    async def network(self, record: Record) -> "Outside":
        return Outside(directory=self.directory, tls=self.tls)

    def close(self) -> None:
        """Raises what a farewell raises, when all have been said."""
        with contextlib.ExitStack() as undo:
            undo.callback(self._remove)
            undo.callback(self._terminated)
            undo.callback(self._runner.close)
            for farewell in self.farewells:
                undo.callback(self._say, farewell)

    def _say(self, farewell: Farewell) -> None:
        self.run(farewell())


def _access(kubeconfig: Path, context: str, scratch: Path) -> Access:
    try:
        return read_access(kubeconfig.read_text(), context=context, folder=kubeconfig.parent.resolve(), scratch=scratch)
    except OSError as error:
        raise UsageError(f"The kubeconfig {kubeconfig} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise UsageError(f"The kubeconfig {kubeconfig} cannot be followed: {error}.") from None


def _tls(access: Access) -> ssl.SSLContext:
    """What the cluster is verified with, and what is shown to it. Without a CA of its own the machine's count."""
    own = access.credentials
    try:
        tls = ssl.create_default_context(cafile=own.ca)
        if own.cert:
            tls.load_cert_chain(own.cert, own.key)
    except OSError as error:
        raise UsageError(f"The context {access.context} names certificates that cannot be used: {error}.") from None
    if access.unverified:
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    return tls


def _as_interrupt() -> Callable[[], object]:
    """From now on a request to end is an interrupt, after which everything is left as it was found; gives what undoes this."""
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    return lambda: signal.signal(signal.SIGTERM, before)


class Here:
    """This process, as the operator's host."""

    name = "operator"
    address = "127.0.0.1"

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls

    def session(self, *, tls: ssl.SSLContext | None = None, **options: Any) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(ssl=tls or self._tls)
        return aiohttp.ClientSession(connector=connector, **{"timeout": aiohttp.ClientTimeout(total=None)} | options)

    async def serve(self, server: Any, *, port: int, tls: ssl.SSLContext | None = None) -> asyncio.AbstractServer:
        raise NotRunnable("a cluster that exists cannot be told to ask the suite")

    async def dial(self, address: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(address, port)

    async def touch(self, address: str, port: int) -> int:
        raise NotRunnable("nobody can act from inside the hosts of a cluster that exists")


class Outside:
    """No wires: the cluster has its own."""

    def __init__(self, *, directory: Path, tls: ssl.SSLContext) -> None:
        self.directory = directory
        self.operator: Host = Here(tls)

    async def host(self, name: str) -> Host:
        raise NotRunnable("a cluster that exists has its own hosts")

    async def boot(self, name: str, host: Host, program: Program) -> Instance:
        raise NotRunnable("nothing is started beside a cluster that exists")

    async def cut(self, source: Host, target: Host) -> None:
        raise NotRunnable("the wires of a cluster that exists are not ours to cut")

    async def heal(self) -> None:
        """Nothing was cut."""

    async def settle(self) -> None:
        """Nothing is recorded on wires."""

    async def close(self) -> None:
        """The directory goes with the backend."""
