"""Kinds that nothing here acts upon: whoever comes along finds them served, empty or as they were left."""

import asyncio
from typing import Any

import orjson
import pytest

from seatrial_reference.apiserver.policy import bootstrap
from seatrial_schemas.kinds import table

Json = dict[str, Any]
ASKED_FOR = (  # by the kube-scheduler, the kube-controller-manager and the kubelet of Kubernetes 1.37
    "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
    "/apis/autoscaling/v2/horizontalpodautoscalers",
    "/apis/certificates.k8s.io/v1/certificatesigningrequests",
    "/apis/certificates.k8s.io/v1/clustertrustbundles",
    "/apis/certificates.k8s.io/v1/podcertificaterequests",
    "/apis/networking.k8s.io/v1/ipaddresses",
    "/apis/networking.k8s.io/v1/servicecidrs",
    "/apis/node.k8s.io/v1/runtimeclasses",
    "/apis/resource.k8s.io/v1/deviceclasses",
    "/apis/resource.k8s.io/v1/devicetaintrules",
    "/apis/resource.k8s.io/v1/resourceclaims",
    "/apis/resource.k8s.io/v1/resourceclaimtemplates",
    "/apis/resource.k8s.io/v1/resourceslices",
    "/apis/storage.k8s.io/v1/csidrivers",
    "/apis/storage.k8s.io/v1/volumeattributesclasses",
    "/apis/storagemigration.k8s.io/v1/storageversionmigrations",
)
CORE, NEWER = "/api/v1/namespaces/default/events", "/apis/events.k8s.io/v1/namespaces/default/events"
SAID = {
    "metadata": {"name": "e"},
    "regarding": {"kind": "Pod", "name": "p"},
    "reportingController": "default-scheduler",
    "reportingInstance": "s-1",
    "reason": "Scheduled",
    "action": "Binding",
    "note": "it is on n1",
    "type": "Normal",
    "eventTime": "2026-01-01T00:00:00.000000Z",
    "deprecatedCount": 2,
}
IN_CORE_WORDS = {
    "message": "it is on n1",
    "involvedObject": {"kind": "Pod", "name": "p"},
    "reportingComponent": "default-scheduler",
    "count": 2,
}


@pytest.mark.parametrize("path", ASKED_FOR)
def test_who_watches_a_kind_that_nobody_uses_is_told_that_there_is_nothing(world: Any, path: str) -> None:
    async def act() -> Json:
        query = "?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
        async with world.watch(path + query) as following:
            return dict(await following())

    event = world.run(act())
    assert event["type"] == "BOOKMARK"
    assert event["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_kinds_of_one_key_have_the_words_of_the_first_in_the_store() -> None:
    shared = [kind for kind in table() if sum(each.key == kind.key for each in table()) > 1 and kind.key]
    assert [kind.api_version for kind in shared] == ["v1", "events.k8s.io/v1"]


def test_an_event_is_one_thing_under_two_names(world: Any) -> None:
    made = world.run(world.must("POST", NEWER, SAID))
    assert made["note"] == "it is on n1"
    kept = orjson.loads(world.etcd.store.latest(b"/registry/events/default/e").value)
    assert (kept["apiVersion"], {field: kept[field] for field in IN_CORE_WORDS}) == ("v1", IN_CORE_WORDS)
    core = world.run(world.must("GET", f"{CORE}/e"))
    assert {field: core.get(field) for field in IN_CORE_WORDS} == IN_CORE_WORDS
    assert world.run(world.must("GET", f"{NEWER}/e")) == made
    assert world.run(world.must("GET", NEWER))["items"] == [made]


def test_who_watches_hears_of_an_event_in_the_words_of_the_group_that_was_asked(world: Any) -> None:
    async def act() -> tuple[Json, Json, Json]:
        async with world.watch(CORE) as core, world.watch(NEWER) as newer:
            made = await world.must("POST", NEWER, SAID)
            old, new = await asyncio.gather(core(), newer())
            return made, old["object"], new["object"]

    made, old, new = world.run(act())
    assert new == made
    assert old["apiVersion"] == "v1"
    assert {field: old[field] for field in IN_CORE_WORDS} == IN_CORE_WORDS


def test_an_event_of_the_core_group_can_be_changed_through_the_other(world: Any) -> None:
    event = {"metadata": {"name": "e"}, "message": "one", "involvedObject": {"kind": "Pod", "name": "p"}, "count": 1}
    world.run(world.must("POST", CORE, event))
    media = "application/strategic-merge-patch+json"
    changed = world.run(world.must("PATCH", f"{NEWER}/e", {"deprecatedCount": 2}, media=media))
    assert (changed["note"], changed["deprecatedCount"]) == ("one", 2)
    core = world.run(world.must("GET", f"{CORE}/e"))
    assert (core["message"], core["count"]) == ("one", 2)


def test_a_node_takes_back_what_it_has_published(world: Any) -> None:
    path = "/apis/resource.k8s.io/v1/resourceslices"
    for node in ("n1", "n2"):
        world.run(world.must("POST", path, {"metadata": {"name": node}, "spec": {"nodeName": node, "driver": "d"}}))
    world.run(world.must("DELETE", f"{path}?fieldSelector=spec.nodeName%3Dn1,spec.driver%3Dd", user="node"))
    assert [each["metadata"]["name"] for each in world.run(world.must("GET", path))["items"]] == ["n2"]


@pytest.mark.parametrize(
    ("group", "resource", "verb"),
    [
        ("autoscaling", "horizontalpodautoscalers/status", "update"),
        ("certificates.k8s.io", "certificatesigningrequests/status", "update"),
        ("resource.k8s.io", "resourceclaims", "create"),
        ("networking.k8s.io", "ipaddresses", "create"),
        ("storagemigration.k8s.io", "storageversionmigrations/status", "update"),
        ("admissionregistration.k8s.io", "validatingadmissionpolicies/status", "patch"),
    ],
)
def test_a_controller_manager_may_do_what_its_controllers_do(group: str, resource: str, verb: str) -> None:
    plural, _, subresource = resource.partition("/")
    rules = bootstrap()["system:kube-controller-manager"]
    assert any(rule.allows(verb=verb, group=group, resource=plural, subresource=subresource, name="x") for rule in rules)


def test_each_controller_may_act_under_a_service_account_of_its_own() -> None:
    for controller in ("deployment-controller", "replicaset-controller", "generic-garbage-collector", "namespace-controller"):
        assert bootstrap()[f"system:serviceaccount:kube-system:{controller}"] == bootstrap()["system:kube-controller-manager"]
    assert "system:serviceaccount:kube-system:default" not in bootstrap()


def test_a_node_looks_for_services_with_an_address_and_for_its_own_requests(world: Any) -> None:
    path = "/api/v1/namespaces/default/services"
    for name, address in (("a", "10.96.0.9"), ("b", "None")):
        world.run(world.must("POST", path, {"metadata": {"name": name}, "spec": {"clusterIP": address, "ports": [{"port": 80}]}}))
    found = world.run(world.must("GET", "/api/v1/services?fieldSelector=spec.clusterIP%21%3DNone&limit=500&resourceVersion=0", user="node"))
    assert [each["metadata"]["name"] for each in found["items"]] == ["a"]
    requests = "/apis/certificates.k8s.io/v1/podcertificaterequests?fieldSelector=spec.nodeName%3Dn1&limit=500&resourceVersion=0"
    assert world.run(world.must("GET", requests, user="node"))["items"] == []
