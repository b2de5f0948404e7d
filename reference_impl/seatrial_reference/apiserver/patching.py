"""Four ways to describe a change, and what each makes of an object. All are pure: the object given is never changed.

JSON patch (RFC 6902) is a list of operations on paths. Merge patch (RFC 7386) is a partial object in which null deletes; lists are
replaced. Strategic merge patch is a merge patch that knows lists whose items have an identity, the merge key, and merges item by item.
Apply is the same for a whole object, which is made where it is not there. Who applied which field is not remembered here: so nothing is
in conflict, and what an apply no longer mentions stays.
"""

import copy
from collections.abc import Mapping
from typing import Any

from seatrial_reference.apiserver import status

Json = dict[str, Any]

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

# Lists with an identity, by the name of their field: the first key that the items have. Lists of other names are replaced whole.
MERGE_KEYS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "imagePullSecrets": ("name",),
    "secrets": ("name",),
    "schedulingGates": ("name",),
    "ports": ("containerPort", "port"),
    "conditions": ("type",),
    "addresses": ("type",),
    "taints": ("key",),
    "ownerReferences": ("uid",),
    "hostAliases": ("ip",),
    "podIPs": ("ip",),
    "hostIPs": ("ip",),
    "topologySpreadConstraints": ("topologyKey",),
    "webhooks": ("name",),
    "resourceClaims": ("name",),
    "resourceClaimStatuses": ("name",),
}
PRIMITIVE_SETS = frozenset({"finalizers"})
_ORDER, _DELETE = "$setElementOrder/", "$deleteFromPrimitiveList/"


def apply(media: str, obj: Json, patch: Any) -> Json:
    """The patched object. Raises 400 for a patch that makes no sense, 422 for one that does not fit this object."""
    if media == JSON_PATCH:
        return json_patch(obj, patch)
    if not isinstance(patch, dict):
        raise status.bad_request("the patch must be an object")
    try:
        merged = merge_patch(obj, patch) if media == MERGE_PATCH else strategic(obj, patch)
    except (TypeError, AttributeError) as error:
        raise status.bad_request(f"the patch does not fit the object: {error}") from error
    return dict(merged)


def merge_patch(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def strategic(target: Any, patch: Json) -> Any:
    """Merge objects field by field."""
    if patch.get("$patch") == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    if patch.get("$patch") == "delete":
        return {}
    result = dict(target) if isinstance(target, dict) else {}
    if "$retainKeys" in patch:
        result = {key: value for key, value in result.items() if key in patch["$retainKeys"]}
    for key, value in patch.items():
        if key.startswith(_DELETE):
            field = key.removeprefix(_DELETE)
            result[field] = [each for each in result.get(field) or () if each not in value]
        elif not key.startswith("$"):
            _merge_field(result, key, value)
    for key, value in patch.items():
        if key.startswith(_ORDER):
            _order(result, key.removeprefix(_ORDER), value)
    return result


def _merge_field(result: Json, key: str, value: Any) -> None:
    if value is None:
        result.pop(key, None)
    elif isinstance(value, dict):
        result[key] = strategic(result.get(key), value)
    elif isinstance(value, list):
        result[key] = _merge_list(key, result.get(key) or [], value)
    else:
        result[key] = value


def _merge_list(field: str, old: list[Any], patch: list[Any]) -> list[Any]:
    if field in PRIMITIVE_SETS:
        return [*old, *(each for each in patch if each not in old)]
    merge_key = _merge_key(field, patch) or _merge_key(field, old)
    if any(isinstance(each, dict) and each == {"$patch": "replace"} for each in patch):
        return [each for each in patch if each != {"$patch": "replace"}]
    if merge_key is None:
        return patch
    result = list(old)
    for item in patch:
        place = next((i for i, each in enumerate(result) if each.get(merge_key) == item.get(merge_key)), None)
        if item.get("$patch") == "delete":
            result = [each for i, each in enumerate(result) if i != place]
        elif place is None:
            result.append(strategic({}, item))
        else:
            result[place] = strategic(result[place], item)
    return result


def _merge_key(field: str, items: list[Any]) -> str | None:
    if not all(isinstance(each, dict) for each in items):
        return None
    keyed = [each for each in items if each != {"$patch": "replace"}]
    return next((key for key in MERGE_KEYS.get(field, ()) if keyed and all(key in each for each in keyed)), None)


def _order(result: Json, field: str, wanted: list[Any]) -> None:
    items = result.get(field)
    if not isinstance(items, list):
        return
    key = _merge_key(field, items)
    names = [each.get(key) if isinstance(each, dict) else each for each in wanted]
    last = len(names)
    result[field] = sorted(items, key=lambda each: next((i for i, n in enumerate(names) if n == (each.get(key) if key else each)), last))


class _Missing(Exception):
    """A path that leads nowhere."""


def json_patch(obj: Json, operations: Any) -> Json:
    """Apply the operations in turn; if one fails, none has been applied."""
    if not isinstance(operations, list):
        raise status.bad_request("a JSON patch must be a list of operations")
    result = {"": copy.deepcopy(obj)}
    for operation in operations:
        try:
            _operate(result, operation)
        except _Missing as error:
            raise status.Failure(422, "Invalid", f"the server rejected our request due to an error in our request: {error}") from error
        except (KeyError, TypeError, AttributeError) as error:
            raise status.bad_request(f"error decoding patch: {error!r}") from error
    if not isinstance(result[""], dict):
        raise status.bad_request("the patch must leave an object")
    return result[""]


def _operate(root: Json, operation: Json) -> None:
    path = operation["path"]
    match operation["op"]:
        case "add":
            _add(root, path, copy.deepcopy(operation["value"]))
        case "remove":
            _remove(root, path)
        case "replace":
            _remove(root, path)
            _add(root, path, copy.deepcopy(operation["value"]))
        case "move":
            _add(root, path, _remove(root, operation["from"]))
        case "copy":
            _add(root, path, copy.deepcopy(_get(root, operation["from"])))
        case "test":
            if _get(root, path) != operation["value"]:
                raise _Missing(f"testing value {path} failed")
        case unknown:
            raise KeyError(f"unexpected kind: {unknown}")


def _steps(path: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")]


def _index(items: list[Any], step: str, *, insert: bool = False) -> int:
    if insert and step == "-":
        return len(items)
    if not step.isdecimal() or int(step) >= len(items) + insert:
        raise _Missing(f"no index {step}")
    return int(step)


def _get(root: Json, path: str) -> Any:
    found: Any = root
    for step in _steps(path):
        if isinstance(found, list):
            found = found[_index(found, step)]
        elif isinstance(found, dict) and step in found:
            found = found[step]
        else:
            raise _Missing(f"missing path {path}")
    return found


def _parent(root: Json, path: str) -> tuple[Any, str]:
    *folder, last = _steps(path)
    return (_get(root, "/".join(folder)) if folder else root), last


def _add(root: Json, path: str, value: Any) -> None:
    parent, last = _parent(root, path)
    if isinstance(parent, list):
        parent.insert(_index(parent, last, insert=True), value)
    elif isinstance(parent, dict):
        parent[last] = value
    else:
        raise _Missing(f"missing path {path}")


def _remove(root: Json, path: str) -> Any:
    parent, last = _parent(root, path)
    if isinstance(parent, list):
        return parent.pop(_index(parent, last))
    if not isinstance(parent, dict) or last not in parent:
        raise _Missing(f"missing path {path}")
    return parent.pop(last)
