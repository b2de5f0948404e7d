"""The wires of one cluster, its hosts, and what was booted on them."""

import asyncio
import contextlib
import itertools
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

from seatrial.backends.interface import OPERATOR, Host, Instance, Program
from seatrial.backends.simulation.boot import Boot
from seatrial.backends.simulation.context import SimulatedContext
from seatrial.backends.simulation.host import SimulatedHost
from seatrial.backends.simulation.instance import KILLED, SimulatedInstance
from seatrial.backends.simulation.loop import SimulatedLoop
from seatrial.backends.simulation.program import must_be_python
from seatrial.backends.simulation.scratch import scratch
from seatrial.backends.simulation.wires import Wires
from seatrial.model.history import Record

DRAIN_ROUNDS = 5
DRAIN_ROUND_S = 2.0
ABANDON_TRIES = 10


class SimulatedNetwork:
    """See backends.interface.Network."""

    def __init__(self, *, loop: SimulatedLoop, seed: int, operator: Boot, record: Record) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="c", dir=scratch()))
        self._loop = loop
        self._seed = seed
        self._wires = Wires(loop=loop, random=Random(f"{seed}/wires"), record=record)  # noqa: S311 - reproducible on purpose
        self._addresses = (f"10.9.{n // 250}.{n % 250 + 2}" for n in itertools.count())
        self._hosts: dict[str, SimulatedHost] = {}
        self._instances: list[SimulatedInstance] = []
        self._boots: Counter[str] = Counter()
        self._open = True
        self.operator: Host = self._add(OPERATOR, operator)

    async def host(self, name: str) -> Host:
        return self._hosts.get(name) or self._add(name, Boot(f"suite@{name}", None))

    async def boot(self, name: str, host: Host, program: Program) -> Instance:
        must_be_python(name, program)
        number = self._boots[name]
        self._boots[name] += 1
        context = SimulatedContext(seed=self._seed, name=name, boot=number, now_s=self._loop.time)
        instance = SimulatedInstance(name=name, host=self._hosts[host.name], boot=number, program=program, context=context)
        self._instances.append(instance)
        return instance

    async def cut(self, source: Host, target: Host) -> None:
        self._wires.cuts.add((source.name, target.name))

    async def heal(self) -> None:
        self._wires.heal()

    async def settle(self) -> None:
        self._wires.record_frames()

    async def close(self) -> None:
        if not self._open:
            return
        self._open = False
        self._wires.close()
        for instance in self._instances:
            instance.end(KILLED)
        suite = [host.suite for host in self._hosts.values() if host is not self.operator]
        await drain(self._loop, [*(i.life for i in self._instances), *suite])
        shutil.rmtree(self.directory, ignore_errors=True)

    def _add(self, name: str, suite: Boot) -> SimulatedHost:
        host = SimulatedHost(wires=self._wires, name=name, address=next(self._addresses), suite=suite)
        self._hosts[name] = self._wires.sites[host.address] = host
        return host


async def drain(loop: SimulatedLoop, boots: Sequence[Boot]) -> None:
    """Let the tasks of `boots` run once more, cancelled, until none is left. Those that will not end are abandoned."""
    for boot in boots:
        loop.ready(boot.freeze(paused=False, dead=False))
    me = asyncio.current_task()
    for _ in range(DRAIN_ROUNDS):
        tasks = [t for boot in boots for t in boot.pending() if t is not me]
        if not tasks:
            break
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=DRAIN_ROUND_S)
    for boot in boots:
        boot.freeze(dead=boot.quit is not None)
        for task in boot.pending():
            if task is not me:
                _abandon(task)


def _abandon(task: "asyncio.Task[object]") -> None:
    """What asyncio's own documentation calls for when a task ends outside of the loop."""
    task._log_destroy_pending = False  # type: ignore[attr-defined] # noqa: SLF001
    asyncio.tasks._unregister_task(task)  # noqa: SLF001
    for _ in range(ABANDON_TRIES):
        with contextlib.suppress(RuntimeError):  # it awaited in spite of GeneratorExit
            task.get_coro().close()
            return
