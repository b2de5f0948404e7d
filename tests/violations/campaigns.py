"""Schedulers and controller managers that work on without their lease, or look after each other."""

from collections.abc import Sequence

from seatrial_reference import controller_manager, scheduler
from seatrial_schemas.context import Context
from violations import elections
from violations.dialling import MANAGER_PORT, SCHEDULER_PORT, option


async def main_clinging_scheduler(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, elector=elections.Clinging)


async def main_clinging_controllers(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, elector=elections.Clinging)


async def main_blind_scheduler(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, elector=elections.Blind)


async def main_blind_controllers(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, elector=elections.Blind)


async def main_sociable_schedulers(args: Sequence[str], context: Context) -> None:
    rest, own = option(args, "address")

    class Choice(elections.Sociable):
        address, port = own, SCHEDULER_PORT

    await scheduler.main(rest, context, elector=Choice)


async def main_sociable_controllers(args: Sequence[str], context: Context) -> None:
    rest, own = option(args, "address")

    class Choice(elections.Sociable):
        address, port = own, MANAGER_PORT

    await controller_manager.main(rest, context, elector=Choice)
