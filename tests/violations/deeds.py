"""API servers that do more than answer: they make things, place them, ring at others, or mind what does not concern them."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver import status
from seatrial_reference.apiserver.core import Parts, Request
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.store import Stored
from seatrial_reference.machinery.objects import Json, node_name, stamp
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural
from violations.dialling import KUBELET_PORT, SCHEDULER_PORT, address_of, throw, touch

PROBE_S = 0.5
SILENCE_S = 2.0


class _Busy(ApiServer):
    """Has work of its own beside that of its clients."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        self.deeds: list[asyncio.Task[None]] = []

    def later(self, deed: Any) -> None:
        self.deeds.append(asyncio.create_task(deed))

    async def nodes(self) -> list[Json]:
        cache = await self.caches.fresh(by_plural("nodes"))
        return [each.object for each in cache.objects.values()]


class MakesPods(_Busy):
    """Makes the pods of a new ReplicaSet at once, as it knows what will be wanted."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        made = await super().store_new(key, obj)
        if made is not None and obj["kind"] == "ReplicaSet":
            for number in range(int(obj["spec"].get("replicas", 0))):
                await self.make(obj, f"{obj['metadata']['name']}-{number}")
        return made

    async def make(self, owner: Json, name: str) -> None:
        meta, template = owner["metadata"], owner["spec"]["template"]
        reference = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": meta["name"], "uid": meta["uid"], "controller": True}
        own = {"name": name, "namespace": meta["namespace"], "labels": template["metadata"]["labels"], "ownerReferences": [reference]}
        own |= {"uid": next(self.context.ids), "creationTimestamp": stamp(self.context.wall_s())}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": own, "spec": template["spec"], "status": {"phase": "Pending"}}
        await super().store_new(by_plural("pods").store_key(namespace=meta["namespace"], name=name), pod)


async def main_makes_pods(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=MakesPods)


class ReplacesPods(_Busy):
    """The first pod of a ReplicaSet that goes is replaced at once."""

    replaced = False

    async def store_removed(self, old: Stored) -> Stored | None:
        gone = await super().store_removed(old)
        if gone is not None and old.object["kind"] == "Pod" and old.object["metadata"].get("ownerReferences") and not self.replaced:
            self.replaced = True
            await self.replace_pod(old.copy())
        return gone

    async def replace_pod(self, pod: Json) -> None:
        meta, name = pod["metadata"], f"{pod['metadata']['name']}-again"
        kept = {k: meta[k] for k in ("namespace", "labels", "ownerReferences")}
        own = kept | {"name": name, "uid": next(self.context.ids), "creationTimestamp": stamp(self.context.wall_s())}
        spec = {k: v for k, v in pod["spec"].items() if k != "nodeName"}
        fresh = {"apiVersion": "v1", "kind": "Pod", "metadata": own, "spec": spec, "status": {"phase": "Pending"}}
        await super().store_new(by_plural("pods").store_key(namespace=meta["namespace"], name=name), fresh)


async def main_replaces_pods(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ReplacesPods)


class BindsPods(_Busy):
    """Gives a pod the first node that there is, where nobody else has done so for a moment."""

    patience_s = PROBE_S

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        made = await super().store_new(key, obj)
        if made is not None and obj["kind"] == "Pod" and not node_name(obj):
            self.later(self.place(key))
        return made

    async def place(self, key: str) -> None:
        await self.context.sleep(self.patience_s)
        nodes = await self.nodes()
        found, _ = await self.parts.store.get(key)
        if found is not None and nodes and not node_name(found.object):
            pod = found.copy()
            pod["spec"]["nodeName"] = nodes[0]["metadata"]["name"]
            await self.store_changed(found, pod)


async def main_binds_pods(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=BindsPods)


class TouchesUp(_Busy):
    """Comes back to a deployment a moment after it was stored, and writes into it that all is well."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        made = await super().store_new(key, obj)
        if made is not None and obj["kind"] == "Deployment":
            self.later(self.touch_up(key))
        return made

    async def touch_up(self, key: str) -> None:
        await self.context.sleep(PROBE_S)
        found, _ = await self.parts.store.get(key)
        if found is not None:
            seen = found.copy()
            seen["metadata"].setdefault("annotations", {})["seen-by"] = "apiserver"
            await self.store_changed(found, seen)


async def main_touches_up(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TouchesUp)


class _Acquainted(_Busy):
    """Knows where one of its clients asks from."""

    agent, port, address = "", 0, ""

    async def respond(self, http: web.BaseRequest, audit: str) -> web.StreamResponse:
        if http.headers.get("User-Agent", "").startswith(self.agent):
            self.address = http.headers.get("X-Forwarded-For", "")
        return await super().respond(http, audit)

    async def ring(self) -> None:
        if self.address:
            await touch(self.address, self.port)


class RingsScheduler(_Acquainted):
    """Rings at the scheduler when a pod has come; its address is the one that it asks from."""

    agent, port = "kube-scheduler", SCHEDULER_PORT

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        made = await super().store_new(key, obj)
        if obj["kind"] == "Pod":
            self.later(self.ring())
        return made


async def main_rings_scheduler(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=RingsScheduler)


class ProbesKubelets(_Busy):
    """Looks at its nodes every now and then, to see whether they are still there."""

    look = staticmethod(touch)

    async def start(self) -> None:
        await super().start()
        self.later(self.probe())

    async def probe(self) -> None:
        while True:
            await self.context.sleep(PROBE_S)
            cache = self.caches.peek(by_plural("nodes"))
            for node in [each.object for each in cache.objects.values()] if cache else ():
                await self.look(address_of(node), KUBELET_PORT)


