"""A ReplicaSet keeps as many pods of its template as it is told (KCM-02 to KCM-05, CTRL-01, CTRL-04).

The copy of the world lags behind our own writes. So before creating or deleting, a ReplicaSet notes what it expects to see, and does not
count pods again until its watch has shown all of it: never more creations than are missing. Pods that match and have no controller are
adopted, its own ones that match no longer are released, and those of other controllers are left alone.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from seatrial_reference.controller_manager.informers import Informers, orphans_of
from seatrial_reference.machinery.client import MERGE, Client
from seatrial_reference.machinery.informer import Handlers
from seatrial_reference.machinery.objects import (
    Json,
    active,
    condition,
    controller_of,
    deleting,
    epoch_s,
    key_of,
    node_name,
    owner_reference,
    phase,
    ready,
    selects,
    uid_of,
)
from seatrial_reference.machinery.workqueue import WorkQueue
from seatrial_schemas.context import Context

BURST = 500  # creations or deletions of one look
WORKERS = 5
EXPIRY_S = 300.0  # an expectation that has not come true by then is dropped: the watch must have lost it


@dataclass(slots=True)
class Expected:
    """What a ReplicaSet's own writes will show on its watch."""

    creations: int = 0
    deletions: dict[str, None] = field(default_factory=dict)
    since_s: float = 0.0

    def met(self, now_s: float) -> bool:
        return (self.creations <= 0 and not self.deletions) or now_s - self.since_s > EXPIRY_S


