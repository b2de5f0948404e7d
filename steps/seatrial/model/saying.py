"""How the same thing is said wherever it is said, in reasons and in drawings: so many of something, what an object was like.

An event is taken as its data, flat, as it stands in a saved history too. Whoever is on trial decides what an object looks like, so that
nothing is taken for granted inside of one.
"""

from collections.abc import Mapping
from typing import Any

from seatrial_schemas.kinds import by_plural

ERRORS = 400  # from this code on an answer says why not
Data = Mapping[str, Any]


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def watched(event: Data) -> str:
    """What somebody's watch showed: of a pod how far it has come, of anything else which revision. The operator watches unless said so."""
    kind = by_plural(event["resource"]).kind.lower()
    like = f": {_pod(event['object'])}" if kind == "pod" else f" at revision {event['revision']}"
    person = str(event["watch"]).partition("/")[0]
    return f"{'' if person == 'operator' else f'{person}: '}{kind} {event['name']} {event['type']}{like}"


def told(event: Data) -> str:
    """What somebody was answered, and why not."""
    why = _within(event["body"], "message") if event["code"] == 0 or event["code"] >= ERRORS else None
    return f"{event['user']} was told {event['code']} {event['method']} {event['path']}{f': {why}' if why else ''}"


def _pod(item: Any) -> str:
    node = _within(item, "spec", "nodeName")
    going = ", being deleted" if _within(item, "metadata", "deletionTimestamp") else ""
    return f"{_within(item, 'status', 'phase') or 'no phase'}, {f'on {node}' if node else 'no node'}{going}"


def _within(item: Any, *path: str) -> Any:
    for name in path:
        item = item.get(name) if isinstance(item, dict) else None
    return item
