"""A descriptor file as a document: read, and checked against the schema and the table of values, before anybody makes sense of it.

It is data that strangers write by hand: every complaint names the file, the line and what was expected, and all of a file come together.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
import yaml
from jsonschema import Draft202012Validator

from seatrial.adapters import values
from seatrial.adapters.complaints import Complaint, Where, dotted, listed, nearest, worded
from seatrial.model.errors import UsageError
from seatrial.model.topology import ROLES
from seatrial.model.versions import numbers

Json = dict[str, Any]
TIMESTAMP = "tag:yaml.org,2002:timestamp"
MERGE = "tag:yaml.org,2002:merge"
STARTS = ("command", "python", "endpoint")
MOST = 10  # complaints that are told at once


class _Loader(yaml.CSafeLoader):
    """Dates stay text: JSON has none, and a schema could not tell one from an object."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own way
        first: [(tag, pattern) for tag, pattern in rows if tag != TIMESTAMP]
        for first, rows in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What stands in a file, and where."""

    file: Path
    content: Json
    tree: yaml.Node | None

    def line(self, where: Where) -> int:
        """Of the part, or of what is there of the way to it."""
        node, line = self.tree, 1
        for step in where:
            node, line = _inside(node, step) or (None, line)
        return line

    def refuse(self, complaints: Iterable[Complaint]) -> None:
        """Raises UsageError where there are any."""
        found = sorted({(c.line or self.line(c.where), c.says) for c in complaints})
        lines = [f"{self.file}:{line}: {says}{'' if says[-1] in '.?' else '.'}" for line, says in found[:MOST]]
        if lines:
            raise UsageError("\n".join([*lines, *([f"... and {len(found) - MOST} more."] if len(found) > MOST else [])]))


def read(file: Path) -> Document:
    """The document, as the schema has it. Raises UsageError."""
    try:
        text = file.read_text("utf-8")
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 - it is a safe one
        document = Document(file=file, content=content, tree=yaml.compose(text, Loader=_Loader))
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
    except yaml.MarkedYAMLError as error:
        raise UsageError(f"{file}:{_puzzle(error, text)}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: not YAML: {error}") from None
    document.refuse([*_repeated(document.tree), *worded(Draft202012Validator(schema()).iter_errors(document.content))])
    return document


def _puzzle(error: yaml.MarkedYAMLError, text: str) -> str:
    """What YAML stumbles over most in descriptors is said."""
    number = error.problem_mark.line if error.problem_mark else 0
    hint = "; ${...} in brackets or braces wants quotes" if "${" in "".join(text.splitlines()[number : number + 1]) else ""
    return f"{number + 1}: not YAML: {error.problem}{hint}"


def contradictions(document: Document) -> list[Complaint]:
    """What the schema cannot see: parts that do not go together, and what could never start."""
    return [complaint for check in CHECKS for complaint in check(document.content)]


@cache
def schema() -> Json:
    """The schema of descriptors."""
    found: Json = orjson.loads(files("seatrial_schemas").joinpath("descriptor.schema.json").read_bytes())
    return found


def _repeated(node: yaml.Node | None, seen: frozenset[int] = frozenset()) -> Iterator[Complaint]:
    """Of two equal keys YAML's own reader would take the last, in silence."""
    if not isinstance(node, yaml.CollectionNode) or id(node) in seen:
        return
    first: dict[str, int] = {}
    for entry in node.value:
        key, value = entry if isinstance(node, yaml.MappingNode) else (None, entry)
        if key and key.value in first and key.tag != MERGE:
            says = f"{key.value} stands here again, after line {first[key.value]}"
            yield Complaint(where=(), line=_line(key), says=says)
        first |= {str(key.value): _line(key)} if key else {}
        yield from _repeated(value, seen | {id(node)})


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _inside(node: yaml.Node | None, step: Any) -> tuple[yaml.Node, int] | None:
    """What a step leads to, and the line where that begins: a key's own."""
    if isinstance(node, yaml.MappingNode):
        return next(((value, _line(key)) for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode):
        return node.value[int(step)], _line(node.value[int(step)])
    return None


# -- what the schema cannot see


def _unknown_values(document: Json) -> Iterator[Complaint]:
    for where, text in strings(document):
        for name in values.references(text):
            if not values.known(name):
                offer = nearest(name, values.VALUES) or "`seatrial explain values` lists them"
                yield Complaint(where=where, says=f"{dotted(where)}: there is no value ${{{name}}}; {offer}")


def _unversioned(document: Json) -> Iterator[Complaint]:
    """A range of versions says nothing about an implementation that has none. YAML takes 1.40 for the number 1.4."""
    version = document["metadata"].get("version", "")
    if numbers(str(version)) and not isinstance(version, float):
        return
    found = f"found {version!r}" + (", a number: put it in quotes" if isinstance(version, float) else "")
    for i, row in enumerate(document.get("deviations", ())):
        if "versions" in row:
            where = ("deviations", i, "versions")
            yield Complaint(where=where, says=f"{dotted(where)}: expected a metadata.version of numbers and dots to compare with, {found}")


def _unreachable(document: Json) -> Iterator[Complaint]:
    """Who runs already is known by an address and by what an administrator shows, and is seen by the tap in front of it."""
    for name, row in document.get("components", {}).items():
        where = ("components", name, "endpoint")
        for wrong, expected in (
            ("apiserver" not in row.get("roles", (name,)), "the role apiserver: others have no address that anybody asks"),
            ({"python", "command"} & row.keys(), "neither command nor python: it runs already"),
            ("admin" not in document.get("identity", {}), "identity: {admin: FILE}, a kubeconfig with a token that it accepts"),
            (document.get("observe", {}).get("requests", "tap") != "tap", "observe: {requests: tap}, which goes in front of it"),
        ):
            if "endpoint" in row and wrong:
                yield Complaint(where=where, says=f"{dotted(where)}: expected {expected}")


def _twice_started(document: Json) -> Iterator[Complaint]:
    for name, row in document.get("components", {}).items():
        if {"python", "command"} <= row.keys() and "endpoint" not in row:
            where = ("components", name)
            yield Complaint(where=where, says=f"{dotted(where)}: expected command or python, found both")


def _never_ready(document: Json) -> Iterator[Complaint]:
    """Patterns that are none, and addresses without a port."""
    for name, row in document.get("components", {}).items():
        ready, where = row.get("ready", {}), ("components", name, "ready")
        how = next(iter(ready.items()), ("", "")) if isinstance(ready, dict) else ("", "")
        try:
            re.compile(how[1] if how[0] == "log" else "")
        except re.error as error:
            yield Complaint(where=where, says=f"{dotted(where)}.log: expected a regular expression: {error}")
        if how[0] == "tcp" and not re.search(r"(:\d+|\})$", how[1]):
            yield Complaint(where=where, says=f"{dotted(where)}.tcp: expected HOST:PORT, found {how[1]!r}")


def _unsettled(document: Json) -> Iterator[Complaint]:
    """Settings are known before any cluster is, and before each other."""
    for name, template in document.get("settings", {}).items():
        if beyond := [value for value in values.references(template) if value not in values.MACHINE]:
            where = ("settings", name)
            yield Complaint(
                where=where, says=f"{dotted(where)}: expected no values but {listed(values.MACHINE, 'and')}, found ${{{beyond[0]}}}"
            )


CHECKS = (_unknown_values, _unversioned, _unreachable, _twice_started, _never_ready, _unsettled)


def unfounded(document: Json, *, base: Collection[str], visited: bool) -> Iterator[Complaint]:
    """Components that neither the file nor its base, with components of these names, says enough about. `visited`: nobody starts them."""
    rows = document.get("components", {})
    there = {*base, *(name for name, row in rows.items() if "absent" not in row)}
    for name, row in rows.items():
        inherits, others, where = name in base, there - {name}, ("components", name)
        if name not in ROLES and not inherits and "roles" not in row and (meant := nearest(name, ROLES)):
            yield Complaint(where=where, says=f"{dotted(where)}: there is no role {name}; {meant}")
            continue
        for wrong, expected in (
            (name not in ROLES and not inherits and "roles" not in row, f"roles, for its name is none of {', '.join(ROLES)}"),
            ("absent" in row and name not in ROLES, f"the name of a role: {', '.join(ROLES)}"),
            (not (inherits or visited or row.keys() & {*STARTS, "within", "absent"}), "command, python, endpoint, within or absent"),
            ("within" in row and row["within"] not in others, f"within: one of {', '.join(sorted(others))}"),
        ):
            if wrong:
                yield Complaint(where=where, says=f"{dotted(where)}: expected {expected}")


def strings(value: Any, where: Where = ()) -> Iterator[tuple[Where, str]]:
    """Every text in a nested value, and where it stands."""
    inner = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list | tuple) else ()
    for step, part in inner:
        yield from strings(part, (*where, step))
    if isinstance(value, str):
        yield where, value
