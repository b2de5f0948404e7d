"""Schedulers that end pods: where too many are, and where no node is any more."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from seatrial_reference import scheduler
from seatrial_reference.machinery.client import RequestFailed
from seatrial_reference.machinery.objects import Json, key_of, node_name
from seatrial_reference.scheduler.placement import ZERO
from seatrial_reference.scheduler.scheduler import Scheduler
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural


class _Evicts(Scheduler):
    """Ends pods, when it comes to it."""

    def __init__(self, *parts: Any, **how: Any) -> None:
        super().__init__(*parts, **how)
        self.deeds: list[asyncio.Task[None]] = []

    def end(self, pod: Json) -> None:
        self.deeds.append(asyncio.create_task(self._end(pod)))

    async def _end(self, pod: Json) -> None:
        meta = pod["metadata"]
        with suppress(RequestFailed):
            await self.client.delete(by_plural("pods"), meta["name"], namespace=meta["namespace"], uid=meta["uid"])


class EvictsFromFull(_Evicts):
    """A node on which more is asked for than it has loses the pod that came last."""

    def pod_added(self, pod: Json) -> None:
        super().pod_added(pod)
        place = next((p for p in self.places() if p.name == node_name(pod)), None)
        if place is not None and any(value > place.allocatable.get(name, ZERO) for name, value in place.used.items()):
            self.end(pod)


async def main_evicts_from_full(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=EvictsFromFull)


class EvictsFromGone(_Evicts):
    """Where there is no node there can be no pods."""

    def node_deleted(self, node: Json) -> None:
        for pod in self.pods.group(key_of(node)):
            self.end(pod)
        super().node_deleted(node)


async def main_evicts_from_gone(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=EvictsFromGone)
