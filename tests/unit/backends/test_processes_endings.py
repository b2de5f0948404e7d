"""Whatever happens to the runner, it leaves no process and no folder behind; and it does not need to be root."""

import contextlib
import functools
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import pytest

from seatrial.backends.processes import Processes, kernel
from seatrial.model.errors import NotReady

RUNNER = Path(__file__).with_name("processes_runner.py")
MARK = "SEATRIAL_TEST_RUN"
SOON_S = 5
NOTHING: tuple[set[str], list[Path]] = (set(), [])
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


class Run:
    """A runner, its folder for temporary files, and a mark in the environment by which its processes are known."""

    def __init__(self, *options: str, python: Sequence[str] = (sys.executable,)) -> None:
        self.folder, self.mark = Path(tempfile.mkdtemp(prefix="test-")), uuid.uuid4().hex
        self.folder.chmod(0o777)
        environment = os.environ | {MARK: self.mark, "TMPDIR": str(self.folder), "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        self.process = subprocess.Popen(
            [*python, str(RUNNER), *options], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def ready(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"
        deadline = time.monotonic() + SOON_S
        while len(self.processes()) < 6:  # a process that is just being executed shows no environment
            assert time.monotonic() < deadline, "runner, zygote, two inits, two programs"
        assert len(list(self.folder.iterdir())) == 1

    def processes(self) -> set[str]:
        return {p.parent.name for p in Path("/proc").glob("[0-9]*/environ") if f"{MARK}={self.mark}" in _text(p)}

    def left(self) -> tuple[set[str], list[Path]]:
        """What is still there when nothing more disappears, or after a while."""
        deadline = time.monotonic() + SOON_S
        while (left := (self.processes(), list(self.folder.iterdir()))) != NOTHING and time.monotonic() < deadline:
            time.sleep(0.02)
        return left

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.end()
        shutil.rmtree(self.folder)

    def end(self) -> str:
        """Its standard error."""
        return self.process.communicate(timeout=SOON_S)[1]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # it ended meanwhile
        return ""


@pytest.fixture(scope="session")
def unprivileged() -> list[str]:
    """Words that run Python as somebody who is not root."""
    if os.geteuid():
        return [sys.executable]
    here = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, shutil.which(version, path="/usr/local/bin:/usr/bin")):
        words = [*NOBODY, "env", python or "false"]  # env, because setpriv itself still executes with root's rights
        if not subprocess.run([*words, "-c", "import aiohttp, seatrial"], env=here, capture_output=True, check=False).returncode:
            return words
    pytest.skip(f"no interpreter that nobody may execute: {sys.executable} belongs to root, and there is no other {version}")


def test_kill_9_at_any_moment() -> None:
    chance = random.Random(5)
    with contextlib.ExitStack() as stack:
        runs = [stack.enter_context(Run()) for _ in range(8)]
        began = time.monotonic()
        for moment, run in sorted(((chance.uniform(0.1, 1.6), run) for run in runs), key=lambda pair: pair[0]):
            time.sleep(max(0, began + moment - time.monotonic()))
            run.process.kill()
        assert [run.left() for run in runs] == [NOTHING] * len(runs)


def test_kill_9_of_a_running_cluster() -> None:
    with Run() as run:
        run.ready()
        run.process.kill()
        run.end()
        assert run.left() == NOTHING


@pytest.mark.parametrize("options", [[], ["tidy"]])
def test_ctrl_c(options: list[str]) -> None:
    with Run(*options) as run:
        run.ready()
        run.process.send_signal(signal.SIGINT)
        error = run.end()
        assert run.process.returncode == -signal.SIGINT
        assert error.splitlines()[-1] == "KeyboardInterrupt"
        assert run.left() == NOTHING


def test_a_killed_zygote_takes_all_with_it() -> None:
    with Run("tidy") as run:
        run.ready()
        [zygote] = [p for p in run.processes() if f"PPid:\t{run.process.pid}\n" in _text(Path("/proc", p, "status"))]
        os.kill(int(zygote), signal.SIGKILL)
        run.process.send_signal(signal.SIGINT)
        run.end()
        assert run.left() == NOTHING


def test_without_root(unprivileged: list[str]) -> None:
    with Run("once", python=unprivileged) as run:
        assert (run.process.wait(SOON_S), run.end()) == (0, "")
        assert run.left() == NOTHING


def test_without_root_and_killed(unprivileged: list[str]) -> None:
    with Run(python=unprivileged) as run:
        run.ready()
        run.process.kill()
        run.end()
        assert run.left() == NOTHING


def test_without_root_but_with_threads(unprivileged: list[str]) -> None:
    with Run("thread", python=unprivileged) as run:
        error = run.end()
        assert "NotReady: To run processes without root" in error
        assert "unshare --user --map-root-user --net" in error


def test_where_the_kernel_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(flags: int) -> None:
        raise PermissionError(1, "unshare: Operation not permitted")

    monkeypatch.setattr(kernel, "unshare", refuse)
    with pytest.raises(NotReady, match=r"refuses .*sudo.*sysctl"):
        Processes()
    monkeypatch.setattr(kernel, "_capable", lambda: False)
    with pytest.raises(NotReady, match=r"refuses .*sudo.*sysctl|threads"):
        Processes()


def test_where_only_later_steps_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    @functools.wraps(kernel.sysctl)
    def refuse(name: str, value: str, *, optional: bool = False) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(kernel, "sysctl", refuse)
    with pytest.raises(NotReady, match="Read-only"):
        Processes()


def test_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(NotReady, match="darwin"):
        Processes()
