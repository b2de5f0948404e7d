"""What a scenario does differently in a cluster that exists: its images are such as can be had there, and nobody is blamed for what the
cluster itself says stood in the way.
"""

from collections.abc import Mapping

from seatrial.checks.answers import asked, missing
from seatrial.checks.objects import current
from seatrial.cluster.obstacles import obstacle
from seatrial.cluster.stay import IMAGE as HAD
from seatrial.cluster.stay import Stay
from seatrial.model.history import History
from seatrial.world.objects import IMAGE, OTHER_IMAGE

ADMISSION = "/apis/admissionregistration.k8s.io/v1/"
MUTATORS = ("mutatingwebhookconfigurations", "mutatingadmissionpolicies")
OTHER_HAD = "registry.k8s.io/pause:3.9"


def images(settings: Mapping[str, str]) -> dict[str, str]:
    """What stands for the images of the manifests: `--set image=NAME`, or what every cluster has."""
    return {IMAGE: settings.get("image", HAD), OTHER_IMAGE: settings.get("other-image", OTHER_HAD)}


async def altered(history: History, stay: Stay) -> str:
    """What somebody's admission may have made of the object that was created last; empty where the API server alone has had its hands on
    it."""
    told = history.of("told", method="POST", code=201)[-1:]
    changed = [path for t in told for path in missing(asked(history, t)["body"], t["body"])]
    return f"admission of the cluster's own may have changed {', '.join(changed)}" if changed and await _mutated(stay) else ""


async def _mutated(stay: Stay) -> bool:
    """Whether mutating webhooks or policies are there; so it is taken to be where they may not be listed."""
    async with stay.client() as client:
        found = [await client.request("GET", ADMISSION + plural) for plural in MUTATORS]
    return any(a.body.get("items") if a.ok else a.code != 404 for a in found)


def hindrance(history: History) -> str:
    """What the last versions of the scenario's pods and ReplicaSets say stands in their way; empty where they say nothing."""
    now = [event for resource in ("replicasets", "pods") for event in current(history, resource).values()]
    return next((f"{e['resource']} {e['name']}: {why}" for e in now if (why := obstacle(e["object"]))), "")
