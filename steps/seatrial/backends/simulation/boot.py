"""An incarnation: who a callback belongs to.

asyncio copies the context into every task and callback, so one context variable tells for each of them on whose behalf it runs. Power
off and pause are one mechanism: the callbacks of a frozen boot are set aside instead of being run. Those of a dead boot stay aside
until the network is closed; only then do its tasks run once more, cancelled, so that nothing is left half open.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import Context, ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seatrial.backends.simulation.datagrams import Datagrams
    from seatrial.backends.simulation.handle import SimulatedHandle
    from seatrial.backends.simulation.streams import Endpoint
    from seatrial.backends.simulation.wires import Listener, Site

LINES_MAX = 1000
PRUNE_MIN = 64


class Boot:
    """One incarnation of one program, or the suite's own presence on a host."""

    def __init__(self, name: str, site: "Site | None") -> None:
        self.name = name
        self.site = site
        self.paused = False
        self.dead = False
        self.frozen = False
        self.parked: list[SimulatedHandle] = []
        self.endpoints: dict[Endpoint, None] = {}
        self.listeners: dict[Listener | Datagrams, None] = {}
        self.lines: deque[str] = deque(maxlen=LINES_MAX)
        self.quit: Callable[[SystemExit], None] | None = None  # what a SystemExit in one of its tasks does
        self._begun = ""  # a line that has no end yet
        self._tasks: list[asyncio.Task[object]] = []
        self._prune_at = PRUNE_MIN

    def adopt(self, task: "asyncio.Task[object]") -> None:
        """Hold on to a task: asyncio itself keeps weak references only, and the garbage collector must not decide anything."""
        self._tasks.append(task)
        if len(self._tasks) > self._prune_at:
            self._tasks = self.pending()
            self._prune_at = max(PRUNE_MIN, 2 * len(self._tasks))

    def pending(self) -> "list[asyncio.Task[object]]":
        """Its unfinished tasks, oldest first."""
        return [t for t in self._tasks if not t.done()]

    def freeze(self, *, paused: bool | None = None, dead: bool | None = None) -> "list[SimulatedHandle]":
        """Change what stops it. Returns the callbacks that may run now, in the order in which they were due."""
        self.paused = self.paused if paused is None else paused
        self.dead = self.dead if dead is None else dead
        self.frozen = self.paused or self.dead
        if self.frozen:
            return []
        free, self.parked = self.parked, []
        return free

    def say(self, text: str) -> None:
        """Append to what its log shows."""
        self.lines.extend(text.rstrip("\n").split("\n"))

    def write(self, text: str) -> None:
        """What it writes to standard output or standard error, piece by piece."""
        *whole, self._begun = (self._begun + text).split("\n")
        self.lines.extend(whole)


BOOT: ContextVar[Boot | None] = ContextVar("boot", default=None)


def context_of(boot: Boot) -> Context:
    """A new context in which everything runs on behalf of `boot`."""
    context = Context()
    context.run(BOOT.set, boot)
    return context
