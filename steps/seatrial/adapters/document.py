"""A descriptor file as a document: read, and checked against the schema and the table of values, before anybody makes sense of it.

It is data that strangers write by hand: every complaint names the file, the line and what was expected.
"""

import re
from collections.abc import Collection
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from seatrial.adapters import values
from seatrial.model.errors import UsageError
from seatrial.model.topology import ROLES
from seatrial.model.versions import numbers

Where = list[Any]  # keys and indexes that lead to a part of the document
TIMESTAMP = "tag:yaml.org,2002:timestamp"
STARTS = frozenset({"python", "command", "endpoint"})


class _Loader(yaml.CSafeLoader):
    """Dates stay text: JSON has none, and a schema could not tell one from an object."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own way
        first: [(tag, pattern) for tag, pattern in rows if tag != TIMESTAMP]
        for first, rows in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


def read(file: Path) -> dict[str, Any]:
    """The document. Raises UsageError."""
    try:
        text = file.read_text("utf-8")
        document: dict[str, Any] = yaml.load(text, Loader=_Loader)  # noqa: S506 - it is a safe one
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: not YAML: {error}") from None
    if problem := best_match(Draft202012Validator(schema()).iter_errors(document)):
        raise UsageError(f"{file}:{_line(text, list(problem.absolute_path))}: {_complaint(problem)}.")
    for where, complaint in [*_unknown_values(document), *_unversioned(document), *_unreachable(document), *_never_ready(document)]:
        raise UsageError(f"{file}:{_line(text, where)}: {complaint}.")
    return document


def found_wanting(file: Path, document: dict[str, Any], *, base: Collection[str], visited: bool) -> None:
    """Complain about components that neither the file nor its base, with components of these names, says enough about. `visited`: nobody
    starts them. Raises UsageError."""
    for where, complaint in _unfounded(document, frozenset(base), visited=visited):
        raise UsageError(f"{file}:{_line(file.read_text('utf-8'), where)}: {complaint}.")


@cache
def schema() -> dict[str, Any]:
    """The schema of descriptors."""
    found: dict[str, Any] = orjson.loads(files("seatrial_schemas").joinpath("descriptor.schema.json").read_bytes())
    return found


def _complaint(problem: ValidationError) -> str:
    where = ".".join(str(p) for p in problem.absolute_path) or "the document"
    expected = problem.schema.get("description", "") if isinstance(problem.schema, dict) else ""
    return f"{where}: {problem.message}" + (f"; expected {expected}" if expected else "")


def _unknown_values(document: dict[str, Any]) -> list[tuple[Where, str]]:
    expected = f"expected one of: {', '.join(values.VALUES)}, set.NAME, file.NAME"
    return [
        (where, f"there is no value ${{{name}}}; {expected}")
        for where, text in _strings(document)
        for name in values.references(text)
        if not values.known(name)
    ]


def _unversioned(document: dict[str, Any]) -> list[tuple[Where, str]]:
    """A range of versions says nothing about an implementation that has none. YAML takes 1.40 for the number 1.4."""
    version = document["metadata"].get("version", "")
    if numbers(str(version)) and not isinstance(version, float):
        return []
    found = f"found {version!r}" + (", a number: put it in quotes" if isinstance(version, float) else "")
    return [
        (
            ["deviations", i, "versions"],
            f"deviations.{i}.versions: expected a metadata.version of numbers and dots to compare with, {found}",
        )
        for i, row in enumerate(document.get("deviations", ()))
        if "versions" in row
    ]


def _unreachable(document: dict[str, Any]) -> list[tuple[Where, str]]:
    """Who runs already is known by an address and by what an administrator shows, and is seen by the tap in front of it."""
    found = []
    for name, row in document.get("components", {}).items():
        if "endpoint" in row:
            where = f"components.{name}.endpoint"
            for wrong, expected in (
                ("apiserver" not in row.get("roles", (name,)), "the role apiserver: others have no address that anybody asks"),
                ({"python", "command"} & row.keys(), "neither command nor python: it runs already"),
                ("admin" not in document.get("identity", {}), "identity: {admin: FILE}, a kubeconfig with a token that it accepts"),
                (document.get("observe", {}).get("requests", "tap") != "tap", "observe: {requests: tap}, which goes in front of it"),
            ):
                found += [(["components", name, "endpoint"], f"{where}: expected {expected}")] if wrong else []
    return found


def _never_ready(document: dict[str, Any]) -> list[tuple[Where, str]]:
    """Patterns that are none, and addresses without a port."""
    found: list[tuple[Where, str]] = []
    for name, row in document.get("components", {}).items():
        ready = row.get("ready", {})
        how = next(iter(ready.items()), ("", "")) if isinstance(ready, dict) else ("", "")
        try:
            re.compile(how[1] if how[0] == "log" else "")
        except re.error as error:
            found.append((["components", name, "ready"], f"components.{name}.ready.log: expected a regular expression: {error}"))
        if how[0] == "tcp" and not re.search(r"(:\d+|\})$", how[1]):
            found.append((["components", name, "ready"], f"components.{name}.ready.tcp: expected HOST:PORT, found {how[1]!r}"))
    return found


def _unfounded(document: dict[str, Any], base: frozenset[str], *, visited: bool) -> list[tuple[Where, str]]:
    rows = document.get("components", {})
    there = base | {name for name, row in rows.items() if "absent" not in row}
    found = []
    for name, row in rows.items():
        inherits, others = name in base, there - {name}
        for wrong, expected in (
            (name not in ROLES and not inherits and "roles" not in row, f"roles, for its name is none of {', '.join(ROLES)}"),
            ("absent" in row and name not in ROLES, f"the name of a role: {', '.join(ROLES)}"),
            (not (inherits or visited or row.keys() & {*STARTS, "within", "absent"}), "command, python, endpoint, within or absent"),
            ("within" in row and row["within"] not in others, f"within: one of {', '.join(sorted(others))}"),
        ):
            found += [(["components", name], f"components.{name}: expected {expected}")] if wrong else []
    return found


def _line(text: str, path: Where) -> int:
    node = yaml.compose(text, Loader=_Loader)
    for step in path:
        if isinstance(node, yaml.MappingNode):
            node = next((v for k, v in node.value if k.value == str(step)), node)
        elif isinstance(node, yaml.SequenceNode):
            node = node.value[int(step)]
    return node.start_mark.line + 1 if node else 1


def _strings(value: Any, where: tuple[Any, ...] = ()) -> list[tuple[Where, str]]:
    if isinstance(value, dict):
        return [found for k, v in value.items() for found in _strings(v, (*where, k))]
    if isinstance(value, list):
        return [found for i, v in enumerate(value) for found in _strings(v, (*where, i))]
    return [(list(where), value)] if isinstance(value, str) else []
