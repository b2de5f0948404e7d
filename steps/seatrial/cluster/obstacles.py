"""Pure: what stands in the way of a pod or of a ReplicaSet by the cluster's own account, such as a quota, a full node, an image that is not
to be had. Nobody breaks a rule by that, so nobody may be blamed for what did not happen.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]
WAITING = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "InvalidImageName",
        "ImageInspectError",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "CrashLoopBackOff",
    }
)
HINDERED = {  # type of a condition: the status and reason that tell of an obstacle; any reason where there is none
    "PodScheduled": ("False", "Unschedulable"),
    "DisruptionTarget": ("True", ""),
    "ReplicaFailure": ("True", ""),
}


def obstacle(item: Json) -> str:
    """What the object says stands in its way; empty where it says nothing."""
    return next(iter([*_conditions(item), *_containers(item), *_end(item)]), "")


def _conditions(item: Json) -> Iterator[str]:
    for condition in (item.get("status") or {}).get("conditions") or ():
        status, reason = HINDERED.get(condition.get("type"), ("", ""))
        if status and condition.get("status") == status and reason in ("", condition.get("reason")):
            yield f"{condition.get('reason') or condition['type']}: {condition.get('message') or 'without a message'}"


def _containers(item: Json) -> Iterator[str]:
    for container in (item.get("status") or {}).get("containerStatuses") or ():
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in WAITING:
            yield f"{waiting['reason']}: {waiting.get('message') or container.get('image')}"


def _end(item: Json) -> Iterator[str]:
    status = item.get("status") or {}
    if status.get("phase") == "Failed":
        yield f"{status.get('reason') or 'Failed'}: {status.get('message') or 'it ended'}"
