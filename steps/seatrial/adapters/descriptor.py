"""A descriptor found, read and understood, or refused with everything that is wrong with it.

`kubeconfig:PATH[#CONTEXT]` is a cluster that runs already, as whole as it is: the shipped descriptor `kubeconfig` with another path.
"""

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from seatrial import assets
from seatrial.adapters.complaints import Complaint, Where, dotted, nearest, sentence
from seatrial.adapters.document import Document, contradictions, read, strings, unfounded
from seatrial.adapters.implementation import NOTHING, Component, Implementation
from seatrial.adapters.merging import merged
from seatrial.adapters.values import references
from seatrial.model.errors import UsageError
from seatrial.model.topology import NODE_ROLE

GUEST = "kubeconfig:"


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
    implementation = merged(file, document.content, base)
    document.refuse(_unfillable(implementation, document.content.get("components", {})))
    return implementation


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


def _unfillable(implementation: Implementation, stated: Mapping[str, Any]) -> Iterator[Complaint]:
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
