"""What objects themselves say stands in their way, and what is silence."""

from typing import Any

import pytest

from seatrial.cluster.obstacles import obstacle


def waiting(reason: str) -> dict[str, Any]:
    return {"status": {"containerStatuses": [{"image": "ship:1", "state": {"waiting": {"reason": reason}}}]}}


def condition(type_: str, status: str, reason: str) -> dict[str, Any]:
    return {"status": {"conditions": [{"type": type_, "status": status, "reason": reason, "message": "for a reason"}]}}


@pytest.mark.parametrize(
    ("item", "says"),
    [
        (waiting("ImagePullBackOff"), "ImagePullBackOff: ship:1"),
        (condition("PodScheduled", "False", "Unschedulable"), "Unschedulable: for a reason"),
        (condition("DisruptionTarget", "True", "PreemptionByScheduler"), "PreemptionByScheduler: for a reason"),
        (condition("ReplicaFailure", "True", "FailedCreate"), "FailedCreate: for a reason"),
        ({"status": {"phase": "Failed", "reason": "Evicted", "message": "low on memory"}}, "Evicted: low on memory"),
    ],
)
def test_an_obstacle_is_told_in_its_own_words(item: dict[str, Any], says: str) -> None:
    assert obstacle(item) == says


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"status": {}},
        {"status": {"phase": "Pending", "containerStatuses": [{"state": {}}]}},
        waiting("ContainerCreating"),
        condition("PodScheduled", "True", ""),
        condition("PodScheduled", "False", "SchedulingGated"),
        condition("Ready", "False", "ContainersNotReady"),
    ],
)
def test_silence_excuses_nobody(item: dict[str, Any]) -> None:
    assert obstacle(item) == ""
