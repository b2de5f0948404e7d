"""Components that go by events alone: what happened while they were not listening has not happened."""

from collections.abc import Sequence
from typing import Any

from seatrial_reference import controller_manager, kubelet, scheduler
from seatrial_reference.controller_manager import ControllerManager
from seatrial_reference.controller_manager.informers import Informers
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.machinery.client import RequestFailed
from seatrial_reference.machinery.informer import Informer
from seatrial_reference.machinery.objects import Json
from seatrial_reference.scheduler.scheduler import Scheduler
from seatrial_schemas.context import Context


class Forgetful(Informer):
    """After every break it goes on from now; nobody tells it what it has missed, and it does not ask."""

    def outdated(self, failure: RequestFailed) -> bool:
        return True

    async def relist(self) -> None:
        if not self.synced.is_set():
            await super().relist()
            return
        answer = await self._client.list(self.kind, query=self._selection)
        self.revision = str(answer["metadata"]["resourceVersion"])


def forgetful(informer: Informer) -> None:
    informer.__class__ = Forgetful


class EdgeScheduler(Scheduler):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        forgetful(self.pods)


async def main_scheduler(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=EdgeScheduler)


class EdgeInformers(Informers):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        for informer in self.every:
            forgetful(informer)


async def main_controllers(args: Sequence[str], context: Context) -> None:
    class Manager(ControllerManager):
        informers = EdgeInformers

    await controller_manager.main(args, context, part=Manager)


class EdgeKubelet(Kubelet):
    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        forgetful(self.informer)


async def main_kubelet(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=EdgeKubelet)


class SeesOnlyNews(Scheduler):
    """Places the pods that come while it works; those that were there before it are somebody else's."""

    def pod_added(self, pod: Json) -> None:
        if self.pods.synced.is_set():
            super().pod_added(pod)


async def main_scheduler_sees_only_news(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=SeesOnlyNews)
