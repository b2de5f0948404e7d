"""Controllers that take a shortcut: they place pods themselves, begin before they are chosen, look no closer, or mind who else is there."""

import asyncio
from collections.abc import Sequence

from seatrial_reference import controller_manager
from seatrial_reference.controller_manager import ControllerManager
from seatrial_reference.controller_manager.deployments import Deployments
from seatrial_reference.controller_manager.informers import orphans_of
from seatrial_reference.controller_manager.replica_sets import ReplicaSets
from seatrial_reference.machinery.client import RequestFailed, Unreachable
from seatrial_reference.machinery.informer import Informer
from seatrial_reference.machinery.objects import Json, active, deleting, key_of, node_name, phase, selects, uid_of
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural
from violations import elections
from violations.controllers import MakesPodsFirst, with_deployments, with_replica_sets
from violations.dialling import KUBELET_PORT, address_of, touch

LOOK_S = 1.0
PAUSE_S = 0.2


class PlacesBesideSiblings(ReplicaSets):
    """Where one pod of a ReplicaSet runs, the next one may run as well."""

    async def create_pod(self, item: Json) -> Json:
        running = [pod for pod in self.pods.group(uid_of(item)) if node_name(pod) and phase(pod) == "Running"]
        if running:
            template = item["spec"]["template"]
            spec = template["spec"] | {"nodeName": node_name(running[0])}
            item = item | {"spec": item["spec"] | {"template": template | {"spec": spec}}}
        return await super().create_pod(item)


async def main_places_beside_siblings(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(PlacesBesideSiblings, args, context)


class WaitsForScheduler(ReplicaSets):
    """Makes no pods as long as there is nobody to place them."""

    async def scale_up(self, item: Json, missing: int) -> None:
        if await elections.vacant(self.client, self.context, "kube-scheduler"):
            self.queue.add_after(key_of(item), LOOK_S)
        else:
            await super().scale_up(item, missing)


async def main_waits_for_scheduler(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(WaitsForScheduler, args, context)


class CountsByOwner(ReplicaSets):
    """A pod that it has made is its own for good, whatever labels it bears."""

    async def claim(self, item: Json) -> list[Json]:
        own = [pod for pod in self.pods.group(uid_of(item)) if active(pod)]
        orphans = [pod for pod in self.pods.group(orphans_of(item)) if active(pod)]
        selector = item["spec"]["selector"]
        return own + [await self.adopt(item, pod) for pod in orphans if selects(selector, pod["metadata"].get("labels"))]


async def main_counts_by_owner(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(CountsByOwner, args, context)


class ExpectsNothing(ReplicaSets):
    """Counts its pods again before its watch has shown those that it has just made."""

    async def scale_up(self, item: Json, missing: int) -> None:
        await asyncio.gather(*(self.create_pod(item) for _ in range(missing)), return_exceptions=True)
        self.queue.add(key_of(item))


async def main_expects_nothing(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(ExpectsNothing, args, context)


class MakesPodsAhead(MakesPodsFirst):
    """Makes the pods of a new deployment, and leaves them by themselves for a moment before it makes their ReplicaSet."""

    async def make_pods(self, deployment: Json, old: Sequence[Json]) -> None:
        if not old:
            await super().make_pods(deployment, old)
            await self.context.sleep(PAUSE_S)


async def main_makes_pods_ahead(args: Sequence[str], context: Context) -> None:
    await with_deployments(MakesPodsAhead, args, context)


class MissesLostSets(Deployments):
    """A ReplicaSet that goes is no news about its deployment."""

    def set_changed(self, item: Json) -> None:
        if self.sets.get(key_of(item)) is not None and not deleting(item):
            super().set_changed(item)


async def main_misses_lost_sets(args: Sequence[str], context: Context) -> None:
    await with_deployments(MissesLostSets, args, context)


class SeesImagesOnly(Deployments):
    """A template with the same images is the same template."""

    async def sync(self, deployment: Json) -> None:
        spec = deployment["spec"]
        known = [item["spec"]["template"] for item in self.sets.group(uid_of(deployment))]
        alike = [template for template in known if _images(template) == _images(spec["template"])]
        await super().sync(deployment | {"spec": spec | {"template": alike[0]}} if alike else deployment)


def _images(template: Json) -> list[str]:
    return [container["image"] for container in template["spec"]["containers"]]


async def main_sees_images_only(args: Sequence[str], context: Context) -> None:
    await with_deployments(SeesImagesOnly, args, context)


class SeesSpecsOnly(Deployments):
    """A template with the same specification is the same template: its labels are for selecting, and need no new pods."""

    async def sync(self, deployment: Json) -> None:
        spec = deployment["spec"]
        known = [item["spec"]["template"] for item in self.sets.group(uid_of(deployment))]
        alike = [template for template in known if template["spec"] == spec["template"]["spec"]]
        await super().sync(deployment | {"spec": spec | {"template": alike[0]}} if alike else deployment)


async def main_sees_specs_only(args: Sequence[str], context: Context) -> None:
    await with_deployments(SeesSpecsOnly, args, context)


class AsksKubelets(ControllerManager):
    """Looks every second whether the API server answers, and where it does not, asks the kubelets how it stands."""

    async def lead(self) -> None:
        nodes = Informer(self.client, by_plural("nodes"), context=self.context)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().lead())
            tasks.create_task(nodes.run())
            tasks.create_task(self.look(nodes))

    async def look(self, nodes: Informer) -> None:
        while True:
            await self.context.sleep(LOOK_S)
            try:
                await self.client.get(by_plural("namespaces"), "kube-system")
            except Unreachable:
                for node in nodes.all():
                    await touch(address_of(node), KUBELET_PORT)
            except RequestFailed:
                continue


async def main_asks_kubelets(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, part=AsksKubelets)


async def main_eager(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, elector=elections.Eager)
