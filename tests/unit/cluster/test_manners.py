"""A guest's manners: where requests go, what is marked, what is asked for, and what is refused for the sake of others."""

import pytest

from seatrial.cluster.manners import APP, LABEL, Manners, asked
from seatrial.model.errors import NotRunnable

ALONE = Manners(run="cafe", namespace="seatrial-cafe-1", shared=False, images={"ship:1": "pause:3"})
AMONG_OTHERS = Manners(run="cafe", namespace="harbour", shared=True)
OURS = {LABEL: "cafe"}


@pytest.mark.parametrize(
    ("path", "goes_to"),
    [
        ("/api/v1/namespaces/seatrial-cafe-1/pods/web/status", "/api/v1/namespaces/seatrial-cafe-1/pods/web/status"),
        ("/apis/apps/v1/namespaces/harbour/deployments", "/apis/apps/v1/namespaces/seatrial-cafe-1-harbour/deployments"),
        ("/api/v1/namespaces/seatrial-cafe-1-harbour/pods", "/api/v1/namespaces/seatrial-cafe-1-harbour/pods"),
        ("/api/v1/namespaces", "/api/v1/namespaces"),
        ("/api/v1/namespaces/web", "/api/v1/namespaces/seatrial-cafe-1-web"),
    ],
)
def test_further_namespaces_have_names_of_their_own(path: str, goes_to: str) -> None:
    assert ALONE.path(path) == goes_to
    assert asked(goes_to).path == goes_to


@pytest.mark.parametrize("path", ["/api/v1/nodes", "/api/v1/nodes/web", "/apis/rbac.authorization.k8s.io/v1/clusterroles", "/healthz"])
def test_what_concerns_the_whole_cluster_is_left_alone(path: str) -> None:
    with pytest.raises(NotRunnable):
        ALONE.path(path)


@pytest.mark.parametrize("path", ["/api/v1/namespaces/elsewhere/pods", "/api/v1/namespaces", "/api/v1/namespaces/harbour"])
def test_among_others_there_is_one_namespace_which_is_not_ours(path: str) -> None:
    assert AMONG_OTHERS.path("/api/v1/namespaces/harbour/pods/web") == "/api/v1/namespaces/harbour/pods/web"
    with pytest.raises(NotRunnable, match="only the namespace harbour may be worked in"):
        AMONG_OTHERS.path(path)


def test_whatever_is_made_bears_the_label_and_selects_nothing_of_others() -> None:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"image": "ship:1"}]}}
    spec = {"selector": {"matchLabels": {"app": "web"}}, "template": template}
    sent = {"kind": "ReplicaSet", "metadata": {"name": "web", "namespace": "harbour", "labels": {"app": "web"}}, "spec": spec}

    made = ALONE.made(sent)

    both = {APP: "web"} | OURS
    assert made["metadata"] == {"name": "web", "namespace": "seatrial-cafe-1-harbour", "labels": both}
    assert made["spec"]["selector"] == {"matchLabels": both}
    assert made["spec"]["template"]["metadata"] == {"labels": both}
    assert made["spec"]["template"]["spec"]["containers"][0]["image"] == "pause:3"
    assert sent["metadata"]["labels"] == {"app": "web"}
    assert ALONE.owns(made)
    assert not ALONE.owns(sent)


def test_pods_say_that_they_need_no_privileges() -> None:
    made = ALONE.made({"kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [{"name": "main"}]}})

    assert made["spec"]["securityContext"]["runAsNonRoot"]
    assert made["spec"]["containers"][0]["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def test_a_selector_without_expressions_is_narrowed_too() -> None:
    made = ALONE.made({"kind": "ReplicationController", "metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "template": {}}})

    assert made["spec"]["selector"] == {APP: "web"} | OURS


def test_requirements_are_about_the_guests_label_too() -> None:
    wanted = {"key": "app", "operator": "In", "values": ["web"]}
    made = ALONE.made({"kind": "ReplicaSet", "metadata": {}, "spec": {"selector": {"matchExpressions": [wanted]}, "template": {}}})

    assert made["spec"]["selector"] == {"matchExpressions": [wanted | {"key": APP}], "matchLabels": OURS}


def test_a_namespace_is_renamed_and_what_is_cut_off_stays_so() -> None:
    assert ALONE.made({"kind": "Namespace", "metadata": {"name": "web"}})["metadata"] == {"name": "seatrial-cafe-1-web", "labels": OURS}
    assert ALONE.made(b'{"kind": ') == b'{"kind": '


@pytest.mark.parametrize(
    ("method", "path", "params", "become"),
    [
        ("GET", "/api/v1/namespaces/harbour/pods", {}, {"labelSelector": f"{LABEL}=cafe"}),
        ("GET", "/api/v1/namespaces/harbour/pods", {"labelSelector": "a=b"}, {"labelSelector": f"a=b,{LABEL}=cafe"}),
        ("GET", "/api/v1/namespaces/harbour/pods/web", {}, {}),
        ("POST", "/api/v1/namespaces/harbour/pods", {}, {}),
        ("DELETE", "/api/v1/namespaces/harbour/pods/web", {}, {}),
    ],
)
def test_only_what_bears_the_label_is_asked_for(method: str, path: str, params: dict[str, str], become: dict[str, str]) -> None:
    assert AMONG_OTHERS.params(method, path, params) == become


def test_a_collection_is_deleted_where_nobody_else_lives() -> None:
    path = "/api/v1/namespaces/seatrial-cafe-1/configmaps"

    assert ALONE.params("DELETE", path, {"labelSelector": "app=one"}) == {"labelSelector": f"{APP}=one"}
    assert ALONE.params("DELETE", path, {"labelSelector": "app in (app-x),app"}) == {"labelSelector": f"{APP} in (app-x),{APP}"}
    with pytest.raises(NotRunnable, match="no collection is deleted there"):
        AMONG_OTHERS.params("DELETE", "/api/v1/namespaces/harbour/configmaps", {"labelSelector": "app=one"})
