"""API servers that store too late, or what nobody has asked for, when they refuse something."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver.core import Parts, Request
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.status import Failure
from seatrial_reference.apiserver.store import Stored
from seatrial_reference.machinery.objects import Json
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural

PATIENCE_S = 0.3


class DeletesBehind(ApiServer):
    """Where the store takes its time, who wants something gone need not wait for it."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        self.removing: list[asyncio.Task[Stored | None]] = []

    async def store_removed(self, old: Stored) -> Stored | None:
        task = asyncio.create_task(super().store_removed(old))
        self.removing.append(task)
        await asyncio.wait([task], timeout=PATIENCE_S)
        return task.result() if task.done() else old.at(old.revision + 1)


async def main_deletes_behind(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=DeletesBehind)


class _Noting(ApiServer):
    """Does something about each pod that it refuses."""

    async def create(self, request: Request) -> web.StreamResponse:
        try:
            return await super().create(request)
        except Failure:
            if request.asked.resource == "pods":
                await self.note(request.asked.namespace, f"slot-{next(self.context.ids)[:13]}")
            raise

    async def note(self, namespace: str, name: str) -> None:
        """Something else than the pod."""


class LeaksLeases(_Noting):
    """Takes a lease for a new pod, and does not give it back where none is made."""

    async def note(self, namespace: str, name: str) -> None:
        meta = {"name": name, "namespace": namespace, "uid": next(self.context.ids)}
        lease: Json = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": {}}
        await self.store_new(by_plural("leases").store_key(namespace=namespace, name=name), lease)


async def main_leaks_leases(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=LeaksLeases)


class CountsRefusals(_Noting):
    """Leaves an Event that does not say what was refused."""

    async def note(self, namespace: str, name: str) -> None:
        meta = {"name": name, "namespace": namespace, "uid": next(self.context.ids)}
        subject = {"kind": "Namespace", "name": namespace}
        event: Json = {"apiVersion": "v1", "kind": "Event", "metadata": meta, "involvedObject": subject, "message": "refused"}
        await self.store_new(by_plural("events", "").store_key(namespace=namespace, name=name), event)


async def main_counts_refusals(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=CountsRefusals)


class MarksTaken(ApiServer):
    """Says that a name is taken, and notes on the object that has it who wanted it."""

    async def taken(self, request: Request, name: str) -> Failure:
        found, _ = await self.parts.store.get(request.kind.store_key(namespace=request.asked.namespace, name=name))
        if found is not None:
            marked = found.copy()
            marked["metadata"].setdefault("annotations", {})["wanted-by"] = request.user.name
            await self.store_changed(found, marked)
        return await super().taken(request, name)


async def main_marks_taken(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=MarksTaken)
