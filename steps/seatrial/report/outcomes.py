"""What the scenarios of a rule say about the rule, and what that counts for.

Every scenario that was planned has a result here: one that has none, because somebody interrupted or something broke, gets one that says
so, and that is never a pass.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from seatrial.adapters.implementation import Deviation
from seatrial.model.exits import Exit
from seatrial.model.rules import Rule
from seatrial.model.verdicts import Verdict, worst
from seatrial.report.deviations import Standing, standing
from seatrial.results import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A scenario that is to have a result."""

    rule: str
    scenario: str
    feature: str
    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One rule: its verdict, the results that it comes from, and how a recorded deviation looks now."""

    rule: Rule
    verdict: Verdict
    results: tuple[Result, ...]
    deviation: Deviation | None = None
    standing: Standing | None = None
    confined: bool = False  # the run is confined to the profile `observable`, where not everything can be run

    @property
    def warning(self) -> bool:
        """A SHOULD that failed."""
        return not self.rule.must and self.verdict is Verdict.FAILED and not self.expected

    @property
    def expected(self) -> bool:
        return self.standing is Standing.EXPECTED

    @property
    def flaky(self) -> str:
        """How scenarios ended that passed only when they were repeated; empty where there are none."""
        return "; ".join(r.flaky for r in self.results if r.flaky)

    @property
    def whole(self) -> bool:
        """Whether every scenario of the rule was selected."""
        return set(self.rule.scenarios) <= {r.scenario for r in self.results if not r.within}

    @property
    def in_part(self) -> bool:
        """Whether it passed by some of its scenarios, because what is on trial lacks what the others need."""
        left = [r for r in self.results if r.verdict is Verdict.NOT_RUN and not r.backend_lacks]
        return self.verdict is Verdict.PASSED and bool(left)

    @property
    def excused(self) -> bool:
        """Not run, and nobody can be blamed for that here: another backend can, or an existing cluster does not allow it."""
        if self.verdict is not Verdict.NOT_RUN:
            return False
        undone = [r for r in self.results if r.verdict is Verdict.NOT_RUN]
        return self.confined or bool(undone and all(r.backend_lacks for r in undone))

    @property
    def counts(self) -> Exit:
        """GOOD, BAD, STALE or HARNESS_FAULT."""
        if self.verdict is Verdict.HARNESS_FAULT:
            return Exit.HARNESS_FAULT
        if self.standing is Standing.STALE or (self.warning and self.standing):
            return Exit.STALE  # a record that no longer describes what is found must not go unnoticed, even of a SHOULD
        if self.verdict in (Verdict.PASSED, Verdict.NOT_APPLICABLE) or self.expected or self.excused or self.warning:
            return Exit.STALE if self.flaky else Exit.GOOD
        return Exit.BAD


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What to conclude of a scenario that was planned and has no result."""

    verdict: Verdict
    why: str
    cause: str = ""


INTERRUPTED = Missing(verdict=Verdict.INCONCLUSIVE, why="interrupted before it had a result", cause="KeyboardInterrupt")
NEVER_READY = Missing(verdict=Verdict.INCONCLUSIVE, why="not tried: nothing that was started before became ready", cause="NotReady")


def died(why: str) -> Missing:
    """What is to be said of scenarios whose process has ended."""
    return Missing(verdict=Verdict.HARNESS_FAULT, why=f"it ended without a result: {why or 'its process died'}")


def complete(planned: Iterable[Planned], results: Iterable[Result], *, backend: str, missing: Missing) -> list[Result]:
    """The results in the order of the plan; one for each that ended without."""
    by_node = {r.node: r for r in results}
    return [by_node.get(p.node) or _instead(p, backend, missing) for p in planned]


def folded(asides: Iterable[Result], *, order: Sequence[str]) -> list[Result]:
    """Of each rule and culprit the first scenario in the order of the plan in which the rule was found broken by the way, with how many
    others show the same."""
    places = {node: place for place, node in enumerate(order)}
    alike: dict[tuple[str, tuple[str, ...]], dict[str, Result]] = {}
    for result in sorted(asides, key=lambda r: places.get(r.node, len(places))):
        alike.setdefault((result.rule, tuple(sorted({f.culprit for f in result.findings}))), {}).setdefault(result.node, result)
    return [replace(next(iter(found.values())), others=len(found) - 1) for found in alike.values()]


def _instead(planned: Planned, backend: str, missing: Missing) -> Result:
    return Result(
        rule=planned.rule,
        scenario=planned.scenario,
        feature=planned.feature,
        node=planned.node,
        backend=backend,
        verdict=missing.verdict,
        why=missing.why,
        cause=missing.cause,
    )


def outcomes(
    rules: Sequence[Rule], results: Iterable[Result], *, deviations: Iterable[Deviation], today: str, confined: bool = False
) -> list[Outcome]:
    """One for each selected rule, in their order."""
    recorded = {d.id: d for d in deviations}
    found: dict[str, list[Result]] = {}
    for result in results:
        found.setdefault(result.rule, []).append(result)
    return [_outcome(rule, found.get(rule.id, []), recorded, today=today, confined=confined) for rule in rules]


def _outcome(rule: Rule, results: list[Result], recorded: Mapping[str, Deviation], *, today: str, confined: bool) -> Outcome:
    verdict, deviation = worst(r.verdict for r in results), recorded.get(rule.id)
    found = Outcome(rule=rule, verdict=verdict, results=tuple(results), deviation=deviation, confined=confined)
    if deviation is None:
        return found
    return replace(found, standing=standing(deviation, verdict, results, whole=found.whole and not found.in_part, today=today))
