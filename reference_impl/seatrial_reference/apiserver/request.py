"""What is asked for: a request's attributes, read from its method and URL and never from its body (REQ-10).

Authorization and admission see attributes only. A URL names a collection, an object or a subresource of one, of a kind in the table;
everything else is a "non-resource" path. `watch` and `list` differ by a query parameter, `list` and `get` by a name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from seatrial_reference.apiserver import status
from seatrial_schemas.kinds import Kind, table

Json = dict[str, Any]
_VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
MAX_DIGITS = 18  # any more could not be a 64-bit number
_TRUE = frozenset({"1", "true", "True", "t", "T", "TRUE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who asks. Every later stage sees this identity (REQ-07)."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def info(self) -> Json:
        """As admission reviews show it."""
        info: Json = {"username": self.name, "groups": list(self.groups)}
        info |= {"uid": self.uid} if self.uid else {}
        return info | ({"extra": {k: list(v) for k, v in self.extra.items()}} if self.extra else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """The operation and the thing. `kind` is None for non-resource paths."""

    verb: str
    path: str
    kind: Kind | None = None
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def group(self) -> str:
        return self.kind.group if self.kind else ""

    @property
    def resource(self) -> str:
        return self.kind.plural if self.kind else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """The query parameters of reads and writes, checked."""

    values: Mapping[str, str]

    def text(self, name: str) -> str:
        return self.values.get(name, "")

    def flag(self, name: str) -> bool:
        return self.values.get(name, "") in _TRUE

    def number(self, name: str) -> int | None:
        text = self.values.get(name, "")
        if not text:
            return None
        if not text.isdecimal() or len(text) > MAX_DIGITS:
            raise status.bad_request(f"invalid {name}: {text!r}")
        return int(text)

    @property
    def dry_run(self) -> bool:
        asked = self.values.get("dryRun")
        if asked not in (None, "", "All"):
            raise status.bad_request(f'dryRun: Unsupported value: "{asked}": supported values: "All"')
        return asked == "All"


@cache
def _kinds() -> Mapping[tuple[str, str, str], Kind]:
    return {(kind.group, kind.version, kind.plural): kind for kind in table()}


@cache
def group_versions() -> Mapping[tuple[str, str], tuple[Kind, ...]]:
    """The kinds of each group version, in the order of discovery."""
    found: dict[tuple[str, str], list[Kind]] = {}
    for kind in table():
        found.setdefault((kind.group, kind.version), []).append(kind)
    return {key: tuple(kinds) for key, kinds in found.items()}


def parse(method: str, raw_path: str) -> tuple[Attributes, Query]:
    """Attributes and query of a request line. Raises 404 for a resource that is in no table, 405 for an unknown method."""
    url = urlsplit(raw_path)
    query = Query(values=dict(parse_qsl(url.query, keep_blank_values=True)))
    verb = _VERBS.get(method)
    if verb is None:
        raise status.method_not_allowed()
    parts = [unquote(part) for part in url.path.strip("/").split("/")]
    if parts[0] == "api" and len(parts) >= 3:
        return _resource(verb, url.path, ("", parts[1]), parts[2:], query), query
    if parts[0] == "apis" and len(parts) >= 4:
        return _resource(verb, url.path, (parts[1], parts[2]), parts[3:], query), query
    return Attributes(verb=verb, path=url.path), query


def unknown(method: str, raw_path: str) -> Attributes:
    """Attributes of a request for something that is not served, so that who may not ask is not told that it is not there."""
    path = urlsplit(raw_path).path
    verb = _VERBS.get(method, method.lower())
    root, *parts = [unquote(part) for part in path.strip("/").split("/")]
    if root != "apis" or len(parts) < 3:
        return Attributes(verb=verb, path=path)
    group, version, *parts = parts
    namespace = ""
    if parts[0] == "namespaces" and len(parts) >= 3:
        namespace, parts = parts[1], parts[2:]
    kind = Kind(group=group, version=version, kind="", plural=parts[0], namespaced=bool(namespace), key="")
    return Attributes(verb=verb, path=path, kind=kind, namespace=namespace, name="/".join(parts[1:2]), subresource="/".join(parts[2:]))


def _resource(verb: str, path: str, group_version: tuple[str, str], parts: list[str], query: Query) -> Attributes:
    namespace = ""
    if parts[0] == "namespaces" and len(parts) >= 3 and parts[2] not in ("status", "finalize"):
        namespace, parts = parts[1], parts[2:]
    kind = _kinds().get((*group_version, parts[0]))
    if kind is None or len(parts) > 3 or (namespace and not kind.namespaced):
        raise status.no_such_path()
    name = parts[1] if len(parts) > 1 else ""
    subresource = parts[2] if len(parts) > 2 else ""
    if subresource and subresource not in kind.subresources:
        raise status.no_such_path()
    if kind.plural == "namespaces":
        namespace = name  # upstream's view: a namespace lies in itself
    return Attributes(verb=_refined(verb, name, query), path=path, kind=kind, namespace=namespace, name=name, subresource=subresource)


def _refined(verb: str, name: str, query: Query) -> str:
    if verb == "get" and not name:
        return "watch" if query.flag("watch") else "list"
    if verb == "get" and query.flag("watch"):
        return "watch"
    return "deletecollection" if verb == "delete" and not name else verb
