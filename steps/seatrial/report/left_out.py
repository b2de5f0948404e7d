"""What was not run, and why: nobody's failure, and yet a reader must know of it.

Of a cluster that exists there is a line for each rule; else one for each reason, for there are few, and the rules share them.
"""

import textwrap

from seatrial.model.saying import counted
from seatrial.model.verdicts import Verdict
from seatrial.report.failure import WIDTH
from seatrial.report.outcomes import Outcome
from seatrial.report.summary import Report

MOST_RULES = 4  # that are named in one line


def not_run(report: Report) -> list[str]:
    """The lines; none where everything was run that was selected."""
    confined = [_unseen(o) for o in report.outcomes if o.confined and any(r.verdict is Verdict.NOT_RUN for r in o.results)]
    return [*confined, *_lacking([o for o in report.outcomes if not o.confined])]


def _unseen(outcome: Outcome) -> str:
    """Of a rule that could not be judged in a cluster that exists, or not in every scenario, with the reasons."""
    left = [r.why for r in outcome.results if r.verdict is Verdict.NOT_RUN]
    share = f"{len(left)} of {len(outcome.results)} scenarios: " if len(left) < len(outcome.results) else ""
    reasons = dict.fromkeys(part for why in left for part in why.split("; "))
    head = f"not-run  {outcome.rule.id:<9} "
    return head + _short(f"{share}{'; '.join(reasons)}", WIDTH - len(head))


def _lacking(outcomes: list[Outcome]) -> list[str]:
    """What the backend cannot do, or what is on trial lacks, and of which rules scenarios would have needed it."""
    numbers: dict[str, dict[str, int]] = {}
    for outcome in outcomes:
        for result in outcome.results:
            if result.verdict is Verdict.NOT_RUN:
                found = numbers.setdefault(result.why, {})
                found[outcome.rule.id] = found.get(outcome.rule.id, 0) + 1
    shares = ((why, f"not run: {_share(found)} ") for why, found in numbers.items())
    return [f"{share}({_short(why, max(WIDTH // 2, WIDTH - len(share)))})" for why, share in shares]


def _share(found: dict[str, int]) -> str:
    """How many scenarios, of which rules; of many rules only some by name."""
    named = [f"{number if place else counted(number, 'scenario')} of {id_}" for place, (id_, number) in enumerate(found.items())]
    others = named[MOST_RULES:]
    return ", ".join(named[:MOST_RULES]) + (f" and others of {counted(len(others), 'more rule')}" if others else "")


def _short(text: str, width: int) -> str:
    return textwrap.shorten(text, width, placeholder=" ...")