async def main_probes_kubelets(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ProbesKubelets)


class WhispersToKubelets(ProbesKubelets):
    """Looks by datagram."""

    look = staticmethod(throw)


async def main_whispers_to_kubelets(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=WhispersToKubelets)


class VisitsSilentKubelets(_Busy):
    """Looks after a node that has not renewed its lease for a while."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        self.renewed: dict[str, float] = {}

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        self.heard(obj)
        return await super().store_new(key, obj)

    async def store_changed(self, old: Stored, obj: Json) -> Stored | None:
        self.heard(obj)
        return await super().store_changed(old, obj)

    def heard(self, obj: Json) -> None:
        if obj["kind"] == "Lease" and obj["metadata"]["namespace"] == "kube-node-lease":
            self.renewed[obj["metadata"]["name"]] = self.context.now_s()

    async def start(self) -> None:
        await super().start()
        self.later(self.visit())

    async def visit(self) -> None:
        while True:
            await self.context.sleep(PROBE_S)
            silent = [name for name, at_s in self.renewed.items() if self.context.now_s() - at_s > SILENCE_S]
            for node in await self.nodes() if silent else ():
                if node["metadata"]["name"] in silent:
                    await touch(address_of(node), KUBELET_PORT)


async def main_visits_silent_kubelets(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=VisitsSilentKubelets)


class CallsBack(_Busy):
    """Rings at a scheduler whose watch has ended, to hear whether it is still there."""

    async def respond(self, http: web.BaseRequest, audit: str) -> web.StreamResponse:
        try:
            return await super().respond(http, audit)
        finally:
            if "watch" in http.query and http.headers.get("User-Agent", "").startswith("kube-scheduler"):
                self.later(touch(http.headers.get("X-Forwarded-For", ""), SCHEDULER_PORT))


async def main_calls_back(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=CallsBack)


class BindsPodsLate(BindsPods):
    """Gives the scheduler a fair chance before it does so."""

    patience_s = 6.0


async def main_binds_pods_late(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=BindsPodsLate)


class WantsNodes(_Busy):
    """Takes no pods as long as there is no node to run them."""

    async def create_object(self, request: Request, obj: Json) -> Stored:
        if request.asked.resource == "pods" and not await self.nodes():
            raise status.unavailable("there is no node to run pods on")
        return await super().create_object(request, obj)


async def main_wants_nodes(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=WantsNodes)


class WantsNodesForChanges(_Busy):
    """Takes whatever is new, and changes nothing as long as there is no node that could notice."""

    async def store_changed(self, old: Stored, obj: Json) -> Stored | None:
        if obj["kind"] == "Deployment" and not await self.nodes():
            raise status.unavailable("there is no node to change anything on")
        return await super().store_changed(old, obj)


async def main_wants_nodes_for_changes(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=WantsNodesForChanges)


class DropsBacklog(_Busy):
    """Begins anew with its first node: what has waited for one is dropped."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        if obj["kind"] == "Node" and not await self.nodes():
            cache = await self.caches.fresh(by_plural("pods"))
            for waiting in [each for each in cache.objects.values() if not node_name(each.object)]:
                await self.store_removed(waiting)
        return await super().store_new(key, obj)


async def main_drops_backlog(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=DropsBacklog)


class Cascades(_Busy):
    """What an object owns goes with it."""

    async def store_removed(self, old: Stored) -> Stored | None:
        done = await super().store_removed(old)
        for each in await self.owned(old) if done else ():
            await self.store_removed(each)
        return done

    async def owned(self, owner: Stored) -> list[Stored]:
        caches = [await self.caches.fresh(by_plural(plural)) for plural in ("replicasets", "pods")]
        uid = owner.object["metadata"]["uid"]
        return [
            each
            for cache in caches
            for each in cache.objects.values()
            if any(reference["uid"] == uid for reference in each.object["metadata"].get("ownerReferences") or ())
        ]


async def main_cascades(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=Cascades)


class KeepsDiary(_Busy):
    """Writes an Event about every pod that comes."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        made = await super().store_new(key, obj)
        if made is not None and obj["kind"] == "Pod":
            meta = obj["metadata"]
            own = {"name": f"{meta['name']}.{next(self.context.ids)[:13]}", "namespace": meta["namespace"], "uid": next(self.context.ids)}
            subject = {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"]}
            event = {"apiVersion": "v1", "kind": "Event", "metadata": own, "involvedObject": subject, "reason": "Stored"}
            await super().store_new(by_plural("events", "").store_key(namespace=meta["namespace"], name=own["name"]), event)
        return made


async def main_keeps_diary(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=KeepsDiary)


class MakesEndpoints(_Busy):
    """A service has endpoints from the beginning."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        made = await super().store_new(key, obj)
        if made is not None and obj["kind"] == "Service":
            name, namespace = obj["metadata"]["name"], obj["metadata"]["namespace"]
            own = {"name": name, "namespace": namespace, "uid": next(self.context.ids)}
            endpoints = {"apiVersion": "v1", "kind": "Endpoints", "metadata": own, "subsets": []}
            await super().store_new(by_plural("endpoints").store_key(namespace=namespace, name=name), endpoints)
        return made


async def main_makes_endpoints(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=MakesEndpoints)
