"""Reports as files: valid, the same bytes for the same run, whole or not at all."""

import errno
import json
from importlib.resources import files as resources
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator

from seatrial.model.errors import NotReady
from seatrial.model.verdicts import Verdict
from seatrial.report import files
from seatrial.report.summary import Report
from seatrial.results import write_whole

from .building import deviation, failed, report, result, rule

EVERYTHING = report(
    result(digest="0" * 16),
    failed("COMM-01", step="Then nobody else has connected to it"),
    failed("COMM-02", example={"who": "kubelet\x1b[1m"}, why="\x00"),
    result("COMM-03", Verdict.INCONCLUSIVE, why="blocked: \x1b[31mred"),
    result("COMM-04", Verdict.NOT_APPLICABLE, why="not claimed"),
    result("COMM-07", Verdict.NOT_RUN, backend_lacks=True, why="the backend simulation cannot tls"),
    result("COMM-12", Verdict.HARNESS_FAULT, why="IndexError"),
    failed("COMM-14"),
    deviations=(deviation("COMM-01"),),
    rules=[rule(f"COMM-{n}") for n in ("05", "01", "02", "03", "04", "07", "12")] + [rule("COMM-14", must=False)],
)


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(resources("seatrial_schemas").joinpath(f"{name}.schema.json").read_bytes()))


@pytest.mark.parametrize("given", [EVERYTHING, report(result(), interrupted=True), report(rules=[])], ids=["full", "interrupted", "empty"])
def test_the_report_is_valid(given: Report, tmp_path: Path) -> None:
    files.write(given, tmp_path)

    validator("report").validate(json.loads((tmp_path / "report.json").read_bytes()))


def test_rules_have_ids_and_verdicts(tmp_path: Path) -> None:
    files.write(EVERYTHING, tmp_path)

    rows = json.loads((tmp_path / "report.json").read_bytes())["rules"]

    assert {r["id"]: r["verdict"] for r in rows}["COMM-12"] == "harness-fault"
    assert [r["scenarios"][0].get("step") for r in rows[:2]] == [None, "Then nobody else has connected to it"]
    assert rows[1]["deviation"] == {"finding": "scheduler-0 -> etcd-0", "because": "it caches", "standing": "expected"}


def test_durations_do_not_change_the_report(tmp_path: Path) -> None:
    files.write(report(result(duration_s=1.0, events=7)), tmp_path / "a")
    files.write(report(result(duration_s=2.0, events=8)), tmp_path / "b")

    assert (tmp_path / "a/report.json").read_bytes() == (tmp_path / "b/report.json").read_bytes()
    assert (tmp_path / "a/timings.json").read_bytes() != (tmp_path / "b/timings.json").read_bytes()


def test_timings_tell_windows_apart(tmp_path: Path) -> None:
    files.write(report(result(duration_s=7.5, watched_s=6.0)), tmp_path)

    [told] = json.loads((tmp_path / "timings.json").read_bytes())["scenarios"].values()

    assert (told["duration_s"], told["watched_s"]) == (7.5, 6.0)


def test_junit_breaks_a_build_for_what_is_bad_only(tmp_path: Path) -> None:
    files.write(EVERYTHING, tmp_path)

    (suite,) = ET.fromstring((tmp_path / "junit.xml").read_bytes())  # noqa: S314 - our own file
    counts = {name: suite.get(name) for name in ("name", "tests", "failures", "errors", "skipped")}

    assert counts == {"name": "communication/store.feature", "tests": "8", "failures": "1", "errors": "2", "skipped": "4"}
    assert "again     seatrial run -i reference --rule COMM-02" in str(suite.findtext(".//failure"))
    assert [p.get("value") for p in suite.findall("testcase[1]/properties/property")] == ["COMM-05", "passed", "simulation", "0"]


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[:3])
        raise OSError(errno.ENOSPC, "No space left on device")

    write_whole(tmp_path / "report.json", b"before")
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "report.json", b"after")

    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]
    assert (tmp_path / "report.json").read_bytes() == b"before"


def test_a_folder_that_takes_no_files_is_known_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(NotReady, match=r"Reports cannot be written to .*: Not a directory"), files.taken(tmp_path / "file" / "reports"):
        pass


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    with files.taken(tmp_path), pytest.raises(NotReady, match="Another run"), files.taken(tmp_path):
        pass
    with files.taken(tmp_path):
        assert list(tmp_path.iterdir()) == []


def test_older_histories_are_gone(tmp_path: Path) -> None:
    write_whole_into = tmp_path / "histories"
    write_whole_into.mkdir()
    (write_whole_into / "COMM-05-0.jsonl").write_bytes(b"")

    with files.taken(tmp_path):
        assert list(write_whole_into.iterdir()) == []
