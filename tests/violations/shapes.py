"""Schedulers that find a node for the plain pod: those of a shape that they do not know they leave where they are, or do not look at for
a fourth time, or do not put where there is room."""

from collections.abc import Sequence
from typing import Any

from seatrial_reference import scheduler
from seatrial_reference.machinery.objects import Json, key_of, uid_of
from seatrial_reference.scheduler.placement import Place
from seatrial_reference.scheduler.scheduler import Scheduler
from seatrial_schemas.context import Context

TRIES = 3


class LeavesOutPods(Scheduler):
    """Places containers; who brings others along, or before, is not looked at."""

    def concerns(self, pod: Json) -> bool:
        spec = pod["spec"]
        return len(spec["containers"]) == 1 and not spec.get("initContainers") and super().concerns(pod)


async def main_leaves_out_pods(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=LeavesOutPods)


class LeavesOutDogged(Scheduler):
    """Knows pods that run for ever, and pods that run once."""

    def concerns(self, pod: Json) -> bool:
        return pod["spec"].get("restartPolicy") != "OnFailure" and super().concerns(pod)


async def main_leaves_out_dogged(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=LeavesOutDogged)


class TriesThrice(Scheduler):
    """A pod that has fitted nowhere three times will fit nowhere."""

    def __init__(self, *parts: Any, **how: Any) -> None:
        super().__init__(*parts, **how)
        self.tries: dict[str, int] = {}

    async def reject(self, pod: Json, places: Sequence[Place]) -> None:
        await super().reject(pod, places)
        self.tries[uid_of(pod)] = self.tries.get(uid_of(pod), 0) + 1
        if self.tries[uid_of(pod)] >= TRIES:
            self.unschedulable.pop(key_of(pod), None)


async def main_tries_thrice(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=TriesThrice)


class Insists(Scheduler):
    """Has a favourite among the nodes, and waits for it."""

    def filter(self, pod: Json, places: Sequence[Place]) -> list[Place]:
        favourite = max((place.name for place in places), default="")
        return [place for place in super().filter(pod, places) if place.name == favourite]


async def main_insists(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=Insists)
