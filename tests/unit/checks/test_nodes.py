"""Nodes: they go on to show that they are alive."""

import pytest

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
