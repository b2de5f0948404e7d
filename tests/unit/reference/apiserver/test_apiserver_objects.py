"""What becomes of objects: creating, reading, changing, deleting, and what is kept from clients' hands."""

from typing import Any

import orjson
import pytest

from seatrial_reference.apiserver import defaults, strategy

Json = dict[str, Any]
PODS = "/api/v1/namespaces/default/pods"
MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


def pod(name: str = "p", **metadata: Any) -> Json:
    return {"metadata": {"name": name} | metadata, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}


def config(name: str = "m", **data: str) -> Json:
    return {"metadata": {"name": name}, "data": data}


def deployment(name: str = "web", **spec: Any) -> Json:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    return {"metadata": {"name": name}, "spec": {"selector": {"matchLabels": {"app": name}}, "template": template} | spec}


def test_a_new_object_gets_what_only_the_server_can_give(world: Any) -> None:
    sent = config() | {"metadata": {"name": "m", "uid": "mine", "creationTimestamp": "1999-01-01T00:00:00Z"}}
    code, made = world.run(world.ask("POST", MAPS, sent))
    assert code == 201
    assert made["metadata"]["uid"] != "mine"
    assert made["metadata"]["creationTimestamp"] > "2020"
    assert made["metadata"]["namespace"] == "default"
    assert world.run(world.ask("GET", f"{MAPS}/m")) == (200, made)


def test_the_store_has_the_answered_object_without_its_revision(world: Any) -> None:
    made = world.run(world.must("POST", PODS, pod()))
    kv = world.etcd.store.latest(b"/registry/pods/default/p")
    assert made["metadata"]["resourceVersion"] == str(kv.mod_revision)
    del made["metadata"]["resourceVersion"]
    assert orjson.loads(kv.value) == made


