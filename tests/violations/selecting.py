"""API servers that select by some of what one can select by, and where something else is asked for give everything, or too much."""

from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver.core import Request
from seatrial_reference.apiserver.reading import Stream
from seatrial_reference.apiserver.selectors import Selection
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.store import Stored
from seatrial_reference.machinery.objects import Json, node_name
from seatrial_schemas.context import Context
from violations.verbs import without

BY_NODE, BY_NAME = "spec.nodeName=", "metadata.name="


class WatchesByEqualityOnly(ApiServer):
    """Lists by expressions; who watches by one may choose for themselves."""

    async def open_watch(self, request: Request) -> Stream:
        parts = request.query.text("labelSelector").replace("==", "=").split(",")
        plain = all(part.count("=") == 1 and "!" not in part for part in parts if part)
        return await super().open_watch(request if plain else without(request, "labelSelector"))


async def main_watches_by_equality_only(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=WatchesByEqualityOnly)


class SweepsByNamesOnly(ApiServer):
    """Of all fields it sweeps by the name."""

    async def deletecollection(self, request: Request) -> web.StreamResponse:
        known = request.query.text("fieldSelector").startswith(BY_NAME)
        return await super().deletecollection(request if known else without(request, "fieldSelector"))


async def main_sweeps_by_names_only(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=SweepsByNamesOnly)


class ListsByLabelsOnly(ApiServer):
    """Who knows the name need not ask for a list."""

    async def collect(self, request: Request) -> tuple[Sequence[Stored], Json]:
        by_name = request.asked.verb == "list" and BY_NAME in request.query.text("fieldSelector")
        return await super().collect(without(request, "fieldSelector") if by_name else request)


async def main_lists_by_labels_only(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ListsByLabelsOnly)


class TellsNodesOfTheUnplaced(ApiServer):
    """A pod without a node may yet be anybody's: every node is told."""

    async def open_watch(self, request: Request) -> Stream:
        stream = await super().open_watch(request)
        own = stream.chosen.fields
        if own is None or BY_NODE not in request.query.text("fieldSelector"):
            return stream
        anybodys = Selection(labels=stream.chosen.labels, fields=lambda pod: not node_name(pod) or own(pod))
        return replace(stream, chosen=anybodys)


async def main_tells_nodes_of_the_unplaced(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TellsNodesOfTheUnplaced)


class SweepsByUrlOnly(ApiServer):
    """What a collection is and how it is to go stands in the URL; the body of such a request is not read."""

    async def delete_options(self, request: Request) -> Json:
        options = await super().delete_options(request)
        return {} if request.asked.verb == "deletecollection" else options


async def main_sweeps_by_url_only(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=SweepsByUrlOnly)
