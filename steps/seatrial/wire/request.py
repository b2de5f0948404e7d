"""What a request to a Kubernetes API is about, read from its method and URL as the API server itself reads them.

    /api/v1/namespaces/a/pods/p/log      core group        /apis/apps/v1/deployments     named group, all namespaces
    /api/v1/watch/pods                   old form of watch /healthz, /api/v1, /openapi   no resource at all

A GET is a `get` where there is a name and otherwise a `list`, or a `watch` where the query says so; a DELETE without a name is a
`deletecollection`. A field selector `metadata.name=x` names the object. Source: k8s.io/apiserver/pkg/endpoints/request/requestinfo.go.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from urllib.parse import parse_qs, unquote

_VERBS = {"POST": "create", "GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_SPECIAL_VERBS = ("proxy", "watch")
_NAMESPACE_SUBRESOURCES = ("status", "finalize")
_CONNECTING = ("exec", "attach", "portforward", "proxy")

Query = Mapping[str, str | list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestInfo:
    """`resource` is a plural, empty for what is no resource; `group` is empty for the core group; `verb` as authorizers see it."""

    path: str
    verb: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    query: Query = field(default_factory=dict)  # a list where a key is repeated

    @property
    def connects(self) -> bool:
        """It opens a connection to what runs in the cluster: `connect`, as admission calls it."""
        return self.subresource in _CONNECTING or self.verb == "proxy"


@lru_cache(maxsize=4096)  # components ask for the same few URLs again and again
def request_info(method: str, target: str) -> RequestInfo:
    """`target` is the raw path with its query, as in a request line."""
    path, _, query_text = target.partition("?")
    query = {k: v[0] if len(v) == 1 else v for k, v in parse_qs(query_text, keep_blank_values=True).items()}
    blank = RequestInfo(path=unquote(path), verb=method.lower(), query=query)
    parts = [unquote(p) for p in path.split("/") if p]
    named_group = bool(parts) and parts[0] == "apis"
    if len(parts) < (4 if named_group else 3) or parts[0] not in ("api", "apis"):
        return blank
    group = parts[1] if named_group else ""
    version, *rest = parts[2 if named_group else 1 :]
    verb = _VERBS.get(method, "")
    if rest[0] in _SPECIAL_VERBS and len(rest) > 1:
        verb, *rest = rest
    return _resolve(replace(blank, verb=verb, group=group, version=version), rest)


def _resolve(info: RequestInfo, parts: list[str]) -> RequestInfo:
    """`parts` begin with `namespaces` or with the resource."""
    namespace = parts[1] if parts[0] == "namespaces" and len(parts) > 1 else ""
    if namespace and len(parts) > 2 and parts[2] not in _NAMESPACE_SUBRESOURCES:
        parts = parts[2:]
    name = parts[1] if len(parts) > 1 else ""
    subresource = parts[2] if len(parts) > 2 and info.verb != "proxy" else ""
    info = replace(info, resource=parts[0], subresource=subresource, namespace=namespace, name=name)
    if not name and info.verb == "get":
        return replace(info, verb="watch" if _watches(info.query) else "list", name=_selected_name(info.query))
    if not name and info.verb in ("delete", "watch"):
        return replace(info, verb="deletecollection" if info.verb == "delete" else "watch")
    return info


def _watches(query: Query) -> bool:
    value = query.get("watch")
    return value is not None and str(value).lower() not in ("false", "0")


def _selected_name(query: Query) -> str:
    for term in str(query.get("fieldSelector", "")).split(","):
        key, _, value = term.partition("=")
        if key == "metadata.name":
            return value.removeprefix("=")
    return ""
