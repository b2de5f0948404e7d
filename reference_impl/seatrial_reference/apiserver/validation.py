"""Is it an object of its kind? A small structural check; what fails is answered with 422 and the fields at fault.

Validation comes after mutation and before the validating hooks, which so never see an object that could not be stored (REQ-01).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from seatrial_reference.apiserver import status
from seatrial_reference.apiserver.selectors import selector_test
from seatrial_schemas.kinds import Kind

Json = dict[str, Any]
Cause = tuple[str, str]

_SUBDOMAIN = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
_LABEL = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
_VALUE = re.compile(r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$")
_QUALIFIED = re.compile(r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$")
_LABEL_NAMES = frozenset({"Namespace", "Service"})  # a DNS label, 63 characters
_PATH_NAMES = frozenset({"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"})  # anything that can stand in a path
MAX_NAME = 253


def validate(kind: Kind, obj: Json) -> None:
    """Raises 422 with every fault."""
    causes = [*_metadata(kind, obj["metadata"]), *_BY_KIND.get(kind.kind, _nothing)(obj)]
    if causes:
        raise status.invalid(kind, str(obj["metadata"].get("name", "")), causes)


def _nothing(_: Json) -> Iterator[Cause]:
    yield from ()


def _metadata(kind: Kind, metadata: Json) -> Iterator[Cause]:
    name = metadata.get("name")
    if not name:
        yield "metadata.name", "Required value: name or generateName is required"
    elif not isinstance(name, str) or not valid_name(kind, name):
        yield "metadata.name", f'Invalid value: "{name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters'
    for field, check in (("labels", _VALUE.match), ("annotations", lambda _: True)):
        entries = metadata.get(field) or {}
        if not isinstance(entries, dict):
            yield f"metadata.{field}", "Invalid value: must be an object"
            continue
        for key, value in entries.items():
            if not _QUALIFIED.match(key) or not isinstance(value, str) or not check(value):
                yield f"metadata.{field}", f'Invalid value: "{key}={value}"'
    owners = metadata.get("ownerReferences") or ()
    if sum(1 for owner in owners if owner.get("controller")) > 1:
        yield "metadata.ownerReferences", "Invalid value: only one reference can have Controller set to true"
    for owner in owners:
        if not all(owner.get(field) for field in ("apiVersion", "kind", "name", "uid")):
            yield "metadata.ownerReferences", "Required value: apiVersion, kind, name and uid"


def valid_name(kind: Kind, name: str) -> bool:
    if kind.kind in _PATH_NAMES:
        return name not in (".", "..") and not set(name) & {"/", "%"}
    if kind.kind in _LABEL_NAMES:
        return len(name) <= 63 and bool(_LABEL.match(name))
    return len(name) <= MAX_NAME and bool(_SUBDOMAIN.match(name))


def _pod_spec(spec: Json, path: str) -> Iterator[Cause]:
    containers = spec.get("containers")
    if not containers or not isinstance(containers, list):
        yield f"{path}.containers", "Required value"
        return
    seen: list[str] = []
    for field in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(field) or ()):
            where = f"{path}.{field}[{index}]"
            yield from _container(container, where)
            name = container.get("name") if isinstance(container, dict) else None
            if name in seen:
                yield f"{where}.name", f'Duplicate value: "{name}"'
            seen += [name] if isinstance(name, str) else []
    if spec.get("restartPolicy") not in ("Always", "OnFailure", "Never"):
        yield f"{path}.restartPolicy", f'Unsupported value: "{spec.get("restartPolicy")}": supported values: "Always", "OnFailure", "Never"'
    grace = spec.get("terminationGracePeriodSeconds")
    if not isinstance(grace, int) or grace < 0:
        yield f"{path}.terminationGracePeriodSeconds", f'Invalid value: "{grace}": must be a non-negative integer'


def _container(container: Any, where: str) -> Iterator[Cause]:
    if not isinstance(container, dict):
        yield where, "Invalid value: must be an object"
        return
    name = container.get("name")
    if not name:
        yield f"{where}.name", "Required value"
    elif not isinstance(name, str) or not _LABEL.match(name) or len(name) > 63:
        yield f"{where}.name", f'Invalid value: "{name}": a lowercase RFC 1123 label is required'
    if not isinstance(container.get("image"), str) or not container["image"]:
        yield f"{where}.image", "Required value"


def _pod(obj: Json) -> Iterator[Cause]:
    yield from _pod_spec(obj["spec"], "spec")


def _workload(obj: Json) -> Iterator[Cause]:
    spec = obj["spec"]
    yield from _pod_spec(spec["template"]["spec"], "spec.template.spec")
    yield from _count(spec.get("replicas"), "spec.replicas")
    selector = spec.get("selector")
    if not isinstance(selector, dict) or not (selector.get("matchLabels") or selector.get("matchExpressions")):
        yield "spec.selector", "Required value"
    elif not selector_test(selector)(spec["template"]["metadata"].get("labels") or {}):
        yield "spec.template.metadata.labels", "Invalid value: `selector` does not match template `labels`"


def _replication_controller(obj: Json) -> Iterator[Cause]:
    spec = obj["spec"]
    yield from _pod_spec(spec["template"]["spec"], "spec.template.spec")
    yield from _count(spec.get("replicas"), "spec.replicas")
    labels = spec["template"]["metadata"].get("labels") or {}
    if not spec.get("selector"):
        yield "spec.selector", "Required value"
    elif any(labels.get(key) != value for key, value in spec["selector"].items()):
        yield "spec.template.metadata.labels", "Invalid value: `selector` does not match template `labels`"


def _count(value: Any, where: str) -> Iterator[Cause]:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        yield where, f'Invalid value: "{value}": must be greater than or equal to 0'


def _service(obj: Json) -> Iterator[Cause]:
    spec = obj["spec"]
    if spec.get("type") != "ExternalName" and not spec.get("ports") and spec.get("clusterIP") != "None":
        yield "spec.ports", "Required value"
    for index, port in enumerate(spec.get("ports") or ()):
        if not isinstance(port.get("port"), int) or not 0 < port["port"] < 65536:
            yield f"spec.ports[{index}].port", f'Invalid value: "{port.get("port")}": must be between 1 and 65535, inclusive'


def _webhooks(obj: Json) -> Iterator[Cause]:
    for index, hook in enumerate(obj.get("webhooks") or ()):
        where = f"webhooks[{index}]"
        if not hook.get("name"):
            yield f"{where}.name", "Required value"
        if not (hook.get("clientConfig") or {}).get("url") and not (hook.get("clientConfig") or {}).get("service"):
            yield f"{where}.clientConfig", "Required value: exactly one of url or service is required"
        for selector in ("namespaceSelector", "objectSelector"):
            selector_test(hook.get(selector) or {})
        if hook.get("failurePolicy") not in ("Fail", "Ignore"):
            yield f"{where}.failurePolicy", f'Unsupported value: "{hook.get("failurePolicy")}"'


_BY_KIND: Mapping[str, Callable[[Json], Iterator[Cause]]] = {
    "Pod": _pod,
    "Deployment": _workload,
    "ReplicaSet": _workload,
    "StatefulSet": _workload,
    "DaemonSet": _workload,
    "ReplicationController": _replication_controller,
    "Service": _service,
    "MutatingWebhookConfiguration": _webhooks,
    "ValidatingWebhookConfiguration": _webhooks,
}
