"""Pure: whether a scenario can be judged here at all, and if not, whose decision that is.

A profile or an extended feature that is not claimed is not applicable. An observation, a hook or a fault that descriptor or backend rule
out makes the scenario not run. Evidence that was expected and is missing is neither: it is inconclusive, later.
"""

from collections.abc import Iterable

from seatrial.adapters.descriptor import Implementation
from seatrial.backends.interface import Backend
from seatrial.model.rules import Rule, values
from seatrial.model.verdicts import Verdict


def missing(tags: Iterable[str], *, rule: Rule, implementation: Implementation, backend: type[Backend]) -> tuple[Verdict | None, str]:
    """NOT_APPLICABLE or NOT_RUN with the reason; None where the scenario can run."""
    claimed = implementation.profiles
    if claimed is not None and not set(rule.profiles) & set(claimed):
        return Verdict.NOT_APPLICABLE, f"{implementation.name} does not claim the profile {', '.join(rule.profiles)}"
    if rule.extended and rule.extended not in implementation.claims:
        return Verdict.NOT_APPLICABLE, f"{implementation.name} does not claim {rule.extended}"
    absent = [r for r in rule.roles if implementation.role(r) is None]
    if absent and len(absent) == len(rule.roles):
        return Verdict.NOT_APPLICABLE, f"{implementation.name} has no {', '.join(absent)}"
    for need in values(tags, "needs"):
        if reason := _lacking(need, implementation, backend):
            return Verdict.NOT_RUN, reason
    return None, ""


def _lacking(need: str, implementation: Implementation, backend: type[Backend]) -> str:
    """Why the need cannot be met; empty where it can."""
    known, own = implementation.requests, "admin" in implementation.identity
    lacks = {
        "requests": known == "none" and "the descriptor rules out seeing requests (observe.requests)",
        "hold": known != "tap" and "nothing can be held without a tap (observe.requests)",
        "store": implementation.observe["store"] == "none" and "the descriptor rules out reading the store (observe.store)",
        "hooks": "none" in implementation.hooks.values() and "the descriptor rules out hooks",
        "certificates": own and "its certificates are not the suite's (identity.admin)",
    }
    if need in lacks:
        return str(lacks[need] or "")
    return "" if need in backend.can or need in ("replicas", "runtime") else f"the backend {backend.name} cannot {need}"
