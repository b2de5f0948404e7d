"""The role `scheduler`: gives pods their nodes. Rules: SCHED-01 to SCHED-16, HA-04, HA-06 to HA-08, COMM-14.

`main` accepts another `part` in place of `Scheduler`. It raises SystemExit(1) when it has lost its lease.
"""

import argparse
from collections.abc import Sequence

from seatrial_reference.machinery.election import Elector, serve
from seatrial_reference.machinery.flags import elected_parser
from seatrial_reference.scheduler.scheduler import Scheduler
from seatrial_schemas.context import Context

PROGRAM = "kube-scheduler"


def parser() -> argparse.ArgumentParser:
    return elected_parser(PROGRAM)


async def main(args: Sequence[str], context: Context, *, part: type[Scheduler] = Scheduler, elector: type[Elector] = Elector) -> None:
    """Schedule, or stand by, until cancelled. A clean stop gives the lease up."""
    await serve(args, context, program=PROGRAM, part=part, elector=elector, release=True)
