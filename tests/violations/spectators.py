"""Standbys that do nothing until something happens that they think nobody else sees."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from seatrial_reference import scheduler
from seatrial_reference.machinery.client import ApiError, Unreachable
from seatrial_reference.machinery.election import Elector
from seatrial_reference.machinery.objects import Json, key_of
from seatrial_reference.machinery.workqueue import WorkQueue
from seatrial_reference.scheduler.scheduler import Scheduler
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural

SYSTEM = "kube-system"


class NotesLostNodes(Scheduler):
    """Writes down which nodes have gone, whether it leads or not."""

    def __init__(self, *parts: Any, **how: Any) -> None:
        super().__init__(*parts, **how)
        self.lost = WorkQueue(self.context)

    async def observe(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().observe())
            tasks.create_task(self.lost.run(self.note))

    def node_deleted(self, node: Json) -> None:
        super().node_deleted(node)
        self.lost.add(key_of(node))

    async def note(self, node: str) -> None:
        kind = by_plural("configmaps")
        body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": f"lost-{node}", "namespace": SYSTEM}}
        with suppress(ApiError):
            await self.client.create(kind, body, namespace=SYSTEM)


async def main_notes_lost_nodes(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=NotesLostNodes)


class GivesUpCandidacy(Elector):
    """A candidate that could not ask once asks no more, and looks alive."""

    async def acquire(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._election.renew_s):
                    if await self.try_acquire_or_renew():
                        return
            except ApiError:
                pass
            except (Unreachable, TimeoutError):
                await asyncio.Event().wait()
            await self._context.sleep(self._election.retry_s)


async def main_gives_up_candidacy(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, elector=GivesUpCandidacy)
