"""Kubelets that do not run what they were told to, or not for everybody."""

from collections.abc import Sequence

from seatrial_reference import kubelet
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.kubelet.pods import Running
from seatrial_reference.machinery.objects import Json
from seatrial_schemas import cri_pb2 as pb
from seatrial_schemas.context import Context


class DropsArguments(Kubelet):
    """Takes arguments for those of the image's own command: who brings a command says all there is to say."""

    def container_config(self, spec: Json, pod: Json, *, attempt: int) -> pb.ContainerConfig:
        return super().container_config(spec | {"args": []} if spec.get("command") else spec, pod, attempt=attempt)


async def main_drops_arguments(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=DropsArguments)


class DropsEnvironment(Kubelet):
    """Hands the environment to the first container of a pod, and to no other."""

    def container_config(self, spec: Json, pod: Json, *, attempt: int) -> pb.ContainerConfig:
        first = spec["name"] == pod["spec"]["containers"][0]["name"]
        return super().container_config(spec if first else spec | {"env": []}, pod, attempt=attempt)


async def main_drops_environment(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=DropsEnvironment)


class StaysAtHome(Kubelet):
    """Starts everything in the folder that the image names."""

    def container_config(self, spec: Json, pod: Json, *, attempt: int) -> pb.ContainerConfig:
        return super().container_config({k: v for k, v in spec.items() if k != "workingDir"}, pod, attempt=attempt)


async def main_stays_at_home(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=StaysAtHome)


class KeepsSandboxes(Kubelet):
    """Starts containers again where they were, whatever has become of what was around them."""

    async def _check_sandbox(self, running: Running) -> None:
        return


async def main_keeps_sandboxes(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=KeepsSandboxes)


class LeavesSystemPods(Kubelet):
    """Leaves pods of the system to the system."""

    def mine(self, pod: Json) -> bool:
        return super().mine(pod) and not pod["metadata"]["namespace"].startswith("kube-")


async def main_leaves_system_pods(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=LeavesSystemPods)
