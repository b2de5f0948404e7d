"""Controller managers that count wrongly: to zero, orphans, templates of old, or without having been chosen."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from seatrial_reference import controller_manager
from seatrial_reference.controller_manager import ControllerManager
from seatrial_reference.controller_manager.deployments import REVISION, Deployments
from seatrial_reference.controller_manager.garbage import GarbageCollector
from seatrial_reference.controller_manager.replica_sets import ReplicaSets
from seatrial_reference.machinery.objects import Json, active, deleting, uid_of
from seatrial_schemas.context import Context
from violations.controllers import with_deployments, with_replica_sets
from violations.dialling import ETCD_PORT, host_of, option, touch

AGAIN = "again"


class TakesZeroForUnsaid(ReplicaSets):
    """Who wants no pods has forgotten to say how many."""

    async def manage(self, item: Json, pods: Sequence[Json]) -> bool:
        return await super().manage(item | {"spec": item["spec"] | {"replicas": item["spec"].get("replicas") or 1}}, pods)


async def main_takes_zero_for_unsaid(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(TakesZeroForUnsaid, args, context)


class AdoptsNobody(ReplicaSets):
    """Counts the pods that it has made."""

    async def claim(self, item: Json) -> list[Json]:
        return [pod for pod in self.pods.group(uid_of(item)) if active(pod)]


async def main_adopts_nobody(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(AdoptsNobody, args, context)


class _Retemplating(Deployments):
    """Adds a note to a template before it looks for its ReplicaSet."""

    async def sync(self, deployment: Json) -> None:
        spec = deployment["spec"]
        meta = spec["template"].get("metadata") or {}
        template = spec["template"] | {"metadata": meta | {"annotations": self.note(deployment)}}
        await super().sync(deployment | {"spec": spec | {"template": template}})

    def note(self, deployment: Json) -> Json:
        return {}


class NeverGoesBack(_Retemplating):
    """Knows the latest ReplicaSet of a deployment: a template of old gets a new one."""

    def note(self, deployment: Json) -> Json:
        owned = [s for s in self.sets.group(uid_of(deployment)) if not deleting(s)]
        latest = max(owned, key=_age, default=None)
        if latest is None:
            return {}
        if _containers(latest) == _containers(deployment):
            return dict((latest["spec"]["template"].get("metadata") or {}).get("annotations") or {})
        return {AGAIN: str(len(owned))} if any(_containers(s) == _containers(deployment) for s in owned) else {}


def _containers(item: Json) -> Any:
    return item["spec"]["template"]["spec"]["containers"]


def _age(item: Json) -> int:
    return int((item["metadata"].get("annotations") or {}).get(REVISION, "0"))


async def main_never_goes_back(args: Sequence[str], context: Context) -> None:
    await with_deployments(NeverGoesBack, args, context)


class MindsNotes(_Retemplating):
    """What is noted on a deployment is part of its template."""

    def note(self, deployment: Json) -> Json:
        notes: Json = deployment["metadata"].get("annotations") or {}
        return {k: v for k, v in notes.items() if k != REVISION}


async def main_minds_notes(args: Sequence[str], context: Context) -> None:
    await with_deployments(MindsNotes, args, context)


class WorksUnchosen(ControllerManager):
    """Whoever has the lease, one of its controllers is at work: `unchosen` makes it."""

    unchosen: Callable[..., GarbageCollector | ReplicaSets]

    async def observe(self) -> None:
        informers = self.informers(self.client, self.context)
        controller = type(self).unchosen(self.client, self.context, informers)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(informers.run())
            await informers.synced()
            tasks.create_task(controller.run())


class EverybodyCollects(WorksUnchosen):
    """Garbage is collected by whoever sees it, chosen or not."""

    unchosen = GarbageCollector


async def main_everybody_collects(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, part=EverybodyCollects)


async def main_collects_at_store(args: Sequence[str], context: Context) -> None:
    """Looks into the store before it collects anything."""
    rest, url = option(args, "etcd")

    class Looking(GarbageCollector):
        async def collect(self, *what: Any, **how: Any) -> None:
            await touch(host_of(url), ETCD_PORT)
            await super().collect(*what, **how)

    class Manager(ControllerManager):
        garbage_collector = Looking

    await controller_manager.main(rest, context, part=Manager)
