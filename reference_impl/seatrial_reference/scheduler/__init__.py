"""The role `scheduler`: gives pods their nodes. Rules: SCHED-01 to SCHED-16, HA-04, HA-06 to HA-08, COMM-14.

`main` accepts another `part` in place of `Scheduler`. It raises SystemExit(1) when it has lost its lease.
"""

import argparse
import asyncio
from collections.abc import Sequence

from seatrial_reference.machinery.client import connected
from seatrial_reference.machinery.election import Elector, LeaseLost
from seatrial_reference.machinery.flags import Election, elected_parser
from seatrial_reference.scheduler.scheduler import Scheduler
from seatrial_schemas.context import Context

PROGRAM = "kube-scheduler"


def parser() -> argparse.ArgumentParser:
    return elected_parser(PROGRAM)


async def main(args: Sequence[str], context: Context, *, part: type[Scheduler] = Scheduler, elector: type[Elector] = Elector) -> None:
    """Schedule, or stand by, until cancelled. A clean stop gives the lease up."""
    flags = parser().parse_args(args)
    candidate = f"{PROGRAM}_{next(context.ids)}"
    lost = False
    try:
        async with connected(flags.kubeconfig, context, agent=f"{PROGRAM}/reference") as client:
            scheduler = part(client, context)
            election = elector(client, Election.of(flags), context=context, identity=candidate, release=True)
            await _run(scheduler, election if flags.leader_elect else None)
    except* LeaseLost:
        lost = True
    if lost:
        raise SystemExit(1)


async def _run(scheduler: Scheduler, election: Elector | None) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(scheduler.observe())
        tasks.create_task(election.run(scheduler.lead) if election else scheduler.lead())
