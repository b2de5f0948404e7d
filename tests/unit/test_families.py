"""Scenarios that go on from what others have said before them, one family of snapshots at a time."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from seatrial.ahead import Part
from seatrial.families import Family
from seatrial.snapshots import Moment, Told
from seatrial.ways import Sentences, Way

BEGUN: Sentences = (("Given", "a cluster"),)
HOOKS: Sentences = (*BEGUN, ("And", "hooks"))
PODS: Sentences = (*HOOKS, ("And", "pods"))


class Scene:
    """Says what it was told to, and to whom: an answer lists the processes in which something has been said, and the parts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._said: list[tuple[int, int, int | None]] = []

    def stand(self, _: Sentences) -> Moment:
        return Moment(folder=self._folder, do=self._do, later=self._later)

    def _do(self, part: Part) -> list[tuple[int, int, int | None]]:
        return [*self._said, (part.number, part.sentences.start, part.sentences.stop)]

    def _later(self, part: Part) -> Moment | None:
        """One in whose scenario something is wrong does not come to stand."""
        self._said = self._do(part)
        return self.stand(()) if part.number < WRONG else None


WRONG = 100  # numbers from here on do not come as far as anybody else


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Family]:
    made = Family(Scene(tmp_path).stand, backward=False)
    yield made
    made.end()


def answer(family: Family, way: Way, *, barren: tuple[Sentences, ...] = ()) -> Told:
    return family.start(way, barren=barren).told()


def test_a_scenario_runs_from_where_others_will_part_from_it(family: Family) -> None:
    told = answer(family, Way(number=1, moments=(BEGUN, HOOKS, PODS)))

    assert told == Told(answer=[(1, 1, 2), (1, 2, 3), (1, 3, None)], status=0)


def test_the_next_one_finds_everything_said(family: Family) -> None:
    answer(family, Way(number=1, moments=(BEGUN, HOOKS, PODS)))

    assert answer(family, Way(number=2, moments=(BEGUN, HOOKS))).answer == [(1, 1, 2), (2, 2, None)]
    assert answer(family, Way(number=3, moments=(BEGUN,))).answer == [(3, 1, None)]
    assert answer(family, Way(number=4, moments=(BEGUN, HOOKS, PODS))).answer == [(1, 1, 2), (1, 2, 3), (4, 3, None)]


def test_a_moment_that_cannot_be_brought_about_is_done_without(family: Family) -> None:
    """The last one is found first; nothing before it is lost."""
    way = Way(number=WRONG, moments=(BEGUN, HOOKS, PODS))
    barren: list[Sentences] = []
    for _ in (PODS, HOOKS):
        snapshot = family.start(way, barren=barren)
        assert not snapshot.told().stands
        barren.append(family.forget(snapshot))

    assert barren == [PODS, HOOKS]
    assert answer(family, way, barren=tuple(barren)).answer == [(WRONG, 1, None)]


def test_what_nobody_wants_any_more_ends(family: Family) -> None:
    answer(family, Way(number=1, moments=(BEGUN, HOOKS, PODS)))

    assert family.keep(Counter([BEGUN, HOOKS]))
    assert answer(family, Way(number=2, moments=(BEGUN, HOOKS, PODS))).answer == [(1, 1, 2), (2, 2, 3), (2, 3, None)]
    assert not family.keep(Counter())


def test_where_not_even_the_first_one_stands_nothing_is_left() -> None:
    family = Family(lambda _: os._exit(9), backward=False)
    way = Way(number=1, moments=(BEGUN, HOOKS))
    assert family.forget(family.start(way, barren=())) == HOOKS
    first = family.start(way, barren=[HOOKS])

    assert first.told() == Told(status=9, stands=False)
    assert family.forget(first) == BEGUN
    assert not family.keep(Counter([BEGUN]))
