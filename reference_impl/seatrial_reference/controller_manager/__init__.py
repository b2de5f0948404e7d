"""The role `controller-manager`: makes deployed resources run. Rules: CTRL-01 to CTRL-04, KCM-01 to KCM-06, KCM-14, HA-05 to HA-08.

`main` accepts another `part` in place of `ControllerManager`. It raises SystemExit(1) when it has lost its lease. Unlike the scheduler it
keeps its lease when it is stopped, as upstream does: work that was under way may still take effect, so the next one waits. A standby has no
informers.
"""

import argparse
from collections.abc import Sequence

from seatrial_reference.controller_manager.manager import ControllerManager
from seatrial_reference.machinery.election import Elector, serve
from seatrial_reference.machinery.flags import elected_parser
from seatrial_schemas.context import Context

__all__ = ["ControllerManager", "main", "parser"]
PROGRAM = "kube-controller-manager"


def parser() -> argparse.ArgumentParser:
    return elected_parser(PROGRAM)


async def main(
    args: Sequence[str], context: Context, *, part: type[ControllerManager] = ControllerManager, elector: type[Elector] = Elector
) -> None:
    """Control, or stand by, until cancelled."""
    await serve(args, context, program=PROGRAM, part=part, elector=elector, release=False)
