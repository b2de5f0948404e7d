"""How far scenarios go together: what several begin with needs to come true only once.

The way of a scenario is what it says, sentence by sentence; the first one orders a cluster. Where the ways of many part, there is a moment
worth standing at: each can go on from it. In their order, those that part last follow each other.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from seatrial.bindings.phrases import ordered_topology

Sentences = tuple[tuple[str, str], ...]  # keyword and words of each
MANY = 4  # to stand at a moment costs about as much as two sentences


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The moments to stand at on the way of the scenario with this number, the earliest first: the one after its first sentence, and where
    many others part from it. Each is what has been said by then."""

    number: int
    moments: tuple[Sentences, ...]

    @property
    def beginning(self) -> Sentences:
        """What it shares with all that have the same kind of cluster."""
        return self.moments[0]


def ways(scenarios: Iterable[Sentences]) -> list[Way]:
    """Of those that begin with a cluster; their numbers are their places among all."""
    numbered = {number: said for number, said in enumerate(scenarios) if said and ordered_topology(said[0][1])}
    met: dict[Sentences, int] = {}
    for said in numbered.values():
        for length in range(1, len(said) + 1):
            met.setdefault(said[:length], len(met))
    going_on = Counter(said[:length] for said in numbered.values() for length in range(1, len(said)))
    found = [Way(number=number, moments=_moments(said, going_on)) for number, said in numbered.items()]
    return sorted(found, key=lambda way: [met[numbered[way.number][:length]] for length in range(1, len(numbered[way.number]) + 1)])


def _moments(said: Sentences, going_on: "Counter[Sentences]") -> tuple[Sentences, ...]:
    begun = [said[:length] for length in range(2, len(said))]
    partings = [b for b in begun if going_on[b] >= MANY and going_on[b] > going_on[said[: len(b) + 1]]]
    return said[:1], *partings
