"""The report: everything that was concluded in one run, from which all outputs are made.

It is a function of results, descriptor and suite, without durations and dates, so that two equal runs have equal reports, byte by byte.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seatrial.adapters.implementation import Implementation
from seatrial.model.exits import Exit
from seatrial.model.rules import Rule
from seatrial.model.verdicts import Verdict
from seatrial.report.outcomes import Outcome

CLEAN = (Verdict.PASSED, Verdict.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One profile: whether all its MUST rules were selected, with all scenarios, and which of them stand in the way."""

    name: str
    whole: bool
    must: tuple[str, ...]  # selected MUST rules
    lacking: tuple[Outcome, ...]
    passed: int

    @property
    def conformant(self) -> bool:
        return self.whole and not self.lacking and self.passed > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run."""

    implementation: Implementation
    backend: str
    seed: int
    catalogue: Sequence[Rule]  # all rules, selected or not
    outcomes: Sequence[Outcome]
    digests: Mapping[str, str]
    reproduce: str  # the command that repeats the run, as far as the implementation
    interrupted: bool = False
    trouble: str = ""  # what broke around the scenarios, in our own machinery

    @property
    def name(self) -> str:
        return self.implementation.name

    def ids(self, *verdicts: Verdict) -> list[str]:
        return [o.rule.id for o in self.outcomes if o.verdict in verdicts]

    @property
    def confined(self) -> bool:
        """Whether a cluster that exists was judged, where not everything can be run."""
        return any(o.confined for o in self.outcomes)

    @property
    def warnings(self) -> list[Outcome]:
        return [o for o in self.outcomes if o.warning]

    @property
    def exit(self) -> Exit:
        """DESIGN's list, the loudest first: what says least about the implementation comes before what says more."""
        counts = {o.counts for o in self.outcomes}
        causes = {r.cause for o in self.outcomes for r in o.results}
        if self.interrupted:
            return Exit.INTERRUPTED
        if "UsageError" in causes:
            return Exit.USAGE
        if self.trouble or Exit.HARNESS_FAULT in counts:
            return Exit.HARNESS_FAULT
        if not self.outcomes or (self.confined and all(o.verdict is Verdict.NOT_RUN for o in self.outcomes)):
            return Exit.NOTHING
        if self.not_ready:
            return Exit.NOT_READY
        return Exit.BAD if Exit.BAD in counts else Exit.STALE if Exit.STALE in counts else Exit.GOOD

    @property
    def not_ready(self) -> str:
        """The last words, where not one scenario of all that could run got to a cluster that was ready."""
        tried = [r for o in self.outcomes for r in o.results if r.verdict not in (Verdict.NOT_RUN, Verdict.NOT_APPLICABLE)]
        return tried[0].why if tried and all(r.cause == "NotReady" for r in tried) else ""

    @property
    def profiles(self) -> list[Profile]:
        """Those of which any rule was selected, in the order of their first rule."""
        names = dict.fromkeys(p for o in self.outcomes for p in o.rule.profiles)
        return [self._profile(name) for name in names]

    def _profile(self, name: str) -> Profile:
        wanted = {r.id for r in self.catalogue if r.must and name in r.profiles}
        mine = [o for o in self.outcomes if o.rule.id in wanted]
        return Profile(
            name=name,
            whole=len(mine) == len(wanted) and all(o.whole for o in mine),
            must=tuple(o.rule.id for o in mine),
            lacking=tuple(o for o in mine if o.verdict not in CLEAN or o.standing or o.flaky),
            passed=sum(o.verdict is Verdict.PASSED for o in mine),
        )

    def roles(self) -> dict[str, Counter[str]]:
        """Verdicts by the roles that the rules could blame."""
        found: dict[str, Counter[str]] = {}
        for outcome in self.outcomes:
            for role in outcome.rule.roles:
                found.setdefault(role, Counter())[outcome.verdict.value] += 1
        return found
