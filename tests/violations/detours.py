"""Components that have something for each other and take the way by the API server: a note on another's lease, or a request that is passed
on to a kubelet. No connection shows it."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from seatrial_reference import kubelet, scheduler
from seatrial_reference.controller_manager.replica_sets import ReplicaSets
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.kubelet.node import LEASES, NodeReporter
from seatrial_reference.machinery.client import MERGE, ApiError, Client, RequestFailed
from seatrial_reference.machinery.objects import Json, epoch_s, key_of, micro_stamp, node_name
from seatrial_reference.machinery.workqueue import WorkQueue
from seatrial_reference.scheduler.scheduler import Scheduler
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural
from violations.controllers import with_replica_sets

LATE = 0.5  # of a lease


async def _note(client: Client, namespace: str, lease: str, note: str) -> None:
    with suppress(RequestFailed):
        patch = {"metadata": {"annotations": {"scheduler/note": note}}}
        await client.patch(by_plural("leases"), lease, patch, namespace=namespace, form=MERGE)


class NotesInNodeLease(Scheduler):
    """Leaves the name of a pod that it has bound on the heartbeat of the node."""

    async def bind(self, pod: Json, node: str) -> None:
        await super().bind(pod, node)
        await _note(self.client, LEASES, node, key_of(pod))


async def main_scheduler_notes_in_node_lease(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=NotesInNodeLease)


class NotesInManagerLease(Scheduler):
    """Tells the controller manager, on its lease, what has been placed."""

    async def bind(self, pod: Json, node: str) -> None:
        await super().bind(pod, node)
        await _note(self.client, "kube-system", "kube-controller-manager", key_of(pod))


async def main_scheduler_notes_in_manager_lease(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=NotesInManagerLease)


class AsksThroughApiServer(Scheduler):
    """Lets the API server ask the kubelet whether it is well, before it sends it a pod."""

    async def bind(self, pod: Json, node: str) -> None:
        with suppress(RequestFailed):
            await self.client.request("GET", f"/api/v1/nodes/{node}/proxy/healthz")
        await super().bind(pod, node)


async def main_scheduler_asks_through_api_server(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=AsksThroughApiServer)


class ReadsLogs(ReplicaSets):
    """Reads in the logs of its pods, as soon as they have a node, how they are doing."""

    async def run(self) -> None:
        self.bound = WorkQueue(self.context)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().run())
            tasks.create_task(self.bound.run(self.read))

    def pod_updated(self, old: Json, new: Json) -> None:
        super().pod_updated(old, new)
        if node_name(new) and not node_name(old):
            self.bound.add(key_of(new))

    async def read(self, key: str) -> None:
        namespace, _, name = key.partition("/")
        with suppress(ApiError):
            await self.client.request("GET", f"/api/v1/namespaces/{namespace}/pods/{name}/log")


async def main_controllers_read_logs(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(ReadsLogs, args, context)


class _RenewingForAll(NodeReporter):
    """Looks at the lease of every node, and renews those that are late."""

    async def renew(self) -> None:
        await super().renew()
        with suppress(RequestFailed):
            for node in (await self.client.list(by_plural("nodes")))["items"]:
                lease = await self.client.get(by_plural("leases"), key_of(node), namespace=LEASES)
                if self.context.wall_s() - epoch_s(lease["spec"]["renewTime"]) > LATE * self.lease_s:
                    lease["spec"]["renewTime"] = micro_stamp(self.context.wall_s())
                    await self.client.replace(by_plural("leases"), lease)


class RenewsForNeighbours(Kubelet):
    """Renews the leases of nodes that are late, so that nobody takes them for dead."""

    reporter = _RenewingForAll


async def main_kubelet_renews_for_neighbours(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=RenewsForNeighbours)
