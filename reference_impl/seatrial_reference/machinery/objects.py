"""Small questions to API objects, and the API's two forms of time.

Objects are JSON as the API server sent it; nothing here changes one. Keys are `namespace/name`, or `name` where there is no namespace.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
Requirement = tuple[str, str, Collection[str]]
OPERATORS: Mapping[str, Callable[[str | None, Collection[str]], bool]] = {  # of label selectors: what a label's value must be like
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, _: value is not None,
    "DoesNotExist": lambda value, _: value is None,
}


def key_of(item: Mapping[str, Any]) -> str:
    meta = item["metadata"]
    return f"{meta['namespace']}/{meta['name']}" if meta.get("namespace") else str(meta["name"])


def uid_of(item: Mapping[str, Any]) -> str:
    return str(item["metadata"].get("uid", ""))


def deleting(item: Mapping[str, Any]) -> bool:
    return bool(item["metadata"].get("deletionTimestamp"))


def phase(pod: Mapping[str, Any]) -> str:
    return str(pod.get("status", {}).get("phase", "Pending"))


def finished(pod: Mapping[str, Any]) -> bool:
    """A pod whose containers have ended for good."""
    return phase(pod) in {"Succeeded", "Failed"}


def active(pod: Mapping[str, Any]) -> bool:
    """A pod that counts as a replica."""
    return not finished(pod) and not deleting(pod)


def node_name(pod: Mapping[str, Any]) -> str:
    return str(pod["spec"].get("nodeName") or "")


def condition(item: Mapping[str, Any], kind: str) -> Json:
    """The condition of that type, empty where there is none."""
    return next((c for c in item.get("status", {}).get("conditions") or () if c.get("type") == kind), {})


def dated(told: Json, before: Mapping[str, Any], now: str) -> Json:
    """A condition with the time of its last transition: that of the one before, where its status was the same."""
    since = before.get("lastTransitionTime") if before.get("status") == told["status"] else None
    return told | {"lastTransitionTime": since or now}


def ready(item: Mapping[str, Any]) -> bool:
    return bool(condition(item, "Ready").get("status") == "True")


def controller_of(item: Mapping[str, Any]) -> Json | None:
    """The one owner reference that is marked as the controller's."""
    return next((o for o in item["metadata"].get("ownerReferences") or () if o.get("controller")), None)


def owner_reference(owner: Mapping[str, Any], *, api_version: str, kind: str) -> Json:
    meta = owner["metadata"]
    return {
        "apiVersion": api_version,
        "kind": kind,
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str] | None) -> bool:
    """A label selector. One that is absent or empty selects nothing: no workload wants everything."""
    wanted, have = requirements(selector or {}), labels or {}
    return bool(wanted) and all(operator in OPERATORS and OPERATORS[operator](have.get(key), values) for key, operator, values in wanted)


def requirements(selector: Mapping[str, Any]) -> list[Requirement]:
    """What a LabelSelector requires, all of it: key, operator and values."""
    found: list[Requirement] = [(key, "In", (value,)) for key, value in (selector.get("matchLabels") or {}).items()]
    return found + [(str(e.get("key")), str(e.get("operator")), e.get("values") or ()) for e in selector.get("matchExpressions") or ()]


def stamp(wall_s: float) -> str:
    """RFC 3339 in whole seconds: `Time` of the API."""
    return datetime.fromtimestamp(int(wall_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_stamp(wall_s: float) -> str:
    """RFC 3339 in microseconds: `MicroTime` of leases."""
    return datetime.fromtimestamp(wall_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def epoch_s(text: str) -> float:
    """Seconds since the epoch of either form."""
    return datetime.fromisoformat(text).timestamp()
