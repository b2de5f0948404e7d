"""The runtime double's pods and containers: a small state machine per container, and the messages that describe it.

    CREATED --start--> RUNNING --exit--> EXITED          a pod is READY until it is stopped; stopping it ends its containers

Nothing runs. Containers end when they are stopped or when a scenario says so.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from seatrial.doubles.runtime_images import image_ref
from seatrial_schemas import cri_pb2 as pb

_NODES_PER_OCTET = 16
_ADDRESSES_PER_OCTET = 250
KILLED, TERMINATED = 137, 0  # a container told in time to stop does so without complaint


@dataclass(eq=False, slots=True, kw_only=True)
class Container:
    id: str
    pod: "Pod"
    config: pb.ContainerConfig
    created_at: int
    state: pb.ContainerState = pb.CONTAINER_CREATED
    started_at: int = 0
    finished_at: int = 0
    code: int = 0
    reason: str = ""

    @property
    def name(self) -> str:
        return self.config.metadata.name

    @property
    def log_path(self) -> str:
        directory, path = self.pod.config.log_directory, self.config.log_path
        return f"{directory}/{path}" if directory and path else ""

    def start(self, now: int) -> None:
        """From now on there is a log, for the kubelet to serve."""
        self.state, self.started_at = pb.CONTAINER_RUNNING, now
        if self.log_path:
            log = Path(self.log_path)
            log.parent.mkdir(parents=True, exist_ok=True)
            log.touch()

    def exit(self, code: int, now: int) -> None:
        """Safe to repeat: the first end counts."""
        if self.state != pb.CONTAINER_EXITED:
            self.state, self.finished_at, self.code = pb.CONTAINER_EXITED, now, code
            self.reason = "Completed" if code == 0 else "Error"

    def status(self) -> pb.ContainerStatus:
        config = self.config
        return pb.ContainerStatus(
            id=self.id,
            metadata=config.metadata,
            state=self.state,
            created_at=self.created_at,
            started_at=self.started_at,
            finished_at=self.finished_at,
            exit_code=self.code,
            image=config.image,
            image_ref=image_ref(config.image.image),
            image_id=image_ref(config.image.image),
            reason=self.reason,
            labels=config.labels,
            annotations=config.annotations,
            mounts=config.mounts,
            log_path=self.log_path,
        )

    def listed(self) -> pb.Container:
        config = self.config
        return pb.Container(
            id=self.id,
            pod_sandbox_id=self.pod.id,
            metadata=config.metadata,
            image=config.image,
            image_ref=image_ref(config.image.image),
            image_id=image_ref(config.image.image),
            state=self.state,
            created_at=self.created_at,
            labels=config.labels,
            annotations=config.annotations,
        )


@dataclass(eq=False, slots=True, kw_only=True)
class Pod:
    id: str
    config: pb.PodSandboxConfig
    handler: str
    address: str
    created_at: int
    state: pb.PodSandboxState = pb.SANDBOX_READY
    containers: dict[str, Container] = field(default_factory=dict)

    def stop(self, now: int) -> None:
        self.state = pb.SANDBOX_NOTREADY
        for container in self.containers.values():
            container.exit(KILLED, now)

    def status(self) -> pb.PodSandboxStatus:
        config = self.config
        ready = self.state == pb.SANDBOX_READY
        return pb.PodSandboxStatus(
            id=self.id,
            metadata=config.metadata,
            state=self.state,
            created_at=self.created_at,
            network=pb.PodSandboxNetworkStatus(ip=self.address if ready else ""),
            linux=pb.LinuxPodSandboxStatus(namespaces=pb.Namespace(options=config.linux.security_context.namespace_options)),
            labels=config.labels,
            annotations=config.annotations,
            runtime_handler=self.handler,
        )

    def listed(self) -> pb.PodSandbox:
        config = self.config
        return pb.PodSandbox(
            id=self.id,
            metadata=config.metadata,
            state=self.state,
            created_at=self.created_at,
            labels=config.labels,
            annotations=config.annotations,
            runtime_handler=self.handler,
        )


class Pods:
    """Those of one node. `ids` are unique, `now` is nanoseconds since the epoch."""

    def __init__(self, *, index: int, ids: Iterator[str], now: Callable[[], int]) -> None:
        self.pods: dict[str, Pod] = {}
        self.containers: dict[str, Container] = {}
        self._index = index
        self._ids = ids
        self._now = now
        self._addresses = 0

    def run(self, config: pb.PodSandboxConfig, handler: str) -> Pod:
        """A pod that shares its node's network has no address of its own."""
        of_node = config.linux.security_context.namespace_options.network == pb.NODE
        address = "" if of_node else self._address()
        pod = Pod(id=self._id(), config=config, handler=handler, address=address, created_at=self._now())
        self.pods[pod.id] = pod
        return pod

    def create(self, pod: Pod, config: pb.ContainerConfig) -> Container:
        container = Container(id=self._id(), pod=pod, config=config, created_at=self._now())
        pod.containers[container.id] = self.containers[container.id] = container
        return container

    def remove(self, pod: Pod) -> None:
        for container in list(pod.containers.values()):
            self.remove_container(container)
        self.pods.pop(pod.id, None)

    def remove_container(self, container: Container) -> None:
        container.pod.containers.pop(container.id, None)
        self.containers.pop(container.id, None)

    def _id(self) -> str:
        return next(self._ids).replace("-", "")

    def _address(self) -> str:
        """10.100.0.1 and on, the same again after 4,000 pods of the node; 16 nodes share a second octet."""
        number = self._addresses
        self._addresses += 1
        octet, slot = divmod(self._index, _NODES_PER_OCTET)
        third = slot * _NODES_PER_OCTET + number // _ADDRESSES_PER_OCTET % _NODES_PER_OCTET
        return f"10.{100 + octet}.{third}.{number % _ADDRESSES_PER_OCTET + 1}"


def has_labels(labels: Mapping[str, str], selector: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in selector.items())
