"""Kubelets that do all of it right once, and err the second time: when what they have started ends, ends again, or is no longer theirs by
memory."""

from collections.abc import Sequence
from typing import Any

from seatrial_reference import kubelet
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.kubelet.pods import Container, Running, restarts
from seatrial_reference.machinery.objects import Json
from seatrial_schemas import cri_pb2 as pb
from seatrial_schemas.context import Context

ORDERS = ("command", "args", "env")


def inits_of(pod: Json) -> list[str]:
    """The names of its init containers, in their order."""
    return [str(spec["name"]) for spec in pod["spec"].get("initContainers") or ()]


class ForgetsOrders(Kubelet):
    """What is started again runs as its image has it."""

    def container_config(self, spec: Json, pod: Json, *, attempt: int) -> pb.ContainerConfig:
        kept = {k: v for k, v in spec.items() if not attempt or k not in ORDERS}
        return super().container_config(kept, pod, attempt=attempt)


async def main_forgets_orders(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=ForgetsOrders)


class RestartsOnce(Kubelet):
    """Gives everybody a second chance, and nobody a third."""

    async def _start_due(self, pod: Json, running: Running) -> float | None:
        over = {name for name, container in running.containers.items() if container.state == "exited" and container.attempt}
        left = [spec for spec in pod["spec"]["containers"] if spec["name"] not in over]
        return await super()._start_due(pod | {"spec": pod["spec"] | {"containers": left}}, running)


async def main_restarts_once(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=RestartsOnce)


class RunsInitsAgain(Kubelet):
    """Begins with the init containers whenever something of the pod begins again."""

    def __init__(self, *parts: Any, **how: Any) -> None:
        super().__init__(*parts, **how)
        self.prepared: dict[str, None] = {}  # containers after whose end that was done

    async def _start_due(self, pod: Json, running: Running) -> float | None:
        inits = inits_of(pod)
        ended = [c.id for n, c in running.containers.items() if n not in inits and c.state == "exited" and restarts(pod, n, c)]
        if not self.prepared.keys() >= set(ended):
            self.prepared |= dict.fromkeys(ended)
            for name in inits:
                running.containers[name].exit_code = 1  # as good as never done
        return await super()._start_due(pod, running)


async def main_runs_inits_again(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=RunsInitsAgain)


class LooksAtNewOnly(Kubelet):
    """Looks after what it has started itself, and so at nothing before it has started anything."""

    began = False

    async def run_sandbox(self, pod: Json, running: Running) -> None:
        self.began = True
        await super().run_sandbox(pod, running)

    async def relist(self) -> None:
        if self.began:
            await super().relist()


async def main_looks_at_new_only(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=LooksAtNewOnly)


class CountsAnew(Kubelet):
    """Counts the restarts that it remembers."""

    async def _recovered(self, each: pb.Container) -> Container:
        container = await super()._recovered(each)
        container.attempt = 0
        return container


async def main_counts_anew(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=CountsAnew)


class SupposesKilled(Kubelet):
    """Whatever has ended in its absence must have been killed."""

    async def _recovered(self, each: pb.Container) -> Container:
        container = await super()._recovered(each)
        if container.state == "exited":
            container.exit_code, container.reason = 137, "ContainerStatusUnknown"
        return container


async def main_supposes_killed(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=SupposesKilled)
