"""A descriptor understood: what is on trial, and how its components start.

`basedOn` fills the roles that no component of the file has; components, claims and deviations are merged by name, the file's own winning.
A deviation that is recorded for other versions than the one on trial is none.

`kubeconfig:PATH[#CONTEXT]` is a cluster that runs already, as whole as it is: the shipped descriptor `kubeconfig` with another path.
"""

import dataclasses
import os
from collections.abc import Callable, Collection, Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from seatrial import assets
from seatrial.adapters.complaints import Complaint, Where, dotted, nearest, sentence
from seatrial.adapters.document import STARTS, Document, contradictions, read, strings, unfounded
from seatrial.adapters.values import references
from seatrial.model.errors import UsageError
from seatrial.model.limits import Limits
from seatrial.model.topology import NODE_ROLE
from seatrial.model.versions import within

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """What fills one or several roles, and how it starts."""

    name: str
    roles: tuple[str, ...]
    folder: Path  # of the descriptor that says so
    python: str | None = None
    command: tuple[str, ...] = ()
    endpoint: str = ""  # where it runs already; then nothing is started, and little can be done to it
    args: tuple[str, ...] = ()
    path: tuple[Path, ...] = ()
    ready: Mapping[str, str] = field(default_factory=dict)  # {http|tcp|log: ...} | {lease: ""} | {node: ""} | nothing
    restart_s: float | None = None  # back-off of the suite's restarts; None: it stays dead
    grace_s: float = 10.0
    stop: str = "TERM"
    replicas_max: int = 1
    lease: str | None = None  # namespace/name of its election
    limits: Limits = field(default_factory=Limits)
    virtually: Mapping[str, float] = field(default_factory=dict)  # limits that are others where time is virtual
    files: Mapping[str, str] = field(default_factory=dict)  # templates, by name
    private: tuple[str, ...] = ()
    version: tuple[str, ...] = ()
    versioned: str = ""  # what `version` must say: the metadata.version of the file that says so
    within: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """An expected finding of one rule, recorded with its cause."""

    id: str
    finding: str
    because: str
    versions: str = ""  # of the implementation, which it is confined to
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
    observe: Mapping[str, Any]
    hooks: Mapping[str, str]
    profiles: tuple[str, ...] | None  # None: all
    claims: frozenset[str]
    settings: Mapping[str, str]  # templates of ${set.NAME}, where the command line says nothing
    deviations: tuple[Deviation, ...]
    reuse: bool = False  # whether a cluster may serve several scenarios, where time is real

    def role(self, role: str) -> Component | None:
        """The component that has the role."""
        return next((c for c in self.components.values() if role in c.roles), None)

    @property
    def guest(self) -> Path | None:
        """The kubeconfig of a whole cluster that exists, in which the suite is a guest: None where the suite starts the components."""
        return Path(self.identity["kubeconfig"]) if "kubeconfig" in self.identity else None

    @property
    def asks_for(self) -> frozenset[str]:
        """The names of all settings that the descriptor makes something of, or a guest's scenarios do."""
        texts = strings([dataclasses.asdict(c) for c in self.components.values()] + [dict(self.identity)])
        asked = {name.removeprefix("set.") for _, text in texts for name in references(text) if name.startswith("set.")}
        return frozenset({*asked, *self.settings, *(VISITS if self.guest else ())})

    @property
    def context(self) -> str:
        """Of the guest's kubeconfig; empty for the current one."""
        return str(self.identity.get("context", ""))

    @property
    def at_endpoint(self) -> bool:
        """Whether the API server runs already, somewhere else, and will go on."""
        server = self.role("apiserver")
        return bool(server and server.endpoint)

    @property
    def requests(self) -> str:
        """How the requests of components are known: by the tap, by the API server's own audit log, or not at all (`none`)."""
        return "audit" if self.audit else str(self.observe["requests"])

    @property
    def audit(self) -> str:
        """The audit log of an API server, as the descriptor names it; empty where there is none."""
        requests = self.observe["requests"]
        return str(requests["audit"]) if isinstance(requests, dict) else ""

    @property
    def simulable(self) -> bool:
        """Whether every component is Python, and no command mints credentials."""
        return "mint" not in self.identity and all(c.python for c in self.components.values() if not c.within)


