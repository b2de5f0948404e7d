"""Messages come out whole and unchanged, however they were cut on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.wire.http1 import (
    LAST_CHUNK,
    Body,
    Chunked,
    Endless,
    Length,
    Malformed,
    answer_body,
    chunk,
    parse_head,
    render_head,
    request_body,
)


def fed(body: Body, data: bytes, cuts: list[int]) -> tuple[bytes, bytes | None]:
    """The payload and the rest, `data` arriving in pieces of those sizes."""
    payload, rest = b"", None
    for size in [*cuts, len(data)]:
        piece, data = data[:size], data[size:]
        if rest is not None:
            rest += piece
            continue
        got, rest = body.feed(piece)
        payload += got
    return payload, rest


@given(st.lists(st.binary(max_size=40)), st.binary(max_size=9), st.lists(st.integers(0, 9)))
def test_chunked_bodies(payloads: list[bytes], after: bytes, cuts: list[int]) -> None:
    data = b"".join(map(chunk, payloads)) + LAST_CHUNK + after

    assert (b"".join(payloads), after) == fed(Chunked(), data, cuts)


@given(st.binary(max_size=40), st.binary(max_size=9), st.lists(st.integers(0, 9)))
def test_bodies_of_known_length(payload: bytes, after: bytes, cuts: list[int]) -> None:
    assert (payload, after) == fed(Length(len(payload)), payload + after, cuts)


def test_trailers_and_chunk_extensions_are_skipped() -> None:
    assert Chunked().feed(b"3;x=y\r\nabc\r\n0\r\nDigest: x\r\n\r\nnext") == (b"abc", b"next")


def test_a_head_is_rendered_as_it_was_read() -> None:
    block = b"GET /a%20b?c HTTP/1.1\r\nHost: x\r\nX-Two: a\r\nX-Two: b"

    head = parse_head(block)

    assert block + b"\r\n\r\n" == render_head(head.start, head.fields)
    assert head.values[b"host"] == b"x"


@pytest.mark.parametrize(
    ("fields", "method", "code", "kind"),
    [
        (b"Content-Length: 3", "GET", 200, Length),
        (b"Transfer-Encoding: chunked", "GET", 200, Chunked),
        (b"X: y", "GET", 200, Endless),
        (b"Content-Length: 3", "HEAD", 200, Length),
        (b"X: y", "DELETE", 204, Length),
    ],
)
def test_how_an_answer_ends(fields: bytes, method: str, code: int, kind: type) -> None:
    assert isinstance(answer_body(parse_head(b"HTTP/1.1 200 OK\r\n" + fields), method=method, code=code), kind)


def test_connections_end_where_either_side_says_so() -> None:
    assert parse_head(b"GET / HTTP/1.1").persistent
    assert not parse_head(b"GET / HTTP/1.0").persistent
    assert not parse_head(b"GET / HTTP/1.1\r\nConnection: close").persistent
    assert parse_head(b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket").upgrade
    assert not parse_head(b"GET / HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c").upgrade


@pytest.mark.parametrize("block", [b"nonsense", b"GET / HTTP/1.1\r\nno colon", b"GET / HTTP/1.1\r\nContent-Length: -1"])
def test_nonsense_is_refused(block: bytes) -> None:
    with pytest.raises(Malformed):
        request_body(parse_head(block))
    with pytest.raises(Malformed):
        Chunked().feed(b"zz\r\n")
