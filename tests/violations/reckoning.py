"""Components that reckon wrongly with pods: what takes room and whose turn it is, whose they are and where they belong, how they end."""

from collections.abc import Sequence
from typing import Any

import orjson

from seatrial_reference import kubelet, scheduler
from seatrial_reference.controller_manager.deployments import REVISION, Deployments
from seatrial_reference.controller_manager.replica_sets import ReplicaSets
from seatrial_reference.controller_manager.rollout import HASH
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.kubelet.pods import Container
from seatrial_reference.machinery.client import Client
from seatrial_reference.machinery.objects import Json, active, key_of, node_name, selects
from seatrial_reference.scheduler.scheduler import Scheduler
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import Kind, by_plural
from violations.controllers import PicksNodes, with_deployments, with_replica_sets
from violations.kubelets import SeesAllPods


class CountsTheEnded(Scheduler):
    """A pod takes room on its node as long as it can be seen there."""

    def __init__(self, client: Client, context: Context) -> None:
        super().__init__(client, context)
        self.pods._index = lambda pod: [node_name(pod)] if node_name(pod) else []


async def main_counts_the_ended(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=CountsTheEnded)


class LetsNobodyPass(Scheduler):
    """Who comes later waits until the one before has been served."""

    async def schedule(self, pod: Json) -> None:
        if any(key != key_of(pod) for key in self.unschedulable):
            self.unschedulable[key_of(pod)] = None
        else:
            await super().schedule(pod)


async def main_lets_nobody_pass(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=LetsNobodyPass)


class Numbering(Client):
    """Sends ReplicaSets off with the number of their revision wherever the hash of their template stands."""

    def __init__(self, client: Client) -> None:
        self.__dict__.update(client.__dict__)

    async def create(self, kind: Kind, body: Json, **where: Any) -> Json:
        if kind.plural == "replicasets":
            meta = body["metadata"]
            body = orjson.loads(orjson.dumps(body).replace(meta["labels"][HASH].encode(), b"r" + meta["annotations"][REVISION].encode()))
        return await super().create(kind, body, **where)


class NumbersTemplates(Deployments):
    """Tells the templates of a deployment from each other by their number."""

    def __init__(self, client: Client, *args: Any) -> None:
        super().__init__(Numbering(client), *args)


async def main_numbers_templates(args: Sequence[str], context: Context) -> None:
    await with_deployments(NumbersTemplates, args, context)


class CountsEverywhere(ReplicaSets):
    """A pod that matches counts, in whatever namespace it is."""

    async def claim(self, item: Json) -> list[Json]:
        home, selector = item["metadata"]["namespace"], item["spec"]["selector"]
        away = [pod for pod in self.pods.all() if pod["metadata"]["namespace"] != home and active(pod)]
        return [*await super().claim(item), *(pod for pod in away if selects(selector, pod["metadata"].get("labels")))]


async def main_counts_everywhere(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(CountsEverywhere, args, context)


class PicksOnlyNode(PicksNodes):
    """Where there is one node, there is nothing to be chosen."""

    async def create_pod(self, item: Json) -> Json:
        if len((await self.client.list(by_plural("nodes")))["items"]) == 1:
            return await super().create_pod(item)
        return await ReplicaSets.create_pod(self, item)


async def main_picks_only_node(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(PicksOnlyNode, args, context)


class RunsWhatAsksForIt(SeesAllPods):
    """A pod without a node that asks for this one need not wait until it gets it."""

    def mine(self, pod: Json) -> bool:
        asked = (pod["spec"].get("nodeSelector") or {}).get("kubernetes.io/hostname")
        return super().mine(pod) or (not node_name(pod) and asked == self.node)


async def main_runs_what_asks_for_it(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=RunsWhatAsksForIt)


class CallsFailuresCompleted(Kubelet):
    """However a container has ended, it has done what it was to do."""

    async def _ended(self, container: Container, *, present: bool) -> None:
        await super()._ended(container, present=present)
        container.exit_code, container.reason = 0, "Completed"


async def main_calls_failures_completed(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=CallsFailuresCompleted)


class SkipsInit(Kubelet):
    """What comes before the containers of a pod is none of its containers."""

    async def run_pod(self, pod: Json) -> None:
        await super().run_pod(pod | {"spec": {k: v for k, v in pod["spec"].items() if k != "initContainers"}})


async def main_skips_init(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=SkipsInit)
