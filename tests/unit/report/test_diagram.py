"""Histories as drawings: arrows go from who acts to who is acted upon."""

from typing import Any

import pytest

from seatrial.report.diagram import diagram


def event(kind: str, at_s: float = 1.0, instance: str | None = None, source: str = "flows", **data: Any) -> dict[str, Any]:
    return {"source": source, "seq": 0, "at_s": at_s, "kind": kind, "instance": instance} | data


def test_arrows_in_both_directions() -> None:
    drawn = diagram(
        [
            event("step", 1.0, source="steps", keyword="When", sentence='"alice" creates a pod "web"'),
            event("request", 1.5, "scheduler-0", "tap/apiserver-0", verb="create", resource="pods", subresource="binding", name="web"),
            event("answer", 1.75, "scheduler-0", "tap/apiserver-0", verb="create", resource="pods", name="web", code=201, revision=7),
            event("open", 2.0, origin="scheduler-0", target="etcd-0", port=2379),
        ]
    )

    assert drawn == [
        "          scheduler-0   apiserver-0   etcd-0",
        '  +0.000s -- When "alice" creates a pod "web"',
        "  +0.500s |------------>|             |  create pods/web/binding",
        "  +0.750s |<------------|             |  201 create pods/web at revision 7",
        "  +1.000s |-------------------------->|  open :2379",
    ]


def test_marks_on_one_lifeline() -> None:
    drawn = diagram(
        [
            event("put", source="store", key="/registry/pods/trial/web", revision=9),
            event("cri", instance="node-1", source="runtime/node-1", method="RunPodSandbox", pod="web", namespace="trial"),
            event("exited", instance="node-1", source="cluster", status=-9),
        ]
    )

    assert [line.partition("s ")[2] for line in drawn[1:]] == [
        "*             |  put /registry/pods/trial/web at revision 9",
        "|             *  RunPodSandbox trial/web",
        "|             *  exited status -9",
    ]


def test_what_cannot_be_drawn_is_left_out() -> None:
    assert diagram([event("frames", pairs=[])]) == []


def test_what_people_saw_and_were_told_stands_between_the_lifelines() -> None:
    pod = {
        "watch": "operator/pods",
        "resource": "pods",
        "name": "web",
        "type": "MODIFIED",
        "revision": 18,
        "object": {"status": {"phase": "Pending"}},
    }
    lease = {"watch": "bob/leases", "resource": "leases", "name": "kube-scheduler", "type": "MODIFIED", "revision": 20, "object": {}}
    refused = {"user": "alice", "method": "POST", "path": "/api/v1/nodes", "code": 403, "body": {"message": "nodes are not hers"}}

    assert diagram([event("watched", 1.0, **pod), event("watched", 1.5, **lease), event("told", 2.0, **refused)]) == [
        "  +0.000s -- pod web MODIFIED: Pending, no node",
        "  +0.500s -- bob: lease kube-scheduler MODIFIED at revision 20",
        "  +1.000s -- alice was told 403 POST /api/v1/nodes: nodes are not hers",
    ]


@pytest.mark.parametrize(
    ("item", "like"),
    [
        ({"spec": {"nodeName": "node-1"}, "status": {"phase": "Running"}}, "Running, on node-1"),
        ({"metadata": {"deletionTimestamp": "now"}, "status": {"phase": "Running"}}, "Running, no node, being deleted"),
        ({"spec": "none", "status": None}, "no phase, no node"),
    ],
)
def test_a_pod_is_drawn_as_it_was_even_where_it_is_hardly_one(item: dict[str, Any], like: str) -> None:
    (line,) = diagram([event("watched", watch="operator/pods", resource="pods", name="web", type="ADDED", revision=1, object=item)])

    assert line == f"  +0.000s -- pod web ADDED: {like}"
