"""The scheduler waits on its watch for pods without a node, picks one for each, and writes the choice into the pod (SCHED-01 to SCHED-16).

It knows of pods and nodes only what its informers tell it, and tells nobody but the API server. Between the request for a binding and the
event that confirms it, a pod is *assumed* to be on its node, or the next decision would be made without it. Pods that fit nowhere wait
until a node changes or a pod goes away. A standby keeps its informers warm and decides nothing.
"""

import asyncio
from collections.abc import Sequence

from seatrial_reference.machinery.client import Client, RequestFailed
from seatrial_reference.machinery.informer import Handlers, Informer
from seatrial_reference.machinery.objects import Json, condition, dated, deleting, finished, key_of, micro_stamp, node_name, stamp, uid_of
from seatrial_reference.machinery.workqueue import WorkQueue
from seatrial_reference.scheduler.placement import Place, filter_places, pick, score
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural

NAME = "default-scheduler"
BINDERS = 4  # bindings under way at a time


class Scheduler:
    """One scheduler. `concerns`, `places`, `filter`, `score`, `pick`, `schedule`, `bind`, `reject`, `announce` may be overridden."""

    name = NAME

    def __init__(self, client: Client, context: Context) -> None:
        self.client = client
        self.context = context
        self.queue = WorkQueue(context)
        self.pods = Informer(client, by_plural("pods"), context=context, index=_on_node)
        self.nodes = Informer(client, by_plural("nodes"), context=context)
        self.assumed: dict[str, Json] = {}
        self.unschedulable: dict[str, None] = {}
        self.last_node = ""
        self._places: dict[str, Place] = {}  # as far as nothing has changed there
        self._events: asyncio.Queue[Json] = asyncio.Queue()
        self.pods.subscribe(Handlers(added=self.pod_added, updated=self.pod_updated, deleted=self.pod_deleted))
        self.nodes.subscribe(Handlers(added=self.node_added, updated=self.node_updated, deleted=self.node_deleted))

    async def observe(self) -> None:
        """Keep the informers up; standbys do so too."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.pods.run())
            tasks.create_task(self.nodes.run())

    async def lead(self) -> None:
        """Schedule until cancelled."""
        await self.pods.synced.wait()
        await self.nodes.synced.wait()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.queue.run(self.schedule_key, workers=BINDERS))
            tasks.create_task(self._announce_all())

    def pod_added(self, pod: Json) -> None:
        self.touch(node_name(pod))
        if node_name(pod) or deleting(pod):
            self.forget(pod)
        if self.concerns(pod):
            self.queue.add(key_of(pod))

    def pod_updated(self, old: Json, new: Json) -> None:
        self.touch(node_name(old))
        if finished(new) and not finished(old):
            self.retry_unschedulable()
        self.pod_added(new)

    def pod_deleted(self, pod: Json) -> None:
        self.touch(node_name(pod))
        self.forget(pod)
        self.unschedulable.pop(key_of(pod), None)
        self.retry_unschedulable()

    def node_added(self, node: Json) -> None:
        self.touch(key_of(node))
        self.retry_unschedulable()

    def node_updated(self, old: Json, new: Json) -> None:
        self.node_added(new)

    def node_deleted(self, node: Json) -> None:
        self.touch(key_of(node))

    def touch(self, node: str) -> None:
        """Something has changed on that node."""
        self._places.pop(node, None)

    def assume(self, pod: Json, node: str) -> None:
        """From now on the pod counts as being there."""
        self.assumed[uid_of(pod)] = pod | {"spec": pod["spec"] | {"nodeName": node}}
        self.touch(node)

    def forget(self, pod: Json) -> None:
        """No longer assume where the pod is."""
        assumed = self.assumed.pop(uid_of(pod), None)
        if assumed is not None:
            self.touch(node_name(assumed))

    def retry_unschedulable(self) -> None:
        for key in self.unschedulable:
            self.queue.add(key)
        self.unschedulable.clear()

    def concerns(self, pod: Json) -> bool:
        """Whether it is for this scheduler to place the pod."""
        spec = pod["spec"]
        mine = spec.get("schedulerName", NAME) == self.name and not spec.get("schedulingGates")
        return mine and not node_name(pod) and not deleting(pod) and not finished(pod)

    async def schedule_key(self, key: str) -> None:
        pod = self.pods.get(key)
        if pod is not None and uid_of(pod) not in self.assumed and self.concerns(pod):
            await self.schedule(pod)

    async def schedule(self, pod: Json) -> None:
        """Decide at once, from what is known now; then write the decision."""
        places = self.places()
        feasible = self.filter(pod, places)
        if not feasible:
            await self.reject(pod, places)
            return
        place = self.pick(self.score(pod, feasible))
        self.last_node = place.name
        self.assume(pod, place.name)
        try:
            await self.bind(pod, place.name)
        except RequestFailed:
            self.forget(pod)
            raise
        self.announce(pod, kind="Normal", reason="Scheduled", message=f"Successfully assigned {key_of(pod)} to {place.name}")

    def places(self) -> list[Place]:
        """The nodes with the pods that are there or on their way there."""
        for node in self.nodes.all():
            name = key_of(node)
            if name not in self._places:
                coming = [pod for pod in self.assumed.values() if node_name(pod) == name]
                self._places[name] = Place(node=node, pods=(*self.pods.group(name), *coming))
        return list(self._places.values())

    def filter(self, pod: Json, places: Sequence[Place]) -> list[Place]:
        return filter_places(pod, places)[0]

    def score(self, pod: Json, feasible: Sequence[Place]) -> list[tuple[Place, int]]:
        return score(pod, feasible)

    def pick(self, scored: Sequence[tuple[Place, int]]) -> Place:
        return pick(scored, after=self.last_node)

    async def bind(self, pod: Json, node: str) -> None:
        """Write the decision into the pod, by the one request that can."""
        meta = pod["metadata"]
        target = {"apiVersion": "v1", "kind": "Node", "name": node}
        subject = {"name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]}
        body = {"apiVersion": "v1", "kind": "Binding", "metadata": subject, "target": target}
        await self.client.create(by_plural("pods"), body, namespace=meta["namespace"], name=meta["name"], subresource="binding")

    async def reject(self, pod: Json, places: Sequence[Place]) -> None:
        """Say in the pod's status why it has no node, once; it is looked at again when something changes."""
        self.unschedulable[key_of(pod)] = None
        message = self.explain(pod, places)
        known = condition(pod, "PodScheduled")
        if known.get("status") == "False" and known.get("message") == message:
            return
        told = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
        meta, status = pod["metadata"], {"conditions": [dated(told, known, stamp(self.context.wall_s()))]}
        patch = {"metadata": {"uid": meta["uid"]}, "status": status}
        await self.client.patch(by_plural("pods"), meta["name"], patch, namespace=meta["namespace"], subresource="status")
        self.announce(pod, kind="Warning", reason="FailedScheduling", message=message)

    def explain(self, pod: Json, places: Sequence[Place]) -> str:
        if not places:
            return "no nodes available to schedule pods"
        against = filter_places(pod, places)[1]
        return f"0/{len(places)} nodes are available: " + ", ".join(f"{count} {reason}" for reason, count in sorted(against.items())) + "."

    def announce(self, pod: Json, *, kind: str, reason: str, message: str) -> None:
        """Leave an Event for people to read. Best effort, later, and never in the way of the next decision."""
        meta, wall_s = pod["metadata"], self.context.wall_s()
        now = stamp(wall_s)
        subject = {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]}
        name = f"{meta['name'][:200]}.{next(self.context.ids)[:13]}"
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": meta["namespace"]},
            "involvedObject": subject,
            "type": kind,
            "reason": reason,
            "message": message,
            "source": {"component": self.name},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "eventTime": micro_stamp(wall_s),
            "count": 1,
            "reportingComponent": self.name,
            "reportingInstance": self.name,
            "action": "Binding" if reason == "Scheduled" else "Scheduling",
        }
        self._events.put_nowait(event)

    async def _announce_all(self) -> None:
        while True:
            event = await self._events.get()
            try:
                await self.client.create(by_plural("events", ""), event, namespace=event["metadata"]["namespace"])
            except RequestFailed:
                continue


def _on_node(pod: Json) -> tuple[str, ...]:
    """Pods are looked up by their node; ended ones take no room there."""
    return () if not node_name(pod) or finished(pod) else (node_name(pod),)
