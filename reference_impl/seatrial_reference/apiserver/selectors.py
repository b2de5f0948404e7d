"""Selecting objects by labels and fields, in lists, watches and webhook rules (WATCH-06).

A label selector is a conjunction of requirements: `a=b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`. A field selector compares a
few fields that the API server indexes; which, depends on the kind.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from seatrial_reference.apiserver import status
from seatrial_reference.machinery.objects import OPERATORS, requirements

Json = dict[str, Any]
Test = Callable[[Json], bool]

_SET = re.compile(r"^(\S+)\s+(in|notin)\s*\(([^)]*)\)$")
_EQUALITY = re.compile(r"^([^\s=!]+)\s*(==|=|!=)\s*([^\s=!]*)$")
_KEY = re.compile(r"^!?\s*[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$")
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "metadata.name": ("metadata", "name"),
    "metadata.namespace": ("metadata", "namespace"),
    "spec.nodeName": ("spec", "nodeName"),
    "spec.schedulerName": ("spec", "schedulerName"),
    "spec.restartPolicy": ("spec", "restartPolicy"),
    "spec.serviceAccountName": ("spec", "serviceAccountName"),
    "spec.clusterIP": ("spec", "clusterIP"),
    "spec.type": ("spec", "type"),
    "spec.driver": ("spec", "driver"),
    "spec.signerName": ("spec", "signerName"),
    "spec.unschedulable": ("spec", "unschedulable"),
    "status.phase": ("status", "phase"),
    "status.podIP": ("status", "podIP"),
    "status.nominatedNodeName": ("status", "nominatedNodeName"),
    "type": ("type",),
    "reason": ("reason",),
    "involvedObject.kind": ("involvedObject", "kind"),
    "involvedObject.name": ("involvedObject", "name"),
    "involvedObject.namespace": ("involvedObject", "namespace"),
    "involvedObject.uid": ("involvedObject", "uid"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which objects of a collection are asked for. `name` is set where the field selector names one."""

    labels: Test | None = None
    fields: Test | None = None
    name: str = ""

    @property
    def everything(self) -> bool:
        return self.labels is None and self.fields is None

    def matches(self, obj: Json) -> bool:
        return (self.labels is None or self.labels(obj["metadata"].get("labels") or {})) and (self.fields is None or self.fields(obj))


def selection(*, labels: str, fields: str) -> Selection:
    """Raises 400 for a selector that cannot be read."""
    wanted = _equalities(fields) if fields else []
    name = next((value for path, value, equal in wanted if path == "metadata.name" and equal), "")
    return Selection(labels=label_test(labels) if labels else None, fields=_field_test(wanted) if wanted else None, name=name)


def label_test(text: str) -> Test:
    """A test of an object's labels."""
    tests = [_requirement(part.strip()) for part in re.split(r",(?![^(]*\))", text) if part.strip()]
    return lambda labels: all(test(labels) for test in tests)


def _requirement(text: str) -> Test:
    if match := _SET.match(text):
        key, operator, values = match[1], match[2], {value.strip() for value in match[3].split(",")}
        return _expression(key, "In" if operator == "in" else "NotIn", values)
    if match := _EQUALITY.match(text):
        return _expression(match[1], "NotIn" if match[2] == "!=" else "In", {match[3]})
    if not _KEY.match(text):
        raise status.bad_request(f"unable to parse requirement: {text!r}")
    return _expression(text.lstrip("! "), "DoesNotExist" if text.startswith("!") else "Exists", set())


def _expression(key: str, operator: str, values: Collection[str]) -> Test:
    if operator not in OPERATORS:
        raise status.bad_request(f"{operator!r} is not a valid label selector operator")
    return lambda labels: OPERATORS[operator](labels.get(key), values)


def selector_test(selector: Json) -> Test:
    """A test of labels from a LabelSelector object; the empty one matches everything. Raises 400 for an unknown operator."""
    tests = [_expression(*each) for each in requirements(selector)]
    return lambda labels: all(test(labels) for test in tests)


def as_text(selector: Json) -> str:
    """A LabelSelector as the string form that `scale` shows."""
    parts = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    forms = {"In": "{0} in ({1})", "NotIn": "{0} notin ({1})", "Exists": "{0}", "DoesNotExist": "!{0}"}
    expressions = selector.get("matchExpressions") or ()
    parts += [forms[each["operator"]].format(each["key"], ",".join(sorted(each.get("values") or ()))) for each in expressions]
    return ",".join(parts)


def _equalities(text: str) -> list[tuple[str, str, bool]]:
    found = []
    for part in text.split(","):
        match = re.match(r"^\s*([A-Za-z.]+)\s*(==|=|!=)\s*(.*?)\s*$", part)
        if not match or match[1] not in _FIELDS:
            raise status.bad_request(f"field label not supported: {part}")
        found.append((match[1], match[3], match[2] != "!="))
    return found


def _field_test(wanted: list[tuple[str, str, bool]]) -> Test:
    return lambda obj: all((field(obj, _FIELDS[path]) == value) == equal for path, value, equal in wanted)


def field(obj: Json, path: tuple[str, ...]) -> str:
    """The value at a path as a string; empty where there is none."""
    value: Any = obj
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
