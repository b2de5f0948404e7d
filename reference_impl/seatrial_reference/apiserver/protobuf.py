"""Kubernetes' other encoding, read: Go clients of typed APIs, `kubectl create deployment` among them, write protobuf and take JSON back.

A body is four magic bytes and an envelope (`runtime.Unknown`) that names the kind of the object inside. What is inside has numbers where
JSON has names; the numbers are data (`messages.py`), so this module knows the encoding and no kind. The result is the JSON that the client
would have sent: Go's protobuf writes a zero for what is not set, Go's JSON leaves that out where the field is `omitempty`, and keeps it
where zero means something, as in `replicas: 0`. Hence the cardinalities: always (as sent), omitempty (unless zero), pointer (as sent, since
sent only if set), list, map, and inline (the message's fields are its parent's). The empty time is no time. Fields without a row are
skipped, as newer than this server.
"""

import base64
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import orjson

from seatrial_reference.apiserver.messages import Field, by_number

Json = dict[str, Any]
Wire = int | bytes  # what the encoding itself tells apart: numbers, and everything that has a length

MEDIA = "application/vnd.kubernetes.protobuf"
MAGIC = b"k8s\0"
_VARINT, _BYTES = 0, 2  # wire types
_FIXED: Mapping[int, int] = {1: 8, 5: 4}  # those of a fixed length: no field here has one
_VARINT_BYTES = 10
_EPOCH = datetime.fromtimestamp(0, UTC)
_TYPE, _RAW, _ENCODING, _CONTENT = 1, 2, 3, 4  # fields of the envelope


class Malformed(ValueError):
    """These bytes are not an object of a known kind."""


def decode(data: bytes) -> Json:
    """The object in a body, with its kind and apiVersion. Raises Malformed, whatever the bytes are."""
    if not data.startswith(MAGIC):
        raise Malformed("the body does not begin as Kubernetes' protobuf does")
    envelope = dict(_fields(data[len(MAGIC) :]))
    named = dict(_fields(_bytes(envelope.get(_TYPE, b""))))
    api_version, kind = (_text(_bytes(named.get(number, b""))) for number in (1, 2))
    if envelope.get(_ENCODING) or envelope.get(_CONTENT) not in (None, b"", MEDIA.encode()):
        raise Malformed("the object in the body is encoded once more")
    # Options of a delete go by the name of any group; they are the same message in all of them.
    message = f"meta.k8s.io/v1.{kind}" if kind == "DeleteOptions" else f"{api_version}.{kind}"
    if not by_number(message):
        raise Malformed(f'no kind "{kind}" is registered for version "{api_version}"')
    return {"kind": kind, "apiVersion": api_version} | _object(message, _bytes(envelope.get(_RAW, b"")))


# the encoding


def _fields(data: bytes) -> Iterator[tuple[int, Wire]]:
    """The numbers and values of a message, in order."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if not number:
            raise Malformed("a field has the number 0")
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        length, at = _varint(data, at) if wire == _BYTES else (_FIXED.get(wire, -1), at)
        if length < 0 or at + length > len(data):
            raise Malformed(f"field {number} is cut off, or of no known wire type")
        yield number, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned number of up to 64 bits, seven in a byte, the lowest first; and where it ends."""
    number = 0
    for index, byte in enumerate(data[at : at + _VARINT_BYTES]):
        number |= (byte & 0x7F) << (7 * index)
        if byte < 0x80 and number < 1 << 64:
            return number, at + index + 1
    raise Malformed("a number is cut off or too long")


def _bytes(value: Wire) -> bytes:
    if isinstance(value, int):
        raise Malformed("a number stands where a text or an object should")
    return value


def _number(value: Wire) -> int:
    """Signed: a negative number is sent as its two's complement."""
    if not isinstance(value, int):
        raise Malformed("something else stands where a number should")
    return value - (1 << 64) if value >> 63 else value


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Malformed("a text is not UTF-8") from error


# messages


def _object(message: str, data: bytes) -> Json:
    rows, obj = by_number(message), Json()
    for number, value in _fields(data):
        if number in rows:
            _put(obj, rows[number], value)
    return obj


def _put(obj: Json, row: Field, sent: Wire) -> None:
    match row.cardinality:
        case "list":
            obj.setdefault(row.name, []).append(_value(row.type, sent))
        case "map":
            entry = dict(_fields(_bytes(sent)))
            obj.setdefault(row.name, {})[_text(_bytes(entry.get(1, b"")))] = _value(row.type, entry.get(2, b""))
        case "inline":
            obj.update(_object(row.type, _bytes(sent)))
        case _:
            value = _value(row.type, sent)
            if value is not None and (value or row.cardinality != "omitempty"):
                obj[row.name] = value


def _value(kind: str, sent: Wire) -> Any:
    if kind == "int":
        return _number(sent)
    if kind == "bool":
        return bool(_number(sent))
    reader = _SPECIAL.get(kind)
    return reader(_bytes(sent)) if reader else _object(kind, _bytes(sent))


# types whose JSON is not an object of their fields


def _time(data: bytes, precision: str = "seconds") -> str | None:
    """RFC 3339 of seconds and nanoseconds since the epoch."""
    if not data:
        return None
    sent = dict(_fields(data))
    seconds, nanos = (_number(sent.get(number, 0)) for number in (1, 2))
    try:
        at = _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)
    except OverflowError as error:
        raise Malformed("a time is out of range") from error
    return at.isoformat(timespec=precision).replace("+00:00", "Z")


def _int_or_string(data: bytes) -> int | str:
    sent = dict(_fields(data))
    return _text(_bytes(sent.get(3, b""))) if sent.get(1) else _number(sent.get(2, 0))


def _only_text(data: bytes) -> str:
    return _text(_bytes(dict(_fields(data)).get(1, b"")))


def _raw(data: bytes) -> Any:
    """JSON within protobuf: a raw extension, or the managed fields."""
    try:
        return orjson.loads(text) if (text := _only_text(data)) else None
    except orjson.JSONDecodeError as error:
        raise Malformed("a raw part is not JSON") from error


def _texts(data: bytes) -> list[str]:
    return [_text(_bytes(value)) for number, value in _fields(data) if number == 1]


_SPECIAL: Mapping[str, Callable[[bytes], Any]] = {
    "string": _text,
    "bytes": lambda data: base64.b64encode(data).decode(),
    "Time": _time,
    "MicroTime": partial(_time, precision="microseconds"),
    "IntOrString": _int_or_string,
    "Quantity": lambda data: _only_text(data) or "0",
    "Raw": _raw,
    "[]string": _texts,
}
