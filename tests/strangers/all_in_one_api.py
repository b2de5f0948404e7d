"""The log of changes that is the whole state of `all_in_one`, and the API over it: objects, selectors, patches, defaults."""

import base64
import copy
import json
import random
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]
MASTERS, NODES = "system:masters", "system:nodes"
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
GROUPS = {
    "v1": "configmaps endpoints events namespaces nodes pods replicationcontrollers secrets serviceaccounts services",
    "apps/v1": "deployments replicasets",
    "coordination.k8s.io/v1": "leases",
}
RESOURCES = {resource: version for version, resources in GROUPS.items() for resource in resources.split()}
NAMES = "ConfigMap Endpoints Event Namespace Node Pod ReplicationController Secret ServiceAccount Service Deployment ReplicaSet Lease"
KINDS = dict(zip(RESOURCES, NAMES.split(), strict=True))
CLUSTERED = {"namespaces", "nodes"}
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


class Refusal(Exception):
    """An answer that is no."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        head = {"apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure"}
        self.body = head | {"code": code, "reason": reason, "message": message}


def stamp(ahead_s: float = 0) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + ahead_s))


# -- the store


@dataclass(frozen=True)
class Change:
    """One entry of the log: `item` as it was last, `old` as it was before."""

    resource: str
    item: Json
    old: Json | None
    gone: bool


class Store:
    """Objects are never changed, only replaced. `changed` guards everything; its holder sees one consistent state."""

    def __init__(self, journal: Path) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.log: list[Change] = []
        self.state: dict[tuple[str, str, str], Json] = {}
        self._journal = journal
        for line in journal.read_text().splitlines() if journal.exists() else ():
            self._enter(*json.loads(line))

    def write(self, resource: str, item: Json, *, gone: bool = False) -> Json:
        with self.changed:
            item = item | {"metadata": item["metadata"] | {"resourceVersion": str(len(self.log) + 1)}}
            with self._journal.open("a") as out:
                out.write(json.dumps([resource, item, gone]) + "\n")
            self._enter(resource, item, gone)
            self.changed.notify_all()
            return item

    def _enter(self, resource: str, item: Json, gone: bool) -> None:
        key = (resource, item["metadata"].get("namespace", ""), item["metadata"]["name"])
        old = self.state.pop(key, None)
        if not gone:
            self.state[key] = item
        self.log.append(Change(resource, item, old, gone))

    def find(self, resource: str, namespace: str, name: str) -> Json | None:
        return self.state.get((resource, namespace, name))

    def all(self, resource: str, namespace: str = "") -> list[Json]:
        with self.changed:
            return [v for (r, ns, _), v in sorted(self.state.items(), key=lambda kv: kv[0]) if r == resource and namespace in ("", ns)]


# -- what may be done with objects


class Api:
    """The verbs that write. Controllers call them as the network does."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def get(self, resource: str, namespace: str, name: str) -> Json:
        if (found := self.store.find(resource, namespace, name)) is None:
            raise Refusal(404, "NotFound", f'{resource} "{name}" not found')
        return found

    def create(self, resource: str, namespace: str, body: Json) -> Json:
        item = copy.deepcopy(body)
        meta = item.setdefault("metadata", {})
        item |= {"apiVersion": RESOURCES[resource], "kind": KINDS[resource]}
        if namespace and meta.setdefault("namespace", namespace) != namespace:
            raise Refusal(400, "BadRequest", f"the object is of namespace {meta['namespace']}, the path says {namespace}")
        if "name" not in meta and "generateName" in meta:
            meta["name"] = meta["generateName"] + suffix()
        _check(resource, item)
        with self.store.changed:
            if namespace:
                self.get("namespaces", "", namespace)
            if self.store.find(resource, namespace, meta["name"]):
                raise Refusal(409, "AlreadyExists", f'{resource} "{meta["name"]}" already exists')
            meta |= {"uid": str(uuid.uuid4()), "creationTimestamp": stamp(), "generation": 1}
            return self.store.write(resource, _defaulted(resource, item))

    def change(self, resource: str, namespace: str, name: str, how: Callable[[Json], Json]) -> Json:
        """Replace the object by what `how` makes of a copy; identity stays, and what is to be deleted and unguarded goes."""
        with self.store.changed:
            old = self.get(resource, namespace, name)
            new, kept = how(copy.deepcopy(old)), old["metadata"]
            for field in ("resourceVersion", "uid"):
                if new["metadata"].get(field, kept[field]) != kept[field]:
                    raise Refusal(409, "Conflict", f'{resource} "{name}" has been modified: {field}')
            new["metadata"] |= {f: kept[f] for f in ("name", "uid", "creationTimestamp", "generation", "namespace") if f in kept}
            if new.get("spec") != old.get("spec"):
                new["metadata"]["generation"] += 1
            _check(resource, new)
            if new == old:
                return old
            return self._settled(resource, self.store.write(resource, new))

    def delete(self, resource: str, namespace: str, name: str, options: Json) -> Json:
        with self.store.changed:
            item = self.get(resource, namespace, name)
            if any(item["metadata"].get(field) != wanted for field, wanted in (options.get("preconditions") or {}).items()):
                raise Refusal(409, "Conflict", f'{resource} "{name}" is another one')
            if options.get("dryRun"):
                return item
            grace_s = _grace_s(resource, item, options)
            if "deletionTimestamp" in item["metadata"] and grace_s >= item["metadata"]["deletionGracePeriodSeconds"]:
                return item
            mark = {"deletionTimestamp": stamp(grace_s), "deletionGracePeriodSeconds": grace_s}
            return self._settled(resource, item | {"metadata": item["metadata"] | mark}, write=True)

    def _settled(self, resource: str, item: Json, *, write: bool = False) -> Json:
        meta = item["metadata"]
        if "deletionTimestamp" in meta and not meta.get("finalizers") and not meta["deletionGracePeriodSeconds"]:
            return self.store.write(resource, item, gone=True)
        return self.store.write(resource, item) if write else item

    def bind(self, namespace: str, name: str, node: str) -> Json:
        def bound(pod: Json) -> Json:
            if pod["spec"].get("nodeName"):
                raise Refusal(409, "Conflict", f"pod {name} is already assigned to {pod['spec']['nodeName']}")
            pod["spec"]["nodeName"] = node
            return pod

        self.change("pods", namespace, name, bound)
        return {"apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Success", "code": 201}


