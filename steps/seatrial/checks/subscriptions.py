"""Lists and watches of components: which of them belong together, and what a list is there for."""

import math
from typing import Any

from seatrial.checks.facts import answer
from seatrial.model.history import Event, History


def resumes(history: History, listed: Event) -> bool:
    """Whether a list makes up for a watch of the same that has ended: it is the first since, with all its pages, and that watch, or the
    next one, stands for longer than none did. Until both are granted, whoever is refused may try again."""
    same = _like(history, listed)
    watches = {r["request"]: r for r in same if r["verb"] == "watch" and not _refused(history, r)}
    over = {e["request"]: e for e in history.of("stream-end", source=listed.source) if e["request"] in watches}
    ends = [e for e in over.values() if e.seq < listed.seq]
    if not ends:
        return False
    last = ends[-1]
    since = [r for r in same if last.seq < r.seq <= listed.seq]
    turned_away = max((r.seq for r in since if r["verb"] == "watch"), default=last.seq)
    lists = [r for r in since if r["verb"] == "list"]
    granted = [r for r in lists if r.seq > turned_away and not _refused(history, r)]
    begins = [r for r in granted if not (r["query"] or {}).get("continue")]
    stood_s = [(over[n].at_s if n in over else math.inf) - w.at_s for n, w in watches.items() if n == last["request"] or w.seq > listed.seq]
    return begins == granted[:1] and lists[0].at_s - last.at_s < max(stood_s[:2])


def opens(history: History, listed: Event) -> bool:
    """Whether a list is the first thing of its kind that its instance was granted in this life, with all its pages, and led to a watch."""
    born = max((e.at_s for e in history.of("started", instance=listed.instance) if e.at_s <= listed.at_s), default=-math.inf)
    same = [r for r in _like(history, listed) if r.at_s >= born]
    granted = [r for r in same if r.seq <= listed.seq and not _refused(history, r)]
    begins = [r for r in granted if not (r["query"] or {}).get("continue")]
    return begins == granted[:1] and any(r["verb"] == "watch" and r.seq > listed.seq for r in same)


def _like(history: History, request: Event) -> list[Event]:
    """What the same instance asked about the same, in the order of its tap."""
    mine = {"source": request.source, "instance": request.instance, "resource": request["resource"]}
    return [r for r in history.of("request", **mine) if subscription(r) == subscription(request)]


def _refused(history: History, request: Event) -> bool:
    told = answer(history, request)
    return told is not None and told["code"] >= 400


def subscription(request: Event) -> tuple[Any, ...]:
    """What a list or a watch is about: clients may have several of one resource, by namespace or by selectors."""
    query = request["query"] or {}
    return request["resource"], request["namespace"], request["name"], query.get("fieldSelector"), query.get("labelSelector")
