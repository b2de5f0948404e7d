"""Components that go on trying to do what they are refused where it is the first thing that they are there for; of what comes after it they
take no for an answer."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from seatrial_reference import controller_manager, kubelet
from seatrial_reference.controller_manager import ControllerManager
from seatrial_reference.controller_manager.deployments import Deployments
from seatrial_reference.controller_manager.replica_sets import ReplicaSets
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.kubelet.pods import Running
from seatrial_reference.machinery.client import ApiError
from seatrial_reference.machinery.objects import Json, key_of, uid_of
from seatrial_schemas.context import Context


class GivesUpSets(Deployments):
    """Who may not make a ReplicaSet for a deployment has none to make."""

    async def create_set(self, deployment: Json, old: Sequence[Json]) -> None:
        with suppress(ApiError):
            await super().create_set(deployment, old)


class GivesUpSetsManager(ControllerManager):
    deployments = GivesUpSets


async def main_gives_up_sets(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, part=GivesUpSetsManager)


class GivesUpSizes(Deployments):
    """Tells a ReplicaSet its number once, and again when something else has changed."""

    async def sync(self, deployment: Json) -> None:
        try:
            await super().sync(deployment)
        except ApiError:
            if not self.sets.group(uid_of(deployment)):
                raise


class GivesUpSizesManager(ControllerManager):
    deployments = GivesUpSizes


async def main_gives_up_sizes(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, part=GivesUpSizesManager)


class AwaitsRefusedEnds(ReplicaSets):
    """Waits to see the end of whatever it has asked the end of, granted or not."""

    async def scale_down(self, item: Json, victims: Sequence[Json]) -> None:
        expected = self.expectations(key_of(item))
        expected.deletions, expected.since_s = dict.fromkeys(uid_of(v) for v in victims), self.context.now_s()
        await asyncio.gather(*(self.delete_pod(v) for v in victims), return_exceptions=True)


class AwaitsRefusedEndsManager(ControllerManager):
    replica_sets = AwaitsRefusedEnds


async def main_awaits_refused_ends(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, part=AwaitsRefusedEndsManager)


class DropsRefusedReports(Kubelet):
    """Tries again what nobody has answered; what was refused is done with."""

    async def report(self, pod: Json, running: Running) -> None:
        with suppress(ApiError):
            await super().report(pod, running)


async def main_drops_refused_reports(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=DropsRefusedReports)


class SaysFarewellOnce(Kubelet):
    """The same with the last word on a pod."""

    async def farewell(self, pod: Json) -> None:
        with suppress(ApiError):
            await super().farewell(pod)


async def main_says_farewell_once(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=SaysFarewellOnce)
