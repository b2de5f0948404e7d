"""A watch that stands, and is told nothing of a change until the end, though the API server was there all the while.

That somebody is told of a later change and not of one before it is seen at once; of who is told nothing at all, only time tells. So what
counts is a change after which the API server had time for it, several times what it promises, and went on to answer others; and only where
nothing stood in anybody's way any more.
"""

from collections.abc import Collection
from dataclasses import replace

from seatrial.checks.facts import breach, instances
from seatrial.checks.hearings import Hearing, Stretch, hearings
from seatrial.model.history import Event, History
from seatrial.model.limits import bound
from seatrial.model.verdicts import Finding

PATIENCE = 5  # times what an API server promises for its reaction
WELL = range(200, 500)  # whoever says so is there
HINDRANCES = {"exited": "started", "paused": "resumed", "cut": "healed"}  # what may befall an instance, and how it ends


def unheard(history: History) -> tuple[Finding, ...]:
    """A watch was not told of a change, and of no later one."""
    stretch, until_s = _stretch(history), _time_enough_s(history)
    serving = instances(history, "apiserver", "etcd")
    for hearing in (h for h in hearings(history) if h.stands):
        since_s = _free_since_s(history, {*serving, hearing.instance})
        for change in _missed(hearing, stretch):
            if since_s < change.at_s < until_s:
                silent = f"{hearing.watch} was told nothing of revision {change['revision']} of {change['key']}"
                return (breach(history, "every change is told", f"{silent}, until the end", change),)
    return ()


def _stretch(history: History) -> Stretch:
    """From the beginning, where the cluster has served no other scenario: what was told while it came up counts as well."""
    first = not any(ready["scenario"] for ready in history.of("mark", name="ready"))
    stretch = Stretch.of(history)
    return replace(stretch, start=0) if first else stretch


def _time_enough_s(history: History) -> float:
    """What happened before then, everybody has been told by the end, by an API server that was there."""
    limits = [e["limits"] for e in history.of("instance") if "apiserver" in e["roles"] and e["limits"]]
    react_s = max((each["react_s"] for each in limits), default=float("inf"))
    there_s = max((e.at_s for e in history.of("answer") if e["code"] in WELL), default=float("-inf"))
    return there_s - bound(react_s, factor=PATIENCE, ceiling_s=120)


def _free_since_s(history: History, names: Collection[str]) -> float:
    """Since when none of them has been hindered; infinity where one still is."""
    calm_s = float("-inf")
    for begins, ends in HINDRANCES.items():
        begun_s = max((e.at_s for e in history.of(begins) if e.instance in names), default=float("-inf"))
        ended_s = max((e.at_s for e in history.of(ends) if e.instance in (None, *names)), default=float("-inf"))
        calm_s = max(calm_s, ended_s if ended_s >= begun_s else float("inf"))
    return calm_s


def _missed(hearing: Hearing, stretch: Stretch) -> list[Event]:
    told = {event["revision"] for event in hearing.told}
    kinds = hearing.kinds or (frozenset({"Pod"}) if hearing.node else frozenset())
    changes = stretch.puts(kinds, after=hearing.since, before=max(stretch.changes, default=0) + 1)
    return [c for c in changes if c["revision"] not in told and (not hearing.node or _node(c) == hearing.node)]


def _node(change: Event) -> str:
    return str((change["value"].get("spec") or {}).get("nodeName") or "")
