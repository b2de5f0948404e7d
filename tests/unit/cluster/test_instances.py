"""One incarnation at a time, whoever starts the next one."""

import asyncio
from pathlib import Path
from typing import Any

from seatrial.adapters.descriptor import Component
from seatrial.backends.interface import Program, Signal
from seatrial.cluster.instances import Supervised
from seatrial.cluster.layout import Placement
from seatrial.model.history import History
from seatrial_schemas.context import SystemContext

BACKOFF_S = 0.05


class Life:
    def __init__(self, boot: int) -> None:
        self.boot = boot
        self.exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def signal(self, what: Signal) -> None:
        if what in ("kill", "term") and not self.exited.done():
            self.exited.set_result(-9)

    def log_tail(self, lines: int = 8) -> str:
        return ""


class Wires:
    def __init__(self) -> None:
        self.lives: list[Life] = []

    async def boot(self, name: str, host: Any, program: Program) -> Life:
        self.lives.append(Life(len(self.lives)))
        return self.lives[-1]


async def stopped_and_started_within_its_backoff() -> list[bool]:
    """Whether each life that there was still goes on."""
    loop, wires, context = asyncio.get_running_loop(), Wires(), SystemContext()
    component = Component(name="scheduler", roles=("scheduler",), folder=Path(), restart_s=BACKOFF_S)
    placement = Placement(name="scheduler-0", component=component, index=0)
    known: Any = {"host": None, "network": wires, "program": Program, "record": History(loop.time).recorder("cluster")}
    supervised = Supervised(placement=placement, context=context, **known)
    await supervised.start()
    wires.lives[0].exited.set_result(1)
    await context.sleep(BACKOFF_S / 5)
    await supervised.end("term")
    await supervised.start()
    await context.sleep(2 * BACKOFF_S)
    await supervised.abandon()
    return [not life.exited.done() for life in wires.lives]


def test_who_is_started_again_within_the_backoff_of_an_own_end_is_started_once() -> None:
    assert asyncio.run(stopped_and_started_within_its_backoff()) == [False, True]