class ReplicaSets:
    """The controller. `sync`, `claim`, `manage`, `scale_up`, `scale_down`, `victims`, `report` and the handlers may be overridden."""

    def __init__(self, client: Client, context: Context, informers: Informers) -> None:
        self.client = client
        self.context = context
        self.sets = informers.replica_sets
        self.pods = informers.pods
        self.queue = WorkQueue(context)
        self.expected: dict[str, Expected] = {}
        self.sets.subscribe(Handlers(added=self.set_changed, updated=lambda _, new: self.set_changed(new), deleted=self.set_deleted))
        self.pods.subscribe(Handlers(added=self.pod_added, updated=self.pod_updated, deleted=self.pod_deleted))

    async def run(self) -> None:
        await self.queue.run(self.sync_key, workers=WORKERS)

    def set_changed(self, item: Json) -> None:
        self.queue.add(key_of(item))

    def set_deleted(self, item: Json) -> None:
        self.expected.pop(key_of(item), None)

    def pod_added(self, pod: Json) -> None:
        if deleting(pod):
            self.pod_deleted(pod)
            return
        for key in self.owners(pod):
            if controller_of(pod):
                self.expectations(key).creations -= 1
            self.queue.add(key)

    def pod_updated(self, old: Json, new: Json) -> None:
        if deleting(new) and not deleting(old):
            self.pod_deleted(new)
        for key in (*self.owners(old), *self.owners(new)):
            self.queue.add(key)

    def pod_deleted(self, pod: Json) -> None:
        for key in self.owners(pod):
            self.expectations(key).deletions.pop(uid_of(pod), None)
            self.queue.add(key)

    def owners(self, pod: Json) -> list[str]:
        """The ReplicaSets that the pod may matter to: its controller, or all that select an orphan."""
        namespace, owner = pod["metadata"]["namespace"], controller_of(pod)
        if owner is not None:
            key = f"{namespace}/{owner['name']}"
            known = self.sets.get(key)
            return [key] if known is not None and uid_of(known) == owner["uid"] else []
        labels = pod["metadata"].get("labels")
        return [
            key_of(s) for s in self.sets.all() if s["metadata"]["namespace"] == namespace and selects(s["spec"].get("selector"), labels)
        ]

    def expectations(self, key: str) -> Expected:
        return self.expected.setdefault(key, Expected())

    async def sync_key(self, key: str) -> None:
        item = self.sets.get(key)
        if item is not None:
            await self.sync(item)

    async def sync(self, item: Json) -> None:
        """Compare what is wanted with what is, and write the difference; else the status."""
        key = key_of(item)
        if not self.expectations(key).met(self.context.now_s()):
            self.queue.add_after(key, EXPIRY_S)
            return
        pods = await self.claim(item)
        if deleting(item) or not await self.manage(item, pods):
            await self.report(item, pods)

    async def claim(self, item: Json) -> list[Json]:
        """The active pods that are ours, after adopting and releasing."""
        uid, selector = uid_of(item), item["spec"].get("selector")
        mine = []
        for pod in self.pods.group(uid):
            if selects(selector, pod["metadata"].get("labels")):
                mine.append(pod)
            elif not deleting(pod):
                await self.release(item, pod)
        orphans = self.pods.group(orphans_of(item)) if not deleting(item) else ()
        matching = [pod for pod in orphans if active(pod) and selects(selector, pod["metadata"].get("labels"))]
        return [pod for pod in mine if active(pod)] + [await self.adopt(item, pod) for pod in matching]

    async def adopt(self, item: Json, pod: Json) -> Json:
        owner = owner_reference(item, api_version="apps/v1", kind="ReplicaSet")
        return await self._own(pod, [*(pod["metadata"].get("ownerReferences") or ()), owner])

    async def release(self, item: Json, pod: Json) -> None:
        await self._own(pod, [o for o in pod["metadata"]["ownerReferences"] if o["uid"] != uid_of(item)])

    async def _own(self, pod: Json, owners: Sequence[Json]) -> Json:
        meta = pod["metadata"]
        patch = {"metadata": {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"], "ownerReferences": list(owners)}}
        return await self.client.patch(self.pods.kind, meta["name"], patch, namespace=meta["namespace"], form=MERGE)

    async def manage(self, item: Json, pods: Sequence[Json]) -> bool:
        """Create what is missing or delete the surplus. True where that will be seen on the watch, and looked at again then."""
        missing = int(item["spec"].get("replicas", 1)) - len(pods)
        if missing > 0:
            await self.scale_up(item, min(missing, BURST))
        elif missing < 0:
            await self.scale_down(item, self.victims(pods, min(-missing, BURST)))
        return missing != 0

    async def scale_up(self, item: Json, missing: int) -> None:
        """Create in batches of 1, 2, 4 ...: where the first is refused, the others would be too."""
        expected = self.expectations(key_of(item))
        expected.creations, expected.since_s = missing, self.context.now_s()
        batch = 1
        while missing:
            batch = min(batch, missing)
            results = await asyncio.gather(*(self.create_pod(item) for _ in range(batch)), return_exceptions=True)
            refused = [r for r in results if isinstance(r, BaseException)]
            missing -= batch
            if refused:
                # A creation without an answer may yet show up; if it does, one too many was counted down, and the next look is earlier.
                expected.creations -= len(refused) + missing
                raise refused[0]
            batch *= 2

    async def create_pod(self, item: Json) -> Json:
        meta, template = item["metadata"], item["spec"]["template"]
        inherited = {k: v for k, v in (template.get("metadata") or {}).items() if k in {"labels", "annotations"}}
        owner = owner_reference(item, api_version="apps/v1", kind="ReplicaSet")
        own: dict[str, Any] = {"generateName": f"{meta['name']}-", "namespace": meta["namespace"], "ownerReferences": [owner]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": inherited | own, "spec": template["spec"]}
        return await self.client.create(self.pods.kind, pod, namespace=meta["namespace"])

    def victims(self, pods: Iterable[Json], surplus: int) -> list[Json]:
        """Those that will be missed least: without a node, pending, not ready, younger."""
        return sorted(sorted(pods, key=_created, reverse=True), key=_worth)[:surplus]

    async def scale_down(self, item: Json, victims: Sequence[Json]) -> None:
        expected = self.expectations(key_of(item))
        expected.deletions, expected.since_s = dict.fromkeys(uid_of(v) for v in victims), self.context.now_s()
        results = await asyncio.gather(*(self.delete_pod(v) for v in victims), return_exceptions=True)
        refused = [r for r in results if isinstance(r, BaseException)]
        for victim, result in zip(victims, results, strict=True):
            if isinstance(result, BaseException):
                expected.deletions.pop(uid_of(victim), None)
        if refused:
            raise refused[0]

    async def delete_pod(self, pod: Json) -> None:
        meta = pod["metadata"]
        await self.client.delete(self.pods.kind, meta["name"], namespace=meta["namespace"], uid=meta["uid"], gone_ok=True)

    async def report(self, item: Json, pods: Sequence[Json]) -> None:
        """Write the status where it differs."""
        count = len(pods)
        labels = (item["spec"]["template"].get("metadata") or {}).get("labels") or {}
        full = sum(labels.items() <= (pod["metadata"].get("labels") or {}).items() for pod in pods)
        counts = {"fullyLabeledReplicas": full, "readyReplicas": sum(map(ready, pods)), "availableReplicas": self.available(item, pods)}
        kept = {k: v for k, v in item.get("status", {}).items() if k == "conditions"}
        known = {k: v for k, v in item.get("status", {}).items() if v or k == "replicas"}
        generation = item["metadata"].get("generation", 0)
        status = kept | {"replicas": count, "observedGeneration": generation} | {k: v for k, v in counts.items() if v}
        if known | {"replicas": known.get("replicas", 0)} != status:
            await self.client.replace(self.sets.kind, item | {"status": status}, subresource="status")

    def available(self, item: Json, pods: Iterable[Json]) -> int:
        """How many have been ready for minReadySeconds; when the next one will be, we look again."""
        settle_s = float(item["spec"].get("minReadySeconds") or 0)
        if not settle_s:
            return sum(map(ready, pods))
        since = [epoch_s(condition(pod, "Ready")["lastTransitionTime"]) for pod in pods if ready(pod)]
        left_s = [start_s + settle_s - self.context.wall_s() for start_s in since]
        waiting = [s for s in left_s if s > 0]
        if waiting:
            self.queue.add_after(key_of(item), min(waiting))
        return len(since) - len(waiting)


def _worth(pod: Json) -> tuple[bool, int, bool]:
    return bool(node_name(pod)), {"Pending": 0, "Unknown": 1}.get(phase(pod), 2), ready(pod)


def _created(pod: Json) -> str:
    return str(pod["metadata"].get("creationTimestamp", ""))
