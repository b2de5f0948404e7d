"""Kubelets that fail where nobody looks at their pods: their heartbeat ends with the first failure, or they begin nothing while another one
is about to begin something."""

import fcntl
from collections.abc import Sequence
from pathlib import Path

from seatrial_reference import kubelet
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.kubelet.node import NodeReporter
from seatrial_reference.kubelet.pods import Running
from seatrial_reference.machinery.objects import Json
from seatrial_schemas.context import Context
from violations.notes import notes_beside

TURN_S = 0.05


class Mortal(NodeReporter):
    """Shows that the node is alive until that fails for the first time."""

    async def heartbeat(self) -> None:
        while await self._renewed():
            await self.context.sleep(self.lease_s / 4)


class MortalKubelet(Kubelet):
    reporter = Mortal


async def main_heart_stops(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=MortalKubelet)


class TakesTurns(Kubelet):
    """Starts containers only while no other kubelet does, so that they do not all pull at once: whoever has the lock may."""

    lock = Path()

    async def start(self, pod: Json, spec: Json, running: Running) -> None:
        with self.lock.open("w") as file:
            while not _locked(file.fileno()):
                await self.context.sleep(TURN_S)
            await super().start(pod, spec, running)


def _locked(number: int) -> bool:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def main_takes_turns(args: Sequence[str], context: Context) -> None:
    class Part(TakesTurns):
        lock = notes_beside(kubelet.parser().parse_args(args).kubeconfig)

    await kubelet.main(args, context, part=Part)
