"""What API servers write by themselves is known by its key; what looks like it is not."""

import pytest

from seatrial.checks.facts import by_itself, of_servers

KEPT = (
    "/registry/masterleases/10.0.0.1",
    "/registry/leases/kube-system/apiserver-x",
    "/registry/services/endpoints/default/kubernetes",
    "/registry/endpointslices/default/kubernetes",
    "/registry/namespaces/kube-system",
    "/registry/configmaps/kube-system/extension-apiserver-authentication",
    "/registry/apiregistration.k8s.io/apiservices/v1.apps",
    "/registry/clusterroles/system:node",
    "/registry/clusterrolebindings/cluster-admin",
    "/registry/rolebindings/kube-system/system:controller:token-cleaner",
    "/registry/priorityclasses/system-node-critical",
    "compact_rev_key",
)
ASKED = (
    "/registry/services/endpoints/trial/web",
    "/registry/services/specs/default/kubernetes-2",
    "/registry/namespaces/trial",
    "/registry/configmaps/kube-system/other",
    "/registry/clusterroles/mine",
    "/registry/pods/default/kubernetes",
)


@pytest.mark.parametrize("key", KEPT)
def test_what_a_server_keeps(key: str) -> None:
    assert of_servers(key)
    assert by_itself(key)


@pytest.mark.parametrize("key", ASKED)
def test_what_somebody_must_have_asked_for(key: str) -> None:
    assert not of_servers(key)
    assert not by_itself(key)


def test_events_and_leases_change_without_a_request_that_anybody_waits_for_but_not_by_the_server() -> None:
    assert by_itself("/registry/events/trial/web.1")
    assert not of_servers("/registry/events/trial/web.1")
    assert not of_servers("/registry/leases/trial/web")
