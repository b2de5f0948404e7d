"""Waiting ends when it is so, or when time is over; and a cancelled task has ended when `cancel` returns."""

import asyncio
from itertools import count

import pytest

from seatrial.model import waiting
from seatrial.model.errors import HarnessFault
from seatrial.model.waiting import cancel, certain, until
from seatrial_schemas.context import SystemContext

CONTEXT = SystemContext()


def test_it_is_asked_until_it_is_so() -> None:
    asked = count(1)

    async def third() -> bool:
        return next(asked) == 3

    assert asyncio.run(until(third, context=CONTEXT, within_s=60, every_s=0)) is True
    assert next(asked) == 4


def test_time_runs_out_in_the_midst_of_an_answer() -> None:
    async def never() -> bool:
        await asyncio.Event().wait()
        return True

    assert asyncio.run(until(never, context=CONTEXT, within_s=0.001, every_s=0)) is False


def test_tasks_have_ended_when_they_are_cancelled_and_what_was_never_begun_does_not_matter() -> None:
    async def main() -> list[bool]:
        async def stubborn() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                raise ValueError

        tasks = [asyncio.create_task(stubborn()) for _ in range(2)]
        await asyncio.sleep(0)
        await cancel(None, *tasks)
        await cancel()
        return [task.done() for task in tasks]

    assert asyncio.run(main()) == [True, True]


def test_what_is_certain_to_come_and_does_not_is_our_own_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "CERTAIN_S", 0.001)

    async def never() -> str:
        return str(await asyncio.get_running_loop().create_future())

    async def soon() -> str:
        return "it is there"

    assert asyncio.run(certain(soon(), "the sun has not risen")) == "it is there"
    with pytest.raises(HarnessFault, match=r"the sun has not risen within 0.001 s"):
        asyncio.run(certain(never(), "the sun has not risen"))
