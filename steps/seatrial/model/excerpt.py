"""The slice of a history that explains a finding: its evidence, what the same sources saw right before and after, and the sentence.

Neighbours come from the source of the evidence only, for only there does order mean something. The slice itself is laid out by time, for
orientation; nobody concludes anything from that.
"""

from collections.abc import Iterable, Sequence

from seatrial.model.history import Event, History

TELLING = frozenset({"open", "request", "answer", "delivered", "put", "delete", "cri", "review", "exited", "started", "cut", "canary"})
BEFORE, AFTER, MOST = 2, 1, 16


def excerpt(history: History, evidence: Iterable[Event]) -> list[Event]:
    """At most `MOST` events, the evidence first to be kept, in the order of their times."""
    wanted = list(dict.fromkeys(id(e) for e in evidence))
    rows = list(history)
    shown = [e for e in rows if id(e) in set(wanted)][:MOST]
    for event in _around(rows, shown):
        if len(shown) < MOST and event not in shown:
            shown.append(event)
    sentence = _sentence(rows, shown)
    return sorted([*sentence, *shown], key=lambda e: e.at_s)


def _around(rows: Sequence[Event], shown: Sequence[Event]) -> list[Event]:
    found = []
    for event in shown:
        same = [e for e in rows if e.source == event.source and (e.kind in TELLING or e is event)]
        place = same.index(event)
        found += [*same[max(0, place - BEFORE) : place], *same[place + 1 : place + 1 + AFTER]]
    return found


def _sentence(rows: Sequence[Event], shown: Sequence[Event]) -> list[Event]:
    """The sentence that ran when the first of the events came about."""
    if not shown:
        return [e for e in rows if e.kind == "step"][-1:]
    start_s = min(e.at_s for e in shown)
    return [e for e in rows if e.kind == "step" and e.at_s <= start_s][-1:]
