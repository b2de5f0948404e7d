"""Pure: how a guest behaves in a cluster of others. What it makes bears the run's label, it asks only for what bears that label, and it
touches nothing else. Its pods do without privileges.

Scenarios speak as if they were alone. Their namespaces get names of their own, and where only one namespace may be worked in, a scenario
that wants another one does without. Their label `app` gets a name that nobody else selects by; their image becomes one that can be had.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from seatrial.model.errors import NotRunnable

Json = dict[str, Any]
LABEL = "seatrial.dev/run"
APP = "seatrial.dev/app"  # in the place of `app`
NOBODY = 65535  # a user who is nobody in particular
_ASKED = re.compile(
    r"(?P<root>/api/v1|/apis/[^/]+/[^/]+)(?:/namespaces/(?P<namespace>[^/]+)(?=/))?/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?(?P<rest>/.+)?"
)
_LABELS = frozenset({"labels", "matchLabels", "selector"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a path is about."""

    root: str
    namespace: str
    plural: str
    name: str
    rest: str = ""

    @property
    def path(self) -> str:
        parts = [self.root, *(["namespaces", self.namespace] if self.namespace else []), self.plural, *([self.name] if self.name else [])]
        return "/".join(parts) + self.rest


def asked(path: str) -> Asked:
    """The parts of a path of the API."""
    match = _ASKED.fullmatch(path)
    if match is None:
        raise NotRunnable(f"{path} is no path of an object")
    return Asked(**{k: v or "" for k, v in match.groupdict().items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """Of one scenario. `shared`: others live in its namespace, which is then the only one."""

    run: str
    namespace: str
    shared: bool
    images: Mapping[str, str] = field(default_factory=dict)

    def path(self, path: str) -> str:
        """Where a scenario's request goes. Raises NotRunnable where it would concern others."""
        what = asked(path)
        if what.namespace:
            return replace(what, namespace=self.own(what.namespace)).path
        if what.plural != "namespaces":
            raise NotRunnable(f"{what.plural} concern the whole cluster, and a guest neither makes nor changes any")
        if self.shared:
            raise NotRunnable(f"only the namespace {self.namespace} may be worked in, and the scenario wants another one")
        return replace(what, name=what.name and self.own(what.name)).path

    def own(self, namespace: str) -> str:
        """The name that a scenario's namespace has here."""
        if namespace == self.namespace:
            return namespace
        if self.shared:
            raise NotRunnable(f"only the namespace {self.namespace} may be worked in, and the scenario wants another one")
        return namespace if namespace.startswith(f"{self.namespace}-") else f"{self.namespace}-{namespace}"

    def params(self, method: str, path: str, params: Mapping[str, str]) -> dict[str, str]:
        """Collections: only what bears the label is read. Raises NotRunnable where a whole collection of others' would be deleted."""
        known = dict(params)
        if "labelSelector" in known:
            known["labelSelector"] = re.sub(r"(?<![\w./-])app(?=[=!, ]|$)", APP, known["labelSelector"])
        what = asked(path)
        if what.name or method not in ("GET", "DELETE"):
            return known
        if method == "DELETE" and self.shared:
            raise NotRunnable(f"others live in the namespace {self.namespace}: no collection is deleted there")
        if method == "GET":
            known["labelSelector"] = ",".join(filter(None, [known.get("labelSelector", ""), f"{LABEL}={self.run}"]))
        return known

    def made(self, body: Any) -> Any:
        """An object to be created."""
        if not isinstance(body, dict):
            return body
        new = self.said(body)
        metadata, spec = new.setdefault("metadata", {}), new.get("spec")
        self._mark(metadata)
        if "namespace" in metadata:
            metadata["namespace"] = self.own(metadata["namespace"])
        if new.get("kind") == "Namespace":
            metadata["name"] = self.own(metadata["name"])
        if isinstance(spec, dict) and "template" in spec:
            self._mark(spec["template"].setdefault("metadata", {}))
            self._select(spec.get("selector"))
            _modest(spec["template"].get("spec"))
        if new.get("kind") == "Pod":
            _modest(spec)
        return new

    def said(self, body: Any) -> Any:
        """A body of whatever kind, in the guest's words."""
        if isinstance(body, dict) and body.keys() >= {"key", "operator"}:  # a requirement of a selector
            return body | {"key": APP if body["key"] == "app" else body["key"]}
        if isinstance(body, dict):
            return {k: _relabelled(self.said(v)) if k in _LABELS and isinstance(v, dict) else self.said(v) for k, v in body.items()}
        if isinstance(body, list):
            return [self.said(item) for item in body]
        return self.images.get(body, body) if isinstance(body, str) else body

    def owns(self, item: Mapping[str, Any]) -> bool:
        """Whether an object is one of the run's."""
        return bool(((item.get("metadata") or {}).get("labels") or {}).get(LABEL) == self.run)

    def _mark(self, metadata: Json) -> None:
        metadata["labels"] = {**(metadata.get("labels") or {}), LABEL: self.run}

    def _select(self, selector: Any) -> None:
        """A controller of ours must not adopt what is not."""
        if isinstance(selector, dict):
            labels = selector.setdefault("matchLabels", {}) if selector.keys() & {"matchLabels", "matchExpressions"} else selector
            labels[LABEL] = self.run


def _modest(spec: Any) -> None:
    """A pod that needs no privileges says so: many namespaces take no others."""
    if isinstance(spec, dict):
        spec["securityContext"] = {"runAsNonRoot": True, "runAsUser": NOBODY, "seccompProfile": {"type": "RuntimeDefault"}}
        for container in spec.get("containers") or ():
            container["securityContext"] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def _relabelled(labels: Json) -> Json:
    return {APP if k == "app" else k: v for k, v in labels.items()}
