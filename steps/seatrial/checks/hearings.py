"""What anybody was told over a watch, in any scenario, held against the store.

Compared is what lies between the moment in which everybody was ready and the last judgement, or the end of a wait in vain: before that
moment a cluster may have served other scenarios, and after it changes may still be on their way to whoever records them. Deletions are left
out: their revisions are not the same everywhere.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from seatrial.checks.facts import accepted, breach, instances, name_of, of_servers, store_of
from seatrial.checks.holds import kind_of
from seatrial.checks.parts import ALL, lacking
from seatrial.checks.registry import require
from seatrial.model.history import Event, History, once
from seatrial.model.verdicts import Finding
from seatrial_schemas.kinds import table

NEVER = 1 << 62  # no revision is later
NEWS = frozenset({"ADDED", "MODIFIED"})
OVER = ("stream-end", "lost", "held")  # a stream that has ended, or that the suite does not let pass
ON_NODE = re.compile(r"spec\.nodeName=([^,=!]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The changes of the store that a scenario can be held to, by revision."""

    start: int
    end: int
    changes: Mapping[int, Sequence[Event]]  # an API server may write what it keeps for itself along with what it was asked for

    @staticmethod
    @once
    def of(history: History) -> "Stretch":
        """Inconclusive where the store was not read, from the beginning to the end."""
        first = history.of("mark", name="ready")[-1:]
        vain = [mark for mark in history.of("mark", name="in-vain") if mark["revision"] is not None]
        last = vain[-1:] or history.of("judge")[-1:]
        start, end = (found[0]["revision"] if found else None for found in (first, last))
        require(start is not None and end is not None, "the store was not read")
        changes: dict[int, list[Event]] = {}
        for event in store_of(history):
            changes.setdefault(event["revision"], []).append(event)
        return Stretch(start=start or 0, end=end or 0, changes=changes)

    def lacks(self, revision: int | None) -> bool:
        """Whether the store should have this revision, and has not."""
        return revision is not None and self.start < revision <= self.end and revision not in self.changes

    def has_another(self, told: Event) -> bool:
        """Whether the store has changes of this revision, all of which can be read, and none of them is of what somebody was told of."""
        here = self.changes.get(told["revision"], ()) if self.start < (told["revision"] or 0) <= self.end else ()
        return bool(here) and all(isinstance(e["value"], dict) and name_of(e) != told["name"] for e in here)

    def puts(self, kinds: frozenset[str], *, after: int, before: int) -> list[Event]:
        """Of these kinds, as far as values can be read; what API servers keep for themselves may lie elsewhere."""
        found = [e for r, es in self.changes.items() if max(after, self.start) < r < before for e in es if e.kind == "put"]
        return [e for e in found if (e["value"] or {}).get("kind") in kinds and not of_servers(e["key"])]

    def put_of(self, told: Event) -> Event | None:
        """What was stored of the object that somebody was told of, under that revision."""
        here = [e for e in self.changes.get(told["revision"], ()) if name_of(e) == told["name"] and not of_servers(e["key"])]
        return here[0] if len(here) == 1 and here[0].kind == "put" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What one watch was told after a revision, until it broke or something else was watched. `kinds`: of which it is told everything;
    none where it asks for some of them only, such as the pods of a `node`. `stands`: it has neither ended nor been held by the suite.
    `instance`: whose it is; empty for the suite's own."""

    watch: str
    kinds: frozenset[str] = frozenset()
    since: int
    told: Sequence[Event] = ()
    node: str = ""
    stands: bool = False
    instance: str = ""


@once
def hearings(history: History) -> Sequence[Hearing]:
    """Of the suite's own watches, and of those that a tap has seen."""
    return (*_own(history), *_tapped(history))


def _own(history: History) -> Iterator[Hearing]:
    """Whoever does not go on where it was is shown first what is there, before it is said that the watch stands. The operator watches all
    there is of a kind."""
    found: dict[str, list[tuple[Event, list[Event]]]] = {}
    for event in (e for e in history if e.kind in ("watching", "watch-broken", "watched")):
        turns = found.setdefault(str(event["watch"]), [])
        if event.kind != "watched":
            turns.append((event, []))
        elif turns:
            turns[-1][1].append(event)
    for watch, turns in found.items():
        who, _, plural = watch.partition("/")
        kinds = frozenset(k.kind for k in table() if k.plural == plural and who == "operator")
        for first, told in turns:
            begins = first.kind == "watching"
            since = int(first["revision"] or NEVER) if begins else NEVER
            stands = begins and first is turns[-1][0]
            yield Hearing(watch=watch, kinds=kinds, since=since, told=_news(told, since), stands=stands)


