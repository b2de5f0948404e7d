"""What the controllers of one manager share: one copy of each kind, fed by one watch (CTRL-03)."""

import asyncio

from seatrial_reference.machinery.client import Client
from seatrial_reference.machinery.informer import Informer
from seatrial_reference.machinery.objects import Json, controller_of
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural


class Informers:
    """Deployments, ReplicaSets and pods. The last two are grouped by the uid of every owner; those without a controller by namespace."""

    def __init__(self, client: Client, context: Context) -> None:
        self.deployments = Informer(client, by_plural("deployments"), context=context)
        self.replica_sets = Informer(client, by_plural("replicasets"), context=context, index=_owned)
        self.pods = Informer(client, by_plural("pods"), context=context, index=_owned)
        self.every = (self.deployments, self.replica_sets, self.pods)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for informer in self.every:
                tasks.create_task(informer.run())

    async def synced(self) -> None:
        for informer in self.every:
            await informer.synced.wait()


def orphans_of(item: Json) -> str:
    """The group of what has no controller in the namespace of `item`."""
    return f"orphans in {item['metadata'].get('namespace')}"


def _owned(item: Json) -> list[str]:
    owners = [str(o["uid"]) for o in item["metadata"].get("ownerReferences") or ()]
    return owners if controller_of(item) else [*owners, orphans_of(item)]
