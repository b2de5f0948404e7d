"""Copies of a process start from one moment, know nothing of each other, and end with whoever made them."""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from seatrial.snapshots import Moment, Snapshot, Told


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "kept").write_text("as it was")
    return tmp_path


@pytest.fixture
def snapshot(folder: Path) -> Iterator[Snapshot]:
    """A moment at which a list holds one thing."""
    memory = ["boot"]

    def stand() -> Moment:
        memory.append("stood")
        return Moment(folder=folder, do=lambda told: _do(memory, folder, told), later=later)

    def later(told: str) -> Moment | None:
        _do(memory, folder, told)
        return None if told == "never" else stand()

    taken = Snapshot.take(stand)
    yield taken
    taken.end()


def _do(memory: list[str], folder: Path, told: str) -> Any:
    memory.append(told)
    if told == "die":
        os._exit(3)
    if told == "write":
        (folder / "kept").write_text("changed")
        (folder / "new").write_text("new")
    return [*memory, (folder / "kept").read_text(), (folder / "new").exists(), os.getpid()]


def ask(snapshot: Snapshot, what: str) -> Told:
    snapshot.tell(what)
    return snapshot.told()


@contextmanager
def ended(taken: Snapshot) -> Iterator[Snapshot]:
    yield taken
    taken.end()


def test_each_copy_goes_on_from_the_same_moment(snapshot: Snapshot) -> None:
    one, other = ask(snapshot, "one").answer, ask(snapshot, "other").answer

    assert one[:3] == ["boot", "stood", "one"]
    assert other[:3] == ["boot", "stood", "other"]
    assert len({one[-1], other[-1], os.getpid()}) == 3


def test_what_a_copy_wrote_is_put_back(snapshot: Snapshot, folder: Path) -> None:
    written, after = ask(snapshot, "write").answer, ask(snapshot, "look").answer

    assert written[3:5] == ["changed", True]
    assert after[3:5] == ["as it was", False]
    assert sorted(p.name for p in folder.iterdir()) == ["kept"]


def test_a_copy_that_dies_is_told_by_its_status_and_the_next_one_lives(snapshot: Snapshot) -> None:
    assert ask(snapshot, "die") == Told(status=3)
    assert ask(snapshot, "after").answer[:3] == ["boot", "stood", "after"]


def test_a_moment_that_cannot_be_brought_about_is_told(folder: Path) -> None:
    taken = Snapshot.take(lambda: None)
    try:
        assert ask(taken, "anything") == Told(stands=False)
    finally:
        taken.end()


def test_a_snapshot_that_dies_is_told_by_its_status(folder: Path) -> None:
    taken = Snapshot.take(lambda: os._exit(9))
    try:
        assert ask(taken, "anything") == Told(status=9, stands=False)
    finally:
        taken.end()


def test_copies_of_a_later_moment_know_what_led_to_it(snapshot: Snapshot) -> None:
    with ended(snapshot.later("on")) as later, ended(later.later("and on")) as latest:
        assert ask(latest, "one").answer[:6] == ["boot", "stood", "on", "stood", "and on", "stood"]
        assert ask(later, "other").answer[:5] == ["boot", "stood", "on", "stood", "other"]
        assert ask(snapshot, "third").answer[:3] == ["boot", "stood", "third"]


def test_each_moment_has_the_folder_as_it_was_then(snapshot: Snapshot) -> None:
    with ended(snapshot.later("write")) as later:
        assert ask(later, "look").answer[-3:-1] == ["changed", True]
        assert ask(snapshot, "look").answer[-3:-1] == ["as it was", False]
        assert ask(later, "look").answer[-3:-1] == ["changed", True]


@pytest.mark.parametrize("never", ["never", "die"])
def test_a_later_moment_that_cannot_be_brought_about_is_told_and_the_earlier_one_stands(snapshot: Snapshot, never: str) -> None:
    with ended(snapshot.later(never)) as later:
        assert not ask(later, "anything").stands
        assert ask(snapshot, "after").answer[:3] == ["boot", "stood", "after"]


def test_a_later_moment_of_one_that_is_gone_cannot_be_brought_about(folder: Path) -> None:
    with ended(Snapshot.take(lambda: None)) as taken, ended(taken.later("on")) as later:
        assert ask(later, "anything") == Told(stands=False)


def test_a_later_one_ends_with_the_first(folder: Path) -> None:
    moment = Moment(folder=folder, do=str, later=lambda _: moment)
    with ended(Snapshot.take(lambda: moment)) as taken:
        later = taken.later("on")
        assert ask(later, "one").stands

    with ended(later):
        assert later.told() == Told(stands=False)


def test_it_ends_with_its_maker(folder: Path) -> None:
    """Whoever holds the other end was killed: nobody is left to end it. All of them hold a pipe, which ends with the last of them."""
    held, holding = os.pipe()
    heard, telling = os.pipe()
    maker = os.fork()
    if not maker:
        taken = Snapshot.take(lambda: Moment(folder=folder, do=lambda _: "alive"))
        taken.tell("one")
        os.write(telling, taken.told().answer.encode())
        signal.pause()
    os.close(holding)
    assert os.read(heard, 10) == b"alive"
    os.kill(maker, signal.SIGKILL)
    os.waitpid(maker, 0)

    assert select.select([held], [], [], 10)[0] == [held]
    assert os.read(held, 1) == b""
    for end in (held, heard, telling):
        os.close(end)
