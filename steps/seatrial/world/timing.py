"""How long a scenario waits for something, and how long it watches that nothing happens: what rules make of the limits that an
implementation declares.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from seatrial.model.limits import Limits, bound, window


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """All in seconds."""

    limits: Limits

    @classmethod
    def of(cls, concerned: Sequence[Limits]) -> Self:
        """By the loosest of these limits, each for itself."""
        loosest = {k: max(getattr(one, k) for one in concerned or [Limits()]) for k in Limits().as_mapping()}
        return cls(limits=Limits(**loosest))

    @property
    def reaction(self) -> float:
        """At most so long until a chain of components has reacted to a change."""
        return bound(self.limits.react_s, factor=10, ceiling_s=120)

    @property
    def recovery(self) -> float:
        """At most so long until everybody is at work again after an outage, takeover of a lease included."""
        needed = self.limits.reconnect_s + 2 * (self.limits.lease_s + self.limits.retry_s) + 5 * self.limits.react_s
        return bound(needed, factor=2, ceiling_s=240)

    @property
    def quiet(self) -> float:
        """At least so long nothing must happen, where something would be wrong."""
        floor_s = max(1.5, 1.3 * self.limits.heartbeat_s, 3 * self.limits.retry_s)
        return window(self.limits.react_s, factor=2, floor_s=floor_s)
