"""Pure: whether a scenario can be judged here at all, and if not, whose decision that is.

A profile or an extended feature that is not claimed is not applicable. An observation, a hook or a fault that descriptor or backend rule
out makes the scenario not run. Evidence that was expected and is missing is neither: it is inconclusive, later.

A guest in a cluster that exists sees what any client of the API sees, and disturbs nobody: whatever a scenario needs beyond that it does
not get. The rules of which something is left are of the profile `observable`.
"""

import re
from collections.abc import Iterable

from seatrial.adapters.implementation import Implementation
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


GUESTS = "observable"
BEYOND_GUESTS = {  # by what a scenario needs
    "requests": "what components ask for cannot be seen from outside",
    "store": "the store cannot be seen from outside",
    **dict.fromkeys(("authentication", "authorization", "admission"), "the API server of a cluster that exists asks nobody of ours"),
    "runtime": "the nodes of a cluster that exists have container runtimes of their own",
    "hold": "nothing of ours is in front of the API server, so nothing can be held back",
    "kill": "in a cluster that exists nobody is stopped",
    "pause": "in a cluster that exists nobody is paused",
    "cut": "in a cluster that exists nobody is cut off",
    "replicas": "in a cluster that exists nobody is given standbys",
    "tls": "everybody shows what the kubeconfig has",
    "certificates": "everybody shows what the kubeconfig has",
}
BEGINS = {  # with a cluster that has to be
    r"a fresh cluster\b.*": "connections cannot be seen from outside, and others have theirs",
    r".*\bwithout nodes": "a cluster that exists has the nodes that it has",
    r'.*\bnodes "': "a cluster that exists has the nodes that it has",
}


def beyond_guests(tags: Iterable[str], beginning: str, *, rule: Rule) -> tuple[Verdict | None, str]:
    """NOT_RUN with the reason, where a guest in a cluster that exists cannot judge the scenario; `beginning` is its first sentence."""
    reasons = [BEYOND_GUESTS[need] for need in values(tags, "needs")]
    reasons += [why for how, why in BEGINS.items() if re.match(how, beginning)]
    reasons += ["clients of the API cannot see it"] if GUESTS not in rule.profiles and not reasons else []
    return (Verdict.NOT_RUN, "; ".join(dict.fromkeys(reasons))) if reasons else (None, "")


def _unasked(stage: str, implementation: Implementation) -> str:
    """Why the suite is not asked there, or not about people whom it could tell apart."""
    if implementation.hooks[stage] == "none":
        return f"the descriptor rules out hooks of {stage} (hooks)"
    apart = implementation.hooks["authentication"] != "none" or "mint" in implementation.identity
    return "" if apart else "everybody shows what the operator shows: there is no hook of authentication, and no identity.mint"


def _lacking(need: str, implementation: Implementation, backend: type[Backend]) -> str:
    """Why the need cannot be met; empty where it can."""
    known, own = implementation.requests, "admin" in implementation.identity
    lacks = {
        "requests": known == "none" and "the descriptor rules out seeing requests (observe.requests)",
        "hold": known != "tap" and "nothing can be held without a tap (observe.requests)",
        "store": implementation.observe["store"] == "none" and "the descriptor rules out reading the store (observe.store)",
        **{stage: _unasked(stage, implementation) for stage in implementation.hooks},
        "certificates": own and "its certificates are not the suite's (identity.admin)",
    }
    if need in lacks:
        return str(lacks[need] or "")
    return "" if need in backend.can or need in ("replicas", "runtime") else f"the backend {backend.name} cannot {need}"
