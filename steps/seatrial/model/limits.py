"""The times that a component promises, and what a rule makes of them.

A descriptor states limits per component; they are handed over where the component can be told. They do not decide verdicts alone: a rule
waits for what must happen at most `bound(...)`, and watches for what must not happen at least `window(...)`. A limit beyond a rule's
ceiling is itself a finding, so nobody passes by asking for more time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds. The defaults are Kubernetes' own; the comment says what a conformant implementation may need at most."""

    lease_s: float = 15.0  # a leader's lease; a standby takes over only after it. At most 60
    renew_s: float = 10.0  # a leader that cannot renew for so long stops. Less than lease_s
    retry_s: float = 2.0  # between two attempts to get or renew the lease. Less than renew_s
    react_s: float = 5.0  # from a change at the API server to what a component does about it. At most 30
    reconnect_s: float = 15.0  # from the end of an outage to being at work again. At most 60
    request_s: float = 60.0  # an API server's answer to a request whose store hangs. At most 120
    ready_s: float = 30.0  # from start to ready. At most 120
    heartbeat_s: float = 10.0  # between two signs of life of a kubelet. At most 40

    @classmethod
    def of(cls, stated: Mapping[str, float]) -> "Limits":
        """Limits with the stated ones set. Unknown names have been refused by the descriptor's schema."""
        return replace(cls(), **stated)

    def as_mapping(self) -> dict[str, float]:
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def beyond(self) -> list[str]:
        """Names of limits that ask for more than a conformant implementation may need."""
        return [name for name, most in CEILINGS.items() if getattr(self, name) > most]


CEILINGS: Mapping[str, float] = {
    "lease_s": 60,
    "renew_s": 60,
    "retry_s": 30,
    "react_s": 30,
    "reconnect_s": 60,
    "request_s": 120,
    "ready_s": 120,
    "heartbeat_s": 40,
}


def bound(limit_s: float, *, factor: float, ceiling_s: float) -> float:
    """How long to wait for what must happen."""
    return min(factor * limit_s, ceiling_s)


def window(limit_s: float, *, factor: float, floor_s: float) -> float:
    """How long to watch for what must not happen."""
    return max(factor * limit_s, floor_s)
