"""Components that let go in the wrong way: leaders that give their lease up and then finish what they were at, controllers that let a pod
go by ending it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

from seatrial_reference import controller_manager, scheduler
from seatrial_reference.controller_manager import ControllerManager
from seatrial_reference.controller_manager.garbage import GarbageCollector
from seatrial_reference.controller_manager.informers import Informers
from seatrial_reference.controller_manager.replica_sets import ReplicaSets
from seatrial_reference.machinery.client import Client, RequestFailed
from seatrial_reference.machinery.election import Elector, LeaseLost
from seatrial_reference.machinery.informer import Handlers
from seatrial_reference.machinery.objects import Json, controller_of, key_of
from seatrial_reference.machinery.workqueue import WorkQueue
from seatrial_schemas.context import Context

FINISHING_S = 6.0


class ReleasesFirst(Elector):
    """Whoever is asked to stop makes way at once, and has a little left to do."""

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        await self.acquire()
        work, hold = asyncio.ensure_future(lead()), asyncio.ensure_future(self.renew())
        try:
            for ended in (await asyncio.wait({work, hold}, return_when=asyncio.FIRST_COMPLETED))[0]:
                ended.result()
        except asyncio.CancelledError:
            hold.cancel()
            await self.release()
            await self._context.sleep(FINISHING_S)
            raise
        finally:
            work.cancel()
            hold.cancel()


async def main_scheduler_releases_first(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, elector=ReleasesFirst)


async def main_controllers_release_first(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, elector=ReleasesFirst)


class GivesBackAnything(Elector):
    """Whoever has not been able to renew the lease gives it back, as it finds it, whosever it is by now."""

    async def renew(self) -> None:
        try:
            await super().renew()
        except LeaseLost:
            with contextlib.suppress(RequestFailed, TimeoutError):
                async with asyncio.timeout(self._election.renew_s):
                    self._lease = await self._client.get(self._kind, self._election.name, namespace=self._election.namespace)
                    await self.write(self.record | {"holderIdentity": "", "leaseDurationSeconds": 1})
            raise


async def main_scheduler_gives_back_anything(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, elector=GivesBackAnything)


async def main_controllers_give_back_anything(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, elector=GivesBackAnything)


class EndsReleased(ReplicaSets):
    """A pod that is no replica any more is of no use."""

    async def release(self, item: Json, pod: Json) -> None:
        await self.delete_pod(pod)


class EndsReleasedManager(ControllerManager):
    replica_sets = EndsReleased


async def main_ends_released(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, part=EndsReleasedManager)


class CollectsReleased(GarbageCollector):
    """Whoever has lost an owner has no owner."""

    def __init__(self, client: Client, context: Context, informers: Informers) -> None:
        super().__init__(client, context, informers)
        self.released = WorkQueue(context)
        informers.pods.subscribe(Handlers(added=lambda _: None, updated=self.let_go, deleted=lambda _: None))

    def let_go(self, old: Json, new: Json) -> None:
        if controller_of(old) and not controller_of(new):
            self.released.add(key_of(new))

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().run())
            tasks.create_task(self.released.run(self.sweep))

    async def sweep(self, key: str) -> None:
        informer = self.informers["pods"]
        if (pod := informer.get(key)) and not controller_of(pod):
            await self.collect(informer.kind, pod)


class CollectsReleasedManager(ControllerManager):
    garbage_collector = CollectsReleased


async def main_collects_released(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, part=CollectsReleasedManager)
