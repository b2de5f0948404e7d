"""A callback that waits for its turn, or for its time, and on whose behalf it runs.

Most of what a loop makes is handles. asyncio's own ask the loop about debugging, and would have to be asked for their context at every
turn; these are made with what they need and nothing else.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any

from seatrial.backends.simulation.boot import BOOT, Boot


class SimulatedHandle(asyncio.TimerHandle):
    """For now, or for later. Private names of Handle and TimerHandle that it relies on: all that __init__ sets."""

    __slots__ = ("boot",)

    _callback: Callable[..., object]
    _context: Context

    def __init__(  # it does all that theirs do
        self, when: float, callback: Callable[..., object], args: Any, loop: asyncio.AbstractEventLoop, context: Context | None
    ) -> None:
        if context is None:
            context = copy_context()
        self.boot: Boot | None = context.get(BOOT)
        self._context = context
        self._callback = callback
        self._args = args
        self._loop = loop
        self._when = when
        self._scheduled = self._cancelled = False
        self._repr = self._source_traceback = None
