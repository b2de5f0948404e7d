"""What objects say of themselves, and which of them there are."""

from typing import Any

from seatrial.cluster.manners import APP
from seatrial.model.history import Event, History


def metadata_of(item: Any) -> dict[str, Any]:
    """Of an object, or of what a component has sent for one, where it has any."""
    found = item.get("metadata") if isinstance(item, dict) else None
    return found if isinstance(found, dict) else {}


def mentions(value: Any, *names: str) -> bool:
    """Whether an object says one of the names anywhere."""
    if isinstance(value, dict | list):
        return any(mentions(v, *names) for v in (value.values() if isinstance(value, dict) else value))
    return value in names


def current(history: History, resource: str, watch: str | None = None) -> dict[tuple[str, str], Event]:
    """The objects of a kind as the operator's watch showed them last, by namespace and name; deleted ones are gone."""
    state: dict[tuple[str, str], Event] = {}
    for event in history.of("watched", watch=watch or f"operator/{resource}"):
        key = (event["namespace"] or "", event["name"])
        if event["type"] == "DELETED":
            state.pop(key, None)
        else:
            state[key] = event
    return state


def belongs(item: dict[str, object], name: str) -> bool:
    """Whether an object is called `name`, or is made for the workload of that name: they share the label `app`, or a guest's."""
    metadata = item.get("metadata", {})
    labels = metadata.get("labels", {}) if isinstance(metadata, dict) else {}
    return isinstance(metadata, dict) and name in (metadata.get("name"), labels.get("app"), labels.get(APP))


def pods_of(history: History, name: str) -> list[Event]:
    """The pods of a workload, or the one pod of that name, as the operator saw them last; not those that have ended and that a controller
    has to replace: it need not delete them."""
    found = [e for e in current(history, "pods").values() if belongs(e["object"], name)]
    return [e for e in found if not (ended(e["object"]) and owner(e["object"]))]


def ended(item: dict[str, Any]) -> bool:
    """Whether a pod will never run again: it was evicted, or its node would not have it."""
    return item.get("status", {}).get("phase") in ("Failed", "Succeeded")


def owner(item: dict[str, object]) -> tuple[str, str] | None:
    """Kind and name of the controller that owns an object."""
    metadata = item.get("metadata", {})
    references = metadata.get("ownerReferences", []) if isinstance(metadata, dict) else []
    return next(((r["kind"], r["name"]) for r in references if r.get("controller")), None)
