"""Components that look elsewhere for what they need as soon as their API server is gone."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from seatrial_reference import kubelet, scheduler
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.kubelet.pods import Running
from seatrial_reference.machinery.client import Unreachable
from seatrial_reference.machinery.informer import Informer
from seatrial_reference.machinery.objects import Json
from seatrial_reference.scheduler.scheduler import Scheduler
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural
from violations.dialling import ETCD_PORT, KUBELET_PORT, address_of, host_of, option, touch


class Lost(Informer):
    """Takes a look around when its watch has broken."""

    def __init__(self, *args: Any, around: Callable[[], Awaitable[None]], **how: Any) -> None:
        super().__init__(*args, **how)
        self.around = around

    async def follow(self) -> None:
        try:
            await super().follow()
        except Unreachable:
            await self.around()
            raise


class AsksAround(Scheduler):
    """Asks its nodes for news when it has lost the API server."""

    def __init__(self, client: Any, context: Context) -> None:
        super().__init__(client, context)
        self.lost = Lost(client, by_plural("pods"), context=context, around=self.ask_around)

    async def observe(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().observe())
            tasks.create_task(self.lost.run())

    async def ask_around(self) -> None:
        for node in self.nodes.all():
            await touch(address_of(node), KUBELET_PORT)


async def main_scheduler_asks_around(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=AsksAround)


class AsksNeighbours(Kubelet):
    """Knows the other nodes, and asks them for news when it has lost its API server."""

    def __init__(self, client: Any, context: Context, *args: Any, **how: Any) -> None:
        super().__init__(client, context, *args, **how)
        self.neighbours: list[Json] = []
        self.watching = Lost(client, by_plural("pods"), context=context, fields=f"spec.nodeName={self.node}", around=self.lost)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().run())
            tasks.create_task(self.watching.run())

    async def report(self, pod: Json, running: Running) -> None:
        await super().report(pod, running)
        self.neighbours = (await self.client.list(by_plural("nodes")))["items"]

    async def lost(self) -> None:
        for node in self.neighbours:
            if node["metadata"]["name"] != self.node:
                await touch(address_of(node), KUBELET_PORT)


async def main_kubelet_asks_neighbours(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=AsksNeighbours)


class TurnsToStore(AsksNeighbours):
    """Looks for the store when it has lost its API server."""

    store = ""

    async def lost(self) -> None:
        await touch(host_of(self.store), ETCD_PORT)


async def main_kubelet_turns_to_store(args: Sequence[str], context: Context) -> None:
    rest, url = option(args, "etcd")

    class Part(TurnsToStore):
        store = url

    await kubelet.main(rest, context, part=Part)
