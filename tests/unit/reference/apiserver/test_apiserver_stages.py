"""The stages in their order, each with several plugins, and what the later ones see of the earlier."""

import base64
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from seatrial_reference.apiserver.server import ApiServer

Json = dict[str, Any]
MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
SCHEDULER = "system:kube-scheduler"


def config(name: str = "m", **data: str) -> Json:
    return {"metadata": {"name": name}, "data": data}


class Hooks:
    """One webhook for all stages; `seen` is what it was asked, as (stage, request)."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Json]] = []
        self.users: dict[str, str] = {}
        self.allowed: set[str] = set()
        self.denied: set[str] = set()
        self.admit: Callable[[Json], Json] = lambda _: {"allowed": True}

    def answer(self, review: Json) -> Json:
        match review["kind"]:
            case "TokenReview":
                self.seen.append(("authentication", review["spec"]))
                name = self.users.get(review["spec"]["token"])
                return {"status": {"authenticated": True, "user": {"username": name, "groups": ["people"]}} if name else {}}
            case "SubjectAccessReview":
                self.seen.append(("authorization", review["spec"]))
                name = review["spec"]["user"]
                return {"status": {"allowed": name in self.allowed, "denied": name in self.denied, "reason": "because"}}
            case _:
                self.seen.append(("admission", review["request"]))
                return {"response": {"uid": review["request"]["uid"]} | self.admit(review["request"])}

    def stages(self) -> list[str]:
        return [stage for stage, _ in self.seen]


@pytest.fixture
def hooks(bare: Any) -> Hooks:
    hooks = Hooks()
    url = bare.run(bare.hook(hooks.answer))
    webhook = bare.kubeconfig("hook", url)
    flags = [f"--authentication-token-webhook-config-file={webhook}", f"--authorization-webhook-config-file={webhook}"]
    bare.run(bare.serve(*flags, "--authorization-mode=RBAC,Webhook"))
    hooks.url = url  # type: ignore[attr-defined]
    return hooks


def admission(hooks: Any, name: str, kind: str = "ValidatingWebhookConfiguration", **hook: Any) -> tuple[str, Json]:
    rule = {"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["configmaps"]}
    one = {"name": f"{name}.example.org", "clientConfig": {"url": f"{hooks.url}/{name}"}, "rules": [rule], "sideEffects": "None"}
    path = f"/apis/admissionregistration.k8s.io/v1/{kind.lower()}s"
    return path, {"kind": kind, "metadata": {"name": name}, "webhooks": [one | {"admissionReviewVersions": ["v1"]} | hook]}


@pytest.mark.parametrize("user", ["garbage", "scheduler2"])
def test_a_credential_that_does_not_hold_is_never_anonymous(world: Any, user: str) -> None:
    code, answer = world.run(world.ask("GET", "/healthz", user=user))
    assert (code, answer["reason"]) == (401, "Unauthorized")


def test_who_presents_nothing_is_anonymous(world: Any) -> None:
    assert world.run(world.ask("GET", "/readyz", user=None)) == (200, "ok")
    code, answer = world.run(world.ask("GET", MAPS, user=None))
    assert code == 403
    assert 'User "system:anonymous" cannot list resource "configmaps"' in answer["message"]


def test_headers_of_a_proxy_mean_nothing_without_its_certificate(world: Any) -> None:
    code, answer = world.run(world.ask("GET", MAPS, user="alice", headers={"X-Remote-User": "root", "X-Remote-Group": "system:masters"}))
    assert (code, '"alice"' in answer["message"]) == (403, True)


@pytest.mark.parametrize(
    ("user", "method", "path", "allowed"),
    [
        ("scheduler", "GET", PODS, True),
        ("scheduler", "GET", "/api/v1/nodes", True),
        ("scheduler", "POST", f"{PODS}/p/binding", True),
        ("scheduler", "POST", PODS, False),
        ("scheduler", "PUT", f"{PODS}/p", False),
        ("scheduler", "GET", "/api/v1/secrets", False),
        ("node", "PATCH", "/api/v1/nodes/n1/status", True),
        ("node", "POST", f"{PODS}/p/binding", False),
        ("alice", "GET", PODS, False),
        ("alice", "GET", "/api", True),
        ("alice", "GET", "/version", True),
        (None, "GET", "/apis", False),
        (None, "GET", "/livez", True),
    ],
)
def test_the_bootstrap_policy(world: Any, user: str | None, method: str, path: str, allowed: bool) -> None:
    body = {} if method != "GET" else None
    media = "application/merge-patch+json" if method == "PATCH" else "application/json"
    code, _ = world.run(world.ask(method, path, body, user=user, media=media))
    assert (code != 403) is allowed


def test_stored_roles_count_from_the_answer_on(world: Any) -> None:
    roles = "/apis/rbac.authorization.k8s.io/v1"
    rule = {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["configmaps"]}
    world.run(world.must("POST", f"{roles}/clusterroles", {"metadata": {"name": "reader"}, "rules": [rule]}))
    binding = {
        "metadata": {"name": "b"},
        "subjects": [{"kind": "Group", "name": "devs"}],
        "roleRef": {"kind": "ClusterRole", "name": "reader"},
    }
    world.run(world.must("POST", f"{roles}/namespaces/default/rolebindings", binding))
    assert world.run(world.ask("GET", MAPS, user="alice"))[0] == 200
    assert world.run(world.ask("GET", "/api/v1/namespaces/kube-system/configmaps", user="alice"))[0] == 403
    assert world.run(world.ask("DELETE", f"{MAPS}/m", user="alice"))[0] == 403
    world.run(world.must("DELETE", f"{roles}/namespaces/default/rolebindings/b"))
    assert world.run(world.ask("GET", MAPS, user="alice"))[0] == 403


def test_a_refusal_hides_whether_the_request_made_sense(world: Any) -> None:
    assert world.run(world.ask("POST", MAPS, b"{", user="alice"))[0] == 403
    assert world.run(world.ask("POST", MAPS, b"{", user="nobody"))[0] == 401
    assert world.run(world.ask("GET", "/apis/no/v1/things", user="alice"))[0] == 403


def test_a_put_that_would_create_needs_the_right_to_create(bare: Any, hooks: Hooks) -> None:
    lease = {"metadata": {"name": "l"}, "spec": {}}
    hooks.users = {"t": "bob"}
    asked = []

    class Reluctant(ApiServer):
        async def authorize(self, user: Any, asked_: Any) -> None:
            asked.append(asked_.verb)

    port = bare.run(bare.serve(part=Reluctant))
    bare.run(bare.must("PUT", "/apis/coordination.k8s.io/v1/namespaces/default/leases/l", lease, port=port))
    assert asked == ["update", "create"]


def test_the_static_file_is_asked_before_the_webhook(bare: Any, hooks: Hooks) -> None:
    bare.run(bare.must("GET", MAPS))
    assert hooks.stages() == []
    hooks.users, hooks.allowed = {"secret": "bob"}, {"bob"}
    bare.run(bare.must("GET", MAPS, user="secret"))
    assert hooks.seen[0] == ("authentication", {"token": "secret"})
    asked = hooks.seen[1][1]
    assert (asked["user"], asked["groups"]) == ("bob", ["people", "system:authenticated"])
    assert asked["resourceAttributes"] == {"namespace": "default", "verb": "list", "version": "v1", "resource": "configmaps"}
    assert bare.run(bare.ask("GET", MAPS, user="other"))[0] == 401
    assert hooks.stages() == ["authentication", "authorization", "authentication"]


def test_authorizers_in_their_order(bare: Any, hooks: Hooks) -> None:
    bare.run(bare.must("GET", PODS, user="scheduler"))
    assert hooks.stages() == []
    assert bare.run(bare.ask("POST", MAPS, config(), user="scheduler"))[0] == 403
    assert hooks.stages() == ["authorization"]
    hooks.allowed = {SCHEDULER}
    assert bare.run(bare.ask("POST", MAPS, config(), user="scheduler"))[0] == 201
    hooks.denied, hooks.allowed = {"alice"}, set()
    code, answer = bare.run(bare.ask("GET", MAPS, user="alice"))
    assert (code, answer["message"].endswith("because")) == (403, True)


def test_mutation_is_stored_answered_and_seen_by_the_validators(bare: Any, hooks: Any) -> None:
    def admit(request: Json) -> Json:
        patch = [{"op": "add", "path": "/data/order", "value": (request["object"]["data"].get("order", "") + "x")}]
        return {"allowed": True, "patchType": "JSONPatch", "patch": base64.b64encode(orjson.dumps(patch)).decode()}

    for name, kind in (
        ("b", "MutatingWebhookConfiguration"),
        ("a", "MutatingWebhookConfiguration"),
        ("v", "ValidatingWebhookConfiguration"),
    ):
        bare.run(bare.must("POST", *admission(hooks, name, kind)))
    hooks.admit = lambda request: {"allowed": True} if request["object"]["metadata"].get("uid") else admit(request)
    made = bare.run(bare.must("POST", MAPS, config(a="1")))
    assert made["data"] == {"a": "1", "order": "xx"}
    requests = [request for _, request in hooks.seen]
    assert [request["object"]["data"].get("order") for request in requests] == [None, "x", "xx"]
    assert "uid" not in requests[0]["object"]["metadata"]
    assert requests[2]["object"] == {**made, "metadata": {k: v for k, v in made["metadata"].items() if k != "resourceVersion"}}
    assert {request["operation"] for request in requests} == {"CREATE"}
    assert requests[0]["userInfo"]["username"] == "seatrial:operator"


def test_a_refusal_stores_nothing_and_reads_are_not_asked(bare: Any, hooks: Any) -> None:
    bare.run(bare.must("POST", MAPS, config()))
    bare.run(bare.must("POST", *admission(hooks, "deny")))
    hooks.admit = lambda _: {"allowed": False, "status": {"message": "not today", "code": 418}}
    before = bare.etcd.store.revision
    for method, path, body in (
        ("POST", MAPS, config("n")),
        ("PUT", f"{MAPS}/m", config(a="b")),
        ("DELETE", f"{MAPS}/m", None),
        ("DELETE", MAPS, None),
    ):
        code, answer = bare.run(bare.ask(method, path, body))
        assert (code, "not today" in answer["message"]) == (418, True)
    code, _ = bare.run(bare.ask("PATCH", f"{MAPS}/m", {"data": {"a": "b"}}, media="application/merge-patch+json"))
    assert code == 418
    assert bare.etcd.store.revision == before
    asked = len(hooks.seen)
    bare.run(bare.must("GET", f"{MAPS}/m"))
    bare.run(bare.must("GET", MAPS))
    assert len(hooks.seen) == asked
    assert [request["operation"] for _, request in hooks.seen] == ["CREATE", "UPDATE", "DELETE", "DELETE", "UPDATE"]
    assert hooks.seen[2][1]["oldObject"]["metadata"]["name"] == "m"


def test_webhook_configurations_can_always_be_repaired(bare: Any, hooks: Any) -> None:
    rule = {"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"]}
    path, body = admission(hooks, "deny", rules=[rule])
    bare.run(bare.must("POST", path, body))
    hooks.admit = lambda _: {"allowed": False}
    assert bare.run(bare.ask("POST", MAPS, config()))[0] == 400
    bare.run(bare.must("DELETE", f"{path}/deny"))
    assert bare.run(bare.ask("POST", MAPS, config()))[0] == 201


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({"objectSelector": {"matchLabels": {"a": "b"}}}, 0),
        ({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}}}, 1),
        (
            {
                "namespaceSelector": {
                    "matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["default"]}]
                }
            },
            0,
        ),
        ({"rules": [{"operations": ["UPDATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["*"]}]}, 0),
        ({"rules": [{"operations": ["CREATE"], "apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["*"]}]}, 0),
        ({"rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["*/*"]}]}, 1),
        ({"rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps/status"]}]}, 0),
        ({"rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["*"], "scope": "Cluster"}]}, 0),
    ],
)
def test_whom_a_webhook_is_asked_about(bare: Any, hooks: Any, options: Json, asked: int) -> None:
    bare.run(bare.must("POST", *admission(hooks, "v", **options)))
    bare.run(bare.must("POST", MAPS, config()))
    assert len(hooks.seen) == asked


def test_a_webhook_that_cannot_be_asked_blocks_unless_it_may_be_passed_over(bare: Any, hooks: Any) -> None:
    path, body = admission(hooks, "dead", clientConfig={"url": "http://127.0.0.1:9/"})
    bare.run(bare.must("POST", path, body))
    code, answer = bare.run(bare.ask("POST", MAPS, config()))
    assert (code, answer["reason"]) == (500, "InternalError")
    bare.run(
        bare.must(
            "PATCH",
            f"{path}/dead",
            [{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}],
            media="application/json-patch+json",
        )
    )
    assert bare.run(bare.ask("POST", MAPS, config()))[0] == 201


def test_an_invalid_object_does_not_reach_the_validators(bare: Any, hooks: Any) -> None:
    bare.run(bare.must("POST", *admission(hooks, "v")))
    assert bare.run(bare.ask("POST", MAPS, {"metadata": {"name": "Not Valid"}}))[0] == 422
    assert hooks.seen == []


def test_subresources_are_matched_by_their_own_name(bare: Any, hooks: Any) -> None:
    rule = {"operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods/binding", "pods/status"]}
    bare.run(bare.must("POST", *admission(hooks, "v", rules=[rule])))
    bare.run(bare.must("POST", PODS, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}))
    bare.run(bare.must("POST", f"{PODS}/p/binding", {"metadata": {"name": "p"}, "target": {"name": "n1"}}))
    bare.run(bare.must("PATCH", f"{PODS}/p/status", {"status": {"phase": "Running"}}, media="application/strategic-merge-patch+json"))
    said = [(request["operation"], request["subResource"], request["kind"]["kind"]) for _, request in hooks.seen]
    assert said == [("CREATE", "binding", "Binding"), ("UPDATE", "status", "Pod")]


def test_a_binding_may_be_sent_to_the_namespace(world: Any) -> None:
    world.run(world.must("POST", PODS, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}))
    bindings, binding = PODS.replace("/pods", "/bindings"), {"metadata": {"name": "p"}, "target": {"name": "n1"}}
    assert world.run(world.ask("POST", bindings, binding, user="alice"))[0] == 403
    assert world.run(world.ask("POST", bindings, {"target": {"name": "n1"}}))[0] == 422
    world.run(world.must("POST", bindings, binding))
    assert world.run(world.must("GET", f"{PODS}/p"))["spec"]["nodeName"] == "n1"
    assert world.run(world.ask("POST", bindings, binding))[0] == 409


def test_reviews_are_answered_and_never_stored(world: Any) -> None:
    before = world.etcd.store.revision
    review = world.run(world.must("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": "alice"}}))
    assert review["status"]["user"]["username"] == "alice"
    spec = {"user": SCHEDULER, "resourceAttributes": {"verb": "create", "resource": "pods", "subresource": "binding", "namespace": "x"}}
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    assert world.run(world.must("POST", path, {"spec": spec}))["status"]["allowed"] is True
    spec["user"] = "alice"
    assert world.run(world.must("POST", path, {"spec": spec}))["status"]["allowed"] is False
    own = {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}
    answer = world.run(world.must("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", own, user="alice"))
    assert answer["status"]["allowed"] is False
    assert world.etcd.store.revision == before


def test_a_part_can_be_replaced(bare: Any) -> None:
    class Trusting(ApiServer):
        async def authorize(self, user: Any, asked: Any) -> None:
            return

    bare.run(bare.serve(part=Trusting))
    assert bare.run(bare.ask("POST", MAPS, config(), user="alice"))[0] == 201


def test_every_answer_has_an_audit_id(world: Any) -> None:
    async def heads() -> list[str]:
        found = []
        for headers in ({}, {"Audit-ID": "mine"}):
            url = f"http://127.0.0.1:{world.ports[0]}{MAPS}"
            async with world.session.get(url, headers={"Authorization": "Bearer alice"} | headers) as answer:
                found.append(answer.headers["Audit-Id"])
        return found

    first, second = world.run(heads())
    assert len(first) == 36
    assert second == "mine"
