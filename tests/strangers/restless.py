"""Components of the reference whose watches are closed every few seconds, each at its own moment, and opened again where they stopped."""

import asyncio
import contextlib
from collections.abc import Sequence

from seatrial_reference import controller_manager
from seatrial_reference import scheduler as scheduling
from seatrial_reference.controller_manager.informers import Informers
from seatrial_reference.machinery.client import Client
from seatrial_reference.machinery.informer import Informer
from seatrial_schemas.context import Context

LASTS_S = 1.0  # at least, and twice as long at most


def unsettle(informers: Sequence[Informer], context: Context) -> None:
    """Let each stream end before its time."""
    for informer in informers:
        follow = informer.follow

        async def briefly(follow=follow) -> None:  # type: ignore[no-untyped-def]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LASTS_S * (1 + context.random.random())):
                    await follow()

        informer.follow = briefly  # type: ignore[method-assign]


class Restless(Informers):
    def __init__(self, client: Client, context: Context) -> None:
        super().__init__(client, context)
        unsettle(self.every, context)


class Controllers(controller_manager.ControllerManager):
    informers = Restless


class Scheduler(scheduling.Scheduler):
    def __init__(self, client: Client, context: Context) -> None:
        super().__init__(client, context)
        unsettle((self.pods, self.nodes), context)


async def controllers(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, part=Controllers)


async def scheduler(args: Sequence[str], context: Context) -> None:
    await scheduling.main(args, context, part=Scheduler)
