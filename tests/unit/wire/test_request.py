"""Requests are read as the API server reads them: the table of its own unit test, k8s.io/apiserver requestinfo_test.go."""

import pytest

from seatrial.wire.request import request_info

TABLE = [
    # method, target, verb, group, version, namespace, resource, subresource, name
    ("GET", "/api/v1/namespaces", "list", "", "v1", "", "namespaces", "", ""),
    ("GET", "/api/v1/namespaces/other", "get", "", "v1", "other", "namespaces", "", "other"),
    ("GET", "/api/v1/namespaces/other/pods", "list", "", "v1", "other", "pods", "", ""),
    ("GET", "/api/v1/namespaces/other/pods/foo", "get", "", "v1", "other", "pods", "", "foo"),
    ("HEAD", "/api/v1/namespaces/other/pods/foo", "get", "", "v1", "other", "pods", "", "foo"),
    ("GET", "/api/v1/pods", "list", "", "v1", "", "pods", "", ""),
    ("HEAD", "/api/v1/pods", "list", "", "v1", "", "pods", "", ""),
    ("GET", "/api/v1/proxy/namespaces/other/pods/foo", "proxy", "", "v1", "other", "pods", "", "foo"),
    ("GET", "/api/v1/proxy/namespaces/other/pods/foo/subpath/not/a/subresource", "proxy", "", "v1", "other", "pods", "", "foo"),
    ("GET", "/api/v1/watch/pods", "watch", "", "v1", "", "pods", "", ""),
    ("GET", "/api/v1/pods?watch=true", "watch", "", "v1", "", "pods", "", ""),
    ("GET", "/api/v1/pods?watch=false", "list", "", "v1", "", "pods", "", ""),
    ("GET", "/api/v1/watch/namespaces/other/pods", "watch", "", "v1", "other", "pods", "", ""),
    ("GET", "/api/v1/namespaces/other/pods?watch=1", "watch", "", "v1", "other", "pods", "", ""),
    ("GET", "/api/v1/namespaces/other/pods?watch=0", "list", "", "v1", "other", "pods", "", ""),
    ("GET", "/api/v1/namespaces/other/pods/foo/proxy/a/b", "get", "", "v1", "other", "pods", "proxy", "foo"),
    ("POST", "/api/v1/namespaces/other/pods/foo/binding", "create", "", "v1", "other", "pods", "binding", "foo"),
    ("PUT", "/api/v1/namespaces/other/finalize", "update", "", "v1", "other", "namespaces", "finalize", "other"),
    ("PUT", "/api/v1/namespaces/other/status", "update", "", "v1", "other", "namespaces", "status", "other"),
    ("POST", "/api/v1/namespaces/other/pods", "create", "", "v1", "other", "pods", "", ""),
    ("PATCH", "/api/v1/namespaces/other/pods/foo", "patch", "", "v1", "other", "pods", "", "foo"),
    ("DELETE", "/api/v1/namespaces/other/pods/foo", "delete", "", "v1", "other", "pods", "", "foo"),
    ("DELETE", "/api/v1/nodes", "deletecollection", "", "v1", "", "nodes", "", ""),
    ("DELETE", "/api/v1/namespaces/other/pods", "deletecollection", "", "v1", "other", "pods", "", ""),
    ("POST", "/apis/extensions/v1/namespaces/other/pods", "create", "extensions", "v1", "other", "pods", "", ""),
    ("GET", "/apis/apps/v1/deployments?fieldSelector=metadata.name%3Dx", "list", "apps", "v1", "", "deployments", "", "x"),
    ("GET", "/api/v1/pods?watch=1&fieldSelector=metadata.name=x,spec.nodeName=y", "watch", "", "v1", "", "pods", "", "x"),
    ("GET", "/api/v1/pods?fieldSelector=metadata.name!=x", "list", "", "v1", "", "pods", "", ""),
]
NO_RESOURCE = ["/", "/api", "/apis", "/api/v1", "/apis/apps", "/apis/apps/v1", "/healthz", "/version", "/openapi/v3/api/v1/x"]


@pytest.mark.parametrize(("method", "target", "verb", "group", "version", "namespace", "resource", "subresource", "name"), TABLE)
def test_resources(  # noqa: PLR0917
    method: str, target: str, verb: str, group: str, version: str, namespace: str, resource: str, subresource: str, name: str
) -> None:
    info = request_info(method, target)

    assert (verb, group, version, namespace, resource, subresource, name) == (
        info.verb,
        info.group,
        info.version,
        info.namespace,
        info.resource,
        info.subresource,
        info.name,
    )


@pytest.mark.parametrize("target", NO_RESOURCE)
def test_what_is_no_resource(target: str) -> None:
    info = request_info("GET", f"{target}?timeout=1s")

    assert ("", "", "get", target) == (info.resource, info.group, info.verb, info.path)


def test_queries_keep_what_is_repeated() -> None:
    info = request_info("POST", "/api/v1/namespaces/a/pods/p/exec?command=ls&command=-l&stdout=true")

    assert info.query == {"command": ["ls", "-l"], "stdout": "true"}
    assert info.connects
