"""A slice of a history as a sequence diagram in text: a lifeline for each instance, an arrow for what went between two, time downwards.

    apiserver-0   etcd-0        scheduler-0
    |                |<---------------|  open :2379
    * 201

It is drawn in order of time, for orientation: only what one source saw is in an order that means something.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seatrial.model.saying import told, watched

Row = Mapping[str, Any]
LIFELINES = 6
WIDTH = 14  # of a lifeline's column, at least
LABEL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One event: an arrow where both ends are known, a mark on one lifeline, or a remark across all."""

    at_s: float
    source: str | None
    target: str | None
    text: str


def diagram(events: Sequence[Row]) -> list[str]:
    """The lines of the drawing; none where there is nothing to draw."""
    lines = [line for event in events if (line := _line(event))]
    names = list(dict.fromkeys(n for line in lines for n in (line.source, line.target) if n))[:LIFELINES]
    width = max([WIDTH, *(len(n) + 2 for n in names)])
    start_s = min((line.at_s for line in lines), default=0.0)
    head = " " * 10 + "".join(n.ljust(width) for n in names).rstrip()
    return [*([head] if names else []), *(_draw(line, names, width, start_s) for line in lines)]


def _draw(line: Line, names: Sequence[str], width: int, start_s: float) -> str:
    time = f"{line.at_s - start_s:+8.3f}s "
    ends = [names.index(n) for n in (line.source, line.target) if n in names]
    if not ends:
        return f"{time}-- {line.text}"
    canvas = [" "] * (width * (len(names) - 1) + 1)
    for index in range(len(names)):
        canvas[index * width] = "|"
    low, high = min(ends) * width, max(ends) * width
    if low == high:
        canvas[low] = "*"
    else:
        canvas[low + 1 : high] = "-" * (high - low - 1)
        canvas[high - 1 if ends[1] > ends[0] else low + 1] = ">" if ends[1] > ends[0] else "<"
    return f"{time}{''.join(canvas)}  {line.text}"


def _line(event: Row) -> Line | None:
    maker = LINES.get(event["kind"])
    if maker is None:
        return None
    source, target, text = maker(event)
    return Line(at_s=event["at_s"], source=source, target=target, text=text[:LABEL])


Ends = tuple[str | None, str | None, str]


def _server(event: Row) -> str:
    """The API server's host, from the name of its tap."""
    return str(event["source"]).partition("/")[2]


def _what(event: Row) -> str:
    parts = [event.get(k) for k in ("resource", "name", "subresource")]
    return "/".join(str(p) for p in parts if p) or str(event.get("path", ""))


def _open(event: Row) -> Ends:
    return event["origin"], event["target"], f"{event['kind']} :{event['port']}"


def _request(event: Row) -> Ends:
    return event["instance"], _server(event), f"{event['verb']} {_what(event)}"


def _answer(event: Row) -> Ends:
    revision = f" at revision {event['revision']}" if event.get("revision") else ""
    return _server(event), event["instance"], f"{event['code']} {event['verb']} {_what(event)}{revision}"


def _delivered(event: Row) -> Ends:
    return _server(event), event["instance"], f"{event['type']} {_what(event)} at revision {event.get('revision')}"


def _stored(event: Row) -> Ends:
    return "store", None, f"{event['kind']} {event['key']} at revision {event['revision']}"


def _review(event: Row) -> Ends:
    says = "allows" if event.get("allowed") else "denies"
    return event["instance"], "hooks", f"{event['stage']} {says} {event.get('verb') or event.get('operation') or ''} {_what(event)}"


def _cri(event: Row) -> Ends:
    pod = "/".join(str(event[k]) for k in ("namespace", "pod", "container") if event.get(k))
    return event["instance"], None, f"{event['method']} {pod}"


def _canary(event: Row) -> Ends:
    return event["instance"], event["target"], f"canary of the suite :{event['port']}"


def _step(event: Row) -> Ends:
    return None, None, f"{event['keyword']} {event['sentence']}"


def _change(event: Row) -> Ends:
    others = {k: v for k, v in event.items() if k in ("status", "other", "boot")}
    return event["instance"], None, " ".join([event["kind"], *(f"{k} {v}" for k, v in others.items())])


LINES: Mapping[str, Callable[[Row], Ends]] = {
    "open": _open,
    "request": _request,
    "answer": _answer,
    "offered": _delivered,
    "delivered": _delivered,
    "put": _stored,
    "delete": _stored,
    "review": _review,
    "cri": _cri,
    "canary": _canary,
    "step": _step,
    "watched": lambda event: (None, None, watched(event)),
    "told": lambda event: (None, None, told(event)),
    **dict.fromkeys(("started", "exited", "killed", "paused", "resumed", "cut", "ready"), _change),
}
