"""Small questions to API objects, and the API's two forms of time.

Objects are JSON as the API server sent it; nothing here changes one. Keys are `namespace/name`, or `name` where there is no namespace.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]


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
    if not selector or not (selector.get("matchLabels") or selector.get("matchExpressions")):
        return False
    have = labels or {}
    wanted = selector.get("matchLabels") or {}
    return all(have.get(k) == v for k, v in wanted.items()) and all(_holds(e, have) for e in selector.get("matchExpressions") or ())


def _holds(requirement: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value, values = labels.get(requirement["key"]), requirement.get("values") or ()
    match requirement["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    return False


def stamp(wall_s: float) -> str:
    """RFC 3339 in whole seconds: `Time` of the API."""
    return datetime.fromtimestamp(int(wall_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_stamp(wall_s: float) -> str:
    """RFC 3339 in microseconds: `MicroTime` of leases."""
    return datetime.fromtimestamp(wall_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def epoch_s(text: str) -> float:
    """Seconds since the epoch of either form."""
    return datetime.fromisoformat(text).timestamp()
