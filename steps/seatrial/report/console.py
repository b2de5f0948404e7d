"""What the console says of a run: what was on trial, the failures, a table, and the verdict as its last line."""

from collections import Counter
from pathlib import Path

from seatrial import __version__
from seatrial.model.exits import Exit
from seatrial.model.saying import counted
from seatrial.model.verdicts import Verdict
from seatrial.report.failure import failure, failures
from seatrial.report.left_out import not_run
from seatrial.report.summary import Report
from seatrial.report.words import verdict_line

MOST_FAILURES = 20


def console(report: Report, *, folder: Path | None) -> list[str]:
    """All lines. `folder`: where the reports have been written, if they have."""
    folder = _from_here(folder) if folder else None
    if report.exit in (Exit.USAGE, Exit.NOT_READY):
        return [title(report), "", *report.not_ready.splitlines(), *[""] * bool(report.not_ready), verdict_line(report)]
    bad = failures(report)
    lines = [title(report)]
    for outcome, result in bad[:MOST_FAILURES]:
        lines += ["", *failure(report, outcome, result, folder=folder or Path())]
    if len(bad) > MOST_FAILURES:
        lines += ["", f"and {counted(len(bad) - MOST_FAILURES, 'scenario')} more that did not pass; see the reports (-o DIR)"]
    lines += ["", *unseen] if (unseen := not_run(report)) else []
    lines += ["", *flaky] if (flaky := [f"FLAKY {o.rule.id}  {o.flaky}" for o in report.outcomes if o.flaky]) else []
    if report.trouble:
        lines += ["", *report.trouble.splitlines()[-MOST_FAILURES:]]
    lines += ["", *table(report), ""]
    if folder:
        lines.append(f"reports: {folder}/report.json, junit.xml, timings.json, histories/")
    return [*lines, verdict_line(report)]


def _from_here(folder: Path) -> Path:
    """As it was given with -o, mostly: what lies below the working directory is named from there."""
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def title(report: Report) -> str:
    """What is on trial, where, and how much of it."""
    named = " ".join(filter(None, (report.name, report.implementation.version)))
    scenarios = sum(not r.within for o in report.outcomes for r in o.results)
    what = f"{counted(len(report.outcomes), 'rule')}, {counted(scenarios, 'scenario')}"
    known = ", requests self-reported (audit)" if report.implementation.audit else ""
    return f"seatrial {__version__}: {named} on {report.backend}, seed {report.seed}{known}: {what}"


def table(report: Report) -> list[str]:
    """Rules by profile and verdict; only verdicts that occur have a column."""
    used = [v for v in Verdict if report.ids(v)]
    rows = []
    for profile in report.profiles:
        counts = Counter(o.verdict for o in report.outcomes if profile.name in o.rule.profiles)
        state = "conformant" if profile.conformant else "in part" if not profile.whole else "-"
        rows.append([profile.name, *(str(counts[v] or "-") for v in used), state])
    head = ["profile", *(v.value for v in used), "" if not rows else "claim"]
    widths = [max(len(r[i]) for r in [head, *rows]) for i in range(len(head))]
    return [
        "  ".join(
            cell.ljust(w) if i in (0, len(head) - 1) else cell.rjust(w) for i, (cell, w) in enumerate(zip(r, widths, strict=True))
        ).rstrip()
        for r in [head, *rows]
    ]
