"""Waiting has a bound: for what only asking tells, and for tasks that are to end. For what the history will show see `eventually`."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from seatrial_schemas.context import Context


async def until(true: Callable[[], Awaitable[bool]], *, context: Context, within_s: float, every_s: float) -> bool:
    """Ask until it is so. False where time runs out, if need be in the midst of an answer."""
    try:
        async with asyncio.timeout(within_s):
            while not await true():
                await context.sleep(every_s)
            return True
    except TimeoutError:
        return False


async def cancel(*tasks: asyncio.Task[Any] | None) -> None:
    """Return when all of them have ended, however they did."""
    begun = [task for task in tasks if task is not None]
    for task in begun:
        task.cancel()
    await asyncio.gather(*begun, return_exceptions=True)