NOTHING = Implementation(  # what a descriptor is based on that is based on none
    name="",
    version="",
    file=Path(),
    base=None,
    own=(),
    components={},
    identity={"ca": "suite", "clients": "tokens"},
    observe={"requests": "tap", "store": "etcd"},
    hooks={"authentication": "webhook", "authorization": "webhook", "admission": "webhook-objects"},
    profiles=None,
    claims=frozenset(),
    settings={},
    deviations=(),
)
NO_HOOKS = dict.fromkeys(NOTHING.hooks, "none")
BEYOND = {"observe": {"store": "none"}, "hooks": NO_HOOKS}  # what an API server that runs already keeps to itself


GUEST = "kubeconfig:"
VISITS = ("image", "other-image")  # what stands for the images of the manifests


def load(name: str, *, virtual: bool = False) -> Implementation:
    """The implementation of a descriptor: a file, the name of one that ships with the package, or `kubeconfig:PATH[#CONTEXT]`; as it is
    in real time, or in virtual time. Raises UsageError."""
    if name.startswith(GUEST):
        return _existing(name.removeprefix(GUEST))
    return _timed(str(_find(name)), virtual)


@cache
def _timed(path: str, virtual: bool) -> Implementation:
    there = _load(path, ())
    if not virtual:
        return there
    components = {name: replace(c, limits=replace(c.limits, **c.virtually)) for name, c in there.components.items()}
    return replace(there, components=components)


def _existing(where: str) -> Implementation:
    """A cluster that exists, by a kubeconfig: without a path the one that kubectl would take, without a context the current one."""
    path, _, context = where.partition("#")
    shipped = _load(str(_find(GUEST.rstrip(":"))), ())
    first = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    found = Path(path or first or shipped.identity["kubeconfig"]).expanduser()
    return replace(shipped, identity={**shipped.identity, "kubeconfig": str(found), "context": context})


def settle(implementation: Implementation, settings: Collection[str]) -> None:
    """Raises UsageError where the descriptor asks for a setting that is none of these and has no default."""
    known = {*settings, *implementation.settings}
    read(implementation.file).refuse(
        Complaint(where=where, says=f"{dotted(where)} asks for ${{{name}}}; give it with --set {name.removeprefix('set.')}=VALUE")
        for where, text in _asking(implementation)
        for name in references(text)
        if name.startswith("set.") and name.removeprefix("set.") not in known
    )


def documents(implementation: Implementation) -> Iterator[Document]:
    """What was read for it: its file, and those that it is based on."""
    document = read(implementation.file)
    yield document
    while parent := document.content.get("basedOn"):
        document = read(_find(_beside(document.file, parent)))
        yield document


def _find(name: str) -> Path:
    shipped = assets.descriptors() / f"{name}.yaml"
    if not name.endswith((".yaml", ".yml")):
        if shipped.is_file():
            return shipped
        there = sorted(p.stem for p in assets.descriptors().glob("*.yaml"))
        offer = " ".join(filter(None, [sentence(nearest(name, there)), f"Shipped are: {', '.join(there)}."]))
        raise UsageError(f"There is no implementation {name!r}. {offer} Anything else is the path of a descriptor (.yaml).")
    path = Path(name)
    if not path.is_file():
        raise UsageError(f"There is no descriptor file {name}.")
    return path.resolve()


def _beside(file: Path, parent: str) -> str:
    """What `basedOn` names, from the descriptor's folder."""
    beside = file.parent / parent
    return str(beside if beside.is_file() else parent)


