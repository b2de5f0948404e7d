"""Scheduler and controllers in one interpreter, sharing more than that: what one makes, the other knows before it is told."""

from argparse import ArgumentParser
from asyncio import TaskGroup
from collections.abc import Sequence
from pathlib import Path

from seatrial_reference.controller_manager import ControllerManager
from seatrial_reference.controller_manager.replica_sets import ReplicaSets
from seatrial_reference.machinery.client import connected
from seatrial_reference.machinery.election import Elector
from seatrial_reference.machinery.flags import Election
from seatrial_reference.machinery.objects import Json
from seatrial_reference.scheduler.scheduler import Scheduler
from seatrial_schemas.context import Context


def _parser() -> ArgumentParser:
    flags = ArgumentParser(allow_abbrev=False)
    for name in ("scheduler", "manager"):
        flags.add_argument(f"--{name}-kubeconfig", type=Path, required=True)
    for name in ("lease", "renew", "retry"):
        flags.add_argument(f"--{name}-s", type=float, required=True)
    return flags


async def main_shares_queue(args: Sequence[str], context: Context) -> None:
    """Two components with an identity and a lease each; new pods go from one to the other in memory."""
    flags = _parser().parse_args(args)
    async with (
        connected(flags.scheduler_kubeconfig, context, agent="kube-scheduler/merged") as asking,
        connected(flags.manager_kubeconfig, context, agent="kube-controller-manager/merged") as making,
    ):
        scheduler = Scheduler(asking, context)

        class Handing(ReplicaSets):
            async def create_pod(self, item: Json) -> Json:
                pod = await super().create_pod(item)
                scheduler.pods.apply({"type": "ADDED", "object": pod})
                return pod

        class Manager(ControllerManager):
            replica_sets = Handing

        def elected(name: str) -> Election:
            return Election(name=name, namespace="kube-system", lease_s=flags.lease_s, renew_s=flags.renew_s, retry_s=flags.retry_s)

        first = Elector(asking, elected("kube-scheduler"), context=context, identity=next(context.ids), release=True)
        second = Elector(making, elected("kube-controller-manager"), context=context, identity=next(context.ids), release=True)
        async with TaskGroup() as tasks:
            tasks.create_task(scheduler.observe())
            tasks.create_task(first.run(scheduler.lead))
            tasks.create_task(second.run(Manager(making, context).lead))
