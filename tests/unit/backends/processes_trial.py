"""A cluster of processes for tests."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from seatrial.backends.interface import Host, Instance, Program
from seatrial.backends.processes import Processes
from seatrial.backends.processes.network import Wires
from seatrial.model.history import Event, History

HERE = Path(__file__).parent


class Trial:
    """A network of processes, and what it recorded."""

    def __init__(self, backend: Processes) -> None:
        self.backend = backend
        self.history = History(backend.now_s)
        self.network: Wires = backend.run(backend.network(self.history.recorder("flows")))

    async def boot(self, name: str, what: str, *args: object) -> Instance:
        program = Program(python=f"processes_programs:{what}", args=[str(a) for a in args], path=[HERE])
        return await self.network.boot(name, await self.network.host(name), program)

    async def serving(self, name: str, what: str = "echo", port: int = 7000) -> Host:
        host = await self.network.host(name)
        await self.boot(name, what, host.address, port)
        (await reach(self.network.operator, host, port))[1].close()
        return host

    def opened(self, source: str, target: str) -> list[Event]:
        return [e for e in self.history.of("open") if (e.data["origin"], e.data["target"]) == (source, target)]

    def closed(self, link: Event) -> list[Event]:
        return self.history.of("close", link=link["link"])

    def frames(self) -> dict[tuple[str, str], int]:
        return {(source, target): count for source, target, count in self.history.of("frames")[-1]["pairs"]}


def namespace(kind: str) -> str:
    return str(Path(f"/proc/thread-self/ns/{kind}").readlink())


def thread_states(host: Host) -> list[str]:
    """Of each thread on that host, as the kernel abbreviates them; those of the host's init, which is never paused, apart."""
    network = os.fstat(host.fd).st_ino  # type: ignore[attr-defined]
    here = [p for p in Path("/proc").glob("[0-9]*") if os.access(p / "ns/net", os.R_OK) and (p / "ns/net").stat().st_ino == network]
    programs = [p for p in here if (p / "status").read_text().partition("NSpid:")[2].splitlines()[0].split()[-1] != "1"]
    return [stat.read_text().rpartition(")")[2].split()[0] for p in programs for stat in p.glob("task/*/stat")]


def descriptors() -> set[str]:
    return {p.name for p in Path("/proc/self/fd").iterdir()}


async def reach(source: Host, target: Host, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Dial until somebody answers."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await source.dial(target.address, port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)


async def answers(stream: tuple[asyncio.StreamReader, asyncio.StreamWriter], *, within_s: float = 5) -> bool:
    stream[1].write(b"x")
    try:
        async with asyncio.timeout(within_s):
            return bool(await stream[0].read(1))
    except TimeoutError:
        return False


async def hung_up(stream: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> bool:
    """The other side is gone; where it had not even accepted, the kernel resets the connection."""
    try:
        return not await stream[0].read()
    except ConnectionResetError:
        return True
    finally:
        stream[1].close()


def trying(act: Callable[[Trial], Coroutine[Any, Any, None]]) -> Callable[[Trial], None]:
    """A test that is a coroutine, run as the operator."""

    def test(trial: Trial) -> None:
        async def in_time() -> None:
            async with asyncio.timeout(20):
                await act(trial)

        trial.backend.run(in_time())

    test.__name__ = act.__name__
    return test
