"""Watch streams: cutting them into frames, and reading what a frame is about.

JSON streams are lines. Protobuf streams are frames behind a 4-byte length, `WatchEvent{1: type, 2: RawExtension{1: raw}}`, where raw is
the magic `k8s\\0` and `Unknown{1: TypeMeta, 2: raw object}`; field 1 of every object is its metadata. Five field numbers of ObjectMeta
are all that must be known, so no message types are needed. A watch may carry Table or PartialObjectMetadata instead of the kind: the
resource is known from the path only.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

MAGIC = b"k8s\0"
INITIAL_EVENTS_END = "k8s.io/initial-events-end"
_META = {1: "name", 3: "namespace", 5: "uid", 6: "resourceVersion"}  # ObjectMeta
_LIST_META = {2: "resourceVersion"}  # ListMeta
_ANNOTATIONS = 12
_VARINT, _I64, _LEN, _I32 = 0, 1, 2, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """Who an object is. `revision` is None where it is absent or no number."""

    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    revision: int | None = None
    initial_events_end: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchEvent:
    type: str  # ADDED, MODIFIED, DELETED, BOOKMARK, ERROR; empty where the frame cannot be read
    object: Meta


class Frames:
    """Cuts a stream; frames come out as they went in, line end or length included."""

    def __init__(self, *, protobuf: bool) -> None:
        self.protobuf = protobuf
        self._buffer = b""

    def feed(self, data: bytes) -> list[bytes]:
        data = self._buffer + data if self._buffer else data
        return self._lengths(data) if self.protobuf else self._lines(data)

    def _lines(self, data: bytes) -> list[bytes]:
        *lines, self._buffer = data.split(b"\n")
        return [line + b"\n" for line in lines]

    def _lengths(self, data: bytes) -> list[bytes]:
        at, frames = 0, []
        while len(data) - at >= 4:
            end = at + 4 + struct.unpack_from(">I", data, at)[0]
            if end > len(data):
                break
            frames.append(data[at:end])
            at = end
        self._buffer = data[at:]
        return frames

    def decode(self, frame: bytes) -> WatchEvent:
        """What the frame is about; never raises."""
        try:
            return _protobuf_event(frame[4:]) if self.protobuf else _json_event(frame)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            return WatchEvent(type="", object=Meta())


def _json_event(line: bytes) -> WatchEvent:
    event = orjson.loads(line)
    document = event["object"]
    if document.get("kind") == "Table" and (rows := document.get("rows")):
        document = rows[0]["object"]
    return WatchEvent(type=event["type"], object=json_meta(document))


def json_meta(document: dict[str, Any]) -> Meta:
    """Of an object, a list or a Status (the object it speaks of)."""
    kind, meta = document.get("kind", ""), document.get("metadata") or {}
    if kind == "Status":
        details = document.get("details") or {}
        meta = {"name": details.get("name"), "uid": details.get("uid")}
    return _meta(kind, meta, end=INITIAL_EVENTS_END in (meta.get("annotations") or ()))


def revision_of(item: Mapping[str, Any]) -> int | None:
    """The resource version of an object or a list, where it is a number: clients may not count on that, rules about order do."""
    version = str((item.get("metadata") or {}).get("resourceVersion"))
    return int(version) if version.isdecimal() else None


def _meta(kind: str, meta: dict[str, Any], *, end: bool) -> Meta:
    return Meta(
        kind=kind,
        namespace=meta.get("namespace") or "",
        name=meta.get("name") or "",
        uid=meta.get("uid") or "",
        revision=revision_of({"metadata": meta}),
        initial_events_end=end,
    )


def _protobuf_event(frame: bytes) -> WatchEvent:
    fields = dict(_fields(frame))
    return WatchEvent(type=fields[1].decode(), object=protobuf_meta(dict(_fields(fields[2]))[1]))


def protobuf_meta(document: bytes) -> Meta:
    """Of what stands behind the magic; raises ValueError where there is none."""
    if not document.startswith(MAGIC):
        raise ValueError("no Kubernetes protobuf")
    unknown = dict(_fields(document[4:]))
    kind = dict(_fields(unknown.get(1, b""))).get(2, b"").decode()
    metadata = next((value for number, value in _fields(unknown.get(2, b"")) if number == 1), b"")
    known, meta, end = (_LIST_META if kind.endswith("List") else _META), dict[str, str](), False
    for number, value in _fields(metadata):
        if number in known:
            meta[known[number]] = value.decode()
        end = end or (number == _ANNOTATIONS and INITIAL_EVENTS_END.encode() in value)
    return _meta(kind, meta, end=end)


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Numbers and values of a message; those that are no bytes come as empty bytes."""
    at, end = 0, len(message)
    while at < end:
        key, at = _varint(message, at)
        wire_type = key & 7
        if wire_type == _LEN:
            size, at = _varint(message, at)
            yield key >> 3, message[at : at + size]
            at += size
        elif wire_type == _VARINT:
            _, at = _varint(message, at)
            yield key >> 3, b""
        elif wire_type in (_I32, _I64):
            at += 4 if wire_type == _I32 else 8
            yield key >> 3, b""
        else:
            raise ValueError(f"wire type {wire_type}")
    if at > end:
        raise ValueError("message ends within a field")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at += 1
        shift += 7
        if byte < 128:
            return value, at
