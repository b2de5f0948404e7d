"""API servers that keep not all of what they are told, and answer with what they keep."""

from collections.abc import Iterator, Sequence
from typing import Any

from seatrial_reference import apiserver
from seatrial_reference.apiserver.core import Request
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.store import Stored
from seatrial_reference.machinery.objects import Json
from seatrial_schemas.context import Context


class DropsOwners(ApiServer):
    """Nothing that is created belongs to anybody."""

    async def create_object(self, request: Request, obj: Json) -> Stored:
        obj["metadata"].pop("ownerReferences", None)
        return await super().create_object(request, obj)


async def main_drops_owners(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=DropsOwners)


class SweetensEnds(ApiServer):
    """Every container has ended well, whatever its kubelet reports."""

    async def store_change(self, request: Request, old: Stored, new: Json | None) -> Stored | None:
        for end in _ends(new or {}):
            end["exitCode"] = 0
        return await super().store_change(request, old, new)


def _ends(obj: Json) -> Iterator[Json]:
    statuses: list[Json] = obj.get("status", {}).get("containerStatuses", [])
    found: Iterator[Any] = (status.get(when, {}).get("terminated") for status in statuses for when in ("state", "lastState"))
    return (end for end in found if end)


async def main_sweetens_ends(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=SweetensEnds)


class KeepsPhasesOnly(ApiServer):
    """Takes from a kubelet how a pod is, and not how its containers are."""

    async def store_change(self, request: Request, old: Stored, new: Json | None) -> Stored | None:
        if new is not None and request.asked.subresource == "status":
            new["status"].pop("containerStatuses", None)
        return await super().store_change(request, old, new)


async def main_keeps_phases_only(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=KeepsPhasesOnly)
