"""The parts of an object that API servers take over as they are. They add to objects, and normalize and default much of them; but what
somebody labels, owns, scales, places or reports is stored so, and told so."""

from collections.abc import Iterator, Mapping
from typing import Any

from seatrial.checks.objects import metadata_of

METADATA = "metadata"
PARTS: Mapping[str, tuple[str, ...]] = {  # by subresource: what a write through it sets
    "": (METADATA, "spec.replicas", "spec.nodeName"),
    "scale": ("spec.replicas",),
    "status": ("status.phase", "status.replicas", "status.containerStatuses", "status.initContainerStatuses"),
}
ALL = (*PARTS[""], *PARTS["status"])
OWN_DOMAIN = "kubernetes.io/"  # labels and annotations with a meaning to Kubernetes are its own business


def lacking(item: Mapping[str, Any], sent: Mapping[str, Any], parts: tuple[str, ...]) -> Iterator[str]:
    """What of `sent`, an object or a patch for one, the item does not have. What is null or 0 need not be there."""
    here, asked = _values(item, parts), _values(sent, parts)
    return (f"{path} {value}" for path, value in asked.items() if (here.get(path) or None) != (value or None))


def _values(item: Mapping[str, Any], parts: tuple[str, ...]) -> dict[str, Any]:
    """Path -> value, or None where a patch takes it away."""
    found = _of_metadata(metadata_of(item)) if METADATA in parts else {}
    for path in parts:
        part, _, name = path.partition(".")
        if name and isinstance(inner := item.get(part), dict) and (value := inner.get(name)) is not None:
            found |= _of_containers(path, value) if isinstance(value, list) else {path: value}
    return found


def _of_containers(path: str, statuses: list[Any]) -> dict[str, Any]:
    """Of each container, how often it was started again, and which states it is in, or was in last: of an end, the exit code too."""
    found: dict[str, Any] = {}
    for each in (s for s in statuses if isinstance(s, dict) and "$patch" not in s):
        own = f"{path}.{each.get('name')}"
        found[f"{own}.restartCount"] = each.get("restartCount")
        for when in ("state", "lastState"):
            states = {what: how for what, how in (each.get(when) or {}).items() if isinstance(how, dict)}
            found |= {f"{own}.{when}.{what}": f"exit code {how['exitCode']}" if "exitCode" in how else True for what, how in states.items()}
    return {where: value for where, value in found.items() if value is not None}


def _of_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Labels, annotations and owners. Directives of a strategic patch are none."""
    maps = {part: metadata.get(part) for part in ("labels", "annotations")}
    found = {f"metadata.{part}.{key}": value for part, each in maps.items() if isinstance(each, dict) for key, value in each.items()}
    found = {path: value for path, value in found.items() if "$" not in path and OWN_DOMAIN not in path}
    owners = [o for o in metadata.get("ownerReferences") or () if isinstance(o, dict) and "$patch" not in o]
    return found | {f"metadata.ownerReferences {o.get('uid')}": o.get("name") for o in owners}
