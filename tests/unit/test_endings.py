"""A command that is told to end, or that nobody reads, ends by itself: no verdict is made of it, and nothing is left behind."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson
import pytest

from seatrial import cli, endings

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
SEATRIAL = (sys.executable, "-m", "seatrial")
SLOW = ("run", "--area", "requests")


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A short path: sockets lie below."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def started(*arguments: str, scratch: Path, behind: Sequence[str] = ()) -> subprocess.Popen[str]:
    """A command line that keeps its files in `scratch`."""
    command = [*behind, *SEATRIAL, *arguments]
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, env=ENVIRONMENT | {"TMPDIR": str(scratch)}, text=True, **piped)


@pytest.mark.parametrize(
    ("number", "backend"), [(signal.SIGTERM, "simulation"), (signal.SIGTERM, "processes"), (signal.SIGHUP, "simulation")]
)
def test_a_request_to_end_is_an_interrupt(number: signal.Signals, backend: str, tmp_path: Path, scratch: Path) -> None:
    with started(*SLOW, "--smoke", "--backend", backend, "-o", str(tmp_path), scratch=scratch) as running:
        assert running.stderr
        assert " %  " in running.stderr.readline()
        running.send_signal(number)
        running.send_signal(number)
        said, complaints = running.communicate(timeout=60)

    assert running.returncode == 2, said + complaints
    assert said.splitlines()[-1].startswith("interrupted: ")
    assert orjson.loads((tmp_path / "report.json").read_bytes())["exit"] == 2
    assert list(scratch.iterdir()) == []


def test_who_was_started_to_ignore_interrupts_can_be_told_to_end(scratch: Path) -> None:
    with started(*SLOW, scratch=scratch, behind=("sh", "-c", "trap '' INT; exec \"$@\"", "sh")) as running:
        assert running.stderr
        assert " %  " in running.stderr.readline()
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=60)

    assert running.returncode == 2


def test_who_was_started_to_ignore_a_request_goes_on_ignoring_it() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with endings.requests_interrupt():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_afterwards_all_is_as_it_was() -> None:
    before = [signal.getsignal(number) for number in endings.REQUESTS]

    assert cli.main(["--version"]) == 0
    assert [signal.getsignal(number) for number in endings.REQUESTS] == before


@pytest.mark.parametrize("arguments", [("rules",), ("--help",), ("explain", "values"), ("run", "--dry-run", "--rule", "COMM-05")])
def test_a_pipe_that_nobody_reads_is_no_verdict(arguments: Sequence[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)

    ended = subprocess.run([*SEATRIAL, *arguments], env=ENVIRONMENT, stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(writing)

    assert (ended.returncode, ended.stderr) == (141, b"")


def test_a_complaint_that_nobody_reads_is_no_verdict() -> None:
    reading, writing = os.pipe()
    os.close(reading)

    ended = subprocess.run([*SEATRIAL, "run", "--rule", "COMM-99"], env=ENVIRONMENT, stderr=writing, check=False, timeout=60)
    os.close(writing)

    assert ended.returncode == 141


def test_a_run_that_nobody_reads_any_more_leaves_nothing(scratch: Path) -> None:
    with started(*SLOW, scratch=scratch, behind=("sh", "-c", 'exec "$@" 2>&1', "sh")) as running:
        assert running.stdout
        running.stdout.readline()
        running.stdout.close()
        running.wait(60)

    assert running.returncode == 141
    assert list(scratch.iterdir()) == []


def test_another_broken_pipe_is_a_harness_fault(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> None:
        raise BrokenPipeError

    monkeypatch.setattr("seatrial.catalogue.rules", broken)

    assert cli.main(["rules"]) == 3
    assert "harness fault" in capsys.readouterr().err
