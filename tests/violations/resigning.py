"""Components that give up too early: what failed once is not tried again, and what was left once is not looked at again."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from seatrial_reference import kubelet, scheduler
from seatrial_reference.controller_manager.replica_sets import ReplicaSets
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.kubelet.pods import Running
from seatrial_reference.kubelet.runtime import RuntimeFailed
from seatrial_reference.machinery.client import RequestFailed
from seatrial_reference.machinery.objects import Json, node_name, uid_of
from seatrial_reference.scheduler.scheduler import Scheduler
from seatrial_schemas.context import Context
from violations.controllers import with_replica_sets


class GivesUpOnRefusal(ReplicaSets):
    """A ReplicaSet whose pods nobody would have waits until it is changed."""

    async def sync_key(self, key: str) -> None:
        with suppress(RequestFailed):
            await super().sync_key(key)


async def main_gives_up_on_refusal(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(GivesUpOnRefusal, args, context)


class _GivesUp(Kubelet):
    """Runs no pod that it has given up."""

    def __init__(self, *parts: Any, **how: Any) -> None:
        super().__init__(*parts, **how)
        self.given_up: set[str] = set()

    async def run_pod(self, pod: Json) -> None:
        if uid_of(pod) not in self.given_up:
            await super().run_pod(pod)


class GivesUpOnSandboxes(_GivesUp):
    """Where no sandbox could be made, none can be made."""

    async def run_sandbox(self, pod: Json, running: Running) -> None:
        try:
            await super().run_sandbox(pod, running)
        except RuntimeFailed:
            self.given_up.add(uid_of(pod))
            raise


async def main_gives_up_on_sandboxes(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=GivesUpOnSandboxes)


class GivesUpOnImages(_GivesUp):
    """What could not be pulled does not exist."""

    async def ensure_image(self, pod: Json, spec: Json, running: Running) -> str:
        try:
            return await super().ensure_image(pod, spec, running)
        except RuntimeFailed:
            self.given_up.add(uid_of(pod))
            raise


async def main_gives_up_on_images(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=GivesUpOnImages)


class LooksOnce(Scheduler):
    """A pod that was not to be scheduled when it came is not looked at again when it is changed."""

    def pod_updated(self, old: Json, new: Json) -> None:
        if node_name(old) or node_name(new):
            super().pod_updated(old, new)


async def main_looks_once(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=LooksOnce)
