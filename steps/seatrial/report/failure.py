"""One scenario that did not pass, in at most 40 lines: rule, sentence, culprit, expected and observed, what happened, how to repeat.

The same text stands on the console and in JUnit, which names histories from where it lies itself.
"""

import shlex
import textwrap
from collections.abc import Iterable
from pathlib import Path

from seatrial.model.verdicts import Verdict
from seatrial.report.diagram import diagram
from seatrial.report.outcomes import INTERRUPTED, Outcome
from seatrial.report.summary import Report
from seatrial.results import UNTRIED, Breach, Result

MOST_LINES = 40
MOST_FINDINGS = 3
MOST_WHY = (8, 8)  # lines of a reason from its beginning, and from its end, where last words stand
WIDTH = 138
INDENT = " " * 12
QUIET = (Verdict.PASSED, Verdict.NOT_APPLICABLE, Verdict.NOT_RUN)  # of what was not run there is a line for each reason


def failures(report: Report) -> list[tuple[Outcome, Result]]:
    """The scenarios that somebody should read about; recorded deviations are counted, not printed."""
    loud = [o for o in report.outcomes if o.verdict not in QUIET and not o.expected and not o.excused]
    return [(o, r) for o in loud for r in o.results if r.verdict not in QUIET and not _untried(o, r)]


def _untried(outcome: Outcome, result: Result) -> bool:
    """Whether there was no time for it, or no need: its rule stays failed."""
    return result.cause == INTERRUPTED.cause or (result.cause == UNTRIED and outcome.verdict is Verdict.FAILED)


def failure(report: Report, outcome: Outcome, result: Result, *, folder: Path = Path()) -> list[str]:
    """The report of one of them, with its history as it is called by whoever reads that; `folder`: where the reports are, from there."""
    head = [
        f"{result.verdict.value.upper()} {outcome.rule.id}  {outcome.rule.sentence}{'  (SHOULD: a warning)' if outcome.warning else ''}",
        _field("scenario", _scenario(result)),
    ]
    if result.example:
        head.append(_field("example", ", ".join(f"{k} = {v}" for k, v in result.example.items())))
    head += _wrapped("step", result.step) if result.step else []
    body = _findings(report, result.findings) if result.findings else []
    why = _why(result) if result.verdict is not Verdict.FAILED or not result.findings else []
    note = [_field("deviation", f"{outcome.deviation.finding} is recorded: {outcome.standing}")] if outcome.deviation else []
    history = [_field("history", str(folder / result.history))] if result.history else []
    tail = [*history, _field("again", again(report, result))]
    room = MOST_LINES - len(head) - len(why) - len(body) - len(note) - len(tail)
    drawing = [f"  {line}"[:WIDTH] for line in _drawing(result, room)]
    return [*head, *why, *body, *note, *drawing, *tail]


def _scenario(result: Result) -> str:
    """Which one; and whose, where it was made for another rule."""
    whose = f", made for {result.within}" if result.within not in ("", result.rule) else ""
    others = f"; {result.others} more of other rules show it" if result.others else ""
    return f"{result.scenario} ({result.feature}{whose}{others})"


def again(report: Report, result: Result) -> str:
    """The command that repeats it."""
    rules = " ".join(f"--rule {rule}" for rule in dict.fromkeys((result.rule, result.within)) if rule)
    own = result.within in ("", result.rule)  # in a scenario of another rule this one would have nothing to try
    scenario = f" --scenario {shlex.quote(result.scenario)}" if own else ""
    return f"{report.reproduce} {rules}{scenario} --seed {report.seed} --backend {result.backend}"


def _findings(report: Report, findings: Iterable[Breach]) -> list[str]:
    every = list(findings)
    lines = []
    for finding in every[:MOST_FINDINGS]:
        lines += [
            _field("culprit", _culprit(report, finding)),
            *_wrapped("expected", finding.expected),
            *_wrapped("observed", finding.observed),
        ]
    rest = len(every) - MOST_FINDINGS
    return [*lines, *([_field("", f"and {rest} more finding{'s' if rest > 1 else ''} of this kind")] if rest > 0 else [])]


def _culprit(report: Report, finding: Breach) -> str:
    """Who, in which role; and whose, where the file on trial did not bring that role itself."""
    implementation = report.implementation
    roles = [r for r in finding.roles if r != finding.culprit]
    who = finding.culprit + (f" ({', '.join(roles)})" if roles else "")
    if implementation.base and finding.roles and not set(finding.roles) & set(implementation.own):
        return f"{who}, which {implementation.name} has from {implementation.base}"
    return who


def _why(result: Result) -> list[str]:
    lines = [part for line in result.why.splitlines() or [""] for part in _lines(line) or [""]]
    first, last = MOST_WHY
    cut = [*lines[:first], "...", *lines[-last:]] if len(lines) > first + last else lines
    return [_field("because" if not i else "", line) for i, line in enumerate(cut)]


def _wrapped(name: str, text: str) -> list[str]:
    return [_field(name if not i else "", line) for i, line in enumerate(_lines(text)[:3] or [""])]


def _lines(text: str) -> list[str]:
    """Within the width; names of instances, and paths, have hyphens, and stay in one piece where they can."""
    return textwrap.wrap(text, WIDTH - len(INDENT), break_on_hyphens=False)


def _field(name: str, text: str) -> str:
    return f"  {name:<9} {text}".rstrip()


def _drawing(result: Result, room: int) -> list[str]:
    lines = diagram(result.slice) if result.findings else []
    return lines if len(lines) <= room else [*lines[: max(room - 1, 0)], "(the rest is in the history)"][: max(room, 0)]
