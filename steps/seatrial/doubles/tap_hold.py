"""Holds: what passes the tap and matches one waits there until it is released.

A hold names what it stops: a `request` on its way up, an `answer` on its way down, a watch `stream`, whose events still arrive at the
tap (offered) but do not leave it (delivered), or the `reader` of one, for whom the tap stops reading, so that the API server is left with
what it has to say. A stream is held from the moment the hold is made, streams opened later included; everything else only where it
arrives later. One exchange may wait for several holds.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

FIELDS = frozenset({"instance", "user", "verb", "resource", "subresource", "namespace", "name", "agent"})


class Holdable(Protocol):
    """A request with its answer, as holds see it."""

    number: int
    facts: Mapping[str, Any]
    instance: str
    holds: list["Hold"]

    def resume(self) -> None:
        """Nothing holds it any more."""

    def end(self) -> None:
        """Nothing more comes: a stream is over, in good order."""


@dataclass(eq=False, slots=True, kw_only=True)
class Hold:
    number: int
    what: str
    match: Mapping[str, str]
    resource: re.Pattern[str] | None
    held: list[Holdable] = field(default_factory=list)

    def matches(self, exchange: Holdable) -> bool:
        """Whether the exchange is one of those that are to be held."""
        facts = exchange.facts
        if self.resource is not None and not self.resource.fullmatch(facts["resource"]):
            return False
        return all((exchange.instance if key == "instance" else facts[key]) == value for key, value in self.match.items())


class Holds:
    """The holds in force. `record(kind, instance, data)` is told who waits and who goes on."""

    def __init__(self, record: Callable[[str, str, dict[str, Any]], None]) -> None:
        self._record = record
        self._numbers = 0
        self._holds: dict[int, Hold] = {}
        self._streams: dict[int, Holdable] = {}

    def add(self, what: str, match: Mapping[str, str]) -> int:
        """`match`: some of FIELDS; `resource` is a regular expression for the whole plural."""
        self._numbers += 1
        hold = self._holds[self._numbers] = _hold(self._numbers, what, match)
        for stream in self._streams.values() if what == "stream" else ():
            if hold.matches(stream):
                self._take(hold, stream)
        return hold.number

    def streams(self, match: Mapping[str, str]) -> list[Holdable]:
        """The streams that stand, and match."""
        meant = _hold(0, "stream", match)
        return [stream for stream in self._streams.values() if meant.matches(stream)]

    def check(self, what: str, exchange: Holdable) -> bool:
        """Whether the exchange has to wait at this point. `resume` is called when it need not any more."""
        if what == "stream":
            self._streams[exchange.number] = exchange
        for hold in self._holds.values():
            if hold.what == what and hold.matches(exchange):
                self._take(hold, exchange)
        return bool(exchange.holds)

    def release(self, number: int | None) -> None:
        """One hold, or all of them; in the order in which they were made, and within one in the order of arrival."""
        for hold in [h for h in self._holds.values() if number in (None, h.number)]:
            del self._holds[hold.number]
            for exchange in hold.held:
                exchange.holds.remove(hold)
                self._record("released", exchange.instance, {"request": exchange.number, "hold": hold.number})
                if not exchange.holds:
                    exchange.resume()

    def forget(self, exchange: Holdable) -> None:
        """It is over, held or not."""
        self._streams.pop(exchange.number, None)
        for hold in exchange.holds:
            hold.held.remove(exchange)
        exchange.holds.clear()

    def _take(self, hold: Hold, exchange: Holdable) -> None:
        hold.held.append(exchange)
        exchange.holds.append(hold)
        self._record("held", exchange.instance, {"request": exchange.number, "what": hold.what, "hold": hold.number})


def _hold(number: int, what: str, match: Mapping[str, str]) -> Hold:
    resource = re.compile(match["resource"]) if "resource" in match else None
    return Hold(number=number, what=what, match={k: v for k, v in match.items() if k != "resource"}, resource=resource)
