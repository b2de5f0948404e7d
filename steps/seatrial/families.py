"""The snapshots that go back to one boot, from the maker's side.

They share a folder, so that one scenario runs at a time. It runs from the last moment on its way at which others will part from it: if
nobody stands there yet, that comes first.
"""

from collections import Counter
from collections.abc import Callable, Collection
from functools import partial

from seatrial.ahead import Part
from seatrial.snapshots import Moment, Snapshot
from seatrial.ways import Sentences, Way


class Family:
    """`stand` brings about how its scenarios begin. `backward`: it takes them from the last one on."""

    def __init__(self, stand: Callable[[Sentences], Moment | None], *, backward: bool) -> None:
        self.backward = backward
        self._stand = stand
        self._stands: dict[Sentences, Snapshot] = {}

    def start(self, way: Way, *, barren: Collection[Sentences]) -> Snapshot:
        """Let a scenario run; the snapshot that tells what came of it. `barren`: moments that cannot be brought about."""
        said: Sentences = ()
        for moment in (m for m in way.moments if m not in barren):
            if moment not in self._stands:
                part = Part(number=way.number, sentences=slice(len(said), len(moment)))
                self._stands[moment] = self._stands[said].later(part) if said else Snapshot.take(partial(self._stand, moment))
            said = moment
        self._stands[said].tell(Part(number=way.number, sentences=slice(len(said), None)))
        return self._stands[said]

    def forget(self, snapshot: Snapshot) -> Sentences:
        """It is gone, and where it was the first one, all are. What moment it stood at."""
        gone = next(moment for moment, stands in self._stands.items() if stands is snapshot)
        for moment in [m for m in reversed(self._stands) if m[: len(gone)] == gone]:
            self._stands.pop(moment).end()
        return gone

    def keep(self, wanted: "Counter[Sentences]") -> bool:
        """End those that nobody wants any more. Whether there is one left."""
        for moment in [m for m in reversed(self._stands) if not wanted[m]]:
            self._stands.pop(moment).end()
        return bool(self._stands)

    def end(self) -> None:
        """Nothing of it is left when this returns."""
        self.keep(Counter())
