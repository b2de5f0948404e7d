"""Controller managers that are wrong in one way each, and right in all others: what is not said here is the reference's."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from seatrial_reference import controller_manager
from seatrial_reference.controller_manager import ControllerManager
from seatrial_reference.controller_manager.deployments import Deployments
from seatrial_reference.controller_manager.informers import Informers
from seatrial_reference.controller_manager.replica_sets import ReplicaSets
from seatrial_reference.controller_manager.rollout import HASH, template_hash
from seatrial_reference.machinery.client import Client, RequestFailed
from seatrial_reference.machinery.informer import Informer
from seatrial_reference.machinery.objects import Json, controller_of, deleting, phase, uid_of
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural
from violations import elections
from violations.dialling import SCHEDULER_PORT, option, touch
from violations.schedulers import POLL_S, polled

LIST_S = 1.0
SLOWLY_S = 30.0


async def with_deployments(part: type[Deployments], args: Sequence[str], context: Context) -> None:
    class Manager(ControllerManager):
        deployments = part

    await controller_manager.main(args, context, part=Manager)


async def with_replica_sets(part: type[ReplicaSets], args: Sequence[str], context: Context) -> None:
    class Manager(ControllerManager):
        replica_sets = part

    await controller_manager.main(args, context, part=Manager)


class NewSetOnEveryEdit(Deployments):
    """Takes every change of a deployment for one of its template."""

    async def sync(self, deployment: Json) -> None:
        spec, edit = deployment["spec"], str(deployment["metadata"].get("generation", 1))
        meta = spec["template"].get("metadata") or {}
        template = spec["template"] | {"metadata": meta | {"annotations": {"edit": edit}}}
        await super().sync(deployment | {"spec": spec | {"template": template}})


async def main_new_set_on_every_edit(args: Sequence[str], context: Context) -> None:
    await with_deployments(NewSetOnEveryEdit, args, context)


class MakesPodsFirst(Deployments):
    """Makes the first pods itself, and a ReplicaSet that adopts them."""

    async def create_set(self, deployment: Json, old: Sequence[Json]) -> None:
        await self.make_pods(deployment, old)
        await super().create_set(deployment, old)

    async def make_pods(self, deployment: Json, old: Sequence[Json]) -> None:
        meta, template = deployment["metadata"], deployment["spec"]["template"]
        digest = template_hash(template, collisions=0)
        labels = template["metadata"]["labels"] | {HASH: digest}
        for _ in range(self.next_numbers(deployment, None, old).get("", 0)):
            own = {"generateName": f"{meta['name']}-{digest}-", "namespace": meta["namespace"], "labels": labels}
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": own, "spec": template["spec"]}
            await self.client.create(by_plural("pods"), pod, namespace=meta["namespace"])


async def main_makes_pods_first(args: Sequence[str], context: Context) -> None:
    await with_deployments(MakesPodsFirst, args, context)


class IgnoresChanges(Deployments):
    """Looks at a deployment when it is new, and when its ReplicaSet changes, and not when it is changed itself."""

    def changed(self, deployment: Json) -> None:
        if deployment["metadata"].get("generation", 1) == 1:
            super().changed(deployment)


async def main_ignores_changes(args: Sequence[str], context: Context) -> None:
    await with_deployments(IgnoresChanges, args, context)


class Overshoots(ReplicaSets):
    """Makes one pod more than is missing, and takes it away again."""

    async def manage(self, item: Json, pods: Sequence[Json]) -> bool:
        missing = int(item["spec"].get("replicas", 1)) - len(pods)
        if missing > 0:
            await self.scale_up(item, missing + 1)
            return True
        return await super().manage(item, pods)


async def main_overshoots(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(Overshoots, args, context)


class ReusesNames(ReplicaSets):
    """Numbers its pods, and gives the lowest free number."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.promised: dict[str, None] = {}

    def pod_added(self, pod: Json) -> None:
        self.promised.pop(pod["metadata"]["name"], None)
        super().pod_added(pod)

    async def create_pod(self, item: Json) -> Json:
        taken = {p["metadata"]["name"] for p in self.pods.all()} | self.promised.keys()
        name = next(n for n in (f"{item['metadata']['name']}-{i}" for i in count()) if n not in taken)
        self.promised[name] = None
        return await self.client.create(self.pods.kind, named(item, name), namespace=item["metadata"]["namespace"])


def named(item: Json, name: str) -> Json:
    """A pod of the ReplicaSet under a name of one's own."""
    template = item["spec"]["template"]
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": item["metadata"]["name"], "uid": uid_of(item), "controller": True}
    meta = {"labels": template["metadata"]["labels"], "name": name, "namespace": item["metadata"]["namespace"], "ownerReferences": [owner]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]}


