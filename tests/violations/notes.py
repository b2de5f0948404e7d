"""Scheduler and kubelets that share a file, beside their kubeconfigs: no packet tells of it."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

from seatrial_reference import kubelet, scheduler
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.machinery.objects import Json, uid_of
from seatrial_reference.scheduler.scheduler import Scheduler
from seatrial_schemas.context import Context

NOTES_S = 0.1


def notes_beside(kubeconfig: Path) -> Path:
    """A file that all components of a cluster can reach."""
    return kubeconfig.parent / "notes"


class LeavesNotes(Scheduler):
    """Writes every binding down for the kubelets, in a file beside its kubeconfig."""

    notes = Path()

    async def bind(self, pod: Json, node: str) -> None:
        await super().bind(pod, node)
        with self.notes.open("a") as notes:
            notes.write(json.dumps(pod | {"spec": pod["spec"] | {"nodeName": node}}) + "\n")


async def main_scheduler_leaves(args: Sequence[str], context: Context) -> None:
    class Part(LeavesNotes):
        notes = notes_beside(scheduler.parser().parse_args(args).kubeconfig)

    await scheduler.main(args, context, part=Part)


class ReadsNotes(Kubelet):
    """Runs what it finds in a file beside its kubeconfig, where the scheduler leaves a note of every binding."""

    notes = Path()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().run())
            tasks.create_task(self.read())

    async def read(self) -> None:
        while True:
            await self.context.sleep(NOTES_S)
            for line in self.notes.read_text().splitlines() if self.notes.is_file() else ():
                pod = json.loads(line)
                if self.mine(pod) and uid_of(pod) not in self.wanted:
                    self.pod_seen(pod)


async def main_kubelet_reads(args: Sequence[str], context: Context) -> None:
    class Part(ReadsNotes):
        notes = notes_beside(kubelet.parser().parse_args(args).kubeconfig)

    await kubelet.main(args, context, part=Part)
