"""API servers that act on what they store, but on kinds and at times that one does not think of first."""

from collections.abc import Sequence

from seatrial_reference import apiserver
from seatrial_reference.apiserver.store import Stored
from seatrial_reference.machinery.objects import Json, deleting, stamp
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural
from violations.deeds import _Acquainted, _Busy
from violations.dialling import MANAGER_PORT, SCHEDULER_PORT

PROBE_S = 5.0


class EmptiesNamespaces(_Busy):
    """Takes away the configmaps of a namespace that is to go."""

    async def store_changed(self, old: Stored, obj: Json) -> Stored | None:
        done = await super().store_changed(old, obj)
        if done is not None and obj["kind"] == "Namespace" and deleting(obj):
            cache = await self.caches.fresh(by_plural("configmaps"))
            for each in list(cache.objects.values()):
                if each.object["metadata"]["namespace"] == obj["metadata"]["name"]:
                    await self.store_removed(each)
        return done


async def main_empties_namespaces(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=EmptiesNamespaces)


class StartsJobs(_Busy):
    """Makes the pod of a new job at once, as it knows what will be wanted."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        made = await super().store_new(key, obj)
        if made is not None and obj["kind"] == "Job":
            meta, template = obj["metadata"], obj["spec"]["template"]
            own = {"name": f"{meta['name']}-first", "namespace": meta["namespace"], "uid": next(self.context.ids)}
            own |= {"creationTimestamp": stamp(self.context.wall_s())}
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": own, "spec": template["spec"], "status": {"phase": "Pending"}}
            await super().store_new(by_plural("pods").store_key(namespace=own["namespace"], name=own["name"]), pod)
        return made


async def main_starts_jobs(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=StartsJobs)


class ProbesManager(_Acquainted):
    """Looks every few seconds whether its controller manager is still there."""

    agent, port = "kube-controller-manager", MANAGER_PORT

    async def start(self) -> None:
        await super().start()
        self.later(self.probe())

    async def probe(self) -> None:
        while True:
            await self.context.sleep(PROBE_S)
            await self.ring()


async def main_probes_manager(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ProbesManager)


class RingsWhenPodsGo(_Acquainted):
    """Rings at the scheduler when a pod has made room."""

    agent, port = "kube-scheduler", SCHEDULER_PORT

    async def store_removed(self, old: Stored) -> Stored | None:
        gone = await super().store_removed(old)
        if gone is not None and old.object["kind"] == "Pod":
            self.later(self.ring())
        return gone


async def main_rings_when_pods_go(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=RingsWhenPodsGo)
