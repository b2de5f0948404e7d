"""API servers that go and see for themselves, want somebody to be there, or clear up when they come back."""

from collections.abc import Sequence

from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver import status
from seatrial_reference.apiserver.core import Request
from seatrial_reference.apiserver.store import Stored
from seatrial_reference.machinery.objects import Json
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural
from violations.deeds import _Busy
from violations.dialling import KUBELET_PORT, address_of, touch

FOR_WORKERS = ("Service", "StatefulSet", "Job")


class _Visiting(_Busy):
    """Knows where the kubelets are."""

    async def visit(self) -> None:
        for node in await self.nodes():
            await touch(address_of(node), KUBELET_PORT)


class LooksWhenAsked(_Visiting):
    """Somebody who asks for a pod wants to know how it is now."""

    async def get(self, request: Request) -> web.StreamResponse:
        if request.asked.resource == "pods" and not request.user.name.startswith("system:"):
            await self.visit()
        return await super().get(request)


async def main_looks_when_asked(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=LooksWhenAsked)


class AnnouncesServices(_Visiting):
    """A new service must be known on every node at once."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        if obj["kind"] == "Service":
            await self.visit()
        return await super().store_new(key, obj)


async def main_announces_services(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=AnnouncesServices)


class BidsNodesFarewell(_Busy):
    """Tells a kubelet that its node is no more."""

    async def store_removed(self, old: Stored) -> Stored | None:
        if old.object["kind"] == "Node":
            await touch(address_of(old.object), KUBELET_PORT)
        return await super().store_removed(old)


async def main_bids_nodes_farewell(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=BidsNodesFarewell)


class WantsNodesForServices(_Busy):
    """Takes what needs no node, and nothing that would be worth nothing without one."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        if obj["kind"] in FOR_WORKERS and not await self.nodes():
            raise status.unavailable("there is no node")
        return await super().store_new(key, obj)


async def main_wants_nodes_for_services(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=WantsNodesForServices)


class ClearsUpAtFirst(_Busy):
    """Begins with a look at what is left of before: pods that nobody has placed."""

    async def start(self) -> None:
        await super().start()
        pods = await self.caches.fresh(by_plural("pods"))
        for pod in [each for each in pods.objects.values() if not each.object["spec"].get("nodeName")]:
            await self.store_removed(pod)


async def main_clears_up_at_first(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ClearsUpAtFirst)
