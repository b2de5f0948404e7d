"""Verdicts from a saved history, without any cluster: each judgement that it records is made again from the events before it.

What cannot be concluded again is inconclusive, and a history without any judgement proves nothing; nor does one whose scenario was stopped
after its last judgement, for others were to come.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from seatrial.checks import judge
from seatrial.checks.invariants import broken
from seatrial.model.errors import HarnessFault, Inconclusive, NotRunnable, UsageError
from seatrial.model.exits import Exit
from seatrial.model.history import HEAD, History
from seatrial.model.verdicts import Finding, Verdict, worst
from seatrial.results import HISTORIES, HISTORY_SCHEMA

NO_HISTORY = "this is no history, which has a JSON object in each line (.jsonl), a header first"
EXITS = {Verdict.PASSED: Exit.GOOD, Verdict.HARNESS_FAULT: Exit.HARNESS_FAULT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What one history says."""

    path: Path
    rule: str
    scenario: str
    verdict: Verdict
    judged: int
    findings: tuple[Finding, ...] = ()
    asides: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)  # of other rules that it shows broken
    why: str = ""

    @property
    def exit(self) -> Exit:
        return Exit.BAD if self.asides else EXITS.get(self.verdict, Exit.BAD)

    def __str__(self) -> str:
        head = f"{self.verdict} {self.rule}  {self.scenario} ({self.path.name}, {self.judged} judgement{'' if self.judged == 1 else 's'})"
        lines = [head, *(str(f) for f in self.findings), *self.why.splitlines()]
        lines += [f"{Verdict.FAILED} {rule}, by the way: {f}" for rule, findings in self.asides.items() for f in findings]
        return "\n  ".join(lines)


def total(judgements: Sequence[Judgement]) -> str:
    """All of them in a line, best first."""
    counts = Counter(j.verdict for j in judgements)
    asides = sum(bool(j.asides) for j in judgements)
    told = ", ".join(f"{counts[v]} {v}" for v in Verdict if counts[v])
    return f"{len(judgements)} histories: {told}{f'; in {asides} another rule failed by the way' if asides else ''}"


def saved(paths: Iterable[Path]) -> list[Path]:
    """The histories: each file, and those of each folder, be it of histories or of reports. Raises UsageError for one without any."""
    found = []
    for path in paths:
        there = _within(path) if path.is_dir() else [path]
        if not there:
            raise UsageError(f"{path} has no histories in it: files that end with .jsonl, there or in {HISTORIES}/.")
        found += there
    return found


def _within(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.jsonl")) or sorted((folder / HISTORIES).glob("*.jsonl"))


def rejudge(path: Path) -> Judgement:
    """Judge one file again. Raises UsageError with its line where it is no history."""
    rows = _rows(path)
    head = _head(path, next(rows, None))
    history = History(lambda: 0.0)
    verdicts: list[Verdict] = []
    findings: list[Finding] = []
    reasons: list[str] = []
    for number, row in enumerate(rows, start=2):
        if missing := HEAD - row.keys():
            raise UsageError(f"{path}:{number}: this is no event: it has no {', '.join(sorted(missing))}.")
        event = history.replay(row)
        if event.kind == "judge":
            verdict, found, why = _judge(history, event["check"], event["arguments"])
            verdicts.append(verdict)
            findings += found
            reasons += [why] if why else []
    early = _early(history, str(head.get("why", "")))
    return Judgement(
        path=path,
        rule=str(head.get("rule")),
        scenario=str(head.get("scenario")),
        verdict=worst([*verdicts, *[Verdict.INCONCLUSIVE] * bool(early)]),
        judged=len(verdicts),
        findings=tuple(findings),
        asides=dict(broken(history, head.get("others", ()))),
        why="; ".join([*reasons, *filter(None, [early])]),
    )


def _head(path: Path, row: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if row is None:
        raise UsageError(f"{path}:1: expected the header of a history; the file is empty.")
    if row.get("schema") != HISTORY_SCHEMA:
        raise UsageError(f"{path}:1: expected the header of a history, {HISTORY_SCHEMA}; found {str(row)[:80]}.")
    return row


def _early(history: History, why: str) -> str:
    """That the scenario ended before all was judged, and why; empty where it ended with a judgement, which is made again."""
    judged = history.of("judge")
    if judged and (not why or judged[-1] is [e for e in history if e.source == judged[-1].source][-1]):
        return ""
    where = "was stopped after its last judgement" if judged else "never came to a judgement"
    return f"the scenario {where}{f': {why}' if why else ''}"


def _judge(history: History, check: str, arguments: dict[str, Any]) -> tuple[Verdict, tuple[Finding, ...], str]:
    try:
        proof = judge(history, check, arguments)
    except Inconclusive as error:
        return Verdict.INCONCLUSIVE, (), str(error)
    except NotRunnable as error:
        return Verdict.NOT_RUN, (), str(error)
    except HarnessFault as error:
        return Verdict.HARNESS_FAULT, (), str(error)
    return (Verdict.FAILED if proof.findings else Verdict.PASSED), proof.findings, ""


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    for number, line in enumerate(lines, start=1):
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise UsageError(f"{path}:{number}: {f'not JSON: {error}' if number > 1 else NO_HISTORY}.") from None
        if not isinstance(row, dict):
            raise UsageError(f"{path}:{number}: expected an object.")
        yield row