def _tapped(history: History) -> Iterator[Hearing]:
    """What an API server has sent to components that named a revision to begin after, whether or not it got there."""
    offered: dict[tuple[str, int], list[Event]] = {}
    for event in history.of("offered"):
        offered.setdefault((event.source, event["request"]), []).append(event)
    over = {(e.source, e["request"]) for kind in OVER for e in history.of(kind)}
    for request, _ in accepted(history, instances(history), verb="watch"):
        query = request["query"] or {}
        version = str(query.get("resourceVersion") or "")
        if not version.isdecimal() or not int(version) or query.get("sendInitialEvents") == "true":
            continue  # what is there comes first, in any order
        part = request["namespace"] or request["name"] or any(name.endswith("Selector") for name in query)
        kind = None if part else kind_of(request["resource"], request["group"])
        field = ON_NODE.fullmatch(str(query.get("fieldSelector") or ""))
        yield Hearing(
            watch=f"{request.instance}'s watch of {request['resource']}",
            kinds=frozenset({kind} if kind else ()),
            since=int(version),
            told=_news(offered.get((request.source, request["request"]), ()), int(version)),
            node=field[1] if field and request["resource"] == "pods" and not (request["namespace"] or request["name"]) else "",
            instance=str(request.instance),
            stands=(request.source, request["request"]) not in over,
        )


def _news(events: Iterable[Event], since: int) -> tuple[Event, ...]:
    return tuple(e for e in events if e["type"] in NEWS and (e["revision"] or 0) > since)


def told_and_not_stored(history: History) -> tuple[Finding, ...]:
    """Somebody was told of an object as it never was in the store."""
    stretch = Stretch.of(history)
    for hearing in hearings(history):
        for event in hearing.told:
            if stretch.lacks(event["revision"]) or stretch.has_another(event):
                observed = f"{hearing.watch} was told {event['type']} {event['name']} at revision {event['revision']}"
                return (breach(history, "what watchers are told of was stored", observed, event),)
            put = stretch.put_of(event) if event.kind == "watched" else None
            if put and isinstance(put["value"], dict) and (other := _otherwise(event["object"], put["value"])):
                observed = f"{hearing.watch} was told {event['type']} {event['name']} without {other}"
                return (breach(history, f"{event['name']} is told as it was stored", observed, event, put),)
    return ()


def _otherwise(told: Mapping[str, Any], stored: Mapping[str, Any]) -> str:
    """A part of what was stored that was told otherwise, or left out; empty where there is none."""
    return next(lacking(told, stored, ALL), "")


def told_as_something_else(history: History) -> tuple[Finding, ...]:
    """A new object was called modified, or a changed one added, where everything is told."""
    stretch = Stretch.of(history)
    for hearing in hearings(history):
        for event in hearing.told if hearing.kinds else ():
            put = stretch.put_of(event)
            kind = None if put is None else "ADDED" if put["created"] == put["revision"] else "MODIFIED"
            if kind not in (None, event["type"]):
                return (breach(history, f"{hearing.watch} is told {kind} {event['name']}", f"it was told {event['type']}", event),)
    return ()


def left_out(history: History) -> tuple[Finding, ...]:
    """A watch was told of a later change, and not, or not yet, of one before it."""
    stretch = Stretch.of(history)
    for hearing in hearings(history):
        for before, event in pairwise(hearing.told):
            if event["revision"] < before["revision"]:
                observed = f"{event['revision']} after {before['revision']}"
                return (breach(history, f"{hearing.watch} is told in the order of the store", observed, before, event),)
            if all(event[part] == before[part] for part in ("revision", "name", "namespace")):
                observed = f"revision {event['revision']} of {event['name']} was told twice"
                return (breach(history, f"{hearing.watch} is told once of each change", observed, before, event),)
        told = {e["revision"] for e in hearing.told}
        for change in stretch.puts(hearing.kinds, after=hearing.since, before=max(told, default=0)):
            if change["revision"] not in told:
                observed = f"{hearing.watch} was not told of revision {change['revision']} of {change['key']}, and of a later one"
                return (breach(history, "every change is told", observed, change),)
    return ()
