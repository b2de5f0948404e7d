"""Schedulers that are right as long as pods come, and wrong when they go, when they have to wait, or when nodes change."""

import asyncio
from abc import abstractmethod
from collections import Counter
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any

from seatrial_reference import scheduler
from seatrial_reference.machinery.client import Client, RequestFailed
from seatrial_reference.machinery.informer import Handlers, Informer
from seatrial_reference.machinery.objects import Json, active, controller_of, deleting, key_of, node_name, uid_of
from seatrial_reference.machinery.workqueue import WorkQueue
from seatrial_reference.scheduler.placement import Place
from seatrial_reference.scheduler.scheduler import Scheduler
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural
from violations.dialling import KUBELET_PORT, address_of, touch

POLL_S = 1.0
PATIENCE_S = 1.0


class Busy(Scheduler):
    """Has work of its own beside that of its queue."""

    def __init__(self, client: Client, context: Context) -> None:
        super().__init__(client, context)
        self.deeds: list[asyncio.Task[Any]] = []

    def later(self, deed: Coroutine[Any, Any, Any]) -> None:
        self.deeds.append(asyncio.create_task(deed))

    def ring(self, node: Json | None) -> None:
        self.later(touch(address_of(node or {}), KUBELET_PORT))


class RecallsPods(Busy):
    """Tells the node of a pod that is to go, as if the watch were not enough."""

    def pod_updated(self, old: Json, new: Json) -> None:
        super().pod_updated(old, new)
        if deleting(new) and not deleting(old) and node_name(new):
            self.ring(self.nodes.get(node_name(new)))


async def main_recalls_pods(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=RecallsPods)


class AsksWhatRuns(Busy):
    """Begins by asking the nodes whether the pods are really there that are bound to them."""

    async def lead(self) -> None:
        await self.pods.synced.wait()
        await self.nodes.synced.wait()
        for node in self.nodes.all():
            if self.pods.group(key_of(node)):
                self.ring(node)
        await super().lead()


async def main_asks_what_runs(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=AsksWhatRuns)


class AsksForRoom(Busy):
    """Asks the nodes themselves where none seems to fit."""

    async def reject(self, pod: Json, places: Sequence[Place]) -> None:
        await super().reject(pod, places)
        for node in self.nodes.all():
            self.ring(node)


async def main_asks_for_room(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=AsksForRoom)


class WhenClosed(Busy):
    """Does something of its own about a node that is closed."""

    def node_updated(self, old: Json, new: Json) -> None:
        super().node_updated(old, new)
        if new["spec"].get("unschedulable") and not old["spec"].get("unschedulable"):
            self.later(self.closed(new))

    @abstractmethod
    async def closed(self, node: Json) -> None: ...


class EvictsFromCordoned(WhenClosed):
    """Clears the nodes that are to take no new pods of those that they have."""

    async def closed(self, node: Json) -> None:
        for pod in list(self.pods.group(key_of(node))):
            await self.evict(pod)

    async def evict(self, pod: Json) -> None:
        meta = pod["metadata"]
        with suppress(RequestFailed):
            await self.client.delete(by_plural("pods"), meta["name"], namespace=meta["namespace"], uid=meta["uid"])


async def main_evicts_from_cordoned(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=EvictsFromCordoned)


class IgnoresCordons(Scheduler):
    """Takes a node for open that is closed."""

    def filter(self, pod: Json, places: Sequence[Place]) -> list[Place]:
        opened = [Place(node=p.node | {"spec": p.node["spec"] | {"unschedulable": False}}, pods=p.pods) for p in places]
        return super().filter(pod, opened)


async def main_ignores_cordons(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=IgnoresCordons)


class CountsDepartures(Busy):
    """Writes on a node how many pods have left it."""

    def __init__(self, client: Client, context: Context) -> None:
        super().__init__(client, context)
        self.left: Counter[str] = Counter()

    def pod_deleted(self, pod: Json) -> None:
        super().pod_deleted(pod)
        if node := node_name(pod):
            self.left[node] += 1
            self.later(self.write(node))

    async def write(self, node: str) -> None:
        with suppress(RequestFailed):
            await self.client.patch(by_plural("nodes"), node, {"metadata": {"annotations": {"left": str(self.left[node])}}})


async def main_counts_departures(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=CountsDepartures)


class PollsWhilePending(Scheduler):
    """Looks at the nodes again and again as long as a pod waits for one."""

    async def lead(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().lead())
            tasks.create_task(self.look())

    async def look(self) -> None:
        while True:
            await self.context.sleep(POLL_S)
            if self.unschedulable:
                with suppress(RequestFailed):
                    await self.nodes.relist()


async def main_polls_while_pending(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=PollsWhilePending)


class StandbyComplains(Busy):
    """A standby that decides like the leader, keeps its bindings to itself, and says of each pod that fits nowhere that it does not."""

    leading = False

    async def lead(self) -> None:
        self.leading = True
        await super().lead()

    def pod_added(self, pod: Json) -> None:
        super().pod_added(pod)
        if not self.leading and self.nodes.synced.is_set() and self.concerns(pod) and not self.filter(pod, self.places()):
            self.later(self.complain(pod))

    async def complain(self, pod: Json) -> None:
        with suppress(RequestFailed):
            await self.reject(pod, self.places())


async def main_standby_complains(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=StandbyComplains)


class TrimsSets(Busy):
    """Ends the surplus pods of a ReplicaSet that nobody else has ended for a while."""

    def __init__(self, client: Client, context: Context) -> None:
        super().__init__(client, context)
        self.sets = Informer(client, by_plural("replicasets"), context=context)
        self.sets.subscribe(Handlers(added=lambda _: None, updated=lambda _, new: self.wait_for(new), deleted=lambda _: None))
        self.slow = WorkQueue(context)

    def wait_for(self, item: Json) -> None:
        self.slow.add_after(key_of(item), PATIENCE_S)

    async def lead(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().lead())
            tasks.create_task(self.sets.run())
            tasks.create_task(self.slow.run(self.trim, workers=1))

    async def trim(self, key: str) -> None:
        item = self.sets.get(key)
        if item:
            pods = [p for p in self.pods.all() if (controller_of(p) or {}).get("uid") == uid_of(item) and active(p)]
            for pod in pods[int(item["spec"]["replicas"]) :]:
                meta = pod["metadata"]
                await self.client.delete(by_plural("pods"), meta["name"], namespace=meta["namespace"], uid=meta["uid"])


async def main_trims_sets(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=TrimsSets)
