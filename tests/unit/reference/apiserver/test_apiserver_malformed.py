"""Whatever is sent, the answer is a Status with a sensible code: each part of some objects is replaced by what does not belong there."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

Json = dict[str, Any]
JUNK: list[Any] = [None, -1, "", "A b", [], {}, [None], [{}], {"a": None}, {"a": {"b": []}}, True]
POD = {
    "containers": [
        {
            "name": "c",
            "image": "i",
            "ports": [{"containerPort": 1}],
            "env": [{"name": "a"}],
            "resources": {"limits": {"cpu": "1"}},
            "livenessProbe": {"httpGet": {"port": 1}},
        }
    ],
    "tolerations": [{"key": "a"}],
    "topologySpreadConstraints": [{"topologyKey": "x"}],
}
META = {
    "name": "x",
    "labels": {"a": "b"},
    "finalizers": ["a/b"],
    "ownerReferences": [{"apiVersion": "v1", "kind": "A", "name": "n", "uid": "u"}],
}
SELECTOR = {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}
RULE = {"operations": ["CREATE"], "apiGroups": ["none"], "apiVersions": ["v1"], "resources": ["r"]}
HOOK = {"name": "a.b.c", "clientConfig": {"url": "https://127.0.0.1:9", "caBundle": ""}, "rules": [RULE], "namespaceSelector": SELECTOR}
OBJECTS: dict[str, Json] = {
    "/api/v1/namespaces/default/pods": {"metadata": META, "spec": POD, "status": {"conditions": [{"type": "a"}]}},
    "/api/v1/namespaces/default/services": {"metadata": {"name": "x"}, "spec": {"ports": [{"port": 80}], "selector": {"a": "b"}}},
    "/api/v1/namespaces/default/secrets": {"metadata": {"name": "x"}, "stringData": {"a": "b"}, "type": "Opaque"},
    "/apis/apps/v1/namespaces/default/deployments": {
        "metadata": {"name": "x"},
        "spec": {
            "replicas": 2,
            "selector": SELECTOR,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
        },
    },
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations": {"metadata": {"name": "x"}, "webhooks": [HOOK]},
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings": {
        "metadata": {"name": "x"},
        "subjects": [{"kind": "User", "name": "a"}],
        "roleRef": {"kind": "ClusterRole", "name": "x"},
    },
    "/apis/authorization.k8s.io/v1/subjectaccessreviews": {"spec": {"user": "u", "groups": ["g"], "resourceAttributes": {"verb": "get"}}},
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def replaced(obj: Json, path: tuple[Any, ...], junk: Any) -> Json:
    result = copy.deepcopy(obj)
    *folder, last = path
    parent: Any = result
    for step in folder:
        parent = parent[step]
    parent[last] = copy.deepcopy(junk)
    return result


@pytest.mark.parametrize("path", list(OBJECTS))
def test_no_body_is_too_strange(world: Any, path: str) -> None:
    async def act() -> None:
        for place in places(OBJECTS[path]):
            for junk in JUNK:
                body = replaced(OBJECTS[path], place, junk)
                code, answer = await world.ask("POST", f"{path}?dryRun=All", body)
                assert code in {201, 400, 422}, (place, junk, answer)
                if code != 201:
                    assert (answer["kind"], answer["code"]) == ("Status", code)

    world.run(act())


@pytest.mark.parametrize(
    "query",
    [
        "limit=x",
        "limit=-1",
        "resourceVersion=x",
        "resourceVersion=99999999999999999999",
        "continue=abc",
        "labelSelector=a in (b",
        "fieldSelector=x",
        "watch=1&timeoutSeconds=x",
        "watch=1&resourceVersion=x",
        "watch=1&labelSelector==",
        "watch=1&resourceVersionMatch=Exact",
    ],
)
def test_no_query_is_too_strange(world: Any, query: str) -> None:
    code, answer = world.run(world.ask("GET", f"/api/v1/pods?{query}"))
    assert (code, answer["kind"]) == (422 if "Match" in query else 400, "Status")


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/nothing/here", 404),
        ("GET", "/api/v2/pods", 404),
        ("GET", "/apis/apps/v1/namespaces/default/deployments/web/nonsense", 404),
        ("GET", "/api/v1/namespaces/default/pods/p/status/more", 404),
        ("GET", "/api/v1/namespaces/default/nodes", 404),
        ("POST", "/api/v1/namespaces/default/pods/p", 405),
        ("PUT", "/api/v1/namespaces/default/pods", 405),
        ("DELETE", "/api/v1/namespaces/default/pods/p/status", 405),
        ("OPTIONS", "/api/v1/pods", 405),
        ("POST", "/version", 405),
    ],
)
def test_no_path_is_too_strange(world: Any, method: str, path: str, code: int) -> None:
    got, answer = world.run(world.ask(method, path, {} if method in {"POST", "PUT"} else None))
    assert (got, answer["kind"], answer["code"]) == (code, "Status", code)


def test_a_body_may_be_too_large(world: Any) -> None:
    body = {"metadata": {"name": "m"}, "data": {"a": "x" * 4_000_000}}
    assert world.run(world.ask("POST", "/api/v1/namespaces/default/configmaps", body))[0] == 413
    body["data"] = {"a": "x" * 1_600_000}  # the store's limit
    assert world.run(world.ask("POST", "/api/v1/namespaces/default/configmaps", body))[0] == 413


@pytest.mark.parametrize(
    ("path", "obj", "field"),
    [
        (
            "/apis/rbac.authorization.k8s.io/v1/clusterroles",
            {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": True}}]}},
            "matchLabels.a",
        ),
        ("/apis/batch/v1/namespaces/default/jobs", {"spec": {"parallelism": "2"}}, "spec.parallelism"),
        ("/apis/resource.k8s.io/v1/resourceslices", {"spec": {"devices": {}}}, "spec.devices"),
        ("/apis/coordination.k8s.io/v1/namespaces/default/leases", {"spec": {"renewTime": "soon"}}, "spec.renewTime"),
        ("/api/v1/namespaces/default/limitranges", {"spec": {"limits": [{"type": "Pod", "max": {"cpu": "much"}}]}}, "max.cpu"),
        ("/api/v1/namespaces/default/secrets", {"data": {"a": "?"}}, "data.a"),
        ("/api/v1/namespaces/default/endpoints", {"subsets": [{"ports": [{"port": True}]}]}, "port"),
    ],
)
def test_what_a_client_with_types_could_not_read_is_not_let_in(world: Any, path: str, obj: Json, field: str) -> None:
    """Or nobody who is written in Go could list the kind any more."""
    code, answer = world.run(world.ask("POST", path, {"metadata": {"name": "x"}} | obj))
    assert (code, answer["reason"]) == (400, "BadRequest")
    assert field in answer["message"]
