"""The table of kinds: what the API serves, at which path, and under which key it is stored.

The keys are those of Kubernetes' default storage factory: no API group for built-in kinds, and five historic exceptions (`minions`,
`services/specs`, `services/endpoints`, `controllers`, `ingress`). Source: kubernetes/kubernetes test/integration/etcd/data.go.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of object. `key` is its folder in the store below the prefix; empty where it is never stored."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    key: str
    short: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    columns: tuple[tuple[str, str, str], ...] = ()  # (name, type, path) for Table output

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def root(self) -> str:
        """URL path of the group version."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    def path(self, *, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """URL path of a collection, an object or a subresource; over all namespaces where `namespace` is None."""
        parts = [self.root]
        if self.namespaced and namespace is not None:
            parts += ["namespaces", namespace]
        return "/".join([*parts, self.plural, *([name] if name else []), *([subresource] if subresource else [])])

    def store_key(self, *, prefix: str = "/registry", namespace: str | None = None, name: str = "") -> str:
        """The key of one object, or with an empty name the prefix of all of them."""
        return "/".join([prefix, self.key, *([namespace] if self.namespaced and namespace else []), name])


@cache
def table() -> tuple[Kind, ...]:
    """Every kind, in the order of discovery."""
    rows: list[dict[str, Any]] = json.loads(files(__package__).joinpath("kinds.json").read_text())
    return tuple(_kind(row) for row in rows)


def _kind(row: dict[str, Any]) -> Kind:
    lists = {k: tuple(tuple(i) if isinstance(i, list) else i for i in v) for k, v in row.items() if isinstance(v, list)}
    return Kind(**(row | lists))


@cache
def by_plural(plural: str, group: str | None = None) -> Kind:
    """The kind of that plural (`pods`); `group` tells apart those that share one. Raises KeyError where there is none."""
    for kind in table():
        if kind.plural == plural and group in (None, kind.group):
            return kind
    raise KeyError(plural)
