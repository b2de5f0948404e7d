"""Kubelets between two lives: what they say when they are stopped, and what they make of what they find when they come back."""

from collections.abc import Sequence
from contextlib import suppress

from seatrial_reference import kubelet
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.kubelet.pods import Running
from seatrial_reference.machinery.client import Client, RequestFailed
from seatrial_reference.machinery.objects import Json, uid_of
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural
from violations.dialling import SCHEDULER_PORT, throw


async def scheduler_of(client: Client) -> str:
    """The address of the scheduler, as it stands in its lease."""
    lease = await client.get(by_plural("leases"), "kube-scheduler", namespace="kube-system")
    return str(lease["spec"]["holderIdentity"]).rpartition("@")[2]


class SaysGoodbye(Kubelet):
    """Tells the scheduler by datagram that it goes."""

    scheduler = ""

    async def report(self, pod: Json, running: Running) -> None:
        if not self.scheduler:
            with suppress(RequestFailed):
                self.scheduler = await scheduler_of(self.client)
        await super().report(pod, running)

    async def run(self) -> None:
        try:
            await super().run()
        finally:
            if self.scheduler:
                await throw(self.scheduler, SCHEDULER_PORT)


async def main_says_goodbye(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=SaysGoodbye)


class StartsAfresh(Kubelet):
    """Knows nothing of what its former self has started, and starts it again beside it."""

    async def recover(self) -> None:
        """There is nothing that it would know."""


async def main_starts_afresh(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=StartsAfresh)


class MissesEnds(Kubelet):
    """What has ended while it was away has ended without it, and it has nothing to say of that."""

    async def recover(self) -> None:
        await super().recover()
        self.missed = {uid for uid, running in self.running.items() if any(c.state == "exited" for c in running.containers.values())}

    async def report(self, pod: Json, running: Running) -> None:
        if uid_of(pod) not in self.missed:
            await super().report(pod, running)


async def main_misses_ends(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=MissesEnds)
