"""Other views of an object: a row of a table for people, or its metadata alone for those who need no more.

Columns come from the table of kinds. A column is a path into the object, or one of a few computed things: how many containers are
ready, how often they were restarted, a ratio of two counts, a number of entries.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from seatrial_reference.machinery.objects import epoch_s, ready
from seatrial_schemas.kinds import Kind

Json = dict[str, Any]


def _path(obj: Any, path: str) -> Any:
    for step in path.strip(".").split("."):
        obj = obj.get(step) if isinstance(obj, dict) else None
    return obj


def _statuses(pod: Json) -> list[Json]:
    return list((pod.get("status") or {}).get("containerStatuses") or ())


def _pod_ready(pod: Json) -> str:
    return f"{sum(bool(each.get('ready')) for each in _statuses(pod))}/{len(pod['spec'].get('containers') or ())}"


def _pod_status(pod: Json) -> str:
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return str((pod.get("status") or {}).get("phase", ""))


def _node_ready(node: Json) -> str:
    schedulable = "" if not node.get("spec", {}).get("unschedulable") else ",SchedulingDisabled"
    return ("Ready" if ready(node) else "NotReady") + schedulable


_COMPUTED: Mapping[str, Callable[[Json], Any]] = {
    "pod-ready": _pod_ready,
    "pod-status": _pod_status,
    "pod-restarts": lambda pod: sum(int(each.get("restartCount", 0)) for each in _statuses(pod)),
    "node-ready": _node_ready,
}


def _cell(obj: Json, column: tuple[str, str, str], *, now_s: float) -> Any:
    _, form, path = column
    if path in _COMPUTED:
        return _COMPUTED[path](obj)
    if path.startswith("count:"):
        return len(_path(obj, path.removeprefix("count:")) or ())
    if path.startswith("ratio:"):
        return "/".join(str(_path(obj, part) or 0) for part in path.removeprefix("ratio:").split(":"))
    value = _path(obj, path)
    if form == "date":
        return age(now_s - epoch_s(value)) if value else "<unknown>"
    if form == "integer":
        return int(value or 0)
    return "<none>" if value in (None, "") else str(value)


def age(seconds: float) -> str:
    """As kubectl writes durations: the largest unit, and the next one while it matters."""
    whole = max(int(seconds), 0)
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if whole < 120:
        return f"{whole}s"
    if minutes < 10:
        return f"{minutes}m{whole % 60}s" if whole % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    return f"{hours}h" if hours < 48 else f"{days}d"


def table(kind: Kind, objects: Sequence[Json], metadata: Mapping[str, Any], *, now_s: float, include: str, headers: bool = True) -> Json:
    """A meta.k8s.io/v1 Table; `include` says how much of each object comes along."""
    columns = [("Name", "string", ".metadata.name"), *kind.columns]
    definitions = [
        {
            "name": name,
            "type": "string" if form == "date" else form,
            "format": "name" if name == "Name" else "",
            "description": "",
            "priority": 0,
        }
        for name, form, _ in columns
    ]
    rows = []
    for obj in objects:
        row: Json = {"cells": [_cell(obj, column, now_s=now_s) for column in columns]}
        if include != "None":
            row["object"] = obj if include == "Object" else partial(obj)
        rows.append(row)
    shown = {"columnDefinitions": definitions} if headers else {"columnDefinitions": None}
    return {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": dict(metadata), **shown, "rows": rows}


def partial(obj: Json) -> Json:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def partial_list(objects: Sequence[Json], metadata: Mapping[str, Any]) -> Json:
    items = [partial(obj) for obj in objects]
    return {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": dict(metadata), "items": items}


def chosen(accept: str) -> str:
    """What the Accept header asks for first of what we have: `table`, `partial`, `json`, or empty where it takes nothing of ours."""
    for entry in accept.split(",") if accept else ("application/json",):
        media, *parameters = [part.strip() for part in entry.split(";")]
        asked = dict(part.partition("=")[::2] for part in parameters)
        if media not in ("application/json", "*/*", "application/*"):
            continue
        as_kind = asked.get("as", "")
        if as_kind == "Table" and asked.get("v") == "v1":
            return "table"
        if as_kind in ("PartialObjectMetadata", "PartialObjectMetadataList") and asked.get("v") == "v1":
            return "partial"
        if not as_kind:
            return "json"
    return ""
