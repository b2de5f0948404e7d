"""Barriers of the doubles: a call that matches one waits, before it has any effect, until the barrier is released."""

import asyncio
from collections.abc import Mapping
from typing import Any

from seatrial.model.history import Event


class Barrier:
    """Made by `hold` of a double. `held` lists the events of what waits or waited here."""

    def __init__(self, point: str, match: Mapping[str, Any]) -> None:
        self._point = point
        self._match = match
        self._arrived = asyncio.Event()
        self._open = asyncio.Event()
        self.held: list[Event] = []

    def stops(self, point: str, fields: Mapping[str, Any]) -> bool:
        return not self._open.is_set() and self._point == point and matches(self._match, fields)

    async def wait(self, event: Event) -> None:
        """Called by the double."""
        self.held.append(event)
        self._arrived.set()
        await self._open.wait()

    async def reached(self, *, within_s: float) -> Event | None:
        """The first that was stopped here; None where nothing comes in time."""
        try:
            async with asyncio.timeout(within_s):
                await self._arrived.wait()
        except TimeoutError:
            return None
        return self.held[0]

    def release(self) -> None:
        """Let go of what waits, and stop nothing more; safe to repeat."""
        self._open.set()


class Barriers:
    """Those of one double."""

    def __init__(self) -> None:
        self._barriers: list[Barrier] = []

    def hold(self, point: str, match: Mapping[str, Any]) -> Barrier:
        """Stop what matches at this point, from now on until the barrier is released."""
        barrier = Barrier(point, match)
        self._barriers.append(barrier)
        return barrier

    def stopping(self, point: str, fields: Mapping[str, Any]) -> Barrier | None:
        """The first barrier in the way."""
        return next((b for b in self._barriers if b.stops(point, fields)), None)

    def release(self) -> None:
        """All of them."""
        for barrier in self._barriers:
            barrier.release()
        self._barriers.clear()


def matches(match: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    """All that is given is equal."""
    return all(fields.get(key) == value for key, value in match.items())
