"""A descriptor file, checked and understood.

The file is data that strangers write by hand: every complaint names the file, the line and what was expected. `basedOn` fills the roles
that no component of the file has; components, claims and deviations are merged by name, the file's own winning.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from seatrial import assets
from seatrial.adapters import values
from seatrial.model.errors import UsageError
from seatrial.model.limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """What fills one or several roles, and how it starts."""

    name: str
    roles: tuple[str, ...]
    folder: Path  # of the descriptor that says so
    python: str | None = None
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    path: tuple[Path, ...] = ()
    ready: Mapping[str, str] = field(default_factory=dict)  # {http|tcp|log: ...} | {lease: ""} | {node: ""} | nothing
    restart_s: float | None = None  # back-off of the suite's restarts; None: it stays dead
    grace_s: float = 10.0
    stop: str = "TERM"
    replicas_max: int = 1
    lease: str | None = None  # namespace/name of its election
    limits: Limits = field(default_factory=Limits)
    version: tuple[str, ...] = ()
    within: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """An expected finding of one rule, recorded with its cause."""

    id: str
    finding: str
    because: str
    source: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Implementation:
    """What is on trial."""

    name: str
    version: str
    file: Path
    base: str | None
    own: tuple[str, ...]  # roles that the file itself fills, not its base
    components: Mapping[str, Component]
    identity: Mapping[str, Any]
    observe: Mapping[str, str]
    hooks: Mapping[str, str]
    profiles: tuple[str, ...] | None  # None: all
    claims: frozenset[str]
    deviations: tuple[Deviation, ...]

    def role(self, role: str) -> Component | None:
        """The component that has the role."""
        return next((c for c in self.components.values() if role in c.roles), None)

    @property
    def simulable(self) -> bool:
        """Whether every component is Python, and no command mints credentials."""
        return "mint" not in self.identity and all(c.python for c in self.components.values() if not c.within)


DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "identity": {"ca": "suite", "clients": "tokens"},
    "observe": {"requests": "tap", "store": "etcd"},
    "hooks": {"authentication": "webhook", "authorization": "webhook", "admission": "webhook-objects"},
}
NO_HOOKS = dict.fromkeys(DEFAULTS["hooks"], "none")


def load(name: str) -> Implementation:
    """The implementation of a descriptor: a file, or the name of one that ships with the package. Raises UsageError."""
    return _load(str(_find(name)), ())


def _find(name: str) -> Path:
    shipped = assets.descriptors() / f"{name}.yaml"
    if not name.endswith((".yaml", ".yml")):
        if shipped.is_file():
            return shipped
        offer = ", ".join(sorted(p.stem for p in assets.descriptors().glob("*.yaml")))
        raise UsageError(f"There is no implementation {name!r}. Shipped are: {offer}. Anything else is the path of a descriptor (.yaml).")
    path = Path(name)
    if not path.is_file():
        raise UsageError(f"There is no descriptor file {name}.")
    return path.resolve()


@cache
def _load(path: str, chain: tuple[str, ...]) -> Implementation:
    file = Path(path)
    if path in chain:
        raise UsageError(f"{file.name} is based on itself: {' -> '.join([*chain, path])}.")
    document = _read(file)
    base = None
    if parent := document.get("basedOn"):
        beside = file.parent / parent
        base = _load(str(_find(str(beside) if beside.is_file() else parent)), (*chain, path))
    return _merge(file, document, base)


def _read(file: Path) -> dict[str, Any]:
    text = file.read_text()
    try:
        document = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise UsageError(f"{file}: not YAML: {error}") from None
    schema = schema_of_descriptors()
    if problem := best_match(Draft202012Validator(schema).iter_errors(document)):
        raise UsageError(_complaint(file, text, problem))
    for where, text_value in _strings(document):
        for name in values.references(text_value):
            if not values.known(name):
                line = _line(text, where)
                raise UsageError(f"{file}:{line}: there is no value ${{{name}}}; expected one of: {', '.join(values.VALUES)}, set.NAME.")
    checked: dict[str, Any] = document
    return checked


@cache
def schema_of_descriptors() -> dict[str, Any]:
    """The schema of descriptors."""
    schema: dict[str, Any] = orjson.loads(files("seatrial_schemas").joinpath("descriptor.schema.json").read_bytes())
    return schema


def _complaint(file: Path, text: str, problem: ValidationError) -> str:
    path = list(problem.absolute_path)
    where = ".".join(str(p) for p in path) or "the document"
    return f"{file}:{_line(text, path)}: {where}: {problem.message}."


def _line(text: str, path: list[Any]) -> int:
    node = yaml.compose(text, Loader=yaml.CSafeLoader)
    for step in path:
        if isinstance(node, yaml.MappingNode):
            node = next((v for k, v in node.value if k.value == str(step)), node)
        elif isinstance(node, yaml.SequenceNode):
            node = node.value[int(step)]
    return node.start_mark.line + 1 if node else 1


def _strings(value: Any, where: tuple[Any, ...] = ()) -> list[tuple[list[Any], str]]:
    if isinstance(value, dict):
        return [found for k, v in value.items() for found in _strings(v, (*where, k))]
    if isinstance(value, list):
        return [found for i, v in enumerate(value) for found in _strings(v, (*where, i))]
    return [(list(where), value)] if isinstance(value, str) else []


def _merge(file: Path, document: Mapping[str, Any], base: Implementation | None) -> Implementation:
    own = {name: _component(name, row, file.parent, base) for name, row in document.get("components", {}).items() if "absent" not in row}
    absent = {name for name, row in document.get("components", {}).items() if "absent" in row}
    taken = {role for c in own.values() for role in c.roles} | absent
    inherited = {
        name: replace(c, roles=left)
        for name, c in (base.components if base else {}).items()
        if name not in own and (left := tuple(r for r in c.roles if r not in taken))
    }
    hooks = document.get("hooks", {})
    deviations = {d.id: d for d in (base.deviations if base else ())} | {d["id"]: _deviation(d) for d in document.get("deviations", ())}
    return Implementation(
        name=document["metadata"]["name"],
        version=str(document["metadata"].get("version", "")),
        file=file,
        base=document.get("basedOn"),
        own=tuple(sorted(taken)),
        components=inherited | own,
        identity={**(base.identity if base else DEFAULTS["identity"]), **document.get("identity", {})},
        observe={**(base.observe if base else DEFAULTS["observe"]), **document.get("observe", {})},
        hooks={**(base.hooks if base else DEFAULTS["hooks"]), **(NO_HOOKS if hooks == "none" else hooks)},
        profiles=tuple(document["profiles"]) if "profiles" in document else (base.profiles if base else None),
        claims=frozenset(document.get("claims", ())) | (base.claims if base else frozenset()),
        deviations=tuple(deviations.values()),
    )


def _deviation(row: Mapping[str, Any]) -> Deviation:
    return Deviation(**{k: str(v) for k, v in row.items() if k in ("id", "finding", "because", "source", "until")})


def _component(name: str, row: Mapping[str, Any], folder: Path, base: Implementation | None) -> Component:
    """A component; what the file leaves out comes from the base's component of the same name."""
    old = base.components.get(name) if base else None
    start = Component(name=name, roles=tuple(row.get("roles", (name,))), folder=folder)
    if old:
        start = replace(old, roles=tuple(row.get("roles", old.roles)), folder=folder if {"python", "command"} & row.keys() else old.folder)
    given: dict[str, Any] = {k: row[k] for k in ("python", "within") if k in row}
    if "command" in row:
        given |= {"python": row.get("python")}
    elif "python" in row:
        given |= {"command": ()}
    given |= {k: tuple(str(i) for i in row[k]) for k in ("command", "args", "version") if k in row}
    if "path" in row or {"python", "command"} & row.keys():
        given["path"] = tuple((folder / p).resolve() for p in row.get("path", ("",)))
    if "ready" in row:
        given["ready"] = {row["ready"]: ""} if isinstance(row["ready"], str) else row["ready"]
    if "restart" in row:
        given["restart_s"] = None if row["restart"] == "never" else float(row["restart"].get("backoff_s", 1))
    if "stop" in row:
        given |= {"stop": row["stop"].get("signal", "TERM"), "grace_s": float(row["stop"].get("grace_s", 10))}
    if "replicas" in row:
        given["replicas_max"] = int(row["replicas"].get("max", 1))
        election = row["replicas"].get("election", "none")
        given["lease"] = None if election == "none" else election["lease"]
    if "limits" in row:
        given["limits"] = replace(start.limits, **row["limits"])
    return replace(start, **given)
