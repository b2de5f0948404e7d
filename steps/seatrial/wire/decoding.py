"""What an implementation says, decoded. To the API a null says what leaving out says, so there are none: whoever asks for a field gets
what it holds, or nothing.

What is large is decoded as everything else, but its long strings are replaced by their digests: equality can still be judged, and a
history does not grow with what fills buffers."""

import hashlib
from typing import Any

import orjson

LARGE = 1 << 15
LONG = 1 << 10


def decoded(raw: bytes) -> Any:
    """JSON, without members that are null; a list of nothing stays a list. Raises orjson.JSONDecodeError."""
    value = orjson.loads(raw)
    if b"null" in raw:
        lists = isinstance(value, dict) and "items" in value
        value = without_nulls(value)
        if lists:
            value.setdefault("items", [])
    return shortened(value) if len(raw) > LARGE else value


def without_nulls(value: Any) -> Any:
    """The same without members of objects that are null; elements of lists stay, for others have their places after them."""
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    return [without_nulls(v) for v in value] if isinstance(value, list) else value


def shortened(value: Any) -> Any:
    """The same with digests for long strings."""
    if isinstance(value, dict):
        return {k: shortened(v) for k, v in value.items()}
    if isinstance(value, list):
        return [shortened(v) for v in value]
    if isinstance(value, str) and len(value) > LONG:
        return f"sha256:{hashlib.sha256(value.encode()).hexdigest()}, {len(value)} characters"
    return value
