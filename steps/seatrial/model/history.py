"""The append-only record of one scenario: what every source saw, each in its own order.

`seq` orders one source only. Two sources are never compared by `seq` or `at_s`: on real Kubernetes a client's answer arrives before the
store reader's event half of the time. Order across sources is proved by store revisions, by a barrier or by a pause. Windows of the
flows are cut by `(at_s, seq)` on one clock.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Protocol, TypeVar

import orjson

T = TypeVar("T")
HEAD = frozenset({"source", "seq", "at_s", "kind", "instance"})


class Record(Protocol):
    """The only way up: hand over what was seen."""

    def __call__(self, kind: str, /, *, at_s: float | None = None, instance: str | None = None, **data: Any) -> "Event":
        """Append one event; `at_s` where the source knows better than the clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that one source saw. `data` is plain JSON; `event["field"]` reads it and gives None where it is absent."""

    source: str
    seq: int
    at_s: float
    kind: str
    instance: str | None
    data: Mapping[str, Any]

    def __getitem__(self, field: str) -> Any:
        return self.data.get(field)

    @property
    def key(self) -> tuple[float, int]:
        """Orders the events of one source by when they happened: a capture may report late."""
        return self.at_s, self.seq

    def as_json(self) -> dict[str, Any]:
        """One flat object. Data under a name of the head, such as the `source` of a connection, gets a trailing underscore."""
        head = {"source": self.source, "seq": self.seq, "at_s": round(self.at_s, 6), "kind": self.kind, "instance": self.instance}
        if HEAD.isdisjoint(self.data):
            return {**head, **self.data}
        return head | {f"{k}_" if k in HEAD else k: v for k, v in self.data.items()}


def _nothing(_: Event) -> bool:
    return False


class History:
    """Events by kind, and a signal at each new one."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._events: list[Event] = []
        self._by_kind: dict[str, list[Event]] = defaultdict(list)
        self._seq: dict[str, int] = defaultdict(int)
        self._over: Callable[[Event], bool] = _nothing
        self._lines: list[bytes] = []  # of the events from the first one on that have been written
        self._found: dict[Callable[[History], Any], Any] = {}
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self._events)

    def append(self, source: str, kind: str, *, at_s: float | None, instance: str | None, data: Mapping[str, Any]) -> Event:
        """Take one event, with the next number of its source; everybody who waits for a change looks again."""
        event = Event(
            source=source,
            seq=self._seq[source],
            at_s=self._now_s() if at_s is None else at_s,
            kind=kind,
            instance=instance,
            data=data,
        )
        self._seq[source] += 1
        if not self._over(event):
            self._events.append(event)
            self._by_kind[kind].append(event)
            self._found.clear()
        self._changed.set()
        return event

    def forget(self, over: Callable[[Event], bool], *, late: Callable[[Event], bool]) -> None:
        """Drop the events that are `over`, asked in order of arrival; from now on those are not even taken that are `late`. What is left
        keeps its numbers."""
        self._events = [e for e in self._events if not over(e)]
        self._by_kind.clear()
        for event in self._events:
            self._by_kind[event.kind].append(event)
        self._over = late
        self._lines.clear()
        self._found.clear()

    def replay(self, row: Mapping[str, Any]) -> Event:
        """Append what `as_json` wrote, under its own number: some may have been forgotten before."""
        self._seq[row["source"]] = row["seq"]
        data = {k[:-1] if k[:-1] in HEAD else k: v for k, v in row.items() if k not in HEAD}
        return self.append(row["source"], row["kind"], at_s=row["at_s"], instance=row["instance"], data=data)

    def recorder(self, source: str) -> Record:
        """A `record` that appends under `source`."""

        def record(kind: str, /, *, at_s: float | None = None, instance: str | None = None, **data: Any) -> Event:
            return self.append(source, kind, at_s=at_s, instance=instance, data=data)

        return record

    def of(self, kind: str, **match: Any) -> list[Event]:
        """Events of a kind whose fields equal `match`, in order of arrival (`instance` and `source` may be matched too)."""
        found = self._by_kind.get(kind, [])
        for name, value in match.items():
            if name in ("instance", "source"):
                found = [e for e in found if getattr(e, name) == value]
            else:
                found = [e for e in found if e.data.get(name) == value]
        return list(found)

    async def change(self) -> None:
        """Return after the next append."""
        self._changed.clear()
        await self._changed.wait()

    def as_lines(self) -> Sequence[bytes]:
        """All events as JSON, a line each. Each is written once: copies of a process that has done so need not."""
        self._lines += [orjson.dumps(e.as_json()) + b"\n" for e in self._events[len(self._lines) :]]
        return self._lines

    def find(self, look: Callable[["History"], T]) -> T:
        """What `look` finds in it; looked for again only after an event that is new."""
        if look not in self._found:
            self._found[look] = look(self)
        found: T = self._found[look]
        return found


def once(look: Callable[[History], T]) -> Callable[[History], T]:
    """`look`, asked once for as long as nothing happens. All who ask get the same answer: nobody may change it."""

    @wraps(look)
    def found(history: History) -> T:
        return history.find(look)

    return found


async def eventually(history: History, seen: Callable[[History], T | None], *, within_s: float) -> T | None:
    """The first answer of `seen` that is neither None nor empty, asked again after each event; None where time runs out."""
    try:
        async with asyncio.timeout(within_s):
            while not (answer := seen(history)):
                await history.change()
            return answer
    except TimeoutError:
        return seen(history) or None
