"""What objects are made of: the fields of every message of the API, their JSON names, types and cardinalities, as data.

The table (`kubernetes_fields.json`: message -> number -> name, type, cardinality) is from the v0.37 API. By their numbers protobuf is read,
by their names what comes as JSON is checked. The fields of an inline message are its parent's.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import orjson


class Field(NamedTuple):
    """What stands in one field of a message."""

    name: str
    type: str
    cardinality: str


@cache
def _rows() -> Mapping[str, Mapping[str, Sequence[str]]]:
    rows: dict[str, dict[str, list[str]]] = orjson.loads(files("seatrial_schemas").joinpath("kubernetes_fields.json").read_bytes())
    return rows


def messages() -> Iterable[str]:
    """The names of all messages."""
    return _rows()


@cache
def by_number(message: str) -> Mapping[int, Field]:
    """The fields of one message; none where there is no such message."""
    return {int(number): Field(*row) for number, row in _rows().get(message, {}).items()}


@cache
def by_name(message: str) -> Mapping[str, Field]:
    """The same, with those of inline messages."""
    found: dict[str, Field] = {}
    for field in by_number(message).values():
        found |= by_name(field.type) if field.cardinality == "inline" else {field.name: field}
    return found
