"""A descriptor laid over the one that it is based on.

`basedOn` fills the roles that no component of the file has; components, claims and deviations are merged by name, the file's own winning.
A deviation that is recorded for other versions than the one on trial is none, nor is one of a component that another one has replaced.
"""

from collections.abc import Callable, Container, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from seatrial.adapters.document import STARTS
from seatrial.adapters.implementation import NOTHING, Component, Deviation, Implementation
from seatrial.model.versions import within

Json = dict[str, Any]
NO_HOOKS = dict.fromkeys(NOTHING.hooks, "none")
BEYOND = {"observe": {"store": "none"}, "hooks": NO_HOOKS}  # what an API server that runs already keeps to itself


def merged(file: Path, document: Mapping[str, Any], base: Implementation) -> Implementation:
    """What is on trial, by the descriptor and by what it is based on."""
    version = str(document["metadata"].get("version", ""))
    own, taken = _own(file, document, base, version)
    beyond = BEYOND if any(c.endpoint for c in own.values()) else {}
    hooks = document.get("hooks", {})
    components = _inherited(base, own, taken) | own
    recorded = [Deviation(**row) for row in document.get("deviations", ())]
    deviations = [*_lasting(base, components), *(d for d in recorded if within(version, d.versions))]
    return Implementation(
        name=document["metadata"]["name"],
        version=version,
        file=file,
        base=document.get("basedOn"),
        own=tuple(sorted(taken)),
        components=components,
        identity={**base.identity, **_identity(document, file.parent)},
        observe={**base.observe, **document.get("observe", {}), **beyond.get("observe", {})},
        hooks={**base.hooks, **(NO_HOOKS if hooks == "none" else hooks), **beyond.get("hooks", {})},
        profiles=tuple(document["profiles"]) if "profiles" in document else base.profiles,
        claims=frozenset(document.get("claims", ())) | base.claims,
        settings={**base.settings, **document.get("settings", {})},
        deviations=tuple({d.id: d for d in deviations}.values()),
        reuse=bool(document.get("reuse", base.reuse)),
    )


def _lasting(base: Implementation, components: Mapping[str, Component]) -> list[Deviation]:
    """The base's deviations: those of a component, as long as that is started as the base has it, in a version which they are about."""
    same = {name: c for name, c in components.items() if name in base.components and _started(c) == _started(base.components[name])}
    return [
        d
        for d in base.deviations
        if not d.component or (d.component in same and within(same[d.component].versioned or base.version, d.versions))
    ]


def _started(component: Component) -> tuple[Any, ...]:
    return component.command, component.python, component.endpoint


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
