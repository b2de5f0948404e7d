"""The container runtime double: the Container Runtime Interface of one node, on a socket of the suite.

It keeps what the kubelet hands it and says that all went well, at once. Calls that change something are recorded when they arrive; a
barrier holds one before it has any effect, `fail_once` lets the first of a kind fail, and `exit_containers` ends what the kubelet started.
What runs in a container whose name begins with `init` has done its work a moment after it was started.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from google.protobuf.message import Message
from grpclib import GRPCError, Status
from grpclib.server import Stream

from seatrial.doubles.barrier import Barrier, Barriers
from seatrial.doubles.runtime_images import Images
from seatrial.doubles.runtime_pods import KILLED, TERMINATED, Container, Pod, Pods, has_labels
from seatrial.model.errors import Inconclusive
from seatrial.model.history import Record
from seatrial.model.waiting import cancel
from seatrial_schemas import cri
from seatrial_schemas import cri_pb2 as pb
from seatrial_schemas.context import Context
from seatrial_schemas.rpc import Method, Serve, Server, Service

INIT = "init"
INIT_S = 0.05
Call = Callable[[Any], Awaitable[Message]]


class Runtime:
    """`index` is the node's number within its cluster: it decides the addresses of its pods."""

    def __init__(self, *, node: str, index: int, record: Record, context: Context) -> None:
        self.node = node
        self._record = record
        self._context = context
        self._pods = Pods(index=index, ids=context.ids, now=self._now)
        self._images = Images(now=self._now)
        self._barriers = Barriers()
        self._inits: list[asyncio.Task[None]] = []
        self._failing: dict[str, set[str]] = {}  # method -> pods about which it has failed
        self._server = Server(Service({method: _serving(call) for method, call in self._calls().items()}))

    async def serve(self, path: Path) -> None:
        await self._server.start(path=str(path))

    async def close(self) -> None:
        self._barriers.release()
        await cancel(*self._inits)
        self._server.close()
        await self._server.wait_closed()

    # For scenarios.

    def hold(self, method: str, **match: Any) -> Barrier:
        """Hold calls such as "StartContainer" whose recorded fields (pod, namespace, uid, container) equal `match`."""
        return self._barriers.hold(method, match)

    def fail_once(self, method: str) -> None:
        """From now on the first call of a method about each pod fails, and has no effect; of INIT, what its first init container does."""
        self._failing.setdefault(method, set())

    def heal(self) -> None:
        """Hold nothing any more, and let nothing fail."""
        self._barriers.release()
        self._failing.clear()

    def busy(self) -> bool:
        """Whether a pod has a sandbox that is up: containers end with theirs."""
        return any(p.state == pb.SANDBOX_READY for p in self._pods.pods.values())

    def exit_containers(self, uid: str, *, code: int, only_one: bool = False, with_sandbox: bool = False) -> None:
        """The processes in all running containers of a pod, or in the first one, end; the sandbox with them, where it is to. Raises
        Inconclusive where none runs here."""
        running = [c for c in self._pods.containers.values() if c.pod.config.metadata.uid == uid and c.state == pb.CONTAINER_RUNNING]
        if not running:
            raise Inconclusive(f"blocked: {self.node} runs no container of the pod {uid}, so none can end")
        for container in running[: 1 if only_one else None]:
            self._exit(container, code=code)
        if with_sandbox:
            running[0].pod.stop(self._now())

    def _exit(self, container: Container, *, code: int) -> None:
        container.exit(code, self._now())
        self._record("container-exited", instance=self.node, **_fields(container.pod, container), code=code)

    # What the kubelet calls.

    def _calls(self) -> dict[Method, Call]:
        return {
            cri.VERSION: self._version,
            cri.STATUS: self._status,
            cri.RUNTIME_CONFIG: self._runtime_config,
            cri.UPDATE_RUNTIME_CONFIG: self._update_runtime_config,
            cri.RUN_POD_SANDBOX: self._run_pod_sandbox,
            cri.STOP_POD_SANDBOX: self._stop_pod_sandbox,
            cri.REMOVE_POD_SANDBOX: self._remove_pod_sandbox,
            cri.POD_SANDBOX_STATUS: self._pod_sandbox_status,
            cri.LIST_POD_SANDBOX: self._list_pod_sandbox,
            cri.CREATE_CONTAINER: self._create_container,
            cri.START_CONTAINER: self._start_container,
            cri.STOP_CONTAINER: self._stop_container,
            cri.REMOVE_CONTAINER: self._remove_container,
            cri.LIST_CONTAINERS: self._list_containers,
            cri.CONTAINER_STATUS: self._container_status,
            cri.IMAGE_STATUS: self._images.status,
            cri.PULL_IMAGE: self._pull_image,
            cri.LIST_IMAGES: self._images.list,
            cri.REMOVE_IMAGE: self._images.remove,
            cri.IMAGE_FS_INFO: self._images.fs_info,
        }

    async def _version(self, _: pb.VersionRequest) -> pb.VersionResponse:
        return pb.VersionResponse(version="0.1.0", runtime_name="seatrial", runtime_version="1.0.0", runtime_api_version="v1")

    async def _status(self, _: pb.StatusRequest) -> pb.StatusResponse:
        conditions = [pb.RuntimeCondition(type=name, status=True) for name in ("RuntimeReady", "NetworkReady")]
        return pb.StatusResponse(status=pb.RuntimeStatus(conditions=conditions))

    async def _runtime_config(self, _: pb.RuntimeConfigRequest) -> pb.RuntimeConfigResponse:
        return pb.RuntimeConfigResponse(linux=pb.LinuxRuntimeConfiguration(cgroup_driver=pb.CGROUPFS))

    async def _update_runtime_config(self, _: pb.UpdateRuntimeConfigRequest) -> pb.UpdateRuntimeConfigResponse:
        return pb.UpdateRuntimeConfigResponse()

    async def _run_pod_sandbox(self, request: pb.RunPodSandboxRequest) -> pb.RunPodSandboxResponse:
        meta = request.config.metadata
        await self._arrive("RunPodSandbox", {"pod": meta.name, "namespace": meta.namespace, "uid": meta.uid, "container": None})
        return pb.RunPodSandboxResponse(pod_sandbox_id=self._pods.run(request.config, request.runtime_handler).id)

    async def _stop_pod_sandbox(self, request: pb.StopPodSandboxRequest) -> pb.StopPodSandboxResponse:
        if pod := self._pods.pods.get(request.pod_sandbox_id):
            await self._arrive("StopPodSandbox", _fields(pod))
            pod.stop(self._now())
        return pb.StopPodSandboxResponse()

    async def _remove_pod_sandbox(self, request: pb.RemovePodSandboxRequest) -> pb.RemovePodSandboxResponse:
        if pod := self._pods.pods.get(request.pod_sandbox_id):
            await self._arrive("RemovePodSandbox", _fields(pod))
            self._pods.remove(pod)
        return pb.RemovePodSandboxResponse()

    async def _pod_sandbox_status(self, request: pb.PodSandboxStatusRequest) -> pb.PodSandboxStatusResponse:
        return pb.PodSandboxStatusResponse(status=self._pod(request.pod_sandbox_id).status())

    async def _list_pod_sandbox(self, request: pb.ListPodSandboxRequest) -> pb.ListPodSandboxResponse:
        wanted = request.filter
        found = [
            pod.listed()
            for pod in self._pods.pods.values()
            if wanted.id in ("", pod.id)
            and (not wanted.HasField("state") or wanted.state.state == pod.state)
            and has_labels(pod.config.labels, wanted.label_selector)
        ]
        return pb.ListPodSandboxResponse(items=found)

    async def _create_container(self, request: pb.CreateContainerRequest) -> pb.CreateContainerResponse:
        pod, config = self._pod(request.pod_sandbox_id), request.config
        about = _fields(pod) | {"container": config.metadata.name, "attempt": config.metadata.attempt, "image": config.image.image}
        await self._arrive("CreateContainer", about | _orders(config))
        _standing(pod)
        return pb.CreateContainerResponse(container_id=self._pods.create(pod, config).id)

    async def _start_container(self, request: pb.StartContainerRequest) -> pb.StartContainerResponse:
        container = self._container(request.container_id)
        _standing(container.pod)  # what is refused is no start
        await self._arrive("StartContainer", _fields(container.pod, container))
        _standing(container.pod)
        container.start(self._now())
        if container.config.metadata.name.startswith(INIT):
            self._inits.append(asyncio.create_task(self._work_and_end(container)))
        return pb.StartContainerResponse()

    async def _work_and_end(self, container: Container) -> None:
        await self._context.sleep(INIT_S)
        if container.state == pb.CONTAINER_RUNNING:
            self._exit(container, code=int(self._fails(INIT, _fields(container.pod)["uid"])))

    async def _stop_container(self, request: pb.StopContainerRequest) -> pb.StopContainerResponse:
        if container := self._pods.containers.get(request.container_id):
            await self._arrive("StopContainer", _fields(container.pod, container) | {"grace_s": request.timeout})
            container.exit(TERMINATED if request.timeout > 0 else KILLED, self._now())
        return pb.StopContainerResponse()

    async def _remove_container(self, request: pb.RemoveContainerRequest) -> pb.RemoveContainerResponse:
        if container := self._pods.containers.get(request.container_id):
            await self._arrive("RemoveContainer", _fields(container.pod, container))
            self._pods.remove_container(container)
        return pb.RemoveContainerResponse()

    async def _list_containers(self, request: pb.ListContainersRequest) -> pb.ListContainersResponse:
        wanted = request.filter
        found = [
            container.listed()
            for container in self._pods.containers.values()
            if wanted.id in ("", container.id)
            and wanted.pod_sandbox_id in ("", container.pod.id)
            and (not wanted.HasField("state") or wanted.state.state == container.state)
            and has_labels(container.config.labels, wanted.label_selector)
        ]
        return pb.ListContainersResponse(containers=found)

    async def _container_status(self, request: pb.ContainerStatusRequest) -> pb.ContainerStatusResponse:
        return pb.ContainerStatusResponse(status=self._container(request.container_id).status())

    async def _pull_image(self, request: pb.PullImageRequest) -> pb.PullImageResponse:
        meta = request.sandbox_config.metadata
        about = {"pod": meta.name, "namespace": meta.namespace, "uid": meta.uid, "container": None, "image": request.image.image}
        await self._arrive("PullImage", about)
        return pb.PullImageResponse(image_ref=self._images.add(request.image))

    async def _arrive(self, method: str, about: dict[str, Any]) -> None:
        """Record a call that changes something; wait or fail, where the scenario wants it."""
        barrier = self._barriers.stopping(method, about)
        event = self._record("cri", instance=self.node, method=method, **about, held=barrier is not None)
        if barrier is not None:
            await barrier.wait(event)
            self._record("cri-released", instance=self.node, method=method, **about)
        if self._fails(method, about["uid"]):
            self._record("cri-failed", instance=self.node, method=method, **about)
            raise GRPCError(Status.UNKNOWN, f"{method} fails the first time")

    def _fails(self, what: str, uid: str) -> bool:
        """Whether this is the first time that it is tried for the pod, and is to fail."""
        failed = self._failing.get(what)
        if failed is None or uid in failed:
            return False
        failed.add(uid)
        return True

    def _pod(self, number: str) -> Pod:
        if pod := self._pods.pods.get(number):
            return pod
        raise GRPCError(Status.NOT_FOUND, f"pod sandbox {number!r} not found")

    def _container(self, number: str) -> Container:
        if container := self._pods.containers.get(number):
            return container
        raise GRPCError(Status.NOT_FOUND, f"container {number!r} not found")

    def _now(self) -> int:
        return int(self._context.wall_s() * 1e9)


def _serving(call: Call) -> Serve:
    async def serve(stream: Stream[Any, Any]) -> None:
        request = await stream.recv_message()
        await stream.send_message(await call(request))

    return serve


def _standing(pod: Pod) -> None:
    """Nothing runs in a sandbox that has ended."""
    if pod.state != pb.SANDBOX_READY:
        raise GRPCError(Status.UNKNOWN, f"the sandbox {pod.id} is not running")


def _fields(pod: Pod, container: Container | None = None) -> dict[str, Any]:
    meta = pod.config.metadata
    fields = {"pod": meta.name, "namespace": meta.namespace, "uid": meta.uid, "container": container and container.name, "sandbox": pod.id}
    return fields if container is None else fields | {"attempt": container.config.metadata.attempt, "id": container.id}


def _orders(config: pb.ContainerConfig) -> dict[str, Any]:
    env = {each.key: each.value.decode(errors="replace") for each in config.envs}
    return {"command": list(config.command), "args": list(config.args), "env": env, "folder": config.working_dir}
