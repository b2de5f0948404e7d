"""The container runtime as the kubelet calls it: CRI v1 over a local socket, and nothing of Kubernetes' API (KLT-03).

A call fails as `RuntimeFailed`, whatever the reason; `gone` tells a runtime that does not answer from one that refuses.
"""

import asyncio
from typing import Any

from google.protobuf.message import Message
from grpclib import GRPCError
from grpclib.client import Channel
from grpclib.exceptions import StreamTerminatedError

from seatrial_schemas import cri
from seatrial_schemas import cri_pb2 as pb
from seatrial_schemas.rpc import Method

CALL_S = 120.0
STATUS_S = 5.0
POD_UID = "io.kubernetes.pod.uid"
POD_NAME = "io.kubernetes.pod.name"
POD_NAMESPACE = "io.kubernetes.pod.namespace"
CONTAINER_NAME = "io.kubernetes.container.name"


class RuntimeFailed(Exception):
    """The runtime refused, or did not answer."""


class Runtime:
    """One runtime's socket. Dialled at the first call, and again after it was lost."""

    def __init__(self, endpoint: str) -> None:
        self._channel = Channel(path=endpoint.removeprefix("unix://"))

    def close(self) -> None:
        self._channel.close()

    async def call(self, method: Method, request: Message, *, limit_s: float = CALL_S) -> Any:
        try:
            async with asyncio.timeout(limit_s):
                return await method.unary(self._channel)(request)
        except GRPCError as error:
            raise RuntimeFailed(f"{method.path}: {error.status.name} {error.message}") from error
        except (StreamTerminatedError, OSError) as error:
            raise RuntimeFailed(f"{method.path}: {error or type(error).__name__}") from error

    async def healthy(self) -> str:
        """Why it is not; empty where it is."""
        try:
            reply: pb.StatusResponse = await self.call(cri.STATUS, pb.StatusRequest(), limit_s=STATUS_S)
        except RuntimeFailed as failure:
            return str(failure)
        return "; ".join(f"{c.type} is false: {c.message or c.reason}" for c in reply.status.conditions if not c.status)

    async def sandboxes(self) -> list[pb.PodSandbox]:
        reply: pb.ListPodSandboxResponse = await self.call(cri.LIST_POD_SANDBOX, pb.ListPodSandboxRequest())
        return list(reply.items)

    async def containers(self) -> list[pb.Container]:
        reply: pb.ListContainersResponse = await self.call(cri.LIST_CONTAINERS, pb.ListContainersRequest())
        return list(reply.containers)

    async def container_status(self, container: str) -> pb.ContainerStatus:
        reply: pb.ContainerStatusResponse = await self.call(cri.CONTAINER_STATUS, pb.ContainerStatusRequest(container_id=container))
        return reply.status

    async def run_sandbox(self, config: pb.PodSandboxConfig) -> str:
        reply: pb.RunPodSandboxResponse = await self.call(cri.RUN_POD_SANDBOX, pb.RunPodSandboxRequest(config=config))
        return reply.pod_sandbox_id

    async def sandbox_status(self, sandbox: str) -> pb.PodSandboxStatus:
        reply: pb.PodSandboxStatusResponse = await self.call(cri.POD_SANDBOX_STATUS, pb.PodSandboxStatusRequest(pod_sandbox_id=sandbox))
        return reply.status

    async def remove_sandbox(self, sandbox: str) -> None:
        """Stop and remove it. No error where it is already gone."""
        await self.call(cri.STOP_POD_SANDBOX, pb.StopPodSandboxRequest(pod_sandbox_id=sandbox))
        await self.call(cri.REMOVE_POD_SANDBOX, pb.RemovePodSandboxRequest(pod_sandbox_id=sandbox))

    async def image(self, image: str) -> str:
        """The id of an image that is present; empty where it is absent."""
        request = pb.ImageStatusRequest(image=pb.ImageSpec(image=image))
        reply: pb.ImageStatusResponse = await self.call(cri.IMAGE_STATUS, request)
        return reply.image.id

    async def pull(self, image: str, config: pb.PodSandboxConfig) -> str:
        request = pb.PullImageRequest(image=pb.ImageSpec(image=image), sandbox_config=config)
        reply: pb.PullImageResponse = await self.call(cri.PULL_IMAGE, request)
        return reply.image_ref

    async def create_container(self, sandbox: str, config: pb.ContainerConfig, sandbox_config: pb.PodSandboxConfig) -> str:
        request = pb.CreateContainerRequest(pod_sandbox_id=sandbox, config=config, sandbox_config=sandbox_config)
        reply: pb.CreateContainerResponse = await self.call(cri.CREATE_CONTAINER, request)
        return reply.container_id

    async def start_container(self, container: str) -> None:
        await self.call(cri.START_CONTAINER, pb.StartContainerRequest(container_id=container))

    async def stop_container(self, container: str, grace_s: int) -> None:
        await self.call(cri.STOP_CONTAINER, pb.StopContainerRequest(container_id=container, timeout=grace_s))
