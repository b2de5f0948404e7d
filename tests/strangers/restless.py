"""Components of the reference whose watches are closed every few seconds, each at its own moment, and opened again where they stopped.

Those of several who compete go by what the lease says: when it was renewed, and for how long that is good.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from seatrial_reference import controller_manager
from seatrial_reference import scheduler as scheduling
from seatrial_reference.controller_manager import ControllerManager
from seatrial_reference.controller_manager.informers import Informers
from seatrial_reference.machinery.client import Client
from seatrial_reference.machinery.election import Elector
from seatrial_reference.machinery.informer import Informer
from seatrial_reference.machinery.objects import epoch_s
from seatrial_reference.scheduler.scheduler import Scheduler
from seatrial_schemas.context import Context

LASTS_S = 1.0  # at least, and twice as long at most
Follow = Callable[[], Coroutine[Any, Any, None]]


def unsettle(informers: Sequence[Informer], context: Context) -> None:
    """Let each stream end before its time."""
    for informer in informers:
        informer.follow = _brief(informer.follow, context)  # type: ignore[method-assign]


def _brief(follow: Follow, context: Context) -> Follow:
    async def briefly() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LASTS_S * (1 + context.random.random())):
                await follow()

    return briefly


class Restless(Informers):
    def __init__(self, client: Client, context: Context) -> None:
        super().__init__(client, context)
        unsettle(self.every, context)


class GoesByTheLease(Elector):
    def expired(self) -> bool:
        said = self.record.get("renewTime")
        return not said or epoch_s(said) + float(self.record.get("leaseDurationSeconds") or 0) < self._context.wall_s()


class RestlessControllers(ControllerManager):
    informers = Restless


class RestlessScheduler(Scheduler):
    def __init__(self, client: Client, context: Context) -> None:
        super().__init__(client, context)
        unsettle((self.pods, self.nodes), context)


async def controllers(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, part=RestlessControllers, elector=GoesByTheLease)


async def scheduler(args: Sequence[str], context: Context) -> None:
    await scheduling.main(args, context, part=RestlessScheduler, elector=GoesByTheLease)
