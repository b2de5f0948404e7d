"""The role `controller-manager`: makes deployed resources run. Rules: CTRL-01 to CTRL-04, KCM-01 to KCM-06, KCM-14, HA-05 to HA-08.

`main` accepts another `part` in place of `ControllerManager`. It raises SystemExit(1) when it has lost its lease. Unlike the scheduler it
keeps its lease when it is stopped, as upstream does: work that was under way may still take effect, so the next one waits. A standby has no
informers.
"""

import argparse
import asyncio
from collections.abc import Sequence

from seatrial_reference.controller_manager.deployments import Deployments
from seatrial_reference.controller_manager.garbage import GarbageCollector
from seatrial_reference.controller_manager.informers import Informers
from seatrial_reference.controller_manager.replica_sets import ReplicaSets
from seatrial_reference.machinery.client import Client, connected
from seatrial_reference.machinery.election import Elector, LeaseLost
from seatrial_reference.machinery.flags import Election, elected_parser
from seatrial_schemas.context import Context

PROGRAM = "kube-controller-manager"


class ControllerManager:
    """Independent controllers over shared informers. Override a part to replace it, or `lead` for everything."""

    informers: type[Informers] = Informers
    deployments: type[Deployments] = Deployments
    replica_sets: type[ReplicaSets] = ReplicaSets
    garbage_collector: type[GarbageCollector] = GarbageCollector

    def __init__(self, client: Client, context: Context) -> None:
        self.client = client
        self.context = context

    async def stand_by(self) -> None:
        """What happens whether we lead or not: nothing."""

    async def lead(self) -> None:
        """Control until cancelled."""
        informers = self.informers(self.client, self.context)
        parts = (self.deployments, self.replica_sets, self.garbage_collector)
        controllers = [part(self.client, self.context, informers) for part in parts]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(informers.run())
            await informers.synced()
            for controller in controllers:
                tasks.create_task(controller.run())


def parser() -> argparse.ArgumentParser:
    return elected_parser(PROGRAM)


async def main(
    args: Sequence[str], context: Context, *, part: type[ControllerManager] = ControllerManager, elector: type[Elector] = Elector
) -> None:
    """Control, or stand by, until cancelled."""
    flags = parser().parse_args(args)
    candidate = f"{PROGRAM}_{next(context.ids)}"
    lost = False
    try:
        async with connected(flags.kubeconfig, context, agent=f"{PROGRAM}/reference") as client:
            manager = part(client, context)
            election = elector(client, Election.of(flags), context=context, identity=candidate, release=False)
            await _run(manager, election if flags.leader_elect else None)
    except* LeaseLost:
        lost = True
    if lost:
        raise SystemExit(1)


async def _run(manager: ControllerManager, election: Elector | None) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(manager.stand_by())
        tasks.create_task(election.run(manager.lead) if election else manager.lead())
