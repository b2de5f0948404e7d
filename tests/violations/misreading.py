"""Kubelets that misread what they are told to run, or what has become of it: one image for many, errors for successes, one error for
another."""

from collections.abc import Sequence

from seatrial_reference import kubelet
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.kubelet.pods import Container, Running
from seatrial_reference.machinery.objects import Json
from seatrial_schemas import cri_pb2 as pb
from seatrial_schemas.context import Context
from violations.again import ORDERS, inits_of


class TakesFirstImage(Kubelet):
    """Pulls every image, and makes all containers from the first one."""

    def container_config(self, spec: Json, pod: Json, *, attempt: int) -> pb.ContainerConfig:
        return super().container_config(spec | {"image": pod["spec"]["containers"][0]["image"]}, pod, attempt=attempt)


async def main_takes_first_image(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=TakesFirstImage)


class TellsInitsNothing(Kubelet):
    """Hands orders to those only that stay."""

    def container_config(self, spec: Json, pod: Json, *, attempt: int) -> pb.ContainerConfig:
        told = {k: v for k, v in spec.items() if k not in ORDERS} if spec["name"] in inits_of(pod) else spec
        return super().container_config(told, pod, attempt=attempt)


async def main_tells_inits_nothing(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=TellsInitsNothing)


class KnowsOneError(Kubelet):
    """Takes for failed what ends with 1; all else must have been meant."""

    async def _ended(self, container: Container, *, present: bool) -> None:
        await super()._ended(container, present=present)
        if container.exit_code > 1:
            container.exit_code, container.reason = 0, "Completed"


async def main_knows_one_error(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=KnowsOneError)


class TellsOneError(Kubelet):
    """Asks whether it was an error, and not which one."""

    async def _ended(self, container: Container, *, present: bool) -> None:
        await super()._ended(container, present=present)
        container.exit_code = int(bool(container.exit_code))


async def main_tells_one_error(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=TellsOneError)


class PassesFailedInits(Kubelet):
    """An init container has done its work when it has ended."""

    async def _start_due(self, pod: Json, running: Running) -> float | None:
        for name in inits_of(pod):
            if (container := running.containers.get(name)) and container.state == "exited":
                container.exit_code = 0
        return await super()._start_due(pod, running)


async def main_passes_failed_inits(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=PassesFailedInits)


class RepeatsFailedInits(Kubelet):
    """Starts init containers until they succeed, whatever the pod says."""

    async def _start_due(self, pod: Json, running: Running) -> float | None:
        failed = [c for n, c in running.containers.items() if n in inits_of(pod) and c.state == "exited" and c.exit_code]
        meant = pod | {"spec": pod["spec"] | {"restartPolicy": "OnFailure"}} if failed else pod
        return await super()._start_due(meant, running)


async def main_repeats_failed_inits(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=RepeatsFailedInits)
