"""A watch that stands, and is told nothing of a change until the end, though the API server was there all the while.

That somebody is told of a later change and not of one before it is seen at once; of who is told nothing at all, only time tells. So what
counts is a change after which the API server had time for it, several times what it promises, and went on to answer others; and only where
nothing stood in anybody's way any more.
"""

from dataclasses import dataclass
from typing import Self

from seatrial.checks.facts import breach, calm_since_s
from seatrial.checks.hearings import Hearing, Stretch, hearings
from seatrial.model.history import Event, History
from seatrial.model.limits import bound
from seatrial.model.verdicts import Finding

PATIENCE = 5  # times what an API server promises for its reaction
WELL = range(200, 500)  # whoever says so is there


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """When a change must have happened for everybody to have been told of it by the end, in seconds."""

    since_s: float
    until_s: float

    @classmethod
    def of(cls, history: History) -> Self:
        servers = [e["limits"] for e in history.of("instance") if "apiserver" in e["roles"]]
        react_s = max((limits["react_s"] for limits in servers if limits), default=float("inf"))
        there = max((e.at_s for e in history.of("answer") if e["code"] in WELL), default=float("-inf"))
        return cls(since_s=calm_since_s(history), until_s=there - bound(react_s, factor=PATIENCE, ceiling_s=120))

    def holds(self, change: Event) -> bool:
        return self.since_s < change.at_s < self.until_s


def unheard(history: History) -> tuple[Finding, ...]:
    """A watch was not told of a change, and of no later one."""
    stretch, due = Stretch.of(history), Due.of(history)
    for hearing in (h for h in hearings(history) if h.stands):
        for change in _missed(hearing, stretch):
            if due.holds(change):
                silent = f"{hearing.watch} was told nothing of revision {change['revision']} of {change['key']}"
                return (breach(history, "every change is told", f"{silent}, until the end", change),)
    return ()


def _missed(hearing: Hearing, stretch: Stretch) -> list[Event]:
    told = {event["revision"] for event in hearing.told}
    kinds = hearing.kinds or (frozenset({"Pod"}) if hearing.node else frozenset())
    changes = stretch.puts(kinds, after=hearing.since, before=max(stretch.changes, default=0) + 1)
    return [c for c in changes if c["revision"] not in told and (not hearing.node or _node(c) == hearing.node)]


def _node(change: Event) -> str:
    return str((change["value"].get("spec") or {}).get("nodeName") or "")
