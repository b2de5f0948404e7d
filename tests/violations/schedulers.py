"""Schedulers that are wrong in one way each, and right in all others: what is not said here is the reference's."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from seatrial_reference import scheduler
from seatrial_reference.apiserver.store import Etcd, Store
from seatrial_reference.machinery.client import ApiError, RequestFailed
from seatrial_reference.machinery.informer import Informer
from seatrial_reference.machinery.objects import Json, deleting, finished, node_name, stamp, uid_of
from seatrial_reference.scheduler.scheduler import Scheduler
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural
from violations import elections
from violations.dialling import ETCD_PORT, KUBELET_PORT, address_of, dial, host_of, option, touch

POLL_S = 0.2


class DialsEtcdOnce(Scheduler):
    """Looks whether the store is there, once, before its first binding."""

    store = ""
    looked = False

    async def bind(self, pod: Json, node: str) -> None:
        if not self.looked:
            self.looked = True
            await touch(host_of(self.store), ETCD_PORT)
        await super().bind(pod, node)


async def main_dials_etcd_once(args: Sequence[str], context: Context) -> None:
    rest, url = option(args, "etcd")

    class Part(DialsEtcdOnce):
        store = url

    await scheduler.main(rest, context, part=Part)


class KeepsChannelToEtcd(Scheduler):
    """Has a connection to the store from the beginning, and never says a word over it."""

    store = ""

    async def observe(self) -> None:
        channel = await dial(host_of(self.store), ETCD_PORT)
        try:
            await super().observe()
        finally:
            if channel:
                channel.close()


async def main_keeps_channel_to_etcd(args: Sequence[str], context: Context) -> None:
    rest, url = option(args, "etcd")

    class Part(KeepsChannelToEtcd):
        store = url

    await scheduler.main(rest, context, part=Part)


class BindsInStore(Scheduler):
    """Writes the node into the pod where it lies, without asking anybody."""

    client_of_store: Etcd

    async def bind(self, pod: Json, node: str) -> None:
        meta, store = pod["metadata"], Store(self.client_of_store)
        found, _ = await store.get(by_plural("pods").store_key(namespace=meta["namespace"], name=meta["name"]))
        if found is None:
            return
        bound = found.copy()
        bound["spec"]["nodeName"] = node
        now = stamp(self.context.wall_s())
        bound["status"]["conditions"] = [{"type": "PodScheduled", "status": "True", "lastTransitionTime": now}]
        await store.replace(found, bound)


async def main_binds_in_store(args: Sequence[str], context: Context) -> None:
    rest, url = option(args, "etcd")
    etcd = Etcd(urls=[url], timeout_s=5)

    class Part(BindsInStore):
        client_of_store = etcd

    try:
        await scheduler.main(rest, context, part=Part)
    finally:
        etcd.close()


class CallsKubelet(Scheduler):
    """Tells the node of its new pod, as if the binding were not enough."""

    async def bind(self, pod: Json, node: str) -> None:
        await super().bind(pod, node)
        await touch(address_of(self.nodes.get(node) or {}), KUBELET_PORT)


async def main_calls_kubelet(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=CallsKubelet)


async def polled(informer: Informer, context: Context) -> None:
    """List everything again and again."""
    while True:
        with suppress(RequestFailed):
            await informer.relist()
        await context.sleep(POLL_S)


class Polls(Scheduler):
    """Asks instead of being told."""

    async def observe(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(polled(self.pods, self.context))
            tasks.create_task(polled(self.nodes, self.context))


async def main_polls(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=Polls)


class AlsoPolls(Scheduler):
    """Watches, and does not rely on it."""

    async def observe(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().observe())
            tasks.create_task(polled(self.pods, self.context))


async def main_also_polls(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=AlsoPolls)


class ForgetsUnschedulable(Scheduler):
    """What fits nowhere today is not looked at tomorrow."""

    def retry_unschedulable(self) -> None:
        self.unschedulable.clear()


async def main_forgets_unschedulable(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=ForgetsUnschedulable)


class Rebinds(Scheduler):
    """Wants to place every pod, those too that somebody else has given a node."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.placed: dict[str, None] = {}  # what it has tried to place

    def concerns(self, pod: Json) -> bool:
        if not node_name(pod) or uid_of(pod) in self.placed:
            return super().concerns(pod)
        return not deleting(pod) and not finished(pod)

    async def bind(self, pod: Json, node: str) -> None:
        self.placed[uid_of(pod)] = None
        try:
            await super().bind(pod, node)
        except ApiError:
            if not node_name(pod):
                raise


async def main_rebinds(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=Rebinds)


class PutsPod(Scheduler):
    """Tries to update the whole pod, and takes the binding only where that is refused."""

    async def bind(self, pod: Json, node: str) -> None:
        try:
            await self.client.replace(by_plural("pods"), pod | {"spec": pod["spec"] | {"nodeName": node}})
        except ApiError:
            await super().bind(pod, node)


async def main_puts_pod(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=PutsPod)


async def main_everybody_leads(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, elector=elections.EverybodyLeads)


async def main_talkative(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, elector=elections.Talkative)


async def main_hasty(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, elector=elections.Hasty)


async def main_loyal(args: Sequence[str], context: Context) -> None:
    flags = scheduler.parser().parse_args(args)

    class Choice(elections.Loyal):
        home = Path(flags.kubeconfig).stem

    await scheduler.main(args, context, elector=Choice)


async def main_published(args: Sequence[str], context: Context) -> None:
    """Does nothing wrong, but can be found by those who do."""
    rest, own = option(args, "address")

    class Choice(elections.Published):
        address = own

    await scheduler.main(rest, context, elector=Choice)


async def main_dead(args: Sequence[str], context: Context) -> None:
    """Is there, and never does anything."""
    await asyncio.Event().wait()