def test_a_pod_has_its_defaults(world: Any) -> None:
    made = world.run(world.must("POST", PODS, pod()))
    assert made["spec"]["schedulerName"] == "default-scheduler"
    assert made["spec"]["restartPolicy"] == "Always"
    assert made["spec"]["terminationGracePeriodSeconds"] == 30
    assert made["spec"]["containers"][0]["imagePullPolicy"] == "IfNotPresent"
    assert made["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    assert {each["tolerationSeconds"] for each in made["spec"]["tolerations"]} == {300}


def test_a_second_object_of_the_name_is_refused(world: Any) -> None:
    world.run(world.must("POST", MAPS, config()))
    code, answer = world.run(world.ask("POST", MAPS, config()))
    assert (code, answer["reason"]) == (409, "AlreadyExists")
    assert answer["message"] == 'configmaps "m" already exists'


def test_a_generated_name_is_the_prefix_and_five_characters(world: Any) -> None:
    made = world.run(world.must("POST", MAPS, {"metadata": {"generateName": "web-"}}))
    assert made["metadata"]["name"].startswith("web-")
    assert len(made["metadata"]["name"]) == 9
    both = world.run(world.must("POST", MAPS, {"metadata": {"generateName": "web-", "name": "plain"}}))
    assert both["metadata"]["name"] == "plain"


@pytest.mark.parametrize(
    ("path", "body", "code", "reason"),
    [
        (MAPS, {"kind": "Secret", "metadata": {"name": "m"}}, 400, "BadRequest"),
        (MAPS, {"apiVersion": "v2", "metadata": {"name": "m"}}, 400, "BadRequest"),
        (MAPS, {"metadata": {"name": "m", "namespace": "other"}}, 400, "BadRequest"),
        (MAPS, {"metadata": {"name": "m", "resourceVersion": "1"}}, 400, "BadRequest"),
        (MAPS, {"metadata": []}, 400, "BadRequest"),
        (MAPS, [], 400, "BadRequest"),
        (MAPS, b"{", 400, "BadRequest"),
        (MAPS, {"metadata": {}}, 422, "Invalid"),
        (MAPS, {"metadata": {"name": "No Name"}}, 422, "Invalid"),
        (MAPS, {"metadata": {"name": "m", "labels": {"a": "b c"}}}, 422, "Invalid"),
        (PODS, {"metadata": {"name": "p"}}, 422, "Invalid"),
        (PODS, {"metadata": {"name": "p"}, "spec": []}, 400, "BadRequest"),
        (PODS, {"metadata": {"name": "p"}, "spec": {"containers": [None]}}, 400, "BadRequest"),
        (PODS, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c"}]}}, 422, "Invalid"),
        (DEPLOYMENTS, {"metadata": {"name": "p"}, "spec": {"template": {"spec": "x"}}}, 400, "BadRequest"),
        (DEPLOYMENTS, {"metadata": {"name": "p"}}, 422, "Invalid"),
        ("/api/v1/namespaces/nowhere/configmaps", {"metadata": {"name": "m"}}, 404, "NotFound"),
        ("/api/v1/configmaps", {"metadata": {"name": "m"}}, 405, "MethodNotAllowed"),
        ("/api/v1/nonsense", {"metadata": {"name": "m"}}, 404, "NotFound"),
        ("/apis/nowhere/v1/things", {"metadata": {"name": "m"}}, 404, "NotFound"),
        (f"{MAPS}?dryRun=Some", {"metadata": {"name": "m"}}, 400, "BadRequest"),
    ],
)
def test_what_cannot_be_created_is_refused_and_leaves_nothing(world: Any, path: str, body: Any, code: int, reason: str) -> None:
    before = world.etcd.store.revision
    got, answer = world.run(world.ask("POST", path, body))
    assert (got, answer["kind"], answer["reason"], answer["code"]) == (code, "Status", reason, code)
    assert world.etcd.store.revision == before


def test_bodies_may_be_yaml_and_may_not_be_cbor(world: Any) -> None:
    made = world.run(world.must("POST", MAPS, b"metadata:\n  name: y\ndata:\n  a: b\n", media="application/yaml"))
    assert made["data"] == {"a": "b"}
    code, answer = world.run(world.ask("POST", MAPS, b"\xa0", media="application/cbor"))
    assert (code, answer["reason"]) == (415, "UnsupportedMediaType")


def test_a_put_names_the_revision_that_it_replaces(world: Any) -> None:
    made = world.run(world.must("POST", MAPS, config(a="1")))
    newer = world.run(world.must("PUT", f"{MAPS}/m", made | {"data": {"a": "2"}}))
    assert int(newer["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])
    code, answer = world.run(world.ask("PUT", f"{MAPS}/m", made | {"data": {"a": "3"}}))
    assert (code, answer["reason"]) == (409, "Conflict")
    unconditional = world.run(world.must("PUT", f"{MAPS}/m", config(a="4")))
    assert unconditional["data"] == {"a": "4"}
    assert unconditional["metadata"]["uid"] == made["metadata"]["uid"]


def test_a_put_that_changes_nothing_writes_nothing(world: Any) -> None:
    made = world.run(world.must("POST", MAPS, config(a="1")))
    assert world.run(world.must("PUT", f"{MAPS}/m", made)) == made
    assert world.run(world.must("PATCH", f"{MAPS}/m", {"data": {"a": "1"}}, media="application/merge-patch+json")) == made
    assert str(world.etcd.store.revision) == made["metadata"]["resourceVersion"]


def test_a_put_creates_only_some_kinds(world: Any) -> None:
    assert world.run(world.ask("PUT", f"{MAPS}/m", config()))[0] == 404
    lease = "/apis/coordination.k8s.io/v1/namespaces/default/leases/l"
    code, made = world.run(world.ask("PUT", lease, {"metadata": {"name": "l"}, "spec": {"holderIdentity": "a"}}))
    assert code == 201
    code, answer = world.run(world.ask("PUT", lease, {"metadata": {"name": "l"}, "spec": {"holderIdentity": "b"}}))
    assert (code, answer["reason"]) == (422, "Invalid")
    assert world.run(world.must("PUT", lease, made | {"spec": {"holderIdentity": "b"}}))["spec"] == {"holderIdentity": "b"}


def test_spec_and_status_are_written_apart(world: Any) -> None:
    made = world.run(world.must("POST", DEPLOYMENTS, deployment() | {"status": {"replicas": 7}}))
    assert "replicas" not in made["status"]
    world.run(world.must("PUT", f"{DEPLOYMENTS}/web/status", made | {"status": {"replicas": 3}, "spec": {}}))
    both = world.run(world.must("PUT", f"{DEPLOYMENTS}/web", deployment(replicas=5) | {"status": {"replicas": 9}}))
    assert (both["spec"]["replicas"], both["status"]) == (5, {"replicas": 3})


def test_generations_count_changes_of_what_is_desired(world: Any) -> None:
    def generation(obj: Json) -> int:
        return int(obj["metadata"]["generation"])

    merge = {"media": "application/merge-patch+json"}
    assert generation(world.run(world.must("POST", DEPLOYMENTS, deployment()))) == 1
    assert generation(world.run(world.must("PATCH", f"{DEPLOYMENTS}/web", {"spec": {"replicas": 2}}, **merge))) == 2
    assert generation(world.run(world.must("PATCH", f"{DEPLOYMENTS}/web", {"metadata": {"labels": {"a": "b"}}}, **merge))) == 2
    assert generation(world.run(world.must("PATCH", f"{DEPLOYMENTS}/web", {"metadata": {"annotations": {"a": "b"}}}, **merge))) == 3
    assert generation(world.run(world.must("PATCH", f"{DEPLOYMENTS}/web/status", {"status": {"replicas": 1}}, **merge))) == 3
    assert generation(world.run(world.must("PATCH", f"{DEPLOYMENTS}/web", {"metadata": {"generation": 99}}, **merge))) == 3


def test_the_spec_of_a_pod_is_fixed_but_for_images(world: Any) -> None:
    world.run(world.must("POST", PODS, pod()))
    patch = {"spec": {"containers": [{"name": "c", "image": "i:2"}]}}
    strategic = {"media": "application/strategic-merge-patch+json"}
    assert world.run(world.must("PATCH", f"{PODS}/p", patch, **strategic))["spec"]["containers"][0]["image"] == "i:2"
    for change in ({"nodeName": "n"}, {"restartPolicy": "Never"}, {"containers": [{"name": "d", "image": "i"}]}):
        code, answer = world.run(world.ask("PATCH", f"{PODS}/p", {"spec": change}, **strategic))
        assert (code, answer["reason"]) == (422, "Invalid")


def test_a_binding_sets_the_node_once_and_says_so_in_the_same_write(world: Any) -> None:
    world.run(world.must("POST", PODS, pod()))
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n1"}}
    assert world.run(world.ask("POST", f"{PODS}/p/binding", binding, user="scheduler"))[0] == 201
    bound = world.run(world.must("GET", f"{PODS}/p"))
    assert bound["spec"]["nodeName"] == "n1"
    assert [(each["type"], each["status"]) for each in bound["status"]["conditions"]] == [("PodScheduled", "True")]
    code, answer = world.run(world.ask("POST", f"{PODS}/p/binding", binding))
    assert (code, answer["reason"]) == (409, "Conflict")
    assert world.run(world.ask("POST", f"{PODS}/q/binding", binding | {"metadata": {"name": "q"}}))[0] == 404


def test_an_unbound_pod_goes_at_once_and_a_bound_one_when_its_node_says_so(world: Any) -> None:
    world.run(world.must("POST", PODS, pod()))
    assert world.run(world.must("DELETE", f"{PODS}/p"))["metadata"]["name"] == "p"
    assert world.run(world.ask("GET", f"{PODS}/p"))[0] == 404
    again = pod()
    again["spec"]["nodeName"] = "n1"
    made = world.run(world.must("POST", PODS, again))
    waiting = world.run(world.must("DELETE", f"{PODS}/p"))
    assert waiting["metadata"]["deletionGracePeriodSeconds"] == 30
    assert waiting["metadata"]["generation"] == made["metadata"]["generation"] + 1
    assert world.run(world.must("DELETE", f"{PODS}/p")) == waiting
    shorter = world.run(world.must("DELETE", f"{PODS}/p", {"gracePeriodSeconds": 5}))
    assert shorter["metadata"]["deletionTimestamp"] < waiting["metadata"]["deletionTimestamp"]
    code, answer = world.run(world.ask("POST", PODS, pod()))
    assert (code, "being deleted" in answer["message"]) == (409, True)
    world.run(world.must("DELETE", f"{PODS}/p", {"gracePeriodSeconds": 0, "preconditions": {"uid": made["metadata"]["uid"]}}, user="node"))
    assert world.run(world.ask("GET", f"{PODS}/p"))[0] == 404


def test_finalizers_keep_an_object_until_the_last_is_gone(world: Any) -> None:
    sent = {"metadata": {"name": "m", "finalizers": ["example.org/f"]}}
    world.run(world.must("POST", MAPS, sent))
    waiting = world.run(world.must("DELETE", f"{MAPS}/m"))
    assert waiting["metadata"]["deletionTimestamp"]
    code, _ = world.run(
        world.ask("PATCH", f"{MAPS}/m", {"metadata": {"finalizers": ["example.org/g"]}}, media="application/merge-patch+json")
    )
    assert code == 422
    world.run(world.must("PATCH", f"{MAPS}/m", {"metadata": {"finalizers": None}}, media="application/merge-patch+json"))
    assert world.run(world.ask("GET", f"{MAPS}/m"))[0] == 404


def test_a_deletion_may_say_which_object_it_means(world: Any) -> None:
    made = world.run(world.must("POST", MAPS, config()))
    for wrong in ({"uid": "other"}, {"resourceVersion": "1"}):
        code, answer = world.run(world.ask("DELETE", f"{MAPS}/m", {"preconditions": wrong}))
        assert (code, answer["reason"]) == (409, "Conflict")
    code, answer = world.run(world.ask("DELETE", f"{MAPS}/m", {"preconditions": {"uid": made["metadata"]["uid"]}}))
    assert (code, answer["status"], answer["details"]["uid"]) == (200, "Success", made["metadata"]["uid"])
    assert world.run(world.ask("DELETE", f"{MAPS}/m"))[0] == 404


def test_a_collection_is_deleted_by_selector(world: Any) -> None:
    for name, colour in (("a", "red"), ("b", "blue"), ("c", "red")):
        world.run(world.must("POST", MAPS, {"metadata": {"name": name, "labels": {"colour": colour}}}))
    world.run(world.must("DELETE", f"{MAPS}?labelSelector=colour%3Dred"))
    assert [each["metadata"]["name"] for each in world.run(world.must("GET", MAPS))["items"]] == ["b"]


@pytest.mark.parametrize("spec", [{"finalizers": []}, {}])  # Go leaves out what is empty
def test_a_namespace_ends_when_its_finalizer_is_gone(world: Any, spec: Json) -> None:
    world.run(world.must("POST", "/api/v1/namespaces", {"metadata": {"name": "n"}}))
    world.run(world.must("POST", "/api/v1/namespaces/n/configmaps", config()))
    ending = world.run(world.must("DELETE", "/api/v1/namespaces/n"))
    assert ending["status"]["phase"] == "Terminating"
    code, answer = world.run(world.ask("POST", "/api/v1/namespaces/n/configmaps", config("late")))
    assert (code, answer["details"]["causes"][0]["reason"]) == (403, "NamespaceTerminating")
    world.run(world.must("PUT", "/api/v1/namespaces/n/finalize", ending | {"spec": spec}))
    assert world.run(world.ask("GET", "/api/v1/namespaces/n"))[0] == 404
    assert world.run(world.ask("DELETE", "/api/v1/namespaces/default"))[0] == 403


def test_scaling_writes_the_count_alone(world: Any) -> None:
    made = world.run(world.must("POST", DEPLOYMENTS, deployment(replicas=2)))
    scale = world.run(world.must("GET", f"{DEPLOYMENTS}/web/scale"))
    assert (scale["kind"], scale["spec"], scale["status"]) == ("Scale", {"replicas": 2}, {"replicas": 0, "selector": "app=web"})
    world.run(world.must("PUT", f"{DEPLOYMENTS}/web/scale", scale | {"spec": {"replicas": 4}}))
    assert world.run(world.ask("PUT", f"{DEPLOYMENTS}/web/scale", scale | {"spec": {"replicas": 5}}))[0] == 409
    patch = {"spec": {"replicas": 6}}
    world.run(world.must("PATCH", f"{DEPLOYMENTS}/web/scale", patch, media="application/merge-patch+json"))
    now = world.run(world.must("GET", f"{DEPLOYMENTS}/web"))
    assert now["spec"] == made["spec"] | {"replicas": 6}


def test_a_dry_run_goes_all_the_way_and_leaves_no_trace(world: Any) -> None:
    before = world.etcd.store.revision
    assert world.run(world.must("POST", f"{MAPS}?dryRun=All", config()))["metadata"]["uid"]
    assert world.etcd.store.revision == before
    world.run(world.must("POST", MAPS, config(a="1")))
    before = world.etcd.store.revision
    assert world.run(world.must("PUT", f"{MAPS}/m?dryRun=All", config(a="2")))["data"] == {"a": "2"}
    world.run(world.must("DELETE", f"{MAPS}/m?dryRun=All"))
    world.run(world.must("DELETE", f"{MAPS}/m", {"dryRun": ["All"]}))
    assert world.run(world.ask("POST", f"{MAPS}?dryRun=All", config()))[0] == 409
    assert world.etcd.store.revision == before


def test_patches_of_other_kinds_are_refused(world: Any) -> None:
    world.run(world.must("POST", MAPS, config()))
    assert world.run(world.ask("PATCH", f"{MAPS}/m", {}, media="application/cbor"))[0] == 415
    assert world.run(world.ask("PATCH", f"{MAPS}/m", [{"op": "add"}], media="application/json-patch+json"))[0] == 400
    assert world.run(world.ask("PATCH", f"{MAPS}/m", {"metadata": {"name": "n"}}, media="application/merge-patch+json"))[0] == 400
    assert world.run(world.ask("PATCH", f"{MAPS}/none", {}, media="application/merge-patch+json"))[0] == 404


APPLY = "application/apply-patch+yaml"


def test_what_is_applied_is_made_and_then_merged(world: Any) -> None:
    first = b"{apiVersion: v1, kind: ConfigMap, metadata: {name: m, labels: {a: b}}, data: {x: one}}"
    code, made = world.run(world.ask("PATCH", f"{MAPS}/m?fieldManager=t", first, media=APPLY))
    assert (code, made["data"], made["metadata"]["labels"]) == (201, {"x": "one"}, {"a": "b"})
    second = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"x": "two"}}
    code, now = world.run(world.ask("PATCH", f"{MAPS}/m?fieldManager=t&force=true", second, media=APPLY))
    assert (code, now["data"], now["metadata"]["labels"], now["metadata"]["uid"]) == (
        200,
        {"x": "two"},
        {"a": "b"},
        made["metadata"]["uid"],
    )


def test_the_status_of_a_pod_can_be_applied_item_by_item(world: Any) -> None:
    world.run(world.must("POST", PODS, pod()))
    for name in ("a", "b"):
        status = {"resourceClaimStatuses": [{"name": name, "resourceClaimName": f"p-{name}"}]}
        applied = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "status": status}
        now = world.run(world.must("PATCH", f"{PODS}/p/status?fieldManager={name}&force=true", applied, media=APPLY))
    assert [each["name"] for each in now["status"]["resourceClaimStatuses"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("path", "sent", "code"),
    [
        (f"{MAPS}/m", {}, 400),  # nobody says who applies it
        (f"{MAPS}/m?fieldManager=t", {"kind": "Secret"}, 400),
        (f"{MAPS}/m?fieldManager=t", {"metadata": {"name": "other"}}, 400),
        (f"{PODS}/none/status?fieldManager=t", {}, 404),
    ],
)
def test_not_everything_can_be_applied(world: Any, path: str, sent: Json, code: int) -> None:
    assert world.run(world.ask("PATCH", path, sent, media=APPLY))[0] == code


def test_who_may_not_create_may_not_apply_what_is_not_there(world: Any) -> None:
    assert world.run(world.ask("PATCH", f"{MAPS}/m?fieldManager=t", {}, media=APPLY, user="scheduler"))[0] == 403


def test_a_job_counts_its_own_pods_only(world: Any) -> None:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}
    jobs = "/apis/batch/v1/namespaces/default/jobs"
    made = world.run(world.must("POST", jobs, {"metadata": {"name": "j"}, "spec": {"template": template}}))
    uid, spec = made["metadata"]["uid"], made["spec"]
    assert spec["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    assert spec["template"]["metadata"]["labels"]["batch.kubernetes.io/controller-uid"] == uid
    assert spec["template"]["metadata"]["labels"]["job-name"] == "j"
    assert (spec["completions"], spec["parallelism"], spec["backoffLimit"], spec["podReplacementPolicy"]) == (
        1,
        1,
        6,
        "TerminatingOrFailed",
    )


TEMPLATE = {"spec": {"containers": [{"name": "c", "image": "i"}]}}


@pytest.mark.parametrize(
    ("kind", "obj", "path", "value"),
    [
        (
            "Pod",
            {"spec": {"volumes": [{"name": "v", "configMap": {"name": "m"}}]}},
            ("spec", "volumes", 0, "configMap", "defaultMode"),
            420,
        ),
        ("CronJob", {"spec": {"jobTemplate": {"spec": {"template": TEMPLATE}}}}, ("spec", "concurrencyPolicy"), "Allow"),
        ("CronJob", {"spec": {"jobTemplate": {"spec": {"template": TEMPLATE}}}}, ("spec", "failedJobsHistoryLimit"), 1),
        ("StatefulSet", {"spec": {"template": TEMPLATE}}, ("spec", "updateStrategy", "rollingUpdate", "partition"), 0),
        ("DaemonSet", {"spec": {"template": TEMPLATE}}, ("spec", "updateStrategy", "rollingUpdate", "maxUnavailable"), 1),
        ("PersistentVolume", {"spec": {}}, ("spec", "persistentVolumeReclaimPolicy"), "Retain"),
        ("StorageClass", {}, ("volumeBindingMode",), "Immediate"),
        ("CSIDriver", {}, ("spec", "attachRequired"), True),
        ("HorizontalPodAutoscaler", {"spec": {"maxReplicas": 2}}, ("spec", "minReplicas"), 1),
        ("NetworkPolicy", {"spec": {"egress": [{}]}}, ("spec", "policyTypes"), ["Ingress", "Egress"]),
        ("EndpointSlice", {"ports": [{"port": 80}]}, ("ports", 0, "protocol"), "TCP"),
        ("ValidatingAdmissionPolicy", {"spec": {}}, ("spec", "matchConstraints", "matchPolicy"), "Equivalent"),
    ],
)
def test_what_controllers_and_kubelets_rely_on_is_there_by_default(kind: str, obj: Json, path: tuple[str | int, ...], value: Any) -> None:
    defaulted: Any = {"kind": kind, "metadata": {"name": "x"}} | obj
    defaults.apply(defaulted)
    for step in path:
        defaulted = defaulted[step]
    assert defaulted == value


def test_a_generated_name_that_is_taken_is_generated_anew(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    names = iter(["x-1", "x-1", "x-1", "x-2"])
    monkeypatch.setattr(strategy, "generated_name", lambda *_: next(names))
    made = [world.run(world.must("POST", MAPS, {"metadata": {"generateName": "x-"}})) for _ in range(2)]
    assert [each["metadata"]["name"] for each in made] == ["x-1", "x-2"]
