"""Components that take what is alike for the same: names without namespaces, templates but for a part, owners by name."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from seatrial_reference import apiserver, controller_manager, kubelet, scheduler
from seatrial_reference.apiserver import status
from seatrial_reference.apiserver.core import Request
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.controller_manager import ControllerManager
from seatrial_reference.controller_manager.deployments import Deployments
from seatrial_reference.controller_manager.garbage import GarbageCollector
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.machinery.objects import Json, key_of, uid_of
from seatrial_reference.scheduler.placement import Place
from seatrial_reference.scheduler.scheduler import Scheduler
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural
from violations.controllers import with_deployments

LABEL_MAX = 63


class KnowsDeploymentsByName(Deployments):
    """There is one deployment of each name: the first."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.first: dict[str, str] = {}

    async def sync_key(self, key: str) -> None:
        if self.first.setdefault(key.rpartition("/")[2], key) == key:
            await super().sync_key(key)


async def main_knows_deployments_by_name(args: Sequence[str], context: Context) -> None:
    await with_deployments(KnowsDeploymentsByName, args, context)


def _bare(template: Json) -> Json:
    meta = {k: v for k, v in (template.get("metadata") or {}).items() if k != "annotations"}
    return template | {"metadata": meta}


class SeesNoAnnotations(Deployments):
    """A template is its labels and its specification; nobody restarts pods by a note on them."""

    async def sync(self, deployment: Json) -> None:
        spec = deployment["spec"]
        await super().sync(deployment | {"spec": spec | {"template": _bare(spec["template"])}})


async def main_sees_no_annotations(args: Sequence[str], context: Context) -> None:
    await with_deployments(SeesNoAnnotations, args, context)


class CollectsByName(GarbageCollector):
    """An owner is alive if somebody has its name."""

    async def exists(self, item: Json, owner: Json) -> bool:
        informer = next((i for i in self.informers.values() if i.kind.kind == owner["kind"]), None)
        namesake = informer.get(f"{item['metadata']['namespace']}/{owner['name']}") if informer else None
        return namesake is not None or await super().exists(item, owner)


async def main_collects_by_name(args: Sequence[str], context: Context) -> None:
    class Manager(ControllerManager):
        garbage_collector = CollectsByName

    await controller_manager.main(args, context, part=Manager)


class WaitsByName(Scheduler):
    """Of all pods of one name, the one that was looked at last is the one that waits."""

    async def reject(self, pod: Json, places: Sequence[Place]) -> None:
        name = str(pod["metadata"]["name"])
        self.unschedulable = {key: None for key in self.unschedulable if key.rpartition("/")[2] != name}
        await super().reject(pod, places)


async def main_waits_by_name(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=WaitsByName)


class KnowsPodsByName(Kubelet):
    """A pod whose name is taken, by whichever namespace, is no other pod."""

    def pod_seen(self, pod: Json) -> None:
        known = [other for uid, other in self.wanted.items() if uid != uid_of(pod)]
        if all(other["metadata"]["name"] != pod["metadata"]["name"] or key_of(other) == key_of(pod) for other in known):
            super().pod_seen(pod)


async def main_knows_pods_by_name(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=KnowsPodsByName)


class SweepsAlikeNamespaces(ApiServer):
    """A collection is all that lies behind the name of its namespace."""

    async def deletecollection(self, request: Request) -> web.StreamResponse:
        cache = await self.caches.of(by_plural("namespaces"))
        own = request.asked.namespace
        for name in [str(each.object["metadata"]["name"]) for each in cache.objects.values()]:
            if own and name != own and name.startswith(own):
                await super().deletecollection(replace(request, asked=replace(request.asked, namespace=name)))
        return await super().deletecollection(request)


async def main_sweeps_alike_namespaces(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=SweepsAlikeNamespaces)


class TakesNamesForLabels(ApiServer):
    """A name is short, and without dots."""

    async def create_object(self, request: Request, obj: Json) -> Any:
        name = str(obj["metadata"].get("name") or "")
        if request.kind.plural in ("configmaps", "secrets", "pods") and ("." in name or len(name) > LABEL_MAX):
            raise status.invalid(request.kind, name, [("metadata.name", "must be a DNS label")])
        return await super().create_object(request, obj)


async def main_takes_names_for_labels(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TakesNamesForLabels)
