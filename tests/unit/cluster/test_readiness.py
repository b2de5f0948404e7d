"""A node takes pods only without the taint of a new one, and somebody must be there to take that away."""

import pytest

from seatrial.cluster.readiness import NOT_READY, node_ready, tainted

READY = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, False),
        ({"taints": None}, False),
        ({"taints": [{"key": "example.org/dedicated", "effect": "NoSchedule"}]}, False),
        ({"taints": [{"key": NOT_READY, "effect": "NoSchedule"}]}, True),
    ],
)
def test_the_taint_of_a_new_node_is_told_from_others(spec: dict[str, object], *, expected: bool) -> None:
    node = READY | {"spec": spec}

    assert node_ready(node)
    assert tainted(node) is expected
