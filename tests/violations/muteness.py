"""API servers that accept a watch and tell nothing by it, of one kind or to one component."""

from collections.abc import Callable, Sequence

from seatrial_reference import apiserver
from seatrial_reference.apiserver.core import Request
from seatrial_reference.apiserver.reading import Stream
from seatrial_reference.apiserver.server import ApiServer
from seatrial_schemas.context import Context


def mute(when: Callable[[Request], bool]) -> type[ApiServer]:
    class Mute(ApiServer):
        async def open_watch(self, request: Request) -> Stream:
            stream = await super().open_watch(request)
            if when(request):
                stream.watcher.tell = lambda _: None  # type: ignore[method-assign]
            return stream

    return Mute


async def main_of_pods(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=mute(lambda request: request.asked.resource == "pods"))


async def main_of_deployments(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=mute(lambda request: request.asked.resource == "deployments"))


async def main_to_kubelets(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=mute(lambda request: request.user.name.startswith("system:node:")))
