"""Nodes: they go on to show that they are alive, and are not given more than they have."""

from typing import Any

import pytest

from seatrial.model.history import History
from unit.checks.test_invariants import found, history


@pytest.mark.parametrize(
    ("silent_s", "disturbed", "fault"),
    [
        (70.0, [], True),
        (50.0, [], False),
        (70.0, ["kill", "start"], False),  # it had no time to begin again
        (170.0, ["kill", "start"], True),
        (170.0, ["cut"], False),
    ],
)
def test_a_node_goes_on_to_show_that_it_is_alive(silent_s: float, disturbed: list[str], *, fault: bool) -> None:
    made = history()
    lease = {"resource": "leases", "verb": "update", "subresource": "", "name": "node-1", "path": "/leases/node-1"}
    said = lease | {"request": 1, "body": {"spec": {"leaseDurationSeconds": 40}}}
    made.append("tap/apiserver-0", "request", at_s=10.0, instance="node-1", data=said)
    for name in disturbed:
        made.append("steps", "mark", at_s=90.0, instance=None, data={"name": name})
    made.append("steps", "mark", at_s=10.0 + silent_s, instance=None, data={"name": "quiet-end"})

    assert found(made, {"COMM-14"}) == ({"COMM-14": ["node-1"]} if fault else {})


@pytest.mark.parametrize(
    ("cores", "gone", "binder", "fault"),
    [
        ("2", False, "scheduler-0", True),
        ("2", True, "scheduler-0", False),
        ("4", False, "scheduler-0", False),
        ("", False, "scheduler-0", False),
        ("2", False, "operator", False),
    ],
)
def test_a_node_gets_no_more_than_it_has(cores: str, binder: str, *, gone: bool, fault: bool) -> None:
    made = history()
    seen(made, "nodes", "node-1", 1, {"status": {"allocatable": {"cpu": cores}}})
    for number, name in enumerate(("left", "right")):
        asked = {"request": number, "verb": "create", "resource": "pods", "subresource": "binding", "namespace": "trial", "name": name}
        made.append("tap/apiserver-0", "request", at_s=None, instance=binder, data=asked | {"path": "/binding"})
        made.append("tap/apiserver-0", "answer", at_s=None, instance=binder, data={"request": number, "code": 201, "revision": None})
        spec = {"containers": [{"name": "main", "resources": {"requests": {"cpu": "1200m"}}}]}
        seen(made, "pods", name, 10 * number + 2, {"spec": spec})
        seen(made, "pods", name, 10 * number + 3, {"spec": spec | {"nodeName": "node-1"}})
        if gone:
            seen(made, "pods", name, 10 * number + 4, {"spec": spec | {"nodeName": "node-1"}, "status": {"phase": "Failed"}})

    assert found(made, {"SCHED-02"}) == ({"SCHED-02": [binder]} if fault else {})


def seen(made: History, resource: str, name: str, revision: int, item: dict[str, Any]) -> None:
    about = {"watch": f"operator/{resource}", "resource": resource, "namespace": "trial", "name": name, "uid": name, "type": "MODIFIED"}
    item = item | {"metadata": {"name": name, "namespace": "trial", "uid": name}}
    made.append("watch", "watched", at_s=None, instance=None, data=about | {"revision": revision, "object": item})
