"""Nothing is left after a run, however it ends: no process, no directory, and with them no namespace and no socket."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

GONE_WITHIN_S = 10
RULES = ["--rule=SCHED-04", "--rule=COMM-05", "--rule=HA-07"]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: sockets lie below it."""
    with tempfile.TemporaryDirectory(prefix="st") as path:
        yield Path(path)


def run(folder: Path, backend: str, mark: str, rules: Sequence[str] = RULES) -> "subprocess.Popen[bytes]":
    """A run whose processes all bear the mark in their environment, and whose directories all lie in the folder."""
    command = [sys.executable, "-m", "seatrial", "run", "--backend", backend, *rules]
    environment = {**os.environ, "TMPDIR": str(folder), "SEATRIAL_TEST": mark}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def marked(mark: str) -> list[int]:
    """Processes that bear the mark and are more than zombies."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (path / "environ").read_bytes():
                found.append(int(path.name))
        except OSError:
            continue
    return found


def nothing_left(folder: Path, mark: str) -> bool:
    """Whether processes and directories have gone, within the time they may take."""
    give_up_s = time.monotonic() + GONE_WITHIN_S
    while (marked(mark) or any(folder.iterdir())) and time.monotonic() < give_up_s:
        os.sched_yield()
    return not marked(mark) and not any(folder.iterdir())


def wait_until_it_lives(folder: Path, runner: "subprocess.Popen[bytes]") -> None:
    while not any(folder.iterdir()) and runner.poll() is None:
        os.sched_yield()


@pytest.mark.parametrize("backend", ["simulation", "processes"])
@pytest.mark.parametrize("moment_s", [round(random.Random(n).uniform(0.05, 3), 2) for n in range(4)])
def test_killed_at_a_random_moment(folder: Path, backend: str, moment_s: float) -> None:
    mark = str(uuid.uuid4())
    runner = run(folder, backend, mark)
    wait_until_it_lives(folder, runner)
    try:
        runner.wait(timeout=moment_s)
    except subprocess.TimeoutExpired:
        runner.kill()
    runner.wait()

    assert nothing_left(folder, mark), (marked(mark), list(folder.iterdir()))


@pytest.mark.parametrize("backend", ["simulation", "processes"])
def test_interrupted(folder: Path, backend: str) -> None:
    mark = str(uuid.uuid4())
    runner = run(folder, backend, mark)
    wait_until_it_lives(folder, runner)
    runner.send_signal(signal.SIGINT)

    assert runner.wait(timeout=60) == 2
    assert nothing_left(folder, mark)


@pytest.mark.parametrize("backend", ["simulation", "processes"])
def test_finished_beside_another_one(folder: Path, backend: str) -> None:
    marks = [str(uuid.uuid4()) for _ in range(2)]
    folders = [folder / "one", folder / "other"]
    for each in folders:
        each.mkdir()
    runners = [run(each, backend, mark, RULES[:1]) for each, mark in zip(folders, marks, strict=True)]

    assert [r.wait(timeout=240) for r in runners] == [0, 0]
    assert all(nothing_left(each, mark) for each, mark in zip(folders, marks, strict=True))
