"""Schedulers that mean well: they help out before they are chosen, wait for better nodes, or see to it that all is as it was."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from seatrial_reference import scheduler
from seatrial_reference.machinery.client import RequestFailed
from seatrial_reference.machinery.informer import Handlers
from seatrial_reference.machinery.objects import Json, condition, key_of, node_name, uid_of
from seatrial_reference.machinery.workqueue import WorkQueue
from seatrial_reference.scheduler.scheduler import Scheduler
from seatrial_schemas.context import Context
from violations import elections

PATIENCE_S = 1.0


class HelpsOut(Scheduler):
    """Binds what has waited for a while, standby or not."""

    def __init__(self, client: Any, context: Context) -> None:
        super().__init__(client, context)
        self.slow = WorkQueue(context)
        self.pods.subscribe(Handlers(added=self.wait_for, updated=lambda *_: None, deleted=lambda _: None))

    async def observe(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().observe())
            tasks.create_task(self.slow.run(self.schedule_key, workers=1))

    def wait_for(self, pod: Json) -> None:
        self.slow.add_after(key_of(pod), PATIENCE_S)


async def main_helps_out(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=HelpsOut)


class WaitsForNewNodes(Scheduler):
    """What fits nowhere is looked at again when a node comes; those that are there it knows."""

    def node_updated(self, old: Json, new: Json) -> None:
        self.touch(key_of(new))

    def pod_deleted(self, pod: Json) -> None:
        self.touch(node_name(pod))
        self.forget(pod)
        self.unschedulable.pop(key_of(pod), None)


async def main_waits_for_new_nodes(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=WaitsForNewNodes)


class MissesDepartures(Scheduler):
    """What fits nowhere is looked at again when a node changes in what counts; that a pod has gone is not news about a node."""

    def node_updated(self, old: Json, new: Json) -> None:
        self.touch(key_of(new))
        if _room(old) != _room(new):
            self.retry_unschedulable()

    def pod_deleted(self, pod: Json) -> None:
        self.touch(node_name(pod))
        self.forget(pod)
        self.unschedulable.pop(key_of(pod), None)


def _room(node: Json) -> tuple[Any, ...]:
    return node["spec"], condition(node, "Ready").get("status"), node["status"].get("allocatable")


async def main_misses_departures(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=MissesDepartures)


async def main_impatient(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, elector=elections.Impatient)


class ConfirmsWhatItFinds(Scheduler):
    """Binds all pods anew that are there when it begins, to the nodes that they have."""

    def concerns(self, pod: Json) -> bool:
        return super().concerns(pod) or (bool(node_name(pod)) and not self.pods.synced.is_set())

    async def schedule_key(self, key: str) -> None:
        pod = self.pods.get(key)
        if pod is not None and node_name(pod) and uid_of(pod) not in self.assumed:
            with suppress(RequestFailed):
                await self.bind(pod, node_name(pod))
        else:
            await super().schedule_key(key)


async def main_confirms_what_it_finds(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=ConfirmsWhatItFinds)
