"""Components whose watches have broken once: what they do then, and what they take in of what they have missed."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from seatrial_reference import controller_manager, kubelet, scheduler
from seatrial_reference.controller_manager import ControllerManager
from seatrial_reference.controller_manager.informers import Informers
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.machinery.client import ApiError, Client, RequestFailed
from seatrial_reference.machinery.informer import Handlers, Informer
from seatrial_reference.machinery.objects import Json, key_of, node_name
from seatrial_reference.scheduler.scheduler import Scheduler
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural
from violations.dialling import MANAGER_PORT, throw
from violations.outages import Lost
from violations.schedulers import polled

POLL_S = 1.0


class Disappointed(Informer):
    """Watches until its watch breaks, and from then on relies on nothing but looking."""

    async def run(self) -> None:
        with suppress(RequestFailed):
            await self.relist()
            await self.follow()
        await polled(self, self._context, every_s=POLL_S)


class Replacing(Informer):
    """After every break it lists anew, and has the new copy in place of the old one without a word."""

    def outdated(self, failure: RequestFailed) -> bool:
        return True

    async def relist(self) -> None:
        if not self.synced.is_set():
            await super().relist()
            return
        handlers, self._handlers = self._handlers, []
        try:
            await super().relist()
        finally:
            self._handlers = handlers


class Counting(Informer):
    """After every break it lists anew, and looks at what has come and what has gone; what is still there has not changed."""

    def outdated(self, failure: RequestFailed) -> bool:
        return True

    async def relist(self) -> None:
        handlers = self._handlers
        self._handlers = [Handlers(added=h.added, updated=lambda *_: None, deleted=h.deleted) for h in handlers]
        try:
            await super().relist()
        finally:
            self._handlers = handlers


class PollingScheduler(Scheduler):
    def __init__(self, client: Client, context: Context) -> None:
        super().__init__(client, context)
        self.pods.__class__ = self.nodes.__class__ = Disappointed


async def main_scheduler_polls(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=PollingScheduler)


class MissesNodes(Scheduler):
    """A node that has come while nobody told it is there, but nothing that waited for it is looked at again."""

    def __init__(self, client: Client, context: Context) -> None:
        super().__init__(client, context)
        self.nodes.__class__ = Replacing


async def main_scheduler_misses_nodes(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=MissesNodes)


class BindsAgain(Scheduler):
    """When it has lost the API server, it sees to it that all is as it was."""

    def __init__(self, client: Client, context: Context) -> None:
        super().__init__(client, context)
        self.lost = Lost(client, by_plural("pods"), context=context, around=self.doubt)
        self.doubtful: dict[str, None] = {}

    async def observe(self) -> None:
        self.lost.subscribe(Handlers(added=lambda _: None, updated=lambda *_: None, deleted=lambda _: None))
        await super().observe()

    async def lead(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().lead())
            tasks.create_task(self.lost.run())

    async def doubt(self) -> None:
        for pod in self.pods.all():
            if node_name(pod):
                self.doubtful[key_of(pod)] = None
                self.queue.add(key_of(pod))

    async def schedule_key(self, key: str) -> None:
        pod = self.pods.get(key)
        if pod is not None and key in self.doubtful:
            with suppress(ApiError):
                await self.bind(pod, node_name(pod))
            del self.doubtful[key]
        await super().schedule_key(key)


async def main_scheduler_binds_again(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=BindsAgain)


class WhispersToManager(Scheduler):
    """Asks the controller manager by datagram whether it, too, has lost the API server; its address stands in its lease."""

    def __init__(self, client: Client, context: Context) -> None:
        super().__init__(client, context)
        self.pods.__class__ = Lost
        self.pods.around = self.whisper  # type: ignore[attr-defined]
        self.manager = ""

    async def bind(self, pod: Json, node: str) -> None:
        await super().bind(pod, node)
        lease = await self.client.get(by_plural("leases"), "kube-controller-manager", namespace="kube-system")
        self.manager = str(lease["spec"]["holderIdentity"]).rpartition("@")[2]

    async def whisper(self) -> None:
        if self.manager:
            await throw(self.manager, MANAGER_PORT)


async def main_scheduler_whispers(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=WhispersToManager)


def _informers(kind: type[Informer]) -> type[ControllerManager]:
    """A controller manager all of whose informers are of this kind."""

    class All(Informers):
        def __init__(self, client: Client, context: Context) -> None:
            super().__init__(client, context)
            for informer in self.every:
                informer.__class__ = kind

    class Manager(ControllerManager):
        informers = All

    return Manager


async def main_controllers_poll(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, part=_informers(Disappointed))


async def main_controllers_miss_changes(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, part=_informers(Counting))


class MissesChanges(Kubelet):
    """What is still there has not changed; that it is to go, least of all."""

    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        self.informer.__class__ = Counting


async def main_kubelet_misses_changes(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=MissesChanges)


class Widening(Informer):
    """After every break it lists without naming what it is after, and leaves it to others to choose."""

    def outdated(self, failure: RequestFailed) -> bool:
        return True

    async def relist(self) -> None:
        chosen = self._selection
        self._selection = {} if self.synced.is_set() else chosen
        try:
            await super().relist()
        finally:
            self._selection = chosen


class ListsAllAfterBreak(Kubelet):
    """When its watch has broken, it looks at everybody's pods for its own."""

    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        self.informer.__class__ = Widening


async def main_kubelet_lists_all(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=ListsAllAfterBreak)
