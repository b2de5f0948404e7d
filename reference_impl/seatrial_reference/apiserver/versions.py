"""One thing, two names: what two API groups serve is stored once, in the form of the first, and shown to each in its own words.

An Event is the only such thing here. `events.k8s.io` calls its fields otherwise than the core group does; nothing is lost on the way.
"""

from collections.abc import Mapping
from typing import Any

from seatrial_schemas.kinds import Kind

Json = dict[str, Any]
_CORE_EVENT: Mapping[str, str] = {
    "note": "message",
    "regarding": "involvedObject",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
_STORED: Mapping[str, tuple[str, Mapping[str, str]]] = {"events.k8s.io/v1": ("v1", _CORE_EVENT)}


def to_store(obj: Json) -> Json:
    """The object in the words in which it is stored."""
    stored = _STORED.get(obj["apiVersion"])
    return _renamed(obj, *stored) if stored else obj


def shown(obj: Json, kind: Kind) -> Json:
    """A stored object in the words of `kind`."""
    if obj["apiVersion"] == kind.api_version or kind.api_version not in _STORED:
        return obj
    _, names = _STORED[kind.api_version]
    return _renamed(obj, kind.api_version, {theirs: ours for ours, theirs in names.items()})


def _renamed(obj: Json, api_version: str, names: Mapping[str, str]) -> Json:
    return {names.get(field, field): value for field, value in obj.items()} | {"apiVersion": api_version}
