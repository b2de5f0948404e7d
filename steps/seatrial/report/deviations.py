"""Recorded deviations against what was found. One is pinned to its rule and its finding: anything else than just that is news.

expected   the rule failed, every finding is the recorded one, and it is not past its date
stale      the rule passes by all its scenarios: the record must go
expired    the record is past its `until`: the failure counts
other      the rule failed otherwise than recorded: the failure counts
"""

import re
from collections.abc import Iterable
from enum import StrEnum

from seatrial.adapters.implementation import Deviation
from seatrial.model.verdicts import Verdict
from seatrial.results import Breach, Result


class Standing(StrEnum):
    """How a record and what was found relate."""

    EXPECTED = "expected"
    STALE = "stale"
    EXPIRED = "expired"
    OTHER = "other"


def standing(deviation: Deviation, verdict: Verdict, results: Iterable[Result], *, whole: bool, today: str) -> Standing | None:
    """None where nothing was decided about the rule, or it was not tried as a `whole`. `today` is an ISO date."""
    if verdict is Verdict.PASSED:
        return Standing.STALE if whole else None
    if verdict is not Verdict.FAILED:
        return None
    found = [f for r in results if r.verdict is Verdict.FAILED for f in r.findings]
    if not found or not all(describes(deviation, f) for f in found):
        return Standing.OTHER
    return Standing.EXPIRED if deviation.until and deviation.until < today else Standing.EXPECTED


def describes(deviation: Deviation, finding: Breach) -> bool:
    """Whether the record's words stand in the finding. Case and punctuation do not count: `uneven-ties` means "uneven ties"."""
    return _plain(deviation.finding) in _plain(f"{finding.culprit} {finding.expected} {finding.observed}")


def _plain(text: str) -> str:
    return " ".join(["", *re.findall(r"[a-z0-9]+", text.lower()), ""])
