"""From the bytes of a request to an object: media type, syntax, and the shape of the parts that the server itself looks at.

Nothing here knows what is sensible, only what can be read at all; what cannot is answered with 400 or 415, before admission (REQ-01).
"""

from collections.abc import Mapping
from typing import Any

import orjson
import yaml

from seatrial_reference.apiserver import protobuf, status
from seatrial_reference.apiserver.request import Attributes
from seatrial_schemas.kinds import Kind

Json = dict[str, Any]
Shape = Any  # a type, a mapping of fields ("*" is any field), or a list of one shape

JSON_MEDIA, YAML_MEDIA = "application/json", "application/yaml"
ACCEPTED = (JSON_MEDIA, YAML_MEDIA, protobuf.MEDIA)

_LABELS: Shape = {"*": str}
_META: Mapping[str, Shape] = {
    "name": str,
    "generateName": str,
    "namespace": str,
    "uid": str,
    "resourceVersion": str,
    "deletionTimestamp": str,
    "labels": _LABELS,
    "annotations": _LABELS,
    "finalizers": [str],
    "ownerReferences": [{}],
}
_CONTAINER: Shape = {"ports": [{}], "env": [{}], "resources": {"limits": dict, "requests": dict}, "volumeMounts": [{}], "image": str}
_POD_SPEC: Shape = {
    "containers": [_CONTAINER | {probe: {"httpGet": {}} for probe in ("livenessProbe", "readinessProbe", "startupProbe")}],
    "initContainers": [_CONTAINER],
    "tolerations": [{}],
    "volumes": [{}],
    "schedulingGates": [{}],
    "topologySpreadConstraints": [{}],
    "securityContext": {},
    "nodeSelector": _LABELS,
    "affinity": {},
    "nodeName": str,
    "schedulerName": str,
    "restartPolicy": str,
}
_SELECTOR: Shape = {"matchLabels": _LABELS, "matchExpressions": [{"key": str, "operator": str, "values": [str]}]}
_WORKLOAD: Shape = {
    "selector": _SELECTOR,
    "template": {"metadata": _META, "spec": _POD_SPEC},
    "strategy": {"rollingUpdate": {}},
    "updateStrategy": {},
}
_HOOKS: Shape = [
    {
        "clientConfig": {"url": str, "caBundle": str},
        "rules": [{"operations": [str], "apiGroups": [str], "apiVersions": [str], "resources": [str]}],
        "namespaceSelector": _SELECTOR,
        "objectSelector": _SELECTOR,
        "timeoutSeconds": int,
    }
]
_RULES: Shape = [{"verbs": [str], "apiGroups": [str], "resources": [str], "resourceNames": [str]}]
_KINDS: Mapping[str, Shape] = {
    "Pod": {"spec": _POD_SPEC, "status": {"containerStatuses": [{}], "conditions": [{}]}},
    "Deployment": {"spec": _WORKLOAD},
    "ReplicaSet": {"spec": _WORKLOAD},
    "StatefulSet": {"spec": _WORKLOAD},
    "DaemonSet": {"spec": _WORKLOAD},
    "Job": {"spec": _WORKLOAD},
    "ReplicationController": {"spec": _WORKLOAD | {"selector": _LABELS}},
    "Service": {"spec": {"ports": [{}], "selector": _LABELS, "type": str, "clusterIP": str}},
    "Namespace": {"spec": {"finalizers": [str]}},
    "ConfigMap": {"data": _LABELS, "binaryData": dict},
    "Secret": {"data": dict, "stringData": _LABELS},
    "MutatingWebhookConfiguration": {"webhooks": _HOOKS},
    "ValidatingWebhookConfiguration": {"webhooks": _HOOKS},
    "ClusterRole": {"rules": _RULES},
    "Role": {"rules": _RULES},
    "ClusterRoleBinding": {"subjects": [{}], "roleRef": {}},
    "RoleBinding": {"subjects": [{}], "roleRef": {}},
    "Binding": {"target": {"kind": str, "name": str}},
    "DeleteOptions": {"preconditions": {"uid": str, "resourceVersion": str}, "gracePeriodSeconds": int, "propagationPolicy": str},
    "TokenReview": {"spec": {"token": str}},
    "TokenRequest": {"spec": {"audiences": [str], "expirationSeconds": int, "boundObjectRef": {"kind": str, "name": str, "uid": str}}},
    "SubjectAccessReview": {"spec": {"resourceAttributes": {}, "nonResourceAttributes": {}, "groups": [str]}},
    "SelfSubjectAccessReview": {"spec": {"resourceAttributes": {}, "nonResourceAttributes": {}}},
}
_NAMES = {dict: "an object", list: "a list", str: "a string", int: "an integer"}


