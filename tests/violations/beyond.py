"""API servers to which what lies in no namespace is another matter."""

from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver.core import Request
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.store import Stored
from seatrial_reference.machinery.objects import Json
from seatrial_schemas.context import Context


class SweepsBeyondLabels(ApiServer):
    """Selects within a namespace, and where there is none all there is."""

    async def deletecollection(self, request: Request) -> web.StreamResponse:
        everything = replace(request, query=replace(request.query, values={}))
        return await super().deletecollection(request if request.kind.namespaced else everything)


async def main_sweeps_beyond_labels(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=SweepsBeyondLabels)


class KeepsGivenUpNamespaces(ApiServer):
    """A namespace of which nobody wants anything any more is empty, and that is all that it is."""

    async def changed(self, request: Request, old: Stored, new: Json) -> Json | None:
        left = await super().changed(request, old, new)
        return new if left is None and request.kind.plural == "namespaces" else left


async def main_keeps_given_up_namespaces(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=KeepsGivenUpNamespaces)
