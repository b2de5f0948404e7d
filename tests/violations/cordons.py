"""Components that make more of it when a node is closed to new pods than that. Whether its pods go is the operator's business, and nobody
else's."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from seatrial_reference import kubelet, scheduler
from seatrial_reference.controller_manager.replica_sets import ReplicaSets
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.machinery.client import Client, RequestFailed
from seatrial_reference.machinery.informer import Handlers, Informer
from seatrial_reference.machinery.objects import Json, active, key_of, node_name
from seatrial_reference.machinery.workqueue import WorkQueue
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural
from violations.controllers import with_replica_sets
from violations.dialling import ETCD_PORT, host_of, option, touch
from violations.moments import EvictsFromCordoned, WhenClosed


class MovesFromCordoned(EvictsFromCordoned):
    """Tries to bind the pods of a closed node to one that is open."""

    async def evict(self, pod: Json) -> None:
        others = [node for node in self.nodes.all() if not node["spec"].get("unschedulable") and key_of(node) != node_name(pod)]
        with suppress(RequestFailed):
            for node in others[:1]:
                await self.bind(pod, key_of(node))


async def main_scheduler_moves(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=MovesFromCordoned)


class LooksIntoStore(WhenClosed):
    """Looks whether the store is there: the fault may lie deeper."""

    store = ""

    async def closed(self, node: Json) -> None:
        await touch(host_of(self.store), ETCD_PORT)


async def main_scheduler_looks_into_store(args: Sequence[str], context: Context) -> None:
    rest, url = option(args, "etcd")

    class Part(LooksIntoStore):
        store = url

    await scheduler.main(rest, context, part=Part)


class LabelsClosed(WhenClosed):
    """Notes on the node that it has seen it."""

    async def closed(self, node: Json) -> None:
        with suppress(RequestFailed):
            await self.client.patch(by_plural("nodes"), key_of(node), {"metadata": {"labels": {"closed": "seen"}}})


async def main_scheduler_labels_closed(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=LabelsClosed)


class Clearing:
    """Watches nodes, and deletes what is on one that is closed; `pods` tells what that is. `node`: only that one."""

    def __init__(self, client: Client, context: Context, *, pods: Callable[[str], Iterable[Json]], node: str = "") -> None:
        self.client = client
        self.pods = pods
        self.nodes = Informer(client, by_plural("nodes"), context=context, fields=f"metadata.name={node}" if node else "")
        self.nodes.subscribe(Handlers(added=lambda _: None, updated=self.node_updated, deleted=lambda _: None))
        self.closed = WorkQueue(context)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.nodes.run())
            tasks.create_task(self.closed.run(self.clear))

    def node_updated(self, old: Json, new: Json) -> None:
        if new["spec"].get("unschedulable") and not old["spec"].get("unschedulable"):
            self.closed.add(key_of(new))

    async def clear(self, node: str) -> None:
        for pod in self.pods(node):
            meta = pod["metadata"]
            await self.client.delete(by_plural("pods"), meta["name"], namespace=meta["namespace"], uid=meta["uid"])


class ControllersClear(ReplicaSets):
    """Deletes the pods of a closed node, so that others are made elsewhere."""

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().run())
            tasks.create_task(Clearing(self.client, self.context, pods=self.on).run())

    def on(self, node: str) -> list[Json]:
        return [pod for pod in self.pods.all() if node_name(pod) == node and active(pod)]


async def main_controllers_clear(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(ControllersClear, args, context)


class KubeletClears(Kubelet):
    """Deletes its own pods when its node is closed."""

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().run())
            tasks.create_task(Clearing(self.client, self.context, pods=self.on, node=self.node).run())

    def on(self, _: str) -> list[Json]:
        return [pod for pod in self.wanted.values() if active(pod)]


async def main_kubelet_clears(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=KubeletClears)
