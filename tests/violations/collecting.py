"""A scheduler that collects what a ReplicaSet has left behind, a while after it has gone: where the garbage collector is away, it is the
first."""

import asyncio
from collections.abc import Sequence

from seatrial_reference import scheduler
from seatrial_reference.machinery.client import Client
from seatrial_reference.machinery.informer import Handlers, Informer
from seatrial_reference.machinery.objects import Json, controller_of, deleting, uid_of
from seatrial_reference.machinery.workqueue import WorkQueue
from seatrial_reference.scheduler.scheduler import Scheduler
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural

PATIENCE_S = 5.0


class Collects(Scheduler):
    """Makes room, as nobody else seems to."""

    def __init__(self, client: Client, context: Context) -> None:
        super().__init__(client, context)
        self.gone = WorkQueue(context)
        self.sets = Informer(client, by_plural("replicasets"), context=context)
        self.sets.subscribe(Handlers(added=lambda _: None, updated=lambda *_: None, deleted=self.set_deleted))

    async def observe(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().observe())
            tasks.create_task(self.sets.run())
            tasks.create_task(self.gone.run(self.sweep))

    def set_deleted(self, item: Json) -> None:
        self.gone.add_after(uid_of(item), PATIENCE_S)

    async def sweep(self, uid: str) -> None:
        for pod in self.pods.all():
            if (controller_of(pod) or {}).get("uid") == uid and not deleting(pod):
                meta = pod["metadata"]
                await self.client.delete(by_plural("pods"), meta["name"], namespace=meta["namespace"], uid=meta["uid"], gone_ok=True)


async def main_scheduler_collects(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=Collects)
