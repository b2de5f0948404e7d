"""What nobody owns any more is collected (KCM-14, CHAIN-06).

A pod or ReplicaSet that names owners, none of which exists, is deleted. An owner exists where the copy shows its uid, or, as the copy may
lag, where the API server says so: a later object of the same name is another one. An owner that is deleted in the foreground waits, held by
a finalizer, until its dependents are gone; one whose dependents are to be orphaned waits until none of them names it.
"""

from collections.abc import Iterable
from http import HTTPStatus

from seatrial_reference.controller_manager.informers import Informers
from seatrial_reference.machinery.client import MERGE, ApiError, Client
from seatrial_reference.machinery.informer import Handlers, Informer
from seatrial_reference.machinery.objects import Json, deleting, key_of, uid_of
from seatrial_reference.machinery.workqueue import WorkQueue
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import Kind, table

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
WORKERS = 5


class GarbageCollector:
    """The controller. Keys are `plural namespace/name`. `absent`, `collect`, `finish` may be overridden."""

    def __init__(self, client: Client, context: Context, informers: Informers) -> None:
        self.client = client
        self.queue = WorkQueue(context)
        self.informers = {informer.kind.plural: informer for informer in informers.every}
        for informer in informers.every:
            self._follow(informer)

    def _follow(self, informer: Informer) -> None:
        def changed(item: Json) -> None:
            if item["metadata"].get("ownerReferences") or self.held(item):
                self.queue.add(f"{informer.kind.plural} {key_of(item)}")

        def deleted(item: Json) -> None:
            for dependents, dependent in self.dependents(item):
                self.queue.add(f"{dependents.kind.plural} {key_of(dependent)}")
            self.revisit_owners(item)

        def updated(old: Json, new: Json) -> None:
            if _ties(old) != _ties(new):  # status comes and goes and does not matter here
                changed(new)
                self.revisit_owners(old)

        informer.subscribe(Handlers(added=changed, updated=updated, deleted=deleted))

    def revisit_owners(self, item: Json) -> None:
        """A dependent has gone or let go: an owner that waits for that may go on."""
        for owner in item["metadata"].get("ownerReferences") or ():
            for informer in self.informers.values():
                found = informer.get(_key(item, owner)) if informer.kind.kind == owner["kind"] else None
                if found is not None and self.held(found):
                    self.queue.add(f"{informer.kind.plural} {key_of(found)}")

    async def run(self) -> None:
        await self.queue.run(self.sync_key, workers=WORKERS)

    async def sync_key(self, key: str) -> None:
        plural, _, name = key.partition(" ")
        informer = self.informers[plural]
        item = informer.get(name)
        if item is None:
            return
        if self.held(item):
            await self.finish(informer.kind, item)
        owners = item["metadata"].get("ownerReferences") or ()
        if owners and not deleting(item) and await self.absent(item, owners):
            await self.collect(informer.kind, item)

    def held(self, item: Json) -> bool:
        """Whether its deletion waits for its dependents."""
        return deleting(item) and not {FOREGROUND, ORPHAN}.isdisjoint(item["metadata"].get("finalizers") or ())

    def dependents(self, owner: Json) -> list[tuple[Informer, Json]]:
        return [(informer, item) for informer in self.informers.values() for item in informer.group(uid_of(owner))]

    async def absent(self, item: Json, owners: Iterable[Json]) -> bool:
        """Whether none of the owners exists."""
        for owner in owners:
            if await self.exists(item, owner):
                return False
        return True

    async def exists(self, item: Json, owner: Json) -> bool:
        kind = next((k for k in table() if k.api_version == owner["apiVersion"] and k.kind == owner["kind"]), None)
        if kind is None:
            return True  # of a kind that we do not know: not ours to judge
        informer = self.informers.get(kind.plural)
        known = informer.get(_key(item, owner)) if informer else None
        if known is not None and uid_of(known) == owner["uid"]:
            return True
        try:
            live = await self.client.get(kind, owner["name"], namespace=item["metadata"].get("namespace"))
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return False
        return uid_of(live) == str(owner["uid"])

    async def collect(self, kind: Kind, item: Json, *, policy: str = "Background") -> None:
        meta = item["metadata"]
        await self.client.delete(kind, meta["name"], namespace=meta.get("namespace"), uid=meta["uid"], policy=policy, gone_ok=True)

    async def finish(self, kind: Kind, owner: Json) -> None:
        """Do what the finalizer stands for; when nothing is left to do, take it away."""
        finalizers, uid = list(owner["metadata"]["finalizers"]), uid_of(owner)
        dependents = self.dependents(owner)
        if FOREGROUND in finalizers:
            for informer, item in dependents:
                if not deleting(item):
                    await self.collect(informer.kind, item, policy="Foreground")
            if dependents:
                return
        else:
            for informer, item in dependents:
                rest = [o for o in item["metadata"]["ownerReferences"] if o["uid"] != uid]
                await self._patch(informer.kind, item, {"ownerReferences": rest})
        await self._patch(kind, owner, {"finalizers": [f for f in finalizers if f not in {FOREGROUND, ORPHAN}]})

    async def _patch(self, kind: Kind, item: Json, change: Json) -> None:
        meta = item["metadata"]
        patch = {"metadata": {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]} | change}
        await self.client.patch(kind, meta["name"], patch, namespace=meta.get("namespace"), form=MERGE)


def _key(item: Json, owner: Json) -> str:
    """The key of an owner: it lives where its dependent lives."""
    return f"{item['metadata']['namespace']}/{owner['name']}"


def _ties(item: Json) -> tuple[object, ...]:
    meta = item["metadata"]
    return meta.get("ownerReferences"), meta.get("finalizers"), deleting(item)
