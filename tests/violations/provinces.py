"""Controllers that look after almost all that is theirs: not after what lies in the namespace of the system, nor after pods that never got
anywhere."""

from collections.abc import Sequence

from seatrial_reference import controller_manager
from seatrial_reference.controller_manager import ControllerManager
from seatrial_reference.controller_manager.deployments import Deployments
from seatrial_reference.controller_manager.replica_sets import ReplicaSets
from seatrial_reference.machinery.objects import Json, deleting, node_name
from seatrial_schemas.context import Context

SYSTEM = "kube-system"


class LeavesOutSystemSets(ReplicaSets):
    """What the system runs is the system's business."""

    async def sync(self, item: Json) -> None:
        if item["metadata"]["namespace"] != SYSTEM:
            await super().sync(item)


class LeavesOutSystemSetsManager(ControllerManager):
    replica_sets = LeavesOutSystemSets


async def main_leaves_out_system_sets(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, part=LeavesOutSystemSetsManager)


class LeavesOutSystemDeployments(Deployments):
    """The same, a floor higher."""

    async def sync(self, deployment: Json) -> None:
        if deployment["metadata"]["namespace"] != SYSTEM:
            await super().sync(deployment)


class LeavesOutSystemDeploymentsManager(ControllerManager):
    deployments = LeavesOutSystemDeployments


async def main_leaves_out_system_deployments(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, part=LeavesOutSystemDeploymentsManager)


class MissesUnplaced(ReplicaSets):
    """Replaces what was lost on a node; what had none was never there."""

    def pod_updated(self, old: Json, new: Json) -> None:
        if node_name(new) or not deleting(new):
            super().pod_updated(old, new)

    def pod_deleted(self, pod: Json) -> None:
        if node_name(pod):
            super().pod_deleted(pod)


class MissesUnplacedManager(ControllerManager):
    replica_sets = MissesUnplaced


async def main_misses_unplaced(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, part=MissesUnplacedManager)
