"""What the process ends with: pipelines go by it, so each number means one thing for ever."""

from enum import IntEnum
from typing import Self


class Exit(IntEnum):
    """Exit codes. `means` is what `--help` says of one."""

    means: str

    def __new__(cls, code: int, means: str) -> Self:
        member = int.__new__(cls, code)
        member._value_ = code
        member.means = means
        return member

    GOOD = 0, "every selected rule passed, was not applicable, or matched its recorded deviation"
    BAD = 1, "a rule failed, was inconclusive, or was not run though it could be"
    INTERRUPTED = 2, "interrupted"
    HARNESS_FAULT = 3, "harness fault: Seatrial itself went wrong"
    USAGE = 4, "usage or descriptor error"
    NOTHING = 5, "nothing selected, or nothing of it could be judged in a cluster that exists"
    NOT_READY = 6, "environment or implementation never got ready"
    STALE = 7, "only stale deviations or flaky verdicts"
