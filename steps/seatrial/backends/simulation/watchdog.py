"""Ends code that blocks the one thread everybody shares.

An alarm in real time looks whether the loop has taken a step, and whether virtual time has passed, since the last look. One callback
that never returns is interrupted by a kind of KeyboardInterrupt, which neither components nor tasks swallow; of endless callbacks the
loop is told. Only in the main thread, and only where nobody else uses the alarm.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

LOOK_EVERY_S = 5.0
BLOCKED_LOOKS = 2
BUSY_LOOKS = 6


class Blocked(KeyboardInterrupt):
    """Says what was observed, without a subject."""


class Watched(Protocol):
    """A loop that counts its steps, and ends whoever takes the step after `alarm` was set."""

    steps: int
    alarm: Blocked | None

    def time(self) -> float: ...


@contextmanager
def watchdog(loop: Watched) -> Iterator[None]:
    """Watch `loop` while the body runs."""
    usable = threading.current_thread() is threading.main_thread() and signal.getitimer(signal.ITIMER_REAL)[0] == 0
    if not usable:
        yield
        return
    before = signal.signal(signal.SIGALRM, _Look(loop))
    signal.setitimer(signal.ITIMER_REAL, LOOK_EVERY_S, LOOK_EVERY_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class _Look:
    def __init__(self, loop: Watched) -> None:
        self._loop = loop
        self._last = loop.steps, loop.time()
        self._same_step = self._same_time = 0

    def __call__(self, _signal: int, _frame: FrameType | None) -> None:
        steps, now_s = self._loop.steps, self._loop.time()
        self._same_step = self._same_step + 1 if steps == self._last[0] else 0
        self._same_time = self._same_time + 1 if now_s == self._last[1] else 0
        self._last = steps, now_s
        if self._same_step >= BLOCKED_LOOKS:
            raise Blocked(f"blocked the event loop for {BLOCKED_LOOKS * LOOK_EVERY_S:.0f} s")
        if self._same_time >= BUSY_LOOKS:
            self._loop.alarm = Blocked(f"kept the event loop busy for {BUSY_LOOKS * LOOK_EVERY_S:.0f} s without letting time pass")
