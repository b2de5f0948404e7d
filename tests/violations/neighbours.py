"""Kubelets that do not mind their own node, or take their own word for what the runtime has yet to do."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from seatrial_reference import kubelet
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.kubelet.pods import Running
from seatrial_reference.machinery.client import RequestFailed
from seatrial_reference.machinery.informer import Handlers, Informer
from seatrial_reference.machinery.objects import Json, deleting, key_of, node_name, uid_of
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural
from violations.kubelets import SeesAllPods
from violations.marks import silent

POLL_S = 1.0


class BuriesNeighbours(Kubelet):
    """Takes every pod that is to go out of the API, as if it were its own."""

    def __init__(self, client: Any, context: Context, *args: Any, **how: Any) -> None:
        super().__init__(client, context, *args, **how)
        self.everybody = Informer(client, by_plural("pods"), context=context)
        self.everybody.subscribe(Handlers(added=lambda _: None, updated=lambda _, new: self.seen(new), deleted=lambda _: None))
        self.deeds: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().run())
            tasks.create_task(self.everybody.run())

    def seen(self, pod: Json) -> None:
        if deleting(pod) and node_name(pod) != self.node:
            self.deeds.append(asyncio.create_task(self.bury(pod)))

    async def bury(self, pod: Json) -> None:
        with suppress(RequestFailed):
            await self.farewell(pod)


async def main_buries_neighbours(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=BuriesNeighbours)


class InheritsFromSilent(SeesAllPods):
    """Runs the pods of a node that has not been heard of for a while."""

    def __init__(self, client: Any, context: Context, *args: Any, **how: Any) -> None:
        super().__init__(client, context, *args, **how)
        self.inherited: dict[str, None] = {}

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().run())
            tasks.create_task(self.look())

    async def look(self) -> None:
        while True:
            await self.context.sleep(POLL_S)
            with suppress(RequestFailed):
                gone = await silent(self.client, self.context)
                for pod in [p for p in self.informer.all() if node_name(p) in gone and not deleting(p)]:
                    self.inherited[uid_of(pod)] = None
                    self.pod_seen(pod)

    def mine(self, pod: Json) -> bool:
        return super().mine(pod) or uid_of(pod) in self.inherited

    async def report(self, pod: Json, running: Running) -> None:
        if node_name(pod) == self.node:
            await super().report(pod, running)


async def main_inherits_from_silent(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=InheritsFromSilent)


class ReportsAhead(Kubelet):
    """Says that a pod runs as soon as it has a sandbox: the rest is sure to follow."""

    async def run_sandbox(self, pod: Json, running: Running) -> None:
        await super().run_sandbox(pod, running)
        meta, status = pod["metadata"], {"phase": "Running", "podIP": running.ip}
        patch = {"metadata": {"uid": uid_of(pod)}, "status": status}
        await self.client.patch(by_plural("pods"), meta["name"], patch, namespace=meta["namespace"], subresource="status")


async def main_reports_ahead(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=ReportsAhead)


class KnowsByName(Kubelet):
    """What it has run once it has run, and it knows pods by their names."""

    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        self.known: dict[str, str] = {}

    def mine(self, pod: Json) -> bool:
        return super().mine(pod) and self.known.setdefault(key_of(pod), uid_of(pod)) == uid_of(pod)


async def main_knows_by_name(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=KnowsByName)


class AsksWhetherToGoOn(Kubelet):
    """Is told of new pods, and asks once a second about those that it runs."""

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().run())
            tasks.create_task(self.ask())

    async def ask(self) -> None:
        while True:
            await self.context.sleep(POLL_S)
            for pod in list(self.wanted.values()):
                meta = pod["metadata"]
                with suppress(RequestFailed):
                    self.pod_seen(await self.client.get(by_plural("pods"), meta["name"], namespace=meta["namespace"]))


async def main_asks_whether_to_go_on(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=AsksWhetherToGoOn)
