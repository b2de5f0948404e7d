"""The slice of a history that explains a finding: its evidence, what the same sources saw right before and after, and the sentences.

Neighbours come from the source of the evidence only, for only there does order mean something; of a watch those that are about the same
object. Where nothing of this shows the culprit at work, what it asked and heard last is added: that often enough was nothing. The slice
itself is laid out by time, for orientation; nobody concludes anything from that.
"""

from collections.abc import Collection, Iterable, Sequence

from seatrial.model.history import Event, History

TELLING = frozenset(
    {"open", "request", "answer", "delivered", "put", "delete", "cri", "review", "exited", "started", "cut", "canary", "watched"}
)
HEARTBEATS = frozenset({"leases", "leasecandidates"})
BEFORE, AFTER, MOST = 2, 1, 16
LAST = 2  # things that a culprit asked, and that it heard


def excerpt(history: History, evidence: Iterable[Event], *, culprits: Collection[str] = ()) -> list[Event]:
    """At most `MOST` events, the evidence first to be kept, in the order of their times, and the sentences that they happened in."""
    wanted = list(dict.fromkeys(id(e) for e in evidence))
    rows = list(history)
    shown = [e for e in rows if id(e) in set(wanted)][:MOST]
    for event in [*_around(rows, shown), *_doings(rows, [c for c in culprits if not _at_work(shown, c)])]:
        if len(shown) < MOST and event not in shown:
            shown.append(event)
    sentences = dict.fromkeys(place for e in shown if (place := _sentence(rows, e.at_s)) is not None)
    return sorted([*(rows[place] for place in sentences), *shown], key=lambda e: e.at_s)


def sentence(history: History, *, until_s: float = float("inf")) -> str:
    """The last one that had begun by then; empty where none had."""
    rows = list(history)
    place = _sentence(rows, until_s)
    return "" if place is None else f"{rows[place]['keyword']} {rows[place]['sentence']}"


def _around(rows: Sequence[Event], shown: Sequence[Event]) -> list[Event]:
    found = []
    for event in shown:
        same = [e for e in rows if e.source == event.source and _comparable(e, event)]
        place = same.index(event)
        found += [*same[max(0, place - BEFORE) : place], *same[place + 1 : place + 1 + AFTER]]
    return found


def _comparable(event: Event, shown: Event) -> bool:
    """Whether it may be told beside the other one of its source."""
    return event is shown or (event.kind in TELLING and (event.kind != "watched" or event["uid"] == shown["uid"]))


def _at_work(shown: Iterable[Event], culprit: str) -> bool:
    return any(culprit in (e.instance, e["origin"]) for e in shown)


def _doings(rows: Sequence[Event], culprits: Collection[str]) -> list[Event]:
    """What each of them asked last, and heard last of any object; signs of life that it gives all the time say nothing."""
    found = []
    for culprit in culprits:
        its = [e for e in rows if e.instance == culprit and e["resource"] not in HEARTBEATS]
        found += [e for e in its if e.kind == "request"][-LAST:]
        found += [e for e in its if e.kind == "delivered" and e["name"]][-LAST:]
    return found


def _sentence(rows: Sequence[Event], until_s: float) -> int | None:
    """The place of the sentence that ran at that time."""
    return max((place for place, e in enumerate(rows) if e.kind == "step" and e.at_s <= until_s), default=None)
