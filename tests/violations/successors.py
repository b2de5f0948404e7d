"""Controllers that make successors for pods that need none yet, or choose where a successor is to live."""

import asyncio
from collections.abc import Sequence
from typing import Any

from seatrial_reference import controller_manager
from seatrial_reference.controller_manager import ControllerManager
from seatrial_reference.controller_manager.replica_sets import ReplicaSets
from seatrial_reference.machinery.objects import Json, controller_of, key_of, node_name
from seatrial_reference.machinery.workqueue import WorkQueue
from seatrial_schemas.context import Context

PATIENCE_S = 10.0


class EndsPods(ReplicaSets):
    """Ends pods that are `useless`, which others are then made for."""

    def __init__(self, *parts: Any, **how: Any) -> None:
        super().__init__(*parts, **how)
        self.doomed = WorkQueue(self.context)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().run())
            tasks.create_task(self.doomed.run(self.end))

    async def end(self, key: str) -> None:
        pod = self.pods.get(key)
        if pod is not None and controller_of(pod) and self.useless(pod):
            await self.delete_pod(pod)

    def useless(self, pod: Json) -> bool:
        raise NotImplementedError


class RenewsWaiting(EndsPods):
    """A pod that has no node after a while is replaced: another one may have better luck."""

    def pod_added(self, pod: Json) -> None:
        super().pod_added(pod)
        self.doomed.add_after(key_of(pod), PATIENCE_S)

    def useless(self, pod: Json) -> bool:
        return not node_name(pod)


class ReplacesRestarted(EndsPods):
    """A pod that does not run through is replaced."""

    def pod_updated(self, old: Json, new: Json) -> None:
        super().pod_updated(old, new)
        self.doomed.add(key_of(new))

    def useless(self, pod: Json) -> bool:
        return any(status.get("restartCount") for status in pod.get("status", {}).get("containerStatuses") or ())


class Returns(ReplicaSets):
    """Whoever takes the place of a lost pod asks for the node that it was on."""

    def __init__(self, *parts: Any, **how: Any) -> None:
        super().__init__(*parts, **how)
        self.homes: dict[str, str] = {}  # of the pods that were lost last

    def pod_deleted(self, pod: Json) -> None:
        if node_name(pod):
            self.homes |= dict.fromkeys(self.owners(pod), node_name(pod))
        super().pod_deleted(pod)

    async def create_pod(self, item: Json) -> Json:
        if node := self.homes.pop(key_of(item), None):
            template = item["spec"]["template"]
            wish = template["spec"] | {"nodeSelector": {"kubernetes.io/hostname": node}}
            item = item | {"spec": item["spec"] | {"template": template | {"spec": wish}}}
        return await super().create_pod(item)


async def main_renews_waiting(args: Sequence[str], context: Context) -> None:
    class Part(ControllerManager):
        replica_sets = RenewsWaiting

    await controller_manager.main(args, context, part=Part)


async def main_replaces_restarted(args: Sequence[str], context: Context) -> None:
    class Part(ControllerManager):
        replica_sets = ReplacesRestarted

    await controller_manager.main(args, context, part=Part)


async def main_returns(args: Sequence[str], context: Context) -> None:
    class Part(ControllerManager):
        replica_sets = Returns

    await controller_manager.main(args, context, part=Part)
