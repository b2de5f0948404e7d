"""Waiting has a bound: for what only asking tells, for what is certain to come, and for tasks that are to end. For what the history will
show see `eventually`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from seatrial.model.errors import HarnessFault
from seatrial_schemas.context import Context

T = TypeVar("T")
CERTAIN_S = 60.0  # more than a machine may be busy with other things


async def until(true: Callable[[], Awaitable[bool]], *, context: Context, within_s: float, every_s: float) -> bool:
    """Ask until it is so. False where time runs out, if need be in the midst of an answer."""
    try:
        async with asyncio.timeout(within_s):
            while not await true():
                await context.sleep(every_s)
            return True
    except TimeoutError:
        return False


async def certain(coming: Awaitable[T], what: str) -> T:
    """What cannot but come soon, unless we are broken: an answer of our own, the end of what was killed. Raises HarnessFault that says
    `what` did not happen."""
    try:
        async with asyncio.timeout(CERTAIN_S):
            return await coming
    except TimeoutError as late:
        raise HarnessFault(f"{what} within {CERTAIN_S:g} s") from late


async def cancel(*tasks: asyncio.Task[Any] | None) -> None:
    """Return when all of them have ended, however they did."""
    begun = [task for task in tasks if task is not None]
    for task in begun:
        task.cancel()
    await asyncio.gather(*begun, return_exceptions=True)
