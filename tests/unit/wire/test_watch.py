"""Frames come out as they went in, and say whom they are about; nothing that arrives makes the reader fail."""

import struct

import orjson
from hypothesis import given
from hypothesis import strategies as st

from seatrial.wire.watch import Frames, Meta, WatchEvent, json_meta

META = {"name": "p", "namespace": "a", "uid": "u", "resourceVersion": "42"}
SEEN = Meta(kind="Pod", namespace="a", name="p", uid="u", revision=42)


def line(kind: str, document: object) -> bytes:
    return orjson.dumps({"type": kind, "object": document}) + b"\n"


def field(number: int, value: bytes) -> bytes:
    assert len(value) < 128
    return bytes([number << 3 | 2, len(value)]) + value


def protobuf_frame(kind: str, meta: bytes) -> bytes:
    unknown = field(1, field(1, b"v1") + field(2, b"Pod")) + field(2, field(1, meta) + b"\x10\x01")
    event = field(1, kind.encode()) + field(2, field(1, b"k8s\0" + unknown))
    return struct.pack(">I", len(event)) + event


@given(st.lists(st.binary(max_size=30)), st.lists(st.integers(0, 9)), st.booleans())
def test_frames_survive_any_cut(payloads: list[bytes], cuts: list[int], protobuf: bool) -> None:
    frames = [struct.pack(">I", len(p)) + p if protobuf else p.replace(b"\n", b" ") + b"\n" for p in payloads]
    reader, data, got = Frames(protobuf=protobuf), b"".join(frames), list[bytes]()
    for size in [*cuts, len(data)]:
        got += reader.feed(data[:size])
        data = data[size:]

    assert frames == got


def test_json_events() -> None:
    reader = Frames(protobuf=False)

    assert WatchEvent(type="ADDED", object=SEEN) == reader.decode(line("ADDED", {"kind": "Pod", "metadata": META}))


def test_tables_and_partial_metadata_are_about_their_object() -> None:
    row = {"cells": ["p"], "object": {"kind": "PartialObjectMetadata", "metadata": META}}

    event = Frames(protobuf=False).decode(line("MODIFIED", {"kind": "Table", "metadata": {"resourceVersion": "1"}, "rows": [row]}))

    assert (event.object.name, event.object.revision) == ("p", 42)


def test_bookmarks_say_when_the_initial_events_end() -> None:
    meta = {"resourceVersion": "7", "annotations": {"k8s.io/initial-events-end": "true"}}

    event = Frames(protobuf=False).decode(line("BOOKMARK", {"kind": "Pod", "metadata": meta}))

    assert (event.type, event.object.revision, event.object.initial_events_end) == ("BOOKMARK", 7, True)


def test_protobuf_events() -> None:
    meta = field(1, b"p") + field(3, b"a") + field(5, b"u") + field(6, b"42") + b"\x38\x05"  # generation, a number

    event = Frames(protobuf=True).decode(protobuf_frame("DELETED", meta))

    assert WatchEvent(type="DELETED", object=SEEN) == event


def test_a_status_is_about_the_object_it_names() -> None:
    assert Meta(kind="Status", name="p", uid="u") == json_meta({"kind": "Status", "metadata": {}, "details": {"name": "p", "uid": "u"}})


@given(st.binary(max_size=60), st.booleans())
def test_nonsense_is_about_nothing(frame: bytes, protobuf: bool) -> None:
    Frames(protobuf=protobuf).decode(frame)


def test_unreadable_events_have_no_type() -> None:
    for protobuf in (True, False):
        assert WatchEvent(type="", object=Meta()) == Frames(protobuf=protobuf).decode(b"\0\0\0\0[]\n")
