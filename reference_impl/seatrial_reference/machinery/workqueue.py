"""Level-triggered work: the queue holds keys, not events, and whoever takes a key looks at the state as it is then.

A key that is added again before it was taken is taken once; one that is added while it is being worked on is taken once more afterwards.
So nothing is lost, no key is ever worked on twice at the same time, and a hundred changes may cost one look. Failures come back later.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from seatrial_reference.machinery.backoff import FIRST_S, MOST_S, delayed_s
from seatrial_reference.machinery.client import RequestFailed
from seatrial_schemas.context import Context

log = logging.getLogger(__name__)


class WorkQueue:
    """Keys to be looked at. `retried` are the failures that are worth another try; any other ends `run`."""

    def __init__(self, context: Context, *, retried: tuple[type[Exception], ...] = (RequestFailed,)) -> None:
        self._context = context
        self._retried = retried
        self._ready: asyncio.Queue[str] = asyncio.Queue()
        self._waiting: set[str] = set()
        self._busy: set[str] = set()
        self._failures: dict[str, int] = {}
        self._delayed: dict[str, float] = {}
        self._tasks: asyncio.TaskGroup | None = None

    def add(self, key: str) -> None:
        if key in self._waiting:
            return
        self._waiting.add(key)
        if key not in self._busy:
            self._ready.put_nowait(key)

    def add_after(self, key: str, seconds: float) -> None:
        """Add it then. An earlier appointment of the same key stands. Nothing happens unless `run` runs."""
        due_s = self._context.now_s() + seconds
        if self._tasks is not None and due_s < self._delayed.get(key, float("inf")):
            self._delayed[key] = due_s
            self._tasks.create_task(self._add_at(key, due_s, seconds))

    async def _add_at(self, key: str, due_s: float, seconds: float) -> None:
        await self._context.sleep(seconds)
        if self._delayed.get(key) == due_s:
            del self._delayed[key]
            self.add(key)

    async def run(self, handle: Callable[[str], Awaitable[None]], *, workers: int = 1) -> None:
        """Work until cancelled, or until `handle` fails in a way that is not worth another try."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                await asyncio.wait([tasks.create_task(self._work(handle)) for _ in range(workers)])
            finally:
                self._tasks = None  # nobody is left to keep an appointment

    async def _work(self, handle: Callable[[str], Awaitable[None]]) -> None:
        while True:
            key = await self._ready.get()
            self._waiting.discard(key)
            self._busy.add(key)
            try:
                await handle(key)
                self._failures.pop(key, None)
            except self._retried as failure:
                log.info("%s: %s", key, failure)
                self.retry(key)
            finally:
                self._busy.discard(key)
                if key in self._waiting:
                    self._ready.put_nowait(key)

    def retry(self, key: str) -> None:
        """Add it after a jittered time that doubles with every failure in a row."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self.add_after(key, delayed_s(failures, first_s=FIRST_S, most_s=MOST_S) * (0.5 + 0.5 * self._context.random.random()))
