"""A Deployment owns one ReplicaSet per pod template and moves replicas from the old ones to the new one (KCM-01, KCM-06, KCM-23).

It never touches pods. The ReplicaSet of a template is found by comparing templates, not names; its name carries the template's hash, so
that two looks at the same stale copy cannot make two of them. A change of `replicas` alone keeps the ReplicaSet.
"""

from collections.abc import Mapping, Sequence

from seatrial_reference.controller_manager.informers import Informers
from seatrial_reference.controller_manager.rollout import HASH, Part, plan, same_template, strategy, template_hash
from seatrial_reference.machinery.client import ApiError, Client
from seatrial_reference.machinery.informer import Handlers
from seatrial_reference.machinery.objects import Json, condition, controller_of, dated, deleting, key_of, owner_reference, stamp, uid_of
from seatrial_reference.machinery.workqueue import WorkQueue
from seatrial_schemas.context import Context

REVISION = "deployment.kubernetes.io/revision"
WORKERS = 5
HISTORY = 10


class Deployments:
    """The controller. `sync`, `create_set`, `scale`, `next_numbers`, `clean_up` and `report` may be overridden."""

    def __init__(self, client: Client, context: Context, informers: Informers) -> None:
        self.client = client
        self.context = context
        self.deployments = informers.deployments
        self.sets = informers.replica_sets
        self.queue = WorkQueue(context)
        self.deployments.subscribe(Handlers(added=self.changed, updated=lambda _, new: self.changed(new), deleted=lambda _: None))
        self.sets.subscribe(Handlers(added=self.set_changed, updated=lambda _, new: self.set_changed(new), deleted=self.set_changed))

    async def run(self) -> None:
        await self.queue.run(self.sync_key, workers=WORKERS)

    def changed(self, deployment: Json) -> None:
        self.queue.add(key_of(deployment))

    def set_changed(self, item: Json) -> None:
        owner = controller_of(item)
        if owner is not None and owner["kind"] == "Deployment":
            self.queue.add(f"{item['metadata']['namespace']}/{owner['name']}")

    async def sync_key(self, key: str) -> None:
        deployment = self.deployments.get(key)
        if deployment is not None and not deleting(deployment):
            await self.sync(deployment)

    async def sync(self, deployment: Json) -> None:
        """One step of the rollout, then the status. What we wrote comes back by the watch and leads to the next step."""
        owned = sorted((s for s in self.sets.group(uid_of(deployment)) if not deleting(s)), key=_age)
        new = next((s for s in owned if same_template(s["spec"]["template"], deployment["spec"]["template"])), None)
        old = [s for s in owned if s is not new]
        if new is None:
            if not deployment["spec"].get("paused"):
                await self.create_set(deployment, old)
            return
        numbers = self.next_numbers(deployment, new, old)
        for item in owned:
            name = item["metadata"]["name"]
            if name in numbers:
                await self.scale(item, numbers[name], revision=_next_revision(old) if item is new else None)
        await self.report(deployment, new, owned)
        await self.clean_up(deployment, old)

    def next_numbers(self, deployment: Json, new: Json | None, old: Sequence[Json]) -> Mapping[str, int]:
        wanted = int(deployment["spec"].get("replicas", 1))
        part = _part(new) if new is not None else Part(name="", replicas=0)
        return plan(wanted=wanted, how=strategy(deployment["spec"]), new=part, old=[_part(s) for s in old])

    async def create_set(self, deployment: Json, old: Sequence[Json]) -> None:
        """Make the ReplicaSet of the current template, already as large as the rollout allows at first."""
        collisions = int(deployment.get("status", {}).get("collisionCount") or 0)
        replicas = self.next_numbers(deployment, None, old).get("", 0)
        body = _new_set(deployment, collisions=collisions, replicas=replicas, revision=_next_revision(old))
        try:
            await self.client.create(self.sets.kind, body, namespace=body["metadata"]["namespace"])
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
            await self._collide(deployment, body, collisions)

    async def _collide(self, deployment: Json, body: Json, collisions: int) -> None:
        """The name is taken: by ourselves, then our watch will show it; by another, then we choose another one."""
        meta = body["metadata"]
        taken = await self.client.get(self.sets.kind, meta["name"], namespace=meta["namespace"])
        owner = controller_of(taken) or {}
        if owner.get("uid") == uid_of(deployment) and same_template(taken["spec"]["template"], body["spec"]["template"]):
            return
        status = deployment.get("status", {}) | {"collisionCount": collisions + 1}
        await self.client.replace(self.deployments.kind, deployment | {"status": status}, subresource="status")

    async def scale(self, item: Json, replicas: int, *, revision: str | None) -> None:
        meta = item["metadata"]
        if revision is not None and int(revision) > int((meta.get("annotations") or {}).get(REVISION, "0")):
            meta = meta | {"annotations": (meta.get("annotations") or {}) | {REVISION: revision}}
        await self.client.replace(self.sets.kind, item | {"metadata": meta, "spec": item["spec"] | {"replicas": replicas}})

    async def clean_up(self, deployment: Json, old: Sequence[Json]) -> None:
        """Forget templates of long ago."""
        limit = int(deployment["spec"].get("revisionHistoryLimit", HISTORY))
        idle = [s for s in old if not s["spec"].get("replicas") and not s.get("status", {}).get("replicas")]
        for item in idle[: max(0, len(idle) - limit)]:
            meta = item["metadata"]
            await self.client.delete(self.sets.kind, meta["name"], namespace=meta["namespace"], uid=meta["uid"], gone_ok=True)

    async def report(self, deployment: Json, new: Json, owned: Sequence[Json]) -> None:
        """Write the status where it differs."""
        known = deployment.get("status", {})
        status = self.status(deployment, new, owned)
        if {k: v for k, v in known.items() if v} != status:
            await self.client.replace(self.deployments.kind, deployment | {"status": status}, subresource="status")

    def status(self, deployment: Json, new: Json, owned: Sequence[Json]) -> Json:
        known, wanted = deployment.get("status", {}), int(deployment["spec"].get("replicas", 1))
        total, available, updated = _sum(owned, "replicas"), _sum(owned, "availableReplicas"), _sum([new], "replicas")
        complete = updated == total == available == wanted
        enough = available >= wanted - strategy(deployment["spec"]).unavailable
        counts = {
            "observedGeneration": deployment["metadata"].get("generation", 0),
            "replicas": total,
            "updatedReplicas": updated,
            "readyReplicas": _sum(owned, "readyReplicas"),
            "availableReplicas": available,
            "unavailableReplicas": max(0, wanted - available),
            "collisionCount": known.get("collisionCount", 0),
        }
        reasons = (
            "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable",
            "NewReplicaSetAvailable" if complete else "ReplicaSetUpdated",
        )
        conditions = [
            self._condition(deployment, "Available", holds=enough, reason=reasons[0]),
            self._condition(deployment, "Progressing", holds=True, reason=reasons[1]),
        ]
        return {k: v for k, v in counts.items() if v} | {"conditions": conditions}

    def _condition(self, deployment: Json, kind: str, *, holds: bool, reason: str) -> Json:
        """The condition as it was, where it says the same; else one with today's date."""
        old, now = condition(deployment, kind), stamp(self.context.wall_s())
        told = {"type": kind, "status": "True" if holds else "False", "reason": reason}
        return old if told.items() <= old.items() else dated(told | {"lastUpdateTime": now}, old, now)


