"""The report as files: report.json, the same bytes for the same run, and timings.json beside it, for what differs each time; junit.xml.

Each is written whole or not at all.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from seatrial import __version__
from seatrial.model.errors import NotReady
from seatrial.model.verdicts import Verdict
from seatrial.report.junit import junit
from seatrial.report.outcomes import Outcome
from seatrial.report.summary import Profile, Report
from seatrial.report.words import verdict_line
from seatrial.results import HISTORIES, Result, write_whole

SCHEMA = "seatrial/v1/report"
OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


@contextmanager
def taken(folder: Path) -> Iterator[None]:
    """The folder is ours and takes files, better known before the run than after; older histories are gone. Raises NotReady."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            write_whole(folder / ".seatrial", b"")
            (folder / ".seatrial").unlink()
            for old in (folder / HISTORIES).glob("*.jsonl"):
                old.unlink()
        except BaseException:
            os.close(lock)
            raise
    except BlockingIOError:
        raise NotReady(f"Another run is writing its reports to {folder}. Choose another folder with -o.") from None
    except OSError as error:
        raise NotReady(f"Reports cannot be written to {folder}: {error.strerror}. Choose another folder with -o.") from None
    try:
        yield
    finally:
        os.close(lock)


def write(report: Report, folder: Path) -> None:
    """All files. Raises OSError where the folder does not take them."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "report.json", orjson.dumps(document(report), option=OPTIONS))
    write_whole(folder / "timings.json", orjson.dumps(timings(report), option=OPTIONS))
    write_whole(folder / "junit.xml", junit(report))


def document(report: Report) -> dict[str, Any]:
    """report.json, as the schema of reports describes it."""
    implementation = report.implementation
    return {
        "schema": SCHEMA,
        "seatrial": __version__,
        "implementation": {
            "name": implementation.name,
            "version": implementation.version,
            "file": implementation.file.name,
            "basedOn": implementation.base,
            "own": list(implementation.own),
        },
        "backend": report.backend,
        "observe": {"requests": implementation.requests, "store": implementation.observe["store"]},
        "seed": report.seed,
        "digests": dict(report.digests),
        "limits": {c.name: c.limits.as_mapping() for c in implementation.components.values()},
        "interrupted": report.interrupted,
        "exit": int(report.exit),
        "verdict": verdict_line(report),
        "profiles": {p.name: _profile(p) for p in report.profiles},
        "roles": {role: dict(counts) for role, counts in report.roles().items()},
        "rules": [_rule(o) for o in report.outcomes],
    }


def _profile(profile: Profile) -> dict[str, Any]:
    return {
        "whole": profile.whole,
        "conformant": profile.conformant,
        "must": list(profile.must),
        "lacking": [o.rule.id for o in profile.lacking],
    }


def _rule(outcome: Outcome) -> dict[str, Any]:
    rule = outcome.rule
    row = {
        "id": rule.id,
        "sentence": rule.sentence,
        "must": rule.must,
        "verdict": outcome.verdict.value,
        "profiles": list(rule.profiles),
        "roles": list(rule.roles),
        "area": rule.area,
        "feature": rule.feature,
        "warning": outcome.warning,
        "scenarios": [_scenario(r) for r in outcome.results],
    }
    row |= {"flaky": outcome.flaky} if outcome.flaky else {}
    if outcome.deviation is None:
        return row
    recorded = {k: v for k, v in asdict(outcome.deviation).items() if v and k != "id"}
    return row | {"deviation": recorded | {"standing": outcome.standing}}


def _scenario(result: Result) -> dict[str, Any]:
    """Digests of histories are equal for equal seeds in simulation only."""
    row: dict[str, Any] = {
        "scenario": result.scenario,
        "example": dict(result.example),
        "node": result.node,
        "backend": result.backend,
        "verdict": result.verdict.value,
        "why": "" if result.verdict is Verdict.FAILED and result.findings else result.why,
        "findings": [
            {"culprit": f.culprit, "roles": list(f.roles), "expected": f.expected, "observed": f.observed} for f in result.findings
        ],
        "history": result.history,
    }
    row |= {"step": result.step} if result.step else {}
    row |= {"within": result.within, "others": result.others} if result.within else {}
    return row | ({"digest": result.digest} if result.backend == "simulation" and result.digest else {})


def timings(report: Report) -> Mapping[str, Any]:
    """What may differ between two runs of the same: how long, how many events."""
    results = [r for o in report.outcomes for r in o.results if not r.within]
    told = ("duration_s", "watched_s", "events", "evidence", "judged")
    scenarios = {r.node: {name: getattr(r, name) for name in told} for r in results}
    return {"duration_s": round(sum(r.duration_s for r in results), 3), "scenarios": scenarios}
