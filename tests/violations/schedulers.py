"""Schedulers that are wrong in one way each, and right in all others: what is not said here is the reference's."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from seatrial_reference import scheduler
from seatrial_reference.apiserver.store import Etcd, Store
from seatrial_reference.machinery.client import ApiError, RequestFailed
from seatrial_reference.machinery.informer import Handlers, Informer
from seatrial_reference.machinery.objects import Json, controller_of, deleting, finished, key_of, node_name, phase, stamp, uid_of
from seatrial_reference.machinery.workqueue import WorkQueue
from seatrial_reference.scheduler.scheduler import Scheduler
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural
from violations import elections
from violations.dialling import ETCD_PORT, KUBELET_PORT, address_of, dial, host_of, option, touch

POLL_S = 0.2
SLOWLY_S = 20.0
NUDGE_S = 0.5
GLIMPSE_S = 0.2
AWAY_S = 5.0
PATIENCE_S = 6.0


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


async def polled(informer: Informer, context: Context, *, every_s: float = POLL_S) -> None:
    """List everything again and again."""
    while True:
        with suppress(RequestFailed):
            await informer.relist()
        await context.sleep(every_s)


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


class PollsSlowly(Scheduler):
    """Watches, and looks for itself three times a minute."""

    async def observe(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().observe())
            tasks.create_task(polled(self.pods, self.context, every_s=SLOWLY_S))


async def main_polls_slowly(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=PollsSlowly)


class Glimpsing(Informer):
    """Watches for a moment, and goes away again."""

    async def follow(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(GLIMPSE_S):
                await super().follow()
        await self._context.sleep(AWAY_S)


class Glimpses(Scheduler):
    """Has a look at its watches every few seconds, and is not there in between."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.pods.__class__ = self.nodes.__class__ = Glimpsing


async def main_glimpses(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=Glimpses)


class NudgesKubelet(Scheduler):
    """Rings at the node of a pod that does not run soon after it was bound."""

    async def lead(self) -> None:
        self.slow = WorkQueue(self.context)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().lead())
            tasks.create_task(self.slow.run(self.nudge, workers=1))

    async def bind(self, pod: Json, node: str) -> None:
        await super().bind(pod, node)
        self.slow.add_after(key_of(pod), NUDGE_S)

    async def nudge(self, key: str) -> None:
        pod = self.pods.get(key)
        if pod and phase(pod) == "Pending":
            await touch(address_of(self.nodes.get(node_name(pod)) or {}), KUBELET_PORT)


async def main_nudges_kubelet(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=NudgesKubelet)


class DialsEtcdLate(DialsEtcdOnce):
    """Looks whether the store is there when it has nothing else to do."""

    async def bind(self, pod: Json, node: str) -> None:
        await Scheduler.bind(self, pod, node)

    async def lead(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().lead())
            tasks.create_task(self.look())

    async def look(self) -> None:
        await self.context.sleep(PATIENCE_S)
        await touch(host_of(self.store), ETCD_PORT)


async def main_dials_etcd_late(args: Sequence[str], context: Context) -> None:
    rest, url = option(args, "etcd")

    class Part(DialsEtcdLate):
        store = url

    await scheduler.main(rest, context, part=Part)


class RemembersNames(Scheduler):
    """What it has placed once is placed, and it knows pods by their names."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.placed: dict[str, None] = {}

    def concerns(self, pod: Json) -> bool:
        return key_of(pod) not in self.placed and super().concerns(pod)

    async def bind(self, pod: Json, node: str) -> None:
        await super().bind(pod, node)
        self.placed[key_of(pod)] = None


async def main_remembers_names(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=RemembersNames)


class Rebalances(Scheduler):
    """Sends a pod away when a node comes that has more room for it."""

    async def lead(self) -> None:
        self.crowded = WorkQueue(self.context)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().lead())
            tasks.create_task(self.crowded.run(self.evict, workers=1))

    def node_added(self, node: Json) -> None:
        super().node_added(node)
        placed = [p for p in self.pods.all() if node_name(p) not in ("", key_of(node)) and not deleting(p)]
        if placed and not self.pods.group(key_of(node)):
            self.crowded.add(key_of(placed[0]))

    async def evict(self, key: str) -> None:
        if pod := self.pods.get(key):
            meta = pod["metadata"]
            await self.client.delete(by_plural("pods"), meta["name"], namespace=meta["namespace"], uid=meta["uid"])


async def main_rebalances(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=Rebalances)


class MakesPods(Scheduler):
    """Makes the pods of a ReplicaSet that has been without any for a while."""

    def __init__(self, client: Any, context: Context) -> None:
        super().__init__(client, context)
        self.sets = Informer(client, by_plural("replicasets"), context=context)
        self.sets.subscribe(Handlers(added=self.wait_for, updated=lambda *_: None, deleted=lambda _: None))
        self.bare = WorkQueue(context)

    async def observe(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().observe())
            tasks.create_task(self.sets.run())
            tasks.create_task(self.bare.run(self.make, workers=1))

    def wait_for(self, item: Json) -> None:
        self.bare.add_after(key_of(item), PATIENCE_S)

    async def make(self, key: str) -> None:
        item = self.sets.get(key)
        if item and not any((controller_of(p) or {}).get("uid") == uid_of(item) for p in self.pods.all()):
            meta, template = item["metadata"], item["spec"]["template"]
            owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": meta["name"], "uid": meta["uid"], "controller": True}
            own = {"generateName": f"{meta['name']}-", "labels": template["metadata"]["labels"], "ownerReferences": [owner]}
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": own, "spec": template["spec"]}
            await self.client.create(by_plural("pods"), pod, namespace=meta["namespace"])


async def main_makes_pods(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=MakesPods)


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


async def main_careless(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, elector=elections.Careless)


async def main_crowding(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, elector=elections.Crowding)


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
