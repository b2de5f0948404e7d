"""What is concluded: proofs and findings of checks, verdicts of scenarios and rules, and how they add up.

A check returns a `Proof`: the events that its conclusion rests on, and one finding for each breach. A proof without evidence is our own
fault, never a pass. The worst verdict of a rule's scenarios is the rule's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from seatrial.model.history import Event


class Verdict(StrEnum):
    """From best to worst; the order decides which verdict of several stands."""

    PASSED = "passed"
    NOT_APPLICABLE = "not-applicable"  # profile or extended feature not claimed
    NOT_RUN = "not-run"  # prerequisite missing: backend, observation or hook
    INCONCLUSIVE = "inconclusive"  # evidence incomplete, or a Given or When could not be brought about
    FAILED = "failed"  # a finding against an instance
    HARNESS_FAULT = "harness-fault"  # ours

    @property
    def rank(self) -> int:
        return list(Verdict).index(self)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict that stands for all of them. A rule whose scenarios were partly not run has passed only if another one ran."""
    found = set(verdicts)
    decided = found - {Verdict.NOT_RUN, Verdict.NOT_APPLICABLE}
    return max(decided or found or {Verdict.NOT_RUN}, key=lambda v: v.rank)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One breach: who did it, what the rule expected, what was observed, and the events that show it."""

    culprit: str  # an instance, or a role where no instance can be named
    expected: str
    observed: str
    evidence: tuple[Event, ...] = ()

    def __str__(self) -> str:
        return f"{self.culprit}: expected {self.expected}; observed {self.observed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a check found. `evidence` are the events that were looked at and show that there was something to see."""

    evidence: tuple[Event, ...]
    findings: tuple[Finding, ...] = ()
