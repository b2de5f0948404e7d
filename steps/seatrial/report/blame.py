"""Whose fault a failure is, where the file on trial brings some of the roles and its base the others.

What fails on the bare base too is the base's fault, and so ours. What passes there and fails here is the newcomer's, even where an
inherited component was seen doing the wrong thing: alone with its own kind it does not. Where the base comes to no verdict, nobody knows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from seatrial.adapters.implementation import Implementation
from seatrial.model.verdicts import Verdict
from seatrial.results import Breach, Result


def blame(results: Iterable[Result], repeated: Iterable[Result], *, implementation: Implementation, base: str) -> list[Result]:
    """The results, with the findings of failures addressed to whom they belong. `repeated`: the same scenarios on the bare base."""
    there = {(r.node, r.rule): r for r in repeated}
    return [_blamed(r, on_base, implementation, base) if (on_base := _on_base(r, there)) else r for r in results]


def _on_base(result: Result, there: Mapping[tuple[str, str], Result]) -> Result | None:
    """What became of it on the base; of what was found by the way, and not there, too: not found, if the scenario came to any end."""
    found = there.get((result.node, result.rule))
    if found or not result.within or not (scenario := there.get((result.node, result.within))):
        return found
    return scenario.but(Verdict.PASSED, "") if scenario.verdict is Verdict.FAILED else scenario


def _blamed(result: Result, on_base: Result, implementation: Implementation, base: str) -> Result:
    if on_base.verdict is Verdict.FAILED:
        findings = "; ".join(f"{f.culprit}: {f.observed}" for f in on_base.findings)
        return result.but(Verdict.HARNESS_FAULT, f"the bare {base} fails here too ({findings}), so nobody else is to blame")
    inherited = [f for f in result.findings if f.roles and not set(f.roles) & set(implementation.own)]
    if inherited and on_base.verdict is not Verdict.PASSED:
        seen = "; ".join(f"{f.culprit}, which {implementation.name} has from {base}: {f.observed}" for f in inherited)
        return result.but(Verdict.INCONCLUSIVE, f"whose fault it is is not known ({seen}): the bare {base} is {on_base.verdict} here")
    return replace(result, findings=tuple(_passed_on(f, implementation, base) if f in inherited else f for f in result.findings))


def _passed_on(finding: Breach, implementation: Implementation, base: str) -> Breach:
    """To the components that are new in this company."""
    new = [c for c in implementation.components.values() if set(c.roles) & set(implementation.own) and not c.within]
    names = " and ".join(c.name for c in new) or implementation.name
    seen = f"{finding.culprit}, which {implementation.name} has from {base}, does this only together with {names} of {implementation.name}"
    roles = tuple(dict.fromkeys(r for c in new for r in c.roles))
    return replace(finding, culprit=names, roles=roles, observed=f"{finding.observed} ({seen})")
