"""One event loop is the whole world: virtual time, and a seeded choice of who runs first.

A turn runs everything that is ready. Callbacks of one host keep their order, for that is what asyncio promises a process; between
hosts the seed shuffles, for that is what a network does not promise. When nothing is ready, time jumps to the next timer. Timers of
equal time run in the order of their making. Tasks hash by number, so that a set of tasks has the same order in every process.
"""

import asyncio
import gc
import heapq
import itertools
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from random import Random
from typing import Any

from seatrial.backends.simulation.boot import BOOT, Boot
from seatrial.backends.simulation.handle import SimulatedHandle
from seatrial.backends.simulation.sockets import Sockets
from seatrial.backends.simulation.watchdog import Blocked
from seatrial.model.errors import HarnessFault, Inconclusive

SWEEP_EVERY = 50_000  # callbacks; the collector runs at these steps and at no other
SWEEPS_PER_FULL = 20
STALE_TIMERS_MIN = 200
RESTLESS = 120_000  # steps on one network: a scenario takes a thousand, and the longest one a fifth of that


class SimulatedTask(asyncio.Task[Any]):
    """A task that hashes by its number."""

    def __init__(self, coro: Any, *, number: int, boot: Boot | None, **options: Any) -> None:
        self._number = number
        self.boot = boot
        super().__init__(coro, **options)

    def __hash__(self) -> int:
        return self._number


