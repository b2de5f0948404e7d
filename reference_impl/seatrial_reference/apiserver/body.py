"""From the bytes of a request to an object: media type, syntax, and the types of its fields.

Nothing here knows what is sensible, only what can be read at all; what cannot is answered with 400 or 415, before admission (REQ-01). Of
a field that the table of messages does not have, nothing is known, and nothing is said. Whoever has types, as Go's clients do, could not
list a kind any more of which one object has a field of another type: so none is let in.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import orjson
import yaml

from seatrial_reference.apiserver import protobuf, status
from seatrial_reference.apiserver.messages import Field, by_name
from seatrial_reference.apiserver.request import Attributes
from seatrial_schemas.kinds import Kind

Json = dict[str, Any]

JSON_MEDIA, YAML_MEDIA = "application/json", "application/yaml"
ACCEPTED = (JSON_MEDIA, YAML_MEDIA, protobuf.MEDIA)

_QUANTITY = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+|[KMGTPE]i|[numkMGTPE])?")


def _is_time(value: Any) -> bool:
    try:
        return isinstance(value, str) and "T" in value and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def _is_bytes(value: Any) -> bool:
    try:
        return isinstance(value, str) and b64decode(value, validate=True) is not None
    except ValueError:
        return False


def _is_quantity(value: Any) -> bool:
    return bool(_QUANTITY.fullmatch(value)) if isinstance(value, str) else type(value) in (int, float)


_SCALARS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "string": (lambda value: isinstance(value, str), "a string"),
    "bytes": (_is_bytes, "base64"),
    "bool": (lambda value: isinstance(value, bool), "true or false"),
    "int": (lambda value: type(value) is int, "an integer"),
    "IntOrString": (lambda value: type(value) in (int, str), "an integer or a string"),
    "Quantity": (_is_quantity, "a quantity"),
    "Time": (_is_time, "a time"),
    "MicroTime": (_is_time, "a time"),
    "Raw": (lambda _: True, ""),
    "[]string": (lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value), "a list of strings"),
}


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
    """Raises 400 where a field has a value of another type. Gives the object metadata if it has none."""
    if obj.get("metadata") is None:
        obj["metadata"] = {}
    message = f"{obj.get('apiVersion')}.{obj['kind']}"
    _object(obj, message if by_name(message) else f"meta.k8s.io/v1.{obj['kind']}", obj["kind"])


def _object(value: Any, message: str, path: str) -> None:
    if not isinstance(value, dict):
        raise _other(path, "an object", value)
    fields = by_name(message)
    for name, inner in value.items():
        if inner is not None and name in fields:
            _field(inner, fields[name], f"{path}.{name}")


def _field(value: Any, field: Field, path: str) -> None:
    if field.cardinality == "list":
        if not isinstance(value, list):
            raise _other(path, "a list", value)
        for index, each in enumerate(value):
            _value(each, field.type, f"{path}[{index}]")
    elif field.cardinality == "map":
        if not isinstance(value, dict):
            raise _other(path, "an object", value)
        for key, each in value.items():
            if each is not None:
                _value(each, field.type, f"{path}.{key}")
    else:
        _value(value, field.type, path)


def _value(value: Any, kind: str, path: str) -> None:
    holds, named = _SCALARS.get(kind, (None, ""))
    if holds is None:
        _object(value, kind, path)
    elif not holds(value):
        raise _other(path, named, value)


def _other(path: str, wanted: str, value: Any) -> status.Failure:
    return status.bad_request(f"{path} in version cannot be handled: it must be {wanted}, not {type(value).__name__}")


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
