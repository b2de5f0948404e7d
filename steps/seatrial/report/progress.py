"""How far a run has come, on stderr: one live line on a terminal, elsewhere a line for every tenth.

The stream is a copy made before pytest captures anything. Nothing refreshes in the background: the process may have to stay
single-threaded, for a user namespace.
"""

import os
import sys
from collections import Counter
from typing import IO, TYPE_CHECKING, Protocol

from seatrial.model.verdicts import Verdict

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Shows(Protocol):
    """What the runner tells about its progress."""

    def note(self, text: str) -> None: ...
    def begin(self, total: int) -> None: ...
    def done(self, verdict: Verdict, what: str) -> None: ...
    def end(self) -> None: ...


def progress() -> Shows:
    """What suits the terminal, or the lack of one."""
    stream = os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8") if _has_file() else sys.stderr
    return Live(stream) if stream.isatty() else Tenths(stream)


def _has_file() -> bool:
    try:
        sys.stderr.fileno()
    except (OSError, AttributeError):
        return False
    return True


class Tenths:
    """A line for every tenth of the scenarios, with what has not passed so far."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._total = self._count = self._said = 0
        self._verdicts: Counter[str] = Counter()

    def note(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def begin(self, total: int) -> None:
        self._total = total

    def done(self, verdict: Verdict, what: str) -> None:
        self._count += 1
        self._verdicts[verdict.value] += 1
        tenth = self._count * 10 // max(self._total, 1)
        if tenth > self._said:
            self._said = tenth
            self._stream.write(f"{tenth * 10:3} %  {self._count} of {self._total}: {tally(self._verdicts)}\n")
            self._stream.flush()

    def end(self) -> None:
        pass


class Live:
    """One line that changes in place."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._verdicts: Counter[str] = Counter()
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def note(self, text: str) -> None:
        self._stream.write(f"{text}\n")

    def begin(self, total: int) -> None:
        from rich.console import Console  # noqa: PLC0415 - 60 ms that only terminals pay
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

        self._bar = Progress(
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
            console=Console(file=self._stream),
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._bar.start()
        self._task = self._bar.add_task("", total=total)

    def done(self, verdict: Verdict, what: str) -> None:
        self._verdicts[verdict.value] += 1
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, advance=1, description=f"{tally(self._verdicts)}  {what}"[:90], refresh=True)

    def end(self) -> None:
        if self._bar is not None:
            self._bar.stop()


def tally(verdicts: Counter[str]) -> str:
    """So many of each, best first."""
    return ", ".join(f"{verdicts[v.value]} {v.value}" for v in Verdict if verdicts[v.value])