def _new_set(deployment: Json, *, collisions: int, replicas: int, revision: str) -> Json:
    """The ReplicaSet of the current template: the template's hash is in its name, its labels, its selector and its pods' labels."""
    meta, spec = deployment["metadata"], deployment["spec"]
    digest = template_hash(spec["template"], collisions=collisions)
    inner = spec["template"].get("metadata") or {}
    labels = (inner.get("labels") or {}) | {HASH: digest}
    selector = spec["selector"] | {"matchLabels": (spec["selector"].get("matchLabels") or {}) | {HASH: digest}}
    settling = {"minReadySeconds": spec["minReadySeconds"]} if spec.get("minReadySeconds") else {}
    template = spec["template"] | {"metadata": inner | {"labels": labels}}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{meta['name']}-{digest}",
            "namespace": meta["namespace"],
            "labels": labels,
            "annotations": {REVISION: revision},
            "ownerReferences": [owner_reference(deployment, api_version="apps/v1", kind="Deployment")],
        },
        "spec": {"replicas": replicas, "selector": selector, "template": template} | settling,
    }


def _part(item: Json) -> Part:
    status = item.get("status", {})
    told = int(item["spec"].get("replicas", 1))
    return Part(
        name=item["metadata"]["name"], replicas=told, present=status.get("replicas", 0), available=status.get("availableReplicas", 0)
    )


def _age(item: Json) -> tuple[int, str]:
    meta = item["metadata"]
    return int((meta.get("annotations") or {}).get(REVISION, "0")), str(meta["name"])


def _next_revision(old: Sequence[Json]) -> str:
    return str(max((_age(s)[0] for s in old), default=0) + 1)


def _sum(items: Sequence[Json], count: str) -> int:
    return sum(int(item.get("status", {}).get(count) or 0) for item in items)
