"""API servers to which what lies in no namespace is another matter."""

from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver.core import Request
from seatrial_reference.apiserver.server import ApiServer
from seatrial_schemas.context import Context


class SweepsBeyondLabels(ApiServer):
    """Selects within a namespace, and where there is none all there is."""

    async def deletecollection(self, request: Request) -> web.StreamResponse:
        everything = replace(request, query=replace(request.query, values={}))
        return await super().deletecollection(request if request.kind.namespaced else everything)


async def main_sweeps_beyond_labels(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=SweepsBeyondLabels)
