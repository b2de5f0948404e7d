"""What a scenario does differently in a cluster that exists: its images are such as can be had there, and nobody is blamed for what the
cluster itself says stood in the way.
"""

from collections.abc import Mapping

from seatrial.checks import facts
from seatrial.cluster.obstacles import obstacle
from seatrial.cluster.stay import IMAGE as HAD
from seatrial.model.history import History
from seatrial.world.objects import IMAGE, OTHER_IMAGE

OTHER_HAD = "registry.k8s.io/pause:3.9"


def images(settings: Mapping[str, str]) -> dict[str, str]:
    """What stands for the images of the manifests: `--set image=NAME`, or what every cluster has."""
    return {IMAGE: settings.get("image", HAD), OTHER_IMAGE: settings.get("other-image", OTHER_HAD)}


def hindrance(history: History) -> str:
    """What the last versions of the scenario's pods and ReplicaSets say stands in their way; empty where they say nothing."""
    now = [event for resource in ("replicasets", "pods") for event in facts.current(history, resource).values()]
    return next((f"{e['resource']} {e['name']}: {why}" for e in now if (why := obstacle(e["object"]))), "")
