"""API servers that do not find what is there, because it is about to go, or find what is not there, because somebody asks for it."""

from collections.abc import Sequence

from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver import status
from seatrial_reference.apiserver.core import Request
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.store import Stored
from seatrial_reference.machinery.objects import Json, deleting
from seatrial_schemas.context import Context


class HidesWhatGoes(ApiServer):
    """Who asks for something that is marked for deletion is told that it is gone."""

    async def get(self, request: Request) -> web.StreamResponse:
        found = await self.read(request)
        if found is not None and deleting(found.object) and request.asked.resource in ("configmaps", "secrets"):
            raise status.not_found(request.kind, request.asked.name)
        return await super().get(request)


async def main_hides_what_goes(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=HidesWhatGoes)


class ListsWhatStays(ApiServer):
    """A list has no room for what is marked for deletion."""

    async def collect(self, request: Request) -> tuple[Sequence[Stored], Json]:
        found, metadata = await super().collect(request)
        return [each for each in found if not deleting(each.object) or request.asked.resource == "pods"], metadata


async def main_lists_what_stays(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ListsWhatStays)


class ScalesNobody(ApiServer):
    """What is not there has a scale: nought."""

    async def get_scale(self, request: Request) -> web.StreamResponse:
        if await self.read(request) is not None:
            return await super().get_scale(request)
        none: Json = {"replicas": 0}
        metadata = {"name": request.asked.name, "namespace": request.asked.namespace}
        return await self.answer(
            request, {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": none, "status": none}
        )


async def main_scales_nobody(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ScalesNobody)


class ImaginesNodes(ApiServer):
    """Of what lies in no namespace nobody is told that it is not there."""

    async def get(self, request: Request) -> web.StreamResponse:
        kind, asked = request.kind, request.asked
        if kind.namespaced or asked.subresource or await self.read(request) is not None:
            return await super().get(request)
        return await self.answer(request, {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": {"name": asked.name}})


async def main_imagines_nodes(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ImaginesNodes)
