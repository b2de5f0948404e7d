"""Components that leave out a whole duty, for everybody and from the beginning."""

from collections.abc import Sequence

from seatrial_reference import kubelet
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.kubelet.pods import Running
from seatrial_reference.machinery.objects import Json
from seatrial_schemas.context import Context


class ReportsNothing(Kubelet):
    """Runs pods, and keeps to itself what becomes of them."""

    async def report(self, pod: Json, running: Running) -> None:
        return


async def main_reports_nothing(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=ReportsNothing)


class StopsNothing(Kubelet):
    """Lets pods go, and what runs of them run."""

    async def stop_pod(self, uid: str, *, grace_s: int) -> None:
        return


async def main_stops_nothing(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=StopsNothing)
