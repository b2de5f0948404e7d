"""What schedulers, controllers and kubelets remember too long, or not at all.

Most of what comes is new, and then nothing is wrong. It shows when something comes again under a name that was known, when less is wanted
than there was, and when what was begun as a leader, or before a start of their own, is not over yet.
"""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from seatrial_reference import controller_manager, kubelet, scheduler
from seatrial_reference.controller_manager.deployments import Deployments, _age
from seatrial_reference.controller_manager.manager import ControllerManager
from seatrial_reference.controller_manager.replica_sets import ReplicaSets
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.kubelet.pods import Running
from seatrial_reference.machinery.backoff import Backoff
from seatrial_reference.machinery.client import ApiError, Client, RequestFailed
from seatrial_reference.machinery.election import Elector, LeaseLost
from seatrial_reference.machinery.objects import Json, deleting, key_of, uid_of
from seatrial_reference.machinery.workqueue import WorkQueue
from seatrial_reference.scheduler.placement import Place, filter_places
from seatrial_reference.scheduler.scheduler import Scheduler
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import Kind
from violations.controllers import with_deployments
from violations.counting import WorksUnchosen

OVER = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)  # there is nothing left to be done


class KeepsTheFirstOfAName(Scheduler):
    """Keeps what waits as it came, by name: what comes under a name that waits is known already."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.kept: dict[str, Json] = {}

    async def reject(self, pod: Json, places: Sequence[Place]) -> None:
        self.kept.setdefault(key_of(pod), pod)
        await super().reject(pod, places)

    async def schedule(self, pod: Json) -> None:
        key = key_of(pod)
        try:
            await super().schedule(self.kept.get(key, pod))
        except ApiError as error:
            if error.status not in OVER:
                raise
        else:
            if key not in self.unschedulable:
                self.kept.pop(key, None)


async def main_keeps_the_first_of_a_name(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=KeepsTheFirstOfAName)


class BuriesNodes(Scheduler):
    """A node that was deleted stays deleted, whatever comes under its name."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.gone: set[str] = set()

    def node_deleted(self, node: Json) -> None:
        self.gone.add(key_of(node))
        super().node_deleted(node)

    def places(self) -> list[Place]:
        return [place for place in super().places() if place.name not in self.gone]


async def main_buries_nodes(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=BuriesNodes)


class LooksAtKeysOnly(Scheduler):
    """A node that has a label of that key is what the pod asks for."""

    def filter(self, pod: Json, places: Sequence[Place]) -> list[Place]:
        return [place for place in places if filter_places(_content(pod, place.node), [place])[0]]


def _content(pod: Json, node: Json) -> Json:
    """The pod as it would be if it asked for the values that the node has."""
    asked, labels = pod["spec"].get("nodeSelector") or {}, node["metadata"].get("labels") or {}
    return pod | {"spec": pod["spec"] | {"nodeSelector": {key: labels.get(key, value) for key, value in asked.items()}}}


async def main_looks_at_keys_only(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=LooksAtKeysOnly)


class Resigning(Elector):
    """Who loses the lease is a candidate again, in the same process."""

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await super().run(lead)
            except* LeaseLost:
                pass


async def _seen_through(attempt: Callable[[], Awaitable[Json | None]], context: Context) -> None:
    """Try until it is done, or there is nothing left to be done."""
    patience, status = Backoff(context, first_s=0.5, most_s=5.0), 0
    while status not in OVER:
        try:
            await attempt()
        except RequestFailed as failure:
            status = failure.status if isinstance(failure, ApiError) else 0
            await patience.wait()
        else:
            return


class BindsAfterResigning(Scheduler):
    """Sees every binding through on the side, whoever has the lease by then."""

    errands: asyncio.TaskGroup

    async def observe(self) -> None:
        async with asyncio.TaskGroup() as self.errands:
            await super().observe()

    async def lead(self) -> None:
        self.queue = WorkQueue(self.context)
        for pod in self.pods.all():
            self.pod_added(pod)
        await super().lead()

    async def bind(self, pod: Json, node: str) -> None:
        self.errands.create_task(_seen_through(partial(super().bind, pod, node), self.context))


async def main_binds_after_resigning(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=BindsAfterResigning, elector=Resigning)


class CreatesAfterResigning(ReplicaSets):
    """Sees every creation through on the side, whoever has the lease by then."""

    errands: asyncio.TaskGroup

    async def create_pod(self, item: Json) -> Json:
        self.errands.create_task(_seen_through(partial(super().create_pod, item), self.context))
        return item


class SeesThrough(ControllerManager):
    """Has the creations on the side last as long as the process does."""

    async def observe(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            self.replica_sets = type("Part", (CreatesAfterResigning,), {"errands": tasks})
            await asyncio.Event().wait()


async def main_creates_after_resigning(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, part=SeesThrough, elector=Resigning)


class OnlyAdopts(ReplicaSets):
    """Adopts the pods that a ReplicaSet selects, and does nothing else for it."""

    async def sync(self, item: Json) -> None:
        await self.claim(item)

    async def release(self, item: Json, pod: Json) -> None:
        """That can wait."""


class AdoptsStandingBy(WorksUnchosen):
    """Adopts a pod that nobody owns as soon as it hears of it, whether it has the lease or not."""

    unchosen = OnlyAdopts


async def main_adopts_standing_by(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, part=AdoptsStandingBy)


class MissesWhatIsTakenAway(Deployments):
    """Takes the newest ReplicaSet whose template has all that is wanted; what it has beyond that goes unnoticed."""

    async def sync(self, deployment: Json) -> None:
        spec, wanted = deployment["spec"], deployment["spec"]["template"]
        owned = sorted((s for s in self.sets.group(uid_of(deployment)) if not deleting(s)), key=_age, reverse=True)
        template = next((s["spec"]["template"] for s in owned if _within(wanted, s["spec"]["template"])), wanted)
        await super().sync(deployment | {"spec": spec | {"template": template}})


def _within(one: Any, other: Any) -> bool:
    """Whether all that is in one is in the other."""
    if isinstance(one, dict):
        return isinstance(other, dict) and all(not value or _within(value, other.get(key)) for key, value in one.items())
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(_within, one, other))
    return bool(one == other)


async def main_misses_what_is_taken_away(args: Sequence[str], context: Context) -> None:
    await with_deployments(MissesWhatIsTakenAway, args, context)


class Reticent(Client):
    """Says nothing of init containers."""

    async def patch(self, kind: Kind, name: str, patch: Json, **how: Any) -> Json:
        told = {key: value for key, value in patch["status"].items() if key != "initContainerStatuses"}
        return await super().patch(kind, name, patch | {"status": told}, **how)


class SaysNothingOfInitContainers(Kubelet):
    """Takes what has become of init containers for its own business."""

    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        self.client = copy.copy(self.client)
        self.client.__class__ = Reticent


async def main_says_nothing_of_init_containers(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=SaysNothingOfInitContainers)


class LeavesWhatEndedBefore(Kubelet):
    """Starts nothing again that had ended before it came itself."""

    async def recover(self) -> None:
        await super().recover()
        self.left = frozenset(c.id for running in self.running.values() for c in running.containers.values() if c.state == "exited")

    async def start(self, pod: Json, spec: Json, running: Running) -> None:
        if spec["name"] not in running.containers or running.containers[spec["name"]].id not in self.left:
            await super().start(pod, spec, running)


async def main_leaves_what_ended_before(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=LeavesWhatEndedBefore)
