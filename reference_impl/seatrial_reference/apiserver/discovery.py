"""What can be asked for: the API groups, their versions and resources, all derived from the table of kinds.

Served in two forms, the classic one (`/apis`, then one document per group version) and the aggregated one, a single document for those
who accept it. What a path may offer, kubectl learns here and nowhere else.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from seatrial_reference.apiserver.request import group_versions
from seatrial_schemas.kinds import Kind

Json = dict[str, Any]
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
VERSION = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.0-seatrial",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "none",
    "compiler": "cpython",
    "platform": "any",
}
_OBJECT_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_SUBRESOURCE_VERBS: Mapping[str, Sequence[str]] = {"binding": ("create",), "token": ("create",), "finalize": ("update",)}
_SUBRESOURCE_KINDS: Mapping[str, tuple[str, str, str]] = {
    "scale": ("autoscaling", "v1", "Scale"),
    "binding": ("", "v1", "Binding"),
    "token": ("authentication.k8s.io", "v1", "TokenRequest"),
}


def subresource_kind(kind: Kind, subresource: str) -> tuple[str, str, str]:
    """Group, version and kind of what a subresource takes and gives."""
    return _SUBRESOURCE_KINDS.get(subresource, (kind.group, kind.version, kind.kind))


def _verbs(kind: Kind) -> Sequence[str]:
    return _OBJECT_VERBS if kind.key else ("create",)


def _subresource_verbs(subresource: str) -> Sequence[str]:
    return _SUBRESOURCE_VERBS.get(subresource, ("get", "patch", "update"))


def openapi_index() -> Json:
    """Where each group version is described."""
    roots = {kinds[0].root.strip("/") for kinds in group_versions().values()}
    return {"paths": {root: {"serverRelativeURL": f"/openapi/v3/{root}"} for root in sorted(roots)}}


def openapi(root: str) -> Json | None:
    """A description that says as much as kubectl needs to leave validation to the server: which kinds can be patched, and how."""
    kinds = next((kinds for kinds in group_versions().values() if kinds[0].root.strip("/") == root), None)
    if kinds is None:
        return None
    paths = {kind.path(namespace="{namespace}", name="{name}"): {"patch": _patchable(kind)} for kind in kinds if kind.key}
    info = {"title": "Seatrial reference", "version": VERSION["gitVersion"]}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": {}}}


def _patchable(kind: Kind) -> Json:
    of_kind = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in ("dryRun", "fieldManager", "fieldValidation")]
    return {"parameters": parameters, "responses": {}, "x-kubernetes-action": "patch", "x-kubernetes-group-version-kind": of_kind}


def core_versions(address: str) -> Json:
    served = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": served}


def _group(group: str) -> Json:
    versions = [{"groupVersion": f"{group}/{version}", "version": version} for name, version in group_versions() if name == group]
    return {"name": group, "versions": versions, "preferredVersion": versions[0]}


def _groups() -> Sequence[str]:
    return list(dict.fromkeys(group for group, _ in group_versions() if group))


def group_list() -> Json:
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(group) for group in _groups()]}


def group(name: str) -> Json | None:
    return {"kind": "APIGroup", "apiVersion": "v1"} | _group(name) if name in _groups() else None


def resource_list(name: str, version: str) -> Json | None:
    kinds = group_versions().get((name, version))
    if kinds is None:
        return None
    resources: list[Json] = []
    for kind in kinds:
        resources.append(_resource(kind))
        resources += [_subresource(kind, each) for each in kind.subresources]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": kinds[0].api_version, "resources": resources}


def _resource(kind: Kind) -> Json:
    shown: Json = {"name": kind.plural, "singularName": kind.kind.lower(), "namespaced": kind.namespaced, "kind": kind.kind}
    shown |= {"verbs": list(_verbs(kind))}
    shown |= {"shortNames": list(kind.short)} if kind.short else {}
    return shown | ({"categories": ["all"]} if _in_all(kind) else {})


def _in_all(kind: Kind) -> bool:
    return kind.kind in ("Pod", "Service", "ReplicationController") or kind.group in ("apps", "batch")


def _subresource(kind: Kind, name: str) -> Json:
    group_, version, of_kind = subresource_kind(kind, name)
    shown: Json = {"name": f"{kind.plural}/{name}", "singularName": "", "namespaced": kind.namespaced, "kind": of_kind}
    shown |= {"verbs": list(_subresource_verbs(name))}
    return shown | ({"group": group_, "version": version} if (group_, version) != (kind.group, kind.version) else {})


def aggregated(*, core: bool) -> Json:
    """All resources of the core group, or of all others, in one document."""
    items = [_discovery(name) for name in ([""] if core else _groups())]
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}


def _discovery(name: str) -> Json:
    versions = [
        {"version": version, "freshness": "Current", "resources": [_discovered(kind) for kind in kinds]}
        for (group_, version), kinds in group_versions().items()
        if group_ == name
    ]
    return {"metadata": {"name": name, "creationTimestamp": None} if name else {"creationTimestamp": None}, "versions": versions}


def _discovered(kind: Kind) -> Json:
    shown: Json = {
        "resource": kind.plural,
        "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.kind.lower(),
        "verbs": list(_verbs(kind)),
    }
    shown |= {"shortNames": list(kind.short)} if kind.short else {}
    shown |= {"categories": ["all"]} if _in_all(kind) else {}
    subresources = [
        {
            "subresource": name,
            "responseKind": dict(zip(("group", "version", "kind"), subresource_kind(kind, name), strict=True)),
            "verbs": list(_subresource_verbs(name)),
        }
        for name in kind.subresources
    ]
    return shown | ({"subresources": subresources} if subresources else {})
