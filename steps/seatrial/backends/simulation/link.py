"""One connection as the wires and the record know it, whichever end looks at it."""

from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seatrial.backends.simulation.streams import Endpoint
    from seatrial.backends.simulation.wires import Wires


class What(Enum):
    """Kinds of items on a stream. FLIGHT is a step of a TLS handshake."""

    DATA = auto()
    FLIGHT = auto()
    FIN = auto()
    RESET = auto()


class Link:
    """One connection. `number` is its name in the flows; a local one is none."""

    def __init__(self, *, wires: "Wires", number: int, latency_s: float, local: bool) -> None:
        self.wires = wires
        self.number = number
        self.latency_s = latency_s
        self.local = local
        self.ends: list[Endpoint] = []
        self._standing = 2
        self._open = True

    def over(self) -> None:
        """The first end has hung up."""
        if self._open and not self.local:
            self.wires.record("close", link=self.number)
        self._open = False

    def forget_one(self) -> None:
        """An end was dropped. While the other one stands, a heal may still bring it something."""
        self._standing -= 1
        if not self._standing:
            self.wires.links.pop(self.number, None)
