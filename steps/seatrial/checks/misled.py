"""Who acted on what was not so is not to blame for what came of it: whoever said it is."""

from collections.abc import Callable

from seatrial.checks.acknowledged import acknowledged_and_not_stored
from seatrial.checks.facts import server_of
from seatrial.checks.hearings import left_out, told_and_not_stored, told_as_something_else
from seatrial.model.errors import Inconclusive
from seatrial.model.history import History
from seatrial.model.verdicts import Finding

UNTRUTHS: tuple[Callable[[History], tuple[Finding, ...]], ...] = (
    acknowledged_and_not_stored,
    told_and_not_stored,
    told_as_something_else,
    left_out,
)


def to_blame(history: History, suspect: str) -> str:
    """The suspect, or the API server where it is seen to have said what is not so. Where the store was not read, that is not seen."""
    try:
        untrue = any(look(history) for look in UNTRUTHS)
    except Inconclusive:
        return suspect
    return server_of(history) if untrue else suspect
