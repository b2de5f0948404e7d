"""What a verdict depends on, as digests: the suite that judged, the descriptor that was judged, the limits that it promised."""

import hashlib
from pathlib import Path

import orjson

from seatrial import __version__
from seatrial.adapters.implementation import Implementation


def digests(implementation: Implementation, features: Path) -> dict[str, str]:
    """Equal for equal features, version, descriptor file and limits."""
    limits = {c.name: c.limits.as_mapping() for c in implementation.components.values()}
    texts = [f"{path.relative_to(features)}\n".encode() + path.read_bytes() for path in sorted(features.rglob("*.feature"))]
    return {
        "suite": _digest(__version__.encode(), *texts),
        "descriptor": _digest(implementation.file.read_bytes()),
        "limits": _digest(orjson.dumps(limits, option=orjson.OPT_SORT_KEYS)),
    }


def _digest(*parts: bytes) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(hashlib.sha256(part).digest())
    return f"sha256:{total.hexdigest()}"
