"""One incarnation at a time, whoever starts the next one."""

import asyncio
from pathlib import Path
from typing import Any

from seatrial.adapters.implementation import Component
from seatrial.backends.interface import Program, Signal
from seatrial.cluster.instances import Supervised
from seatrial.cluster.layout import Placement
from seatrial.model.history import History
from seatrial_schemas.context import SystemContext

BACKOFF_S = 0.05
CONTEXT = SystemContext()


class Life:
    def __init__(self, boot: int, words: str = "") -> None:
        self.boot = boot
        self.words = words
        self.exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def signal(self, what: Signal) -> None:
        if what in ("kill", "term") and not self.exited.done():
            self.exited.set_result(-9)

    def log_tail(self, lines: int = 8) -> str:
        return self.words


class Wires:
    def __init__(self, *words: str) -> None:
        self.lives: list[Life] = []
        self._words = words

    async def boot(self, name: str, host: Any, program: Program) -> Life:
        self.lives.append(Life(len(self.lives), *self._words[len(self.lives) :][:1]))
        return self.lives[-1]


def scheduler(wires: Wires) -> Supervised:
    component = Component(name="scheduler", roles=("scheduler",), folder=Path(), restart_s=BACKOFF_S)
    placement = Placement(name="scheduler-0", component=component, index=0)
    record = History(asyncio.get_running_loop().time).recorder("cluster")
    known: Any = {"host": None, "network": wires, "program": Program, "record": record}
    return Supervised(placement=placement, context=CONTEXT, **known)


async def stopped_and_started_within_its_backoff() -> list[bool]:
    """Whether each life that there was still goes on."""
    wires, context = Wires(), CONTEXT
    supervised = scheduler(wires)
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


async def started_while_it_runs() -> list[bool]:
    wires = Wires()
    supervised = scheduler(wires)
    await supervised.start()
    await supervised.start()
    await supervised.end("kill")
    return [not life.exited.done() for life in wires.lives]


def test_who_runs_already_is_not_started_a_second_time() -> None:
    assert asyncio.run(started_while_it_runs()) == [False]


async def ended_twice_and_at_it_again() -> tuple[str, str]:
    wires = Wires("usage: scheduler", "bad \x1b[31mday", "")
    supervised = scheduler(wires)
    await supervised.start()
    for life, status in enumerate((1, 2)):
        wires.lives[life].exited.set_result(status)
        await CONTEXT.sleep(2 * BACKOFF_S)
    told = supervised.fate, supervised.last_words()
    await supervised.abandon()
    return told


def test_who_has_ended_is_told_with_what_it_said_then_whatever_its_present_life_has_not_said() -> None:
    assert asyncio.run(ended_twice_and_at_it_again()) == (
        "ended by itself 2 times, last with status 2",
        "bad \N{REPLACEMENT CHARACTER}[31mday",
    )
