"""The backend: one loop, one runner, one operator, and networks one after another."""

import asyncio
import contextlib
import gc
import logging
from collections.abc import Coroutine
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from seatrial.backends.interface import OPERATOR, Network
from seatrial.backends.simulation.boot import BOOT, Boot, context_of
from seatrial.backends.simulation.context import SimulatedContext
from seatrial.backends.simulation.escapes import Escapes
from seatrial.backends.simulation.libraries import Libraries
from seatrial.backends.simulation.loop import RESTLESS, SimulatedLoop
from seatrial.backends.simulation.network import SimulatedNetwork, drain
from seatrial.backends.simulation.presence import output
from seatrial.backends.simulation.scratch import certificates
from seatrial.backends.simulation.watchdog import Blocked, watchdog
from seatrial.model.errors import Inconclusive
from seatrial.model.history import Record
from seatrial.wire.pki import Pki
from seatrial_schemas.context import Context

T = TypeVar("T")
GAP_S = (0.001, 0.005)  # between two runs: steps of a scenario do not act at one instant


@cache
def _settle_down() -> None:
    """What was imported stays: collections need not look at it again."""
    gc.collect()
    gc.freeze()


class Simulation:
    """See backends.interface.Backend. The same seed gives the same history."""

    name = "simulation"
    can = frozenset({"kill", "pause", "cut", "virtual-time"})

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed
        self._random = Random(f"{seed}/order")  # noqa: S311 - reproducible on purpose
        self._runner = asyncio.Runner(loop_factory=lambda: SimulatedLoop(self._random))
        loop = self._runner.get_loop()
        assert isinstance(loop, SimulatedLoop)  # noqa: S101 - for the type checker
        self._loop = loop
        self._operator = Boot(OPERATOR, None)
        self._context = SimulatedContext(seed=seed, name=OPERATOR, boot=0, now_s=loop.time)
        random = Random(f"{seed}/libraries")  # noqa: S311
        self._escapes = Escapes()
        self._libraries = Libraries(monotonic=loop.time, wall=self._context.wall_s, random=random, escapes=self._escapes)
        self._network: SimulatedNetwork | None = None
        self._logs = BootLogs()
        logging.getLogger().addHandler(self._logs)
        _settle_down()
        self._collects = gc.isenabled()
        gc.disable()  # the loop collects at fixed steps: finalizers have effects

    def certificates(self, directory: Path) -> Pki:
        return certificates(self.seed)

    def run(self, act: Coroutine[Any, Any, T], /) -> T:
        with self._libraries.replaced(), output(), watchdog(self._loop):
            task: asyncio.Task[T] = self._loop.create_task(self._acting(act), context=context_of(self._operator))
            try:
                result = self._until_done(task)
            except asyncio.CancelledError:
                if self._loop.fault is None:
                    raise
            except Blocked as blocked:
                raise Inconclusive(f"simulation {blocked}") from blocked
            finally:
                self._loop.act = None
        if self._loop.fault is not None:
            fault, self._loop.fault = self._loop.fault, None
            raise fault
        if tried := self._escapes.tried():
            raise Inconclusive(f"{tried}, where nothing is seen: run it as processes (--backend processes)")
        return result

    def _until_done(self, act: "asyncio.Task[T]") -> T:
        """As asyncio.Runner does, which sets a signal handler each time; whoever is interrupted ends in good order."""
        try:
            return self._loop.run_until_complete(act)
        except KeyboardInterrupt as interrupt:
            if not isinstance(interrupt, Blocked) and act.cancel():
                with contextlib.suppress(asyncio.CancelledError):
                    self._loop.run_until_complete(act)
            raise

    def now_s(self) -> float:
        return self._loop.time()

    def context(self) -> Context:
        return self._context

    async def network(self, record: Record) -> Network:
        if self._network is not None:
            await self._network.close()
        self._loop.tired_at = self._loop.steps + RESTLESS
        self._network = SimulatedNetwork(loop=self._loop, seed=self.seed, operator=self._operator, record=record)
        return self._network

    def close(self) -> None:
        if self._loop.is_closed():
            return
        try:
            self.run(self._shut_down())
            self._runner.close()
        finally:
            logging.getLogger().removeHandler(self._logs)
            if self._collects:
                gc.enable()

    async def _acting(self, act: Coroutine[Any, Any, T]) -> T:
        self._loop.act = asyncio.current_task()
        try:
            if self._loop.steps > 1:  # not at the very beginning
                await asyncio.sleep(self._random.uniform(*GAP_S))
        except BaseException:
            act.close()
            raise
        return await act

    async def _shut_down(self) -> None:
        if self._network is not None:
            await self._network.close()
        self._loop.forget_dialled()
        await drain(self._loop, [self._operator])
        await self._libraries.close()


class BootLogs(logging.Handler):
    """Puts log records where they belong: to the program on whose behalf they were made."""

    def emit(self, record: logging.LogRecord) -> None:
        boot = BOOT.get()
        if boot is not None:
            boot.say(f"{record.levelname} {record.name}: {self.format(record)}")
