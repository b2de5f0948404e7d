"""The closed vocabulary of tags: what a feature, a rule and a scenario may carry, and how much of anything there may be.

A tag that is not listed here is a typing error until somebody has decided what it means. There are plain words, and `@kind:value`; the
values that the suite itself acts upon stand in its model.
"""

from collections.abc import Mapping

from seatrial.model import rules, topology

EXTENDED = "logs exec attach port-forward"

VALUES: Mapping[str, frozenset[str] | None] = {
    "area": frozenset(rules.AREAS),
    "profile": frozenset(rules.PROFILES),
    "id": None,  # any id of the ledger, see ledger.py
    "role": frozenset(topology.ROLES),
    "needs": frozenset(rules.NEEDS),
    "extended": frozenset(EXTENDED.split()),
}
"""What may stand behind the colon; None where another lint knows."""

ON_FEATURE = frozenset({"area", "profile"})
ON_RULE = frozenset({"id", "must", "should", "smoke", "role", "profile", "needs", "extended"})
ON_SCENARIO = frozenset({"needs", "extended", "disruptive", "parity"})

NEEDED: Mapping[str, str] = {
    r"\bauthentication\b": "authentication",
    r"\b(authorization|may not|may do nothing)\b": "authorization",
    r"\b(hooks see|admission|mutation|validation)\b": "admission",
}
"""What a scenario needs that says such words."""

SENTENCES_MAX = 90
STEPS_MAX = 10
BACKGROUND_MAX = 3
