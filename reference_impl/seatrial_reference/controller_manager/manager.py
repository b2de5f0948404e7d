"""The controllers that run in one process, over informers that they share. Each could run alone."""

import asyncio

from seatrial_reference.controller_manager.deployments import Deployments
from seatrial_reference.controller_manager.garbage import GarbageCollector
from seatrial_reference.controller_manager.informers import Informers
from seatrial_reference.controller_manager.replica_sets import ReplicaSets
from seatrial_reference.machinery.client import Client
from seatrial_schemas.context import Context


class ControllerManager:
    """Independent controllers over shared informers. Override a part to replace it, or `lead` for everything."""

    informers: type[Informers] = Informers
    deployments: type[Deployments] = Deployments
    replica_sets: type[ReplicaSets] = ReplicaSets
    garbage_collector: type[GarbageCollector] = GarbageCollector

    def __init__(self, client: Client, context: Context) -> None:
        self.client = client
        self.context = context

    async def observe(self) -> None:
        """What happens whether we lead or not: nothing."""

    async def lead(self) -> None:
        """Control until cancelled."""
        informers = self.informers(self.client, self.context)
        parts = (self.deployments, self.replica_sets, self.garbage_collector)
        controllers = [part(self.client, self.context, informers) for part in parts]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(informers.run())
            await informers.synced()
            for controller in controllers:
                tasks.create_task(controller.run())
