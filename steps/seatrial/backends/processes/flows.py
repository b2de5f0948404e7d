"""Connections, made out of the segments that the capture saw.

A connection opens with the first SYN that carries no ACK; SYNs with the same initial sequence number are repetitions of it. It closes
with the first FIN or RST of either side, or when the same two addresses and ports open anew. An attempt that nobody answers, and a
connection to a peer out of reach, may end without any frame: `prune` closes what has lost the socket that dialled.

What is not TCP has no opening: the first datagram between two addresses and ports opens their exchange, and nothing ends it. Of ICMP only
the question opens anything; the rest is a kernel's answer.
"""

from collections.abc import Callable
from dataclasses import dataclass

from seatrial.backends.interface import OPERATOR
from seatrial.backends.processes.diag import Ends
from seatrial.backends.processes.packets import ACK, ECHO, ICMP, SYN, TCP, Segment
from seatrial.model.history import Record


@dataclass(slots=True)
class Link:
    """A connection that is open, or an attempt at one."""

    number: int
    source: str
    target: str
    ends: Ends
    sequence: int


class Flows:
    """Feeds `record` with `open` and `close`. `host_at` names the host of a link, `host_of` that of an address."""

    def __init__(self, record: Record, *, host_at: Callable[[int], str], host_of: Callable[[str], str]) -> None:
        self._record = record
        self._host_at, self._host_of = host_at, host_of
        self._links: dict[Ends, Link] = {}
        self._exchanges: set[tuple[int, Ends]] = set()
        self._count = 0

    def segment(self, segment: Segment, at_s: float) -> None:
        there = (segment.source, segment.sport, segment.target, segment.port)
        back = (segment.target, segment.port, segment.source, segment.sport)
        if segment.protocol != TCP:
            self._exchange(there, back, segment, at_s)
        elif segment.flags & (SYN | ACK) == SYN:
            self._open(there, segment, at_s)
        else:
            self._close(there, at_s)
            self._close(back, at_s)

    def prune(self, exists: Callable[[str, Ends], bool]) -> None:
        """Close every link whose source has no such socket any more."""
        for link in list(self._links.values()):
            if not exists(link.source, link.ends):
                self._close(link.ends, None)

    def _exchange(self, there: Ends, back: Ends, segment: Segment, at_s: float) -> None:
        known = {(segment.protocol, there), (segment.protocol, back)} & self._exchanges
        source = self._host_at(segment.ifindex)
        if known or source == OPERATOR or (segment.protocol == ICMP and segment.flags != ECHO):
            return
        self._exchanges.add((segment.protocol, there))
        self._opened(source, segment, at_s)

    def _open(self, ends: Ends, segment: Segment, at_s: float) -> None:
        if (known := self._links.get(ends)) and known.sequence == segment.sequence:
            return
        self._close(ends, at_s)
        source = self._host_at(segment.ifindex)
        target = self._opened(source, segment, at_s)
        self._links[ends] = Link(self._count, source, target, ends, segment.sequence)

    def _opened(self, source: str, segment: Segment, at_s: float) -> str:
        """Record it under the next number; returns the target's name."""
        self._count += 1
        target = self._host_of(segment.target)
        self._record("open", at_s=at_s, origin=source, target=target, port=segment.port, sport=segment.sport, link=self._count)
        return target

    def _close(self, ends: Ends, at_s: float | None) -> None:
        if link := self._links.pop(ends, None):
            self._record("close", at_s=at_s, link=link.number)
