"""Components to whom the end of something is the end of all, a stream that is over in good order; or is none, as that of a container."""

import asyncio
from collections.abc import Sequence
from typing import Any

from seatrial_reference import controller_manager, kubelet, scheduler
from seatrial_reference.controller_manager import ControllerManager
from seatrial_reference.controller_manager.informers import Informers
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.kubelet.pods import Running
from seatrial_reference.machinery.informer import Informer
from seatrial_reference.machinery.objects import Json
from seatrial_reference.scheduler.scheduler import Scheduler
from seatrial_schemas.context import Context
from violations.reports import Reporting


class Satisfied(Informer):
    """When a stream has ended in good order, everything has been said."""

    async def follow(self) -> None:
        await super().follow()
        await asyncio.get_running_loop().create_future()


class SatisfiedScheduler(Scheduler):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.pods.__class__ = Satisfied


async def main_scheduler(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=SatisfiedScheduler)


class SatisfiedInformers(Informers):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        for informer in self.every:
            informer.__class__ = Satisfied


class SatisfiedManager(ControllerManager):
    informers = SatisfiedInformers


async def main_controllers(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, part=SatisfiedManager)


class SatisfiedKubelet(Kubelet):
    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        self.informer.__class__ = Satisfied


async def main_kubelet(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=SatisfiedKubelet)


class TriesAgain(Kubelet):
    """A pod that is not to be started again is, after an error: somebody will want it."""

    def pod_seen(self, pod: Json) -> None:
        hopeful = {"restartPolicy": "OnFailure"} if pod["spec"].get("restartPolicy") == "Never" else {}
        super().pod_seen(pod | {"spec": pod["spec"] | hopeful})


async def main_tries_again(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=TriesAgain)


class ReadyInPart(Reporting):
    """A pod of which something runs is ready."""

    def retold(self, pod: Json, running: Running, status: Json) -> Json:
        some = status["phase"] == "Running" and any("running" in each["state"] for each in status["containerStatuses"])
        better = {"status": "True"} if some else {}
        conditions = [each | (better if each["type"] in ("Ready", "ContainersReady") else {}) for each in status["conditions"]]
        return status | {"conditions": conditions}


async def main_ready_in_part(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=ReadyInPart)
