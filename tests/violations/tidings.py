"""API servers to which an Event, a new namespace or a heartbeat is not quite an object: nobody is asked about it, or it lies apart."""

from collections.abc import Sequence
from dataclasses import replace

from seatrial_reference import apiserver
from seatrial_reference.apiserver.admission import Review
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import Kind
from violations.admitting import _Passing
from violations.keys import _Elsewhere


class AdmitsNoEvents(_Passing):
    """There are so many of them."""

    def passes(self, review: Review) -> bool:
        return review.asked.resource == "events"


async def main_admits_no_events(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=AdmitsNoEvents)


class AdmitsNoNewNamespaces(_Passing):
    """Looks in the namespace of what is new for whom to ask, and that is not there before the namespace is."""

    def passes(self, review: Review) -> bool:
        return review.asked.resource == "namespaces" and review.operation == "CREATE"


async def main_admits_no_new_namespaces(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=AdmitsNoNewNamespaces)


class AdmitsNoHeartbeats(_Passing):
    """A node that says how it is has not been asked whether it may."""

    def passes(self, review: Review) -> bool:
        return review.resource == "nodes/status" and review.asked.verb == "update"


async def main_admits_no_heartbeats(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=AdmitsNoHeartbeats)


class FilesEventsApart(_Elsewhere):
    """Below the group by which they are asked for today."""

    def placed(self, kind: Kind) -> Kind:
        return replace(kind, key="events.k8s.io/events") if kind.plural == "events" else kind


async def main_files_events_apart(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=FilesEventsApart)
