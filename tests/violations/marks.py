"""Controllers that know their pods by the wrong marks, that let nothing go or too much, or that look where they should wait."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import count

from seatrial_reference import controller_manager
from seatrial_reference.controller_manager import ControllerManager
from seatrial_reference.controller_manager.deployments import Deployments
from seatrial_reference.controller_manager.garbage import GarbageCollector
from seatrial_reference.controller_manager.replica_sets import ReplicaSets
from seatrial_reference.machinery.client import ApiError, Client, RequestFailed
from seatrial_reference.machinery.objects import Json, active, epoch_s, key_of, uid_of
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural
from violations.controllers import named, with_deployments, with_replica_sets
from violations.dialling import KUBELET_PORT, address_of, touch

POLL_S = 1.0
SILENCE_S = 6.0


class CountsByPrefix(ReplicaSets):
    """Knows its pods by the beginning of their names."""

    async def claim(self, item: Json) -> list[Json]:
        mine = await super().claim(item)
        return [*mine, *(p for p in self.pods.all() if key_of(p).startswith(f"{key_of(item)}-") and active(p) and p not in mine)]


async def main_counts_by_prefix(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(CountsByPrefix, args, context)


class NumbersAnew(ReplicaSets):
    """Numbers its pods, and never gives a number twice, as far as it remembers."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.numbers = count()

    async def create_pod(self, item: Json) -> Json:
        meta = item["metadata"]
        while True:
            try:
                return await self.client.create(
                    self.pods.kind, named(item, f"{meta['name']}-{next(self.numbers)}"), namespace=meta["namespace"]
                )
            except ApiError as error:
                if error.reason != "AlreadyExists":
                    raise


async def main_numbers_anew(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(NumbersAnew, args, context)


class Uncollected(GarbageCollector):
    """Collects nothing."""

    async def run(self) -> None:
        await asyncio.Event().wait()


async def main_leaves_orphans(args: Sequence[str], context: Context) -> None:
    class Manager(ControllerManager):
        garbage_collector = Uncollected

    await controller_manager.main(args, context, part=Manager)


class EmptiesThrownAway(Deployments):
    """A ReplicaSet that has come to want no pods is of no use any more; the next one will be like it."""

    async def sync(self, deployment: Json) -> None:
        await super().sync(deployment)
        for item in self.sets.group(uid_of(deployment)):
            if not deployment["spec"]["replicas"] and not item["spec"]["replicas"] and not item.get("status", {}).get("replicas"):
                meta = item["metadata"]
                with suppress(RequestFailed):
                    await self.client.delete(self.sets.kind, meta["name"], namespace=meta["namespace"], uid=meta["uid"])

    async def create_set(self, deployment: Json, old: Sequence[Json]) -> None:
        if deployment["spec"]["replicas"]:
            await super().create_set(deployment, old)


async def main_throws_empties_away(args: Sequence[str], context: Context) -> None:
    await with_deployments(EmptiesThrownAway, args, context)


class NotesDeaths(ReplicaSets):
    """Writes into the status of a pod that it ends why it must go."""

    async def delete_pod(self, pod: Json) -> None:
        meta = pod["metadata"]
        with suppress(RequestFailed):
            patch = {"status": {"reason": "ScaledDown"}}
            await self.client.patch(self.pods.kind, meta["name"], patch, namespace=meta["namespace"], subresource="status")
        await super().delete_pod(pod)


async def main_notes_deaths(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(NotesDeaths, args, context)


class PollsUntilReady(ReplicaSets):
    """Counts its pods again and again until all are ready."""

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().run())
            tasks.create_task(self.look())

    async def look(self) -> None:
        while True:
            await self.context.sleep(POLL_S)
            if any(s["spec"]["replicas"] != s.get("status", {}).get("readyReplicas", 0) for s in self.sets.all()):
                with suppress(RequestFailed):
                    await self.pods.relist()


async def main_polls_until_ready(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(PollsUntilReady, args, context)


class VisitsSilent(ControllerManager):
    """Goes to see a node that has not renewed its lease for a while."""

    async def lead(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().lead())
            tasks.create_task(self.look())

    async def look(self) -> None:
        while True:
            await self.context.sleep(POLL_S)
            with suppress(RequestFailed):
                for name in await silent(self.client, self.context):
                    await touch(address_of(await self.client.get(by_plural("nodes"), name)), KUBELET_PORT)


async def silent(client: Client, context: Context) -> list[str]:
    """The nodes that have not been heard of."""
    names = [node["metadata"]["name"] for node in (await client.list(by_plural("nodes")))["items"]]
    leases = [await client.get(by_plural("leases"), name, namespace="kube-node-lease") for name in names]
    return [lease["metadata"]["name"] for lease in leases if context.wall_s() - epoch_s(lease["spec"]["renewTime"]) > SILENCE_S]


async def main_visits_silent(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, part=VisitsSilent)
