"""HTTP/1.1 messages without I/O: heads, and the three ways in which a body ends.

A proxy that must see each message and change next to nothing needs less than an HTTP library: split the head at the empty line, tell
from it how the body ends (RFC 9112 section 6.3), hand over payload and what is left. Field names keep their spelling.

    Length    so many bytes                Chunked    chunks until one of size zero, then trailers
    Endless   until the connection ends (answers of old servers)
"""

from collections.abc import Iterable
from dataclasses import dataclass

MAX_HEAD = 1 << 20
HOP_BY_HOP = frozenset((b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"))
Field = tuple[bytes, bytes]


class Malformed(ValueError):
    """Not HTTP/1.1."""


@dataclass(slots=True)
class Head:
    """Start line and fields; `values` finds a field by its name in lower case, the last one where it is repeated."""

    start: list[bytes]
    fields: list[Field]
    values: dict[bytes, bytes]

    @property
    def persistent(self) -> bool:
        """The connection may be used again."""
        connection = self.values.get(b"connection", b"").lower()
        return b"close" not in connection and (b"HTTP/1.1" in self.start or b"keep-alive" in connection)

    @property
    def upgrade(self) -> bool:
        """A request to leave HTTP. `h2c` is not: whoever offers it can do without."""
        protocol = self.values.get(b"upgrade", b"").lower()
        return protocol not in (b"", b"h2c") and b"upgrade" in self.values.get(b"connection", b"").lower()


def parse_head(block: bytes) -> Head:
    """`block` ends before the empty line."""
    first, *lines = block.split(b"\r\n")
    start = first.split(b" ", 2)
    if len(start) < 2:
        raise Malformed(f"start line {first[:80]!r}")
    fields = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name:
            raise Malformed(f"header line {line[:80]!r}")
        fields.append((name, value.strip()))
    return Head(start, fields, {name.lower(): value for name, value in fields})


def render_head(start: Iterable[bytes], fields: Iterable[Field]) -> bytes:
    return b"\r\n".join([b" ".join(start), *(b": ".join(f) for f in fields), b"", b""])


def chunk(payload: bytes) -> bytes:
    """One chunk; an empty payload would end the body."""
    return b"%x\r\n%b\r\n" % (len(payload), payload) if payload else b""


LAST_CHUNK = b"0\r\n\r\n"


class Length:
    """`feed` returns payload and, once the body is over, what is left of the data; None before."""

    def __init__(self, size: int) -> None:
        self._missing = size

    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        if len(data) < self._missing:
            self._missing -= len(data)
            return data, None
        payload, self._missing = data[: self._missing], 0
        return payload, data[len(payload) :]


class Endless:
    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        return data, None


class Chunked:
    def __init__(self) -> None:
        self._buffer = b""
        self._missing = 0  # of the chunk at hand, with its line end
        self._trailer = False

    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        data = self._buffer + data if self._buffer else data
        at, pieces, rest = 0, list[bytes](), None
        while rest is None:
            if self._missing:
                piece = data[at : at + self._missing]
                at += len(piece)
                self._missing -= len(piece)
                # the chunk's last two bytes are its line end, whichever read they came in
                surplus = max(0, min(len(piece), 2 - self._missing))
                pieces.append(piece[: len(piece) - surplus] if surplus else piece)
                if self._missing:
                    break
            end = data.find(b"\r\n", at)
            if end < 0:
                break
            line, at = data[at:end], end + 2
            if self._trailer:
                rest = None if line else data[at:]
            else:
                self._size(line)
        self._buffer = data[at:] if rest is None else b""
        return b"".join(pieces), rest

    def _size(self, line: bytes) -> None:
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError:
            raise Malformed(f"chunk size {line[:80]!r}") from None
        self._trailer = size == 0
        self._missing = size + 2 if size else 0


Body = Length | Endless | Chunked


def request_body(head: Head) -> Body:
    """How to tell where the body of a request ends."""
    return Chunked() if _chunked(head) else Length(_length(head) or 0)


def answer_body(head: Head, *, method: str, code: int) -> Body:
    if method == "HEAD" or code in (204, 304) or code < 200:
        return Length(0)
    if _chunked(head):
        return Chunked()
    length = _length(head)
    return Endless() if length is None else Length(length)


def _chunked(head: Head) -> bool:
    return b"chunked" in head.values.get(b"transfer-encoding", b"").lower()


def _length(head: Head) -> int | None:
    text = head.values.get(b"content-length")
    if text is not None and not text.isdigit():
        raise Malformed(f"content-length {text[:80]!r}")
    return None if text is None else int(text)
