"""What the console says, letter by letter. SEATRIAL_GOLDEN=write rewrites the files; read the difference before you commit it."""

import os
from pathlib import Path

import pytest

from seatrial.model.verdicts import Verdict
from seatrial.report.console import console
from seatrial.report.explain import explain
from seatrial.report.summary import Report
from unit.report.building import breach, deviation, failed, report, result, rule

FILES = Path(__file__).parent / "console"
SLICE = (
    {
        "source": "steps",
        "seq": 4,
        "at_s": 2.0,
        "kind": "step",
        "instance": None,
        "keyword": "When",
        "sentence": '"alice" creates a pod "web"',
    },
    {
        "source": "tap/apiserver-0",
        "seq": 9,
        "at_s": 2.25,
        "kind": "delivered",
        "instance": "scheduler-0",
        "request": 3,
        "type": "ADDED",
        "resource": "pods",
        "name": "web",
        "revision": 12,
    },
    {"source": "flows", "seq": 7, "at_s": 2.5, "kind": "open", "instance": None, "origin": "scheduler-0", "target": "etcd-0", "port": 2379},
)
TWO = [rule(), rule("COMM-01", sentence="Components MUST talk to each other through the API server only")]
NO_TLS = {"backend_lacks": True, "why": "the backend simulation cannot tls"}
CASES = {
    "conformant": report(result(), result("COMM-01"), result("COMM-01", Verdict.NOT_RUN, node="other", **NO_TLS), rules=TWO),
    "failed": report(
        failed(slice=SLICE, step="Then only apiserver has connected to etcd", history="histories/COMM-05-1.jsonl"),
        result("COMM-01"),
        rules=TWO,
    ),
    "inconclusive": report(result(verdict=Verdict.INCONCLUSIVE, why="the recorder is blind for scheduler-0"), result("COMM-01"), rules=TWO),
    "harness-fault": report(result(verdict=Verdict.HARNESS_FAULT, why="IndexError: list index out of range (at faults.py:88)")),
    "not-ready": report(
        result(verdict=Verdict.INCONCLUSIVE, cause="NotReady", why="etcd-0 (etcd; acme) ended. Its last words:\nport in use")
    ),
    "interrupted": report(result(), result("COMM-01", Verdict.INCONCLUSIVE, cause="KeyboardInterrupt"), rules=TWO, interrupted=True),
    "deviations": report(
        failed(findings=(breach("scheduler-0 -> etcd-0:2379"),)), result("COMM-01"), deviations=(deviation(), deviation("COMM-01"))
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_console(name: str) -> None:
    compare(name, console(CASES[name], folder=Path("reports") if name == "failed" else None))


def test_what_lies_below_the_working_directory_is_named_from_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    below, elsewhere = (console(CASES["failed"], folder=folder) for folder in (tmp_path / "mine", tmp_path.parent / "theirs"))

    assert "  history   mine/histories/COMM-05-1.jsonl" in below
    assert f"  history   {tmp_path.parent}/theirs/histories/COMM-05-1.jsonl" in elsewhere
    assert "reports: mine/report.json, junit.xml, timings.json, histories/" in below


def test_the_last_line_is_the_verdict() -> None:
    def last(given: Report) -> str:
        return console(given, folder=None)[-1]

    assert [last(given).partition(":")[0] for given in CASES.values()] == [
        "conformant",
        "not conformant",
        "not shown to be conformant",
        "harness fault",
        "not ready",
        "interrupted",
        "stale",
    ]


def test_explain() -> None:
    compare("explain", explain("COMM-05"))


def compare(name: str, lines: list[str]) -> None:
    file, text = FILES / f"{name}.txt", "\n".join(lines) + "\n"
    if os.environ.get("SEATRIAL_GOLDEN") == "write":
        file.write_text(text, "utf-8")
    assert text == file.read_text("utf-8")