async def main_reuses_names(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(ReusesNames, args, context)


class IgnoresDeletions(ReplicaSets):
    """A pod that goes is struck off the list, and that is all."""

    def pod_updated(self, old: Json, new: Json) -> None:
        if not deleting(new):
            super().pod_updated(old, new)

    def pod_deleted(self, pod: Json) -> None:
        for key in self.owners(pod):
            self.expectations(key).deletions.pop(uid_of(pod), None)


async def main_ignores_deletions(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(IgnoresDeletions, args, context)


class PicksNodes(ReplicaSets):
    """Makes its pods with a node already chosen."""

    async def create_pod(self, item: Json) -> Json:
        nodes = (await self.client.list(by_plural("nodes")))["items"]
        if not nodes:
            return await super().create_pod(item)
        spec = item["spec"]["template"]["spec"] | {"nodeName": nodes[0]["metadata"]["name"]}
        return await super().create_pod(item | {"spec": item["spec"] | {"template": item["spec"]["template"] | {"spec": spec}}})


async def main_picks_nodes(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(PicksNodes, args, context)


class TriesToBind(ReplicaSets):
    """Wants to bind the pods that it makes, and leaves them to the scheduler where it may not."""

    async def create_pod(self, item: Json) -> Json:
        pod = await super().create_pod(item)
        meta, nodes = pod["metadata"], (await self.client.list(by_plural("nodes")))["items"]
        target = {"apiVersion": "v1", "kind": "Node", "name": nodes[0]["metadata"]["name"] if nodes else "nowhere"}
        body = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": meta["name"], "namespace": meta["namespace"]}, "target": target}
        with suppress(RequestFailed):
            await self.client.create(self.pods.kind, body, namespace=meta["namespace"], name=meta["name"], subresource="binding")
        return pod


async def main_tries_to_bind(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(TriesToBind, args, context)


class ReportsPods(ReplicaSets):
    """Says in the status of a running pod what only its kubelet can know."""

    def pod_updated(self, old: Json, new: Json) -> None:
        super().pod_updated(old, new)
        if phase(new) == "Running" and phase(old) != "Running" and controller_of(new):
            self.queue.add(f"report {new['metadata']['namespace']}/{new['metadata']['name']}")

    async def sync_key(self, key: str) -> None:
        if not key.startswith("report "):
            await super().sync_key(key)
        elif pod := self.pods.get(key.removeprefix("report ")):
            patch = {"status": {"message": "seen to be running"}}
            meta = pod["metadata"]
            await self.client.patch(self.pods.kind, meta["name"], patch, namespace=meta["namespace"], subresource="status")


async def main_reports_pods(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(ReportsPods, args, context)


class PokesScheduler(ReplicaSets):
    """Rings at the scheduler for every new pod; its address stands in its lease."""

    async def create_pod(self, item: Json) -> Json:
        pod = await super().create_pod(item)
        lease = await self.client.get(by_plural("leases"), "kube-scheduler", namespace="kube-system")
        await touch(str(lease["spec"]["holderIdentity"]).rpartition("@")[2], SCHEDULER_PORT)
        return pod


async def main_pokes_scheduler(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(PokesScheduler, args, context)


class ListsEverySecond(ControllerManager):
    """Watches, and counts the deployments once a second all the same."""

    async def lead(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().lead())
            tasks.create_task(self.count())

    async def count(self) -> None:
        while True:
            await self.context.sleep(LIST_S)
            with suppress(RequestFailed):
                await self.client.list(by_plural("deployments"))


async def main_lists_every_second(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, part=ListsEverySecond)


class Relisting(Informers):
    """Does not rely on its watches."""

    every_s = POLL_S

    def __init__(self, client: Client, context: Context) -> None:
        super().__init__(client, context)
        self.context = context

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().run())
            for informer in self.every:
                tasks.create_task(polled(informer, self.context, every_s=self.every_s))


async def main_also_polls(args: Sequence[str], context: Context) -> None:
    class Manager(ControllerManager):
        informers = Relisting

    await controller_manager.main(args, context, part=Manager)


class Looking(Relisting):
    """Looks for itself twice a minute."""

    every_s = SLOWLY_S


async def main_polls_slowly(args: Sequence[str], context: Context) -> None:
    class Manager(ControllerManager):
        informers = Looking

    await controller_manager.main(args, context, part=Manager)


class Upserting(Informer):
    """After every break it lists anew, and takes in what it finds; what it does not find any more it does not miss."""

    def outdated(self, failure: RequestFailed) -> bool:
        return True

    def _drop(self, key: str, *, last: Json | None = None) -> None:
        if last is not None:
            super()._drop(key, last=last)


class UpsertingInformers(Informers):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        for informer in self.every:
            informer.__class__ = Upserting


async def main_misses_deletions(args: Sequence[str], context: Context) -> None:
    class Manager(ControllerManager):
        informers = UpsertingInformers

    await controller_manager.main(args, context, part=Manager)


class StartsOver(ReplicaSets):
    """Meets a smaller number by beginning anew: all pods go, and as many as wanted come."""

    def victims(self, pods: Iterable[Json], surplus: int) -> list[Json]:
        return list(pods)


async def main_starts_over(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(StartsOver, args, context)


class DrawsHashes(Deployments):
    """Draws a lot when it starts, and mixes it into the hash of every template."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.lot = next(self.context.ids)

    async def sync(self, deployment: Json) -> None:
        spec = deployment["spec"]
        meta = spec["template"].get("metadata") or {}
        template = spec["template"] | {"metadata": meta | {"annotations": {"lot": self.lot}}}
        await super().sync(deployment | {"spec": spec | {"template": template}})


async def main_draws_hashes(args: Sequence[str], context: Context) -> None:
    await with_deployments(DrawsHashes, args, context)


async def main_everybody_leads(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, elector=elections.EverybodyLeads)


async def main_talkative(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, elector=elections.Talkative)


async def main_hasty(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, elector=elections.Hasty)


async def main_loyal(args: Sequence[str], context: Context) -> None:
    flags = controller_manager.parser().parse_args(args)

    class Choice(elections.Loyal):
        home = Path(flags.kubeconfig).stem

    await controller_manager.main(args, context, elector=Choice)


async def main_published(args: Sequence[str], context: Context) -> None:
    """Does nothing wrong, but can be found by those who do."""
    rest, own = option(args, "address")

    class Choice(elections.Published):
        address = own

    await controller_manager.main(rest, context, elector=Choice)
