"""Kubelets that are wrong in one way each, and right in all others: what is not said here is the reference's."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from seatrial_reference import kubelet
from seatrial_reference.apiserver.store import Etcd, Store
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.kubelet.pods import Container, Running
from seatrial_reference.machinery.client import RequestFailed
from seatrial_reference.machinery.informer import Handlers, Informer
from seatrial_reference.machinery.objects import Json, deleting, key_of, node_name, uid_of
from seatrial_reference.machinery.workqueue import WorkQueue
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural
from violations.dialling import KUBELET_PORT, MANAGER_PORT, SCHEDULER_PORT, address_of, option, throw, touch
from violations.schedulers import polled

CLAIM_S = 0.5


class SeesAllPods(Kubelet):
    """Watches the pods of all nodes, and finds its own among them."""

    def __init__(self, client: Any, context: Context, *args: Any, **how: Any) -> None:
        super().__init__(client, context, *args, **how)
        self.informer = Informer(client, by_plural("pods"), context=context)
        self.informer.subscribe(Handlers(added=self.pod_seen, updated=lambda _, new: self.pod_seen(new), deleted=self.pod_gone))


async def main_sees_all_pods(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=SeesAllPods)


class RunsNeighbours(SeesAllPods):
    """Takes node-10 for itself where it is node-1."""

    def mine(self, pod: Json) -> bool:
        return node_name(pod).startswith(self.node)


async def main_runs_neighbours(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=RunsNeighbours)


class RunsUnbound(SeesAllPods):
    """Gets the containers of a pod ready before anybody has said whose it is; those of others it stops again."""

    def mine(self, pod: Json) -> bool:
        return node_name(pod) in ("", self.node)

    def pod_seen(self, pod: Json) -> None:
        if not self.mine(pod) and uid_of(pod) in self.wanted:
            self.pod_gone(pod)
        super().pod_seen(pod)

    async def report(self, pod: Json, running: Running) -> None:
        if node_name(pod):
            await super().report(pod, running)


async def main_runs_unbound(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=RunsUnbound)


class Pretends(Kubelet):
    """Has a sandbox made and says that all runs."""

    async def start(self, pod: Json, spec: Json, running: Running) -> None:
        fresh = Container(id=f"{uid_of(pod)}/{spec['name']}", attempt=0, state="running", started_s=self.context.wall_s())
        running.containers[spec["name"]] = fresh

    async def relist(self) -> None:
        """There is nothing to be seen."""


async def main_pretends(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=Pretends)


class Polls(Kubelet):
    """Asks for its pods instead of being told of them."""

    def __init__(self, client: Any, context: Context, *args: Any, **how: Any) -> None:
        super().__init__(client, context, *args, **how)
        informer = self.informer

        class Asking(Informer):
            async def run(self) -> None:
                await polled(informer, context)

        informer.__class__ = Asking


async def main_polls(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=Polls)


class AlsoPolls(Kubelet):
    """Watches, and does not rely on it."""

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().run())
            tasks.create_task(polled(self.informer, self.context))


async def main_also_polls(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=AlsoPolls)


class WritesStore(Kubelet):
    """Writes the status of its pods where they lie, without asking anybody."""

    store_client: Etcd

    async def report(self, pod: Json, running: Running) -> None:
        owner = self

        class Direct:
            """The one request of a report, done by hand."""

            async def patch(self, kind: Any, name: str, patch: Json, *, namespace: str, subresource: str) -> None:
                await owner.write(kind.store_key(namespace=namespace, name=name), patch["status"])

        asked, self.client = self.client, Direct()  # type: ignore[assignment]
        try:
            await super().report(pod, running)
        finally:
            self.client = asked

    async def write(self, key: str, status: Json) -> None:
        store = Store(self.store_client)
        found, _ = await store.get(key)
        if found is not None:
            new = found.copy()
            new["status"] = new.get("status", {}) | status
            await store.replace(found, new)


async def main_writes_store(args: Sequence[str], context: Context) -> None:
    await _beside_the_store(args, context, WritesStore)


async def _beside_the_store(args: Sequence[str], context: Context, part: type[Kubelet]) -> None:
    """A kubelet that has a client of the store."""
    rest, url = option(args, "etcd")
    etcd = Etcd(urls=[url], timeout_s=5)
    try:
        await kubelet.main(rest, context, part=type(part.__name__, (part,), {"store_client": etcd}))
    finally:
        etcd.close()


class Gossips(Kubelet):
    """Tells the other nodes of every pod that it has reported."""

    tell = staticmethod(touch)

    async def report(self, pod: Json, running: Running) -> None:
        await super().report(pod, running)
        nodes = await self.client.list(by_plural("nodes"))
        for node in nodes["items"]:
            if node["metadata"]["name"] != self.node:
                await self.tell(address_of(node), KUBELET_PORT)


async def main_gossips(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=Gossips)


class Whispers(Gossips):
    """Tells them by datagram, as a gossip protocol would."""

    tell = staticmethod(throw)


async def main_whispers(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=Whispers)


class CallsManager(Kubelet):
    """Tells the controller manager of every pod that it has reported; its address stands in its lease."""

    lease, port = "kube-controller-manager", MANAGER_PORT

    async def report(self, pod: Json, running: Running) -> None:
        await super().report(pod, running)
        try:
            lease = await self.client.get(by_plural("leases"), self.lease, namespace="kube-system")
        except RequestFailed:
            return
        await touch(str(lease["spec"]["holderIdentity"]).rpartition("@")[2], self.port)


async def main_calls_manager(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=CallsManager)


class CallsScheduler(CallsManager):
    """Tells the scheduler."""

    lease, port = "kube-scheduler", SCHEDULER_PORT


async def main_calls_scheduler(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=CallsScheduler)


class LeavesEarly(Kubelet):
    """Lets the API server forget a pod whose containers it has yet to stop."""

    async def sync(self, uid: str) -> None:
        pod = self.wanted.get(uid)
        if pod is not None and deleting(pod):
            await self.farewell(pod)
        await super().sync(uid)


async def main_leaves_early(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=LeavesEarly)


class ListsAllPods(Kubelet):
    """Watches its own pods, and looks once in a while at those of everybody."""

    async def report(self, pod: Json, running: Running) -> None:
        await super().report(pod, running)
        await self.client.list(by_plural("pods"))


async def main_lists_all_pods(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=ListsAllPods)


class StartsFirstContainer(Kubelet):
    """Takes the first container of a pod for the pod; of the others it only says that they run."""

    async def start(self, pod: Json, spec: Json, running: Running) -> None:
        if spec["name"] == pod["spec"]["containers"][0]["name"]:
            await super().start(pod, spec, running)
        else:
            fresh = Container(id=f"{uid_of(pod)}/{spec['name']}", attempt=0, state="running", started_s=self.context.wall_s())
            running.containers[spec["name"]] = fresh

    async def relist(self) -> None:
        """What it never started would not be found."""


async def main_starts_first_container(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=StartsFirstContainer)


class ClaimsPods(Kubelet):
    """Binds to itself what has been without a node for a moment."""

    def __init__(self, client: Any, context: Context, *args: Any, **how: Any) -> None:
        super().__init__(client, context, *args, **how)
        self.adrift = Informer(client, by_plural("pods"), context=context, fields="spec.nodeName=")
        self.adrift.subscribe(Handlers(added=self.wait_for, updated=lambda *_: None, deleted=lambda _: None))
        self.waiting = WorkQueue(context)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().run())
            tasks.create_task(self.adrift.run())
            tasks.create_task(self.waiting.run(self.claim, workers=1))

    def wait_for(self, pod: Json) -> None:
        self.waiting.add_after(key_of(pod), CLAIM_S)

    async def claim(self, key: str) -> None:
        if pod := self.adrift.get(key):
            meta = pod["metadata"]
            target = {"apiVersion": "v1", "kind": "Node", "name": self.node}
            body = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": meta["name"], "namespace": meta["namespace"]}}
            with suppress(RequestFailed):
                await self.client.create(
                    by_plural("pods"), body | {"target": target}, namespace=meta["namespace"], name=meta["name"], subresource="binding"
                )


async def main_claims_pods(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=ClaimsPods)


class DeletesInStore(Kubelet):
    """Takes a pod that has ended out of the store where it lies, without asking anybody."""

    store_client: Etcd

    async def farewell(self, pod: Json) -> None:
        meta, store = pod["metadata"], Store(self.store_client)
        found, _ = await store.get(by_plural("pods").store_key(namespace=meta["namespace"], name=meta["name"]))
        if found is not None and found.object["metadata"]["uid"] == meta["uid"]:
            await store.remove(found)


async def main_deletes_in_store(args: Sequence[str], context: Context) -> None:
    await _beside_the_store(args, context, DeletesInStore)


class RunsNewsOnly(Kubelet):
    """What is bound to its node when it starts is none of its business."""

    def pod_seen(self, pod: Json) -> None:
        if self.informer.synced.is_set():
            super().pod_seen(pod)


async def main_runs_news_only(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=RunsNewsOnly)


class ReportsOnce(Kubelet):
    """A pod that runs is reported as running, and that is the last that is heard of it."""

    async def report(self, pod: Json, running: Running) -> None:
        if self.told.get(uid_of(pod), {}).get("phase") != "Running":
            await super().report(pod, running)


async def main_reports_once(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=ReportsOnce)
