"""The verdict of a run in one line: conformant is said of whole profiles only, anything else says what is missing."""

from collections.abc import Sequence

from seatrial.model.exits import Exit
from seatrial.model.saying import counted
from seatrial.model.verdicts import Verdict
from seatrial.report.deviations import Standing
from seatrial.report.outcomes import INTERRUPTED, Outcome
from seatrial.report.summary import Profile, Report

__all__ = ["counted", "listed", "verdict_line"]
MOST = 8
OBSERVABLE = "observable"  # the one profile that can be claimed of a cluster that exists
STALE = {Standing.STALE: "passes", Standing.EXPIRED: "fails past the date", Standing.OTHER: "fails otherwise"}


def verdict_line(report: Report) -> str:
    """What the last line of the console says."""
    says = {
        Exit.INTERRUPTED: _interrupted,
        Exit.USAGE: _usage,
        Exit.HARNESS_FAULT: _fault,
        Exit.NOTHING: _nothing,
        Exit.NOT_READY: lambda r: f"not ready: {r.name} never came up, and no rule was judged",
        Exit.BAD: _bad,
        Exit.STALE: _stale,
        Exit.GOOD: _good,
    }
    return says[report.exit](report)


def listed(ids: Sequence[str]) -> str:
    """Some of them by name, the rest by number."""
    return ", ".join(ids[:MOST]) + (f" and {len(ids) - MOST} more" if len(ids) > MOST else "")


def _interrupted(report: Report) -> str:
    results = [r for o in report.outcomes for r in o.results if not r.within]
    done = sum(r.cause != INTERRUPTED.cause for r in results)
    return f"interrupted: {done} of {counted(len(results), 'scenario')} had a result, and nothing is concluded"


def _usage(report: Report) -> str:
    return f"usage error: {next(r.why for o in report.outcomes for r in o.results if r.cause == 'UsageError')}"


def _fault(report: Report) -> str:
    ids = report.ids(Verdict.HARNESS_FAULT)
    where = f"in {counted(len(ids), 'rule')} ({listed(ids)})" if ids else "around the scenarios"
    return f"harness fault: Seatrial itself went wrong {where}; that says nothing about {report.name}"


def _bad(report: Report) -> str:
    bad = [o for o in report.outcomes if o.counts is Exit.BAD]
    parts: list[str] = []
    for verdict, words in ((Verdict.FAILED, "failed"), (Verdict.INCONCLUSIVE, "inconclusive"), (Verdict.NOT_RUN, "not run")):
        if ids := [o.rule.id for o in bad if o.verdict is verdict]:
            noun = "" if parts else " rule" if len(ids) == 1 else " rules"
            parts.append(f"{len(ids)}{noun} {words} ({listed(ids)})")
    head = "not conformant" if any(o.verdict is Verdict.FAILED for o in bad) else "not shown to be conformant"
    return f"{head}: {', '.join(parts)}, {len(report.ids(Verdict.PASSED))} passed{_footnotes(report)}"


def _nothing(report: Report) -> str:
    if not report.outcomes:
        return "nothing selected: no rule matches every criterion"
    return f"nothing judged: {counted(len(report.outcomes), 'rule')} could not be run on {report.name} ({report.backend})"


def _stale(report: Report) -> str:
    stale = [f"{o.rule.id} {STALE[o.standing]}" for o in report.outcomes if o.counts is Exit.STALE and o.standing in STALE]
    flaky = [o.rule.id for o in report.outcomes if o.flaky]
    record = f"{report.implementation.file.name} records a deviation; correct the record"
    said = [f"stale: {listed(stale)}, though {record}"] if stale else []
    said += [f"flaky: {listed(flaky)} passed only when repeated"] if flaky else []
    return f"{'; '.join(said)}{_footnotes(report)}"


def _good(report: Report) -> str:
    passed, where = report.ids(Verdict.PASSED), f"({report.backend}, seed {report.seed})"
    if not passed and all(o.verdict is Verdict.NOT_APPLICABLE for o in report.outcomes):
        return f"nothing judged: {counted(len(report.outcomes), 'rule')} not applicable to {report.name} {where}"
    claimed = [p for p in report.profiles if p.name == OBSERVABLE or not report.confined]
    conformant = [p for p in claimed if p.conformant]
    missing = _missing([p for p in claimed if p.lacking])
    missing += f"; {counted(number, 'rule')} not run here" if report.confined and (number := len(report.ids(Verdict.NOT_RUN))) else ""
    if not conformant:
        head = f"passed: {counted(len(passed), 'rule')} of {report.name} {where}"
        return f"{head}{missing or '; no whole profile was selected'}{_footnotes(report)}"
    must = len({i for p in conformant for i in p.must})
    head = f"conformant: {report.name} passes all {counted(must, 'MUST rule')} of {counted(len(conformant), 'profile')}"
    return f"{head} {where}{missing}{_footnotes(report)}"


def _missing(lacking: Sequence[Profile]) -> str:
    """What cannot be called conformant, and why."""
    why = [f"{p.name}, for {listed([f'{o.rule.id} ({_reason(o)})' for o in p.lacking])}" for p in lacking]
    return f"; not {'; not '.join(why)}" if why else ""


def _reason(outcome: Outcome) -> str:
    if outcome.expected:
        return "recorded deviation"
    if outcome.flaky and outcome.verdict is Verdict.PASSED:
        return "flaky"
    return "not run here" if outcome.excused else str(outcome.verdict.value)


def _footnotes(report: Report) -> str:
    warnings, expected = [o.rule.id for o in report.warnings], [o.rule.id for o in report.outcomes if o.expected]
    in_part = [o.rule.id for o in report.outcomes if o.in_part and not report.confined]
    notes = [f"{counted(len(in_part), 'rule')} judged in part ({listed(in_part)})"] if in_part else []
    notes += [f"{counted(len(warnings), 'SHOULD rule')} failed ({listed(warnings)})"] if warnings else []
    notes += [f"{counted(len(expected), 'recorded deviation')} ({listed(expected)})"] if expected else []
    return "; " + ", ".join(notes) if notes else ""
