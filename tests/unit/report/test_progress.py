"""Progress on a terminal is one line that changes; elsewhere it is ten."""

import io

import pytest

from seatrial.model.verdicts import Verdict
from seatrial.report.progress import Live, Tenths


def test_a_line_for_every_tenth() -> None:
    stream = io.StringIO()
    shows = Tenths(stream)
    shows.begin(100)
    for number in range(100):
        shows.done(Verdict.FAILED if number == 55 else Verdict.PASSED, "COMM-05")

    lines = stream.getvalue().splitlines()

    assert len(lines) == 10
    assert lines[0] == " 10 %  10 of 100: 10 passed"
    assert lines[-1] == "100 %  100 of 100: 99 passed, 1 failed"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_one_live_line_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    stream = Terminal()
    shows = Live(stream)
    shows.begin(2)
    shows.done(Verdict.PASSED, "COMM-05 a deployment")
    shows.end()

    assert "1/2" in stream.getvalue()
    assert "1 passed  COMM-05 a deployment" in stream.getvalue()