@cache
def _load(path: str, chain: tuple[str, ...]) -> Implementation:
    file = Path(path)
    if path in chain:
        raise UsageError(f"{file.name} is based on itself: {' -> '.join([*chain, path])}.")
    document = read(file)
    base = _base(document, (*chain, path))
    visited = "kubeconfig" in {**base.identity, **document.content.get("identity", {})}
    document.refuse([*contradictions(document), *unfounded(document.content, base=base.components, visited=visited)])
    merged = _merge(file, document.content, base)
    document.refuse(_unfillable(merged, document.content.get("components", {})))
    return merged


def _base(document: Document, chain: tuple[str, ...]) -> Implementation:
    parent = document.content.get("basedOn")
    if not parent:
        return NOTHING
    try:
        found = _find(_beside(document.file, parent))
    except UsageError as unknown:
        document.refuse([*contradictions(document), Complaint(where=("basedOn",), says=f"basedOn: {unknown}")])
        raise
    return _load(str(found), chain)


def _unfillable(implementation: Implementation, stated: Json) -> Iterator[Complaint]:
    """What no cluster could be made of; `stated` are the file's own components."""
    if implementation.role("apiserver") is None:
        says = "there is no component with the role apiserver; add one, or basedOn: reference"
        yield Complaint(where=("components",), says=says)
    for where, text in _asking(implementation):
        for name in references(text):
            if where[0] == "components" and (why := _lacking(name, implementation.components[where[1]], implementation.hooks)):
                inherited = "" if where[2] in stated.get(where[1], ()) else ", which is the base's,"
                yield Complaint(where=where, says=f"{dotted(where)}{inherited} asks for ${{{name}}}; {why}")


def _asking(implementation: Implementation) -> Iterator[tuple[Where, str]]:
    """What components that are started or reached are told, in which values stand, and where that would be in a file."""
    for name, component in implementation.components.items():
        if component.python or component.command or component.endpoint:
            told = {key: getattr(component, key) for key in TOLD if key != "args" or not component.endpoint}
            yield from ((("components", name, *where), text) for where, text in strings(told))
    yield from ((("identity", *where), text) for where, text in strings(implementation.identity))


TOLD = ("command", "endpoint", "args", "ready", "files")


def _lacking(value: str, component: Component, hooks: Mapping[str, str]) -> str:
    """Why the component cannot be given the value; empty where it can."""
    kind, _, name = value.partition(".")
    if kind == "file" and name not in component.files:
        return f"its files are: {', '.join(sorted(component.files)) or 'none'}"
    if value in ("node", "cri") and NODE_ROLE not in component.roles:
        return "only kubelets have it"
    if value in ("user", "groups"):
        return "only identity.mint has it"
    return f"hooks.{name} is none" if kind == "hooks" and hooks[name] == "none" else ""


def _merge(file: Path, document: Mapping[str, Any], base: Implementation) -> Implementation:
    version = str(document["metadata"].get("version", ""))
    own, taken = _own(file, document, base, version)
    beyond = BEYOND if any(c.endpoint for c in own.values()) else {}
    hooks = document.get("hooks", {})
    recorded = [Deviation(**row) for row in document.get("deviations", ())]
    deviations = [*base.deviations, *(d for d in recorded if within(version, d.versions))]
    return Implementation(
        name=document["metadata"]["name"],
        version=version,
        file=file,
        base=document.get("basedOn"),
        own=tuple(sorted(taken)),
        components=_inherited(base, own, taken) | own,
        identity={**base.identity, **_identity(document, file.parent)},
        observe={**base.observe, **document.get("observe", {}), **beyond.get("observe", {})},
        hooks={**base.hooks, **(NO_HOOKS if hooks == "none" else hooks), **beyond.get("hooks", {})},
        profiles=tuple(document["profiles"]) if "profiles" in document else base.profiles,
        claims=frozenset(document.get("claims", ())) | base.claims,
        settings={**base.settings, **document.get("settings", {})},
        deviations=tuple({d.id: d for d in deviations}.values()),
        reuse=bool(document.get("reuse", base.reuse)),
    )


