"""Components that do something because nothing happens: a pod waits or lingers, the API server is silent, or all is quiet."""

import asyncio
import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from seatrial_reference import controller_manager, kubelet
from seatrial_reference.controller_manager.deployments import Deployments
from seatrial_reference.controller_manager.replica_sets import ReplicaSets
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.machinery.client import RequestFailed, Unreachable
from seatrial_reference.machinery.informer import Informer
from seatrial_reference.machinery.objects import Json, deleting, key_of, node_name, uid_of
from seatrial_reference.machinery.workqueue import WorkQueue
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural
from violations.controllers import ListsEverySecond, with_deployments, with_replica_sets
from violations.dialling import ETCD_PORT, KUBELET_PORT, SCHEDULER_PORT, host_of, option, touch
from violations.kubelets import ClaimsPods
from violations.returns import scheduler_of

UNBOUND_S = 3.0
LINGERING_S = 2.0
UNCLAIMED_S = 5.0
ALONE_S = 3.0
QUIET_S = 30.0
LIST_S = 60.0


class _Returning(ReplicaSets):
    """Comes back to a pod after a while."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.slow = WorkQueue(self.context)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().run())
            tasks.create_task(self.slow.run(self.look))

    async def look(self, key: str) -> None:
        """What there is to do about the pod."""


class VisitsLingering(_Returning):
    """Goes to see the kubelet of a pod that should have gone, and has not."""

    def pod_updated(self, old: Json, new: Json) -> None:
        super().pod_updated(old, new)
        if deleting(new) and not deleting(old):
            self.slow.add_after(key_of(new), LINGERING_S)

    async def look(self, key: str) -> None:
        pod = self.pods.get(key)
        if pod is not None and deleting(pod) and (address := pod["status"].get("hostIP")):
            await touch(address, KUBELET_PORT)


async def main_controllers_visit_lingering(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(VisitsLingering, args, context)


class RemindsScheduler(_Returning):
    """Rings at the scheduler when a pod has been without a node for a while."""

    def pod_added(self, pod: Json) -> None:
        super().pod_added(pod)
        if not node_name(pod):
            self.slow.add_after(key_of(pod), UNBOUND_S)

    async def look(self, key: str) -> None:
        pod = self.pods.get(key)
        if pod is not None and not node_name(pod):
            await touch(await scheduler_of(self.client), SCHEDULER_PORT)


async def main_controllers_remind_scheduler(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(RemindsScheduler, args, context)


class DialsEtcdWhenQuiet(Deployments):
    """Looks whether the store is there when it has had nothing to do for a while."""

    store = ""
    busy_s = 0.0

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().run())
            tasks.create_task(self.rest())

    async def sync_key(self, key: str) -> None:
        self.busy_s = self.context.now_s()
        await super().sync_key(key)

    async def rest(self) -> None:
        while True:
            await self.context.sleep(1.0)
            if self.context.now_s() - self.busy_s > QUIET_S:
                self.busy_s = self.context.now_s()
                await touch(host_of(self.store), ETCD_PORT)


async def main_controllers_dial_etcd(args: Sequence[str], context: Context) -> None:
    rest, url = option(args, "etcd")

    class Part(DialsEtcdWhenQuiet):
        store = url

    await with_deployments(Part, rest, context)


class ListsEveryMinute(ListsEverySecond):
    """Watches, and counts the pods once a minute all the same."""

    async def count(self) -> None:
        while True:
            await self.context.sleep(LIST_S)
            with suppress(RequestFailed):
                await self.client.list(by_plural("pods"))


async def main_controllers_list_every_minute(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, part=ListsEveryMinute)


class RunsUnclaimed(ClaimsPods):
    """Runs what nobody has given a node for a while."""

    def wait_for(self, pod: Json) -> None:
        self.waiting.add_after(key_of(pod), UNCLAIMED_S)

    async def claim(self, key: str) -> None:
        pod = self.adrift.get(key)
        if pod is not None and not deleting(pod):
            self.wanted[uid_of(pod)] = pod
            self.queue.add(uid_of(pod))


async def main_kubelet_runs_unclaimed(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=RunsUnclaimed)


class Forsaken(Informer):
    """Knows since when its watch has failed."""

    forsaken_s = math.inf

    def outdated(self, failure: RequestFailed) -> bool:
        if isinstance(failure, Unreachable):
            self.forsaken_s = min(self.forsaken_s, self._context.now_s())
        return super().outdated(failure)

    def apply(self, event: Json) -> None:
        self.forsaken_s = math.inf
        super().apply(event)


class StopsAlone(Kubelet):
    """Stops all that it runs when it has been alone for a while, and thinks no more of it."""

    informer: Forsaken

    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        self.informer.__class__ = Forsaken

    async def relist(self) -> None:
        await super().relist()
        if self.context.now_s() - self.informer.forsaken_s > ALONE_S:
            for uid in list(self.running):
                await self.stop_pod(uid, grace_s=0)


async def main_kubelet_stops_alone(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=StopsAlone)