def matched(selector: Json, labels: Json) -> bool:
    """An empty selector is nobody's."""
    pairs, expressions = selector.get("matchLabels", {}), selector.get("matchExpressions", [])
    met = {
        "In": lambda key, values: labels.get(key) in values,
        "NotIn": lambda key, values: labels.get(key) not in values,
        "Exists": lambda key, _: key in labels,
        "DoesNotExist": lambda key, _: key not in labels,
    }
    fits = all(met[e["operator"]](e["key"], e.get("values", [])) for e in expressions)
    return bool(pairs or expressions) and pairs.items() <= labels.items() and fits


def living(items: Iterable[Json]) -> list[Json]:
    return [
        i for i in items if "deletionTimestamp" not in i["metadata"] and i.get("status", {}).get("phase") not in ("Failed", "Succeeded")
    ]


def suffix() -> str:
    return "".join(random.choices(ALPHABET, k=5))


def _check(resource: str, item: Json) -> None:
    if not NAME.fullmatch(str(item["metadata"].get("name", ""))):
        raise Refusal(422, "Invalid", f"metadata.name: invalid: {item['metadata'].get('name')!r}")
    if resource == "pods" and not item.get("spec", {}).get("containers"):
        raise Refusal(422, "Invalid", "spec.containers: required")


def _defaulted(resource: str, item: Json) -> Json:
    if resource == "pods":
        item["spec"] = {"restartPolicy": "Always", "schedulerName": "default-scheduler", "terminationGracePeriodSeconds": 30} | item["spec"]
        item["status"] = {"phase": "Pending"} | item.get("status", {})
    if resource == "secrets":
        plain = item.pop("stringData", None) or {}
        item["data"] = (item.get("data") or {}) | {k: base64.b64encode(v.encode()).decode() for k, v in plain.items()}
    return item


def _grace_s(resource: str, item: Json, options: Json) -> int:
    """Only a pod that a kubelet may be running is waited for."""
    if resource != "pods" or not item["spec"].get("nodeName"):
        return 0
    return int(options.get("gracePeriodSeconds", item["spec"]["terminationGracePeriodSeconds"]))


def merged(old: Any, patch: Any, *, by_type: bool) -> Any:
    """JSON merge patch. `by_type`: conditions are merged one by one, as a strategic merge patch wants it."""
    if isinstance(patch, dict):
        base = dict(old) if isinstance(old, dict) else {}
        for key, value in patch.items():
            if value is None:
                base.pop(key, None)
            else:
                base[key] = merged(base.get(key), value, by_type=by_type)
        return base
    if by_type and isinstance(patch, list) and isinstance(old, list) and patch and all(isinstance(p, dict) and "type" in p for p in patch):
        return list(({o["type"]: o for o in old} | {p["type"]: p for p in patch}).values())
    return patch


Match = Callable[[Json], bool]
TERM = re.compile(r"(?P<no>!?)(?P<key>[^\s=!,()]+)\s*(?:(?P<operator>in|notin|={1,2}|!=)\s*\(?(?P<values>[^()]*)\)?)?")
OPERATORS = {"=": "In", "==": "In", "in": "In", "!=": "NotIn", "notin": "NotIn", "": "Exists", "!": "DoesNotExist"}


def selecting(query: dict[str, str]) -> Match:
    """Selectors on labels and fields."""
    labels, fields = (_expressions(query.get(f"{what}Selector", "")) for what in ("label", "field"))

    def match(item: Json) -> bool:
        own, at = item["metadata"].get("labels") or {}, {e["key"]: _at(item, e["key"]) for e in fields}
        return all(not wanted or matched({"matchExpressions": wanted}, held) for wanted, held in ((labels, own), (fields, at)))

    return match


def _expressions(text: str) -> list[Json]:
    """`key=value`, `key!=value`, `key in (a,b)`, `key notin (a,b)`, `key` and `!key`, as many as there are."""
    found = [TERM.fullmatch(term.strip()) for term in re.split(r",(?![^(]*\))", text) if term]
    return [
        {
            "key": term["key"],
            "operator": OPERATORS[term["operator"] or term["no"]],
            "values": [value.strip() for value in (term["values"] or "").split(",")],
        }
        for term in found
        if term
    ]


def _at(item: Any, path: str) -> str:
    for part in path.split("."):
        item = item.get(part, "") if isinstance(item, dict) else ""
    return str(item)