def _own(file: Path, document: Mapping[str, Any], base: Implementation, version: str) -> tuple[dict[str, Component], set[str]]:
    """The file's own components, and the roles that it fills, or says are absent. What runs already has its store within."""
    rows = document.get("components", {})
    own = {name: _component(name, row, file.parent, base, version=version) for name, row in rows.items() if "absent" not in row}
    for server in [c for c in own.values() if c.endpoint]:
        own["etcd"] = Component(name="etcd", roles=("etcd",), folder=file.parent, within=server.name, limits=server.limits)
    absent = {name for name, row in rows.items() if "absent" in row}
    return own, {role for c in own.values() for role in c.roles} | absent


def _inherited(base: Implementation, own: Container[str], taken: Container[str]) -> dict[str, Component]:
    """The base's components of other names, each with the roles that are left to it."""
    left = {name: tuple(r for r in c.roles if r not in taken) for name, c in base.components.items() if name not in own}
    return {name: replace(base.components[name], roles=roles) for name, roles in left.items() if roles}


def _identity(document: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """A kubeconfig is named from the descriptor's folder."""
    stated: Mapping[str, Any] = document.get("identity", {})
    return {**stated, "kubeconfig": str(folder / Path(stated["kubeconfig"]).expanduser())} if "kubeconfig" in stated else stated


def _component(name: str, row: Mapping[str, Any], folder: Path, base: Implementation, *, version: str) -> Component:
    """A component; what the file leaves out comes from the base's component of the same name."""
    old = base.components.get(name) or Component(name=name, roles=(name,), folder=folder)
    programmed = bool({"python", "command"} & row.keys())
    start = replace(old, roles=tuple(row.get("roles", old.roles)), folder=folder if programmed else old.folder)
    if row.keys() & set(STARTS):  # of what the base says about how it starts only the arguments are left, and when it is ready
        way = {"python": row.get("python"), "command": (), "endpoint": row.get("endpoint", "")}
        start = replace(start, **way, files={}, private=(), version=(), versioned="")
    if "endpoint" in row:
        start = replace(start, ready={})
    given: Json = {k: tuple(str(i) for i in row[k]) for k in ("command", "args", "version", "private") if k in row}
    given |= {"versioned": version} if "version" in row else {}
    if programmed or "path" in row:
        given["path"] = tuple((folder / p).resolve() for p in row.get("path", ("",)))
    for key, understood in UNDERSTOOD.items():
        given |= understood(row[key], start) if key in row else {}
    return replace(start, **given)


def _replicas(stated: Mapping[str, Any], start: Component) -> Json:
    """Who holds no election is not waited for by a lease."""
    election = stated.get("election", "none")
    given = {"replicas_max": int(stated.get("max", 1)), "lease": None if election == "none" else election["lease"]}
    return given | ({"ready": {}} if election == "none" and "lease" in start.ready else {})


def _limits(stated: Mapping[str, Any], start: Component) -> Json:
    limits = {k: v for k, v in stated.items() if k != "virtually"}
    virtually = {k: v for k, v in start.virtually.items() if k not in limits} | stated.get("virtually", {})
    return {"limits": replace(start.limits, **limits), "virtually": virtually}


UNDERSTOOD: Mapping[str, Callable[[Any, Component], Json]] = {  # what a key of the descriptor says of a component; later ones count more
    "within": lambda stated, _: {"within": stated},
    "files": lambda stated, start: {"files": {**start.files, **stated}},
    "restart": lambda stated, _: {"restart_s": None if stated == "never" else float(stated.get("backoff_s", 1))},
    "stop": lambda stated, _: {"stop": stated.get("signal", "TERM"), "grace_s": float(stated.get("grace_s", 10))},
    "replicas": _replicas,
    "limits": _limits,
    "ready": lambda stated, _: {"ready": {stated: ""} if isinstance(stated, str) else stated},
}