def parse(data: bytes, media: str) -> Any:
    """The value in a body. Raises 415 for a media type that is not ours, 400 for what cannot be read."""
    media = media.partition(";")[0].strip().lower() or JSON_MEDIA
    try:
        if media == YAML_MEDIA or media.endswith("+yaml"):
            return yaml.load(data, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are the safe loader
        if media == JSON_MEDIA or media.endswith("+json"):
            return orjson.loads(data)
        if media == protobuf.MEDIA:
            return protobuf.decode(data)
    except (orjson.JSONDecodeError, yaml.YAMLError, UnicodeDecodeError, protobuf.Malformed) as error:
        raise status.bad_request(f"the object provided is unrecognized: {error}") from error
    raise status.unsupported(media, ACCEPTED)


def decode(data: bytes, media: str, *, group_version_kind: tuple[str, str, str]) -> Json:
    """An object of that kind with metadata; a body that names no kind is taken to be one."""
    obj = parse(data, media)
    if not isinstance(obj, dict):
        raise status.bad_request("the object provided is unrecognized: not an object")
    group, version, kind = group_version_kind
    api_version = f"{group}/{version}" if group else version
    for field, wanted in (("apiVersion", api_version), ("kind", kind)):
        if obj.setdefault(field, wanted) != wanted:
            raise status.bad_request(f"the {field} in the data ({obj[field]}) does not match the expected {field} ({wanted})")
    check(obj)
    return obj


def check(obj: Json) -> None:
    """Raises 400 where a part that the server looks at has the wrong shape. Gives the object metadata if it has none."""
    if obj.get("metadata") is None:
        obj["metadata"] = {}
    _check(obj, {"metadata": _META, "spec": dict, "status": dict}, obj["kind"])
    _check(obj, _KINDS.get(obj["kind"], {}), obj["kind"])


def _check(value: Any, shape: Shape, path: str) -> None:
    if value is None:
        return
    wanted: Any = shape if isinstance(shape, type) else type(shape)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise status.bad_request(f"{path} in version cannot be handled: it must be {_NAMES[wanted]}, not {type(value).__name__}")
    if isinstance(shape, list):
        for index, each in enumerate(value):
            if each is None:
                raise status.bad_request(f"{path}[{index}] must not be null")
            _check(each, shape[0], f"{path}[{index}]")
    elif isinstance(shape, dict):
        everywhere = shape.get("*")
        for field, inner in [(each, everywhere) for each in value] if everywhere else shape.items():
            if field in value:
                _check(value[field], inner, f"{path}.{field}")


def placed(obj: Json, asked: Attributes, kind: Kind) -> Json:
    """The object with the namespace and name of the URL. Raises 400 where it says otherwise."""
    metadata = obj["metadata"]
    if kind.namespaced:
        if metadata.get("namespace") not in (None, "", asked.namespace):
            message = f"the namespace of the provided object does not match the namespace sent on the request ({asked.namespace})"
            raise status.bad_request(message)
        metadata["namespace"] = asked.namespace
    else:
        metadata.pop("namespace", None)
    if asked.name:
        if not metadata.get("name"):
            metadata["name"] = asked.name
        if metadata["name"] != asked.name:
            message = f"the name of the object ({metadata['name']}) does not match the name on the URL ({asked.name})"
            raise status.bad_request(message)
    return obj