class SimulatedLoop(Sockets):
    """Virtual time. Private names of BaseEventLoop that it relies on: _ready, _run_once, _timer_handle_cancelled, Handle._run."""

    _ready: deque[SimulatedHandle]

    def __init__(self, random: Random) -> None:
        super().__init__()
        self.steps = 0
        self.tired_at = RESTLESS  # steps; nobody waits longer for a cluster in which something always happens
        self.alarm: Blocked | None = None  # set by the watchdog: steps are taken and no time passes
        self.act: asyncio.Task[Any] | None = None  # what Backend.run waits for
        self.fault: Exception | None = None  # why the act was cancelled
        self.now_s = 0.0
        self._random = random
        self._timers: list[tuple[float, int, SimulatedHandle]] = []
        self._stale = 0
        self._numbers = itertools.count(1)
        self._sweeps = 0
        self._running: Boot | None = None  # on whose behalf the present callback runs

    # Time.

    def time(self) -> float:
        return self.now_s

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> SimulatedHandle:
        self._check_closed()  # type: ignore[attr-defined]
        handle = SimulatedHandle(self.now_s, callback, args, self, context)
        self._ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon  # type: ignore[assignment] # there is one thread

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> SimulatedHandle:
        timer = SimulatedHandle(when, callback, args, self, context)
        timer._scheduled = True  # noqa: SLF001
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> SimulatedHandle:
        return self.call_at(self.now_s + delay, callback, *args, context=context)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        self._stale += handle._scheduled  # type: ignore[attr-defined] # noqa: SLF001
        if self._stale > STALE_TIMERS_MIN and 2 * self._stale > len(self._timers):
            self._timers = [t for t in self._timers if not t[2].cancelled()]
            heapq.heapify(self._timers)
            self._stale = 0

    # Turns.

    def _run_once(self) -> None:
        if not self._ripen():
            self._fail(HarnessFault("simulation is deadlocked: nothing is ready and no timer is set. Waiting:\n" + self._waiting()))
            return
        ready = self._ready
        if len(ready) > 1:
            self._shuffle()
        for _ in range(len(ready)):
            handle = ready.popleft()
            boot = handle.boot
            if handle._cancelled:  # noqa: SLF001
                continue
            if boot is not None and boot.frozen:
                boot.parked.append(handle)
                continue
            self._step(handle, boot)

    def _ripen(self) -> bool:
        """Move timers that are due to the ready ones; let time pass where nothing is ready. Whether anything is."""
        timers = self._timers
        while timers:
            when, _, timer = timers[0]
            if timer._cancelled:  # noqa: SLF001
                self._stale -= 1
            elif when <= self.now_s:
                self._ready.append(timer)
            elif self._ready or self._stopping:  # type: ignore[attr-defined]
                return True
            else:
                self.now_s = when
                continue
            heapq.heappop(timers)
            timer._scheduled = False  # noqa: SLF001
        return bool(self._ready or self._stopping)  # type: ignore[attr-defined]

    def _shuffle(self) -> None:
        """Between hosts, never inside one."""
        lanes: dict[object, list[SimulatedHandle]] = {}
        for handle in self._ready:
            boot = handle.boot
            site = boot and boot.site
            if site in lanes:
                lanes[site].append(handle)
            else:
                lanes[site] = [handle]
        if len(lanes) > 1:
            order = list(lanes.values())
            self._random.shuffle(order)
            self._ready.clear()
            self._ready.extend(itertools.chain.from_iterable(order))

    def ready(self, handles: "list[SimulatedHandle]") -> None:
        """Run callbacks that had been set aside, in their order."""
        self._ready.extend(handles)

    def _step(self, handle: SimulatedHandle, boot: Boot | None) -> None:
        self.steps += 1
        self._running = boot
        if self.steps == self.tired_at:
            self._fail(Inconclusive(self._restless(boot)))
        try:
            handle._run()  # noqa: SLF001
        except SystemExit as exit_:
            if boot is None or boot.quit is None:
                raise
            boot.quit(exit_)
        except Blocked as blocked:
            self._blocked(boot, blocked)
        if self.alarm is not None:
            self._blocked(boot, self.alarm)
        if self.steps % SWEEP_EVERY == 0:
            self._sweeps += 1
            gc.collect(1 if self._sweeps % SWEEPS_PER_FULL else 2)

    def _blocked(self, boot: Boot | None, blocked: Blocked) -> None:
        self.alarm = None
        name = boot.name if boot else "the suite"
        if boot is not None and boot.quit is not None:
            boot.quit(SystemExit(f"ended by the watchdog: {blocked}"))
        self._fail(Inconclusive(f"{name} {blocked}; simulation shares one interpreter: run it as processes"))

    def _restless(self, boot: Boot | None) -> str:
        name = boot.name if boot else "the suite"
        passed = f"{RESTLESS} steps, {self.now_s:.1f} s of simulated time"
        return f"the cluster never rests: {passed}, and {name} goes on; run it as processes"

    def _fail(self, fault: Exception) -> None:
        """End the present act because of `fault`. Raises it where there is none to end."""
        if self.act is None or self.act.done() or self.fault is not None:
            raise fault
        self.fault = fault
        self.act.cancel()

    def _waiting(self) -> str:
        tasks = sorted((t for t in asyncio.all_tasks(self) if isinstance(t, SimulatedTask)), key=hash)
        return "\n".join(f"  {t.boot.name if t.boot else 'the suite'}: {_where(t)}" for t in tasks[:20])

    # Tasks.

    def create_task(  # type: ignore[override]
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, context: Context | None = None, **options: Any
    ) -> SimulatedTask:
        number = next(self._numbers)
        boot = BOOT.get() if context is None else context.get(BOOT)
        task = SimulatedTask(coro, loop=self, name=name or f"Task-{number}", context=context, number=number, boot=boot, **options)
        if boot is not None:
            boot.adopt(task)
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """What asyncio would log goes to the log of the program that it belongs to; the suite's own mishaps are logged as ever."""
        task = context.get("task") or context.get("future")
        boot = getattr(task, "boot", None) or self._running
        if boot is None or boot.quit is None:
            super().call_exception_handler(context)
        else:
            boot.say(f"{context.get('message')}: {context.get('exception')!r}")

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":  # type: ignore[override]
        """Inline: threads would have an order of their own."""
        future: asyncio.Future[Any] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to the one who awaits
            future.set_exception(error)
        return future

    def add_signal_handler(self, sig: int, callback: Callable[..., object], *args: Any) -> None:  # type: ignore[override]
        """Signals are Instance.signal; `term` cancels the main task."""

    def remove_signal_handler(self, sig: int) -> bool:
        return False

    def _process_events(self, event_list: list[Any]) -> None:
        """There are no file descriptors."""

    def _write_to_self(self) -> None:
        """There is no selector to wake up."""


def _where(task: "asyncio.Task[Any]") -> str:
    """The innermost coroutine that a task waits in."""
    coroutine: Any = task.get_coro()
    while getattr(inner := getattr(coroutine, "cr_await", None), "cr_frame", None):
        coroutine = inner
    frame = coroutine.cr_frame
    return f"{task.get_name()} {coroutine.__qualname__}" + (f" at {frame.f_code.co_filename}:{frame.f_lineno}" if frame else "")
