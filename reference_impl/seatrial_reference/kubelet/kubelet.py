"""The kubelet makes the runtime run what the API server says is bound to its node, and reports what has become of it (NODE-01 to NODE-04).

It talks to the API server and to the runtime on its own machine, and to nobody else. What is wanted comes from its watch; what is, from its
own doings and from looking at the runtime once in a while. Pods are worked on side by side, each by one worker at a time. Without the
API server, containers go on, and go on being restarted; reports wait. A pod is removed from the API only after its containers are gone.
"""

import asyncio
from http import HTTPStatus

from seatrial_reference.kubelet.node import NodeReporter
from seatrial_reference.kubelet.pods import RESTART_S, Container, Running, State, due, ended_state, status_of
from seatrial_reference.kubelet.runtime import CONTAINER_NAME, POD_NAME, POD_NAMESPACE, POD_UID, Runtime, RuntimeFailed
from seatrial_reference.machinery.backoff import Backoff
from seatrial_reference.machinery.client import ApiError, Client, RequestFailed
from seatrial_reference.machinery.informer import Handlers, Informer
from seatrial_reference.machinery.objects import Json, deleting, finished, node_name, uid_of
from seatrial_reference.machinery.workqueue import WorkQueue
from seatrial_schemas import cri_pb2 as pb
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural

WORKERS = 10
GRACE_S = 30


class Kubelet:
    """One node's kubelet. `mine`, `sync`, `run_pod`, `run_sandbox`, `ensure_image`, `start`, `stop_pod`, `report`, `farewell`, `relist`
    may be overridden; `reporter` speaks for the node."""

    reporter: type[NodeReporter] = NodeReporter

    def __init__(
        self,
        client: Client,
        context: Context,
        runtime: Runtime,
        *,
        node: str,
        address: str,
        lease_s: float,
        check_s: float = 10.0,
        relist_s: float = 1.0,
        restart_s: float = RESTART_S,
    ) -> None:
        self.client = client
        self.context = context
        self.runtime = runtime
        self.node = node
        self.address = address
        self.relist_s = relist_s
        self.restart_s = restart_s
        self.host = self.reporter(client, context, runtime, name=node, address=address, lease_s=lease_s, check_s=check_s)
        self.queue = WorkQueue(context, retried=(RequestFailed, RuntimeFailed))
        self.wanted: dict[str, Json] = {}  # uid -> pod, as the watch has it
        self.running: dict[str, Running] = {}  # uid -> what is there of it
        self.told: dict[str, Json] = {}  # uid -> status as last reported
        self.informer = Informer(client, by_plural("pods"), context=context, fields=f"spec.nodeName={node}")
        self.informer.subscribe(Handlers(added=self.pod_seen, updated=lambda _, new: self.pod_seen(new), deleted=self.pod_gone))

    async def run(self) -> None:
        """Serve the node until cancelled. Containers outlive us."""
        await self.host.registered()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.host.heartbeat())
            tasks.create_task(self.host.describe())
            tasks.create_task(self._serve(tasks))

    async def _serve(self, tasks: asyncio.TaskGroup) -> None:
        await self.recover()
        tasks.create_task(self.informer.run())
        await self.informer.synced.wait()
        for uid in self.running:
            self.queue.add(uid)
        tasks.create_task(self.queue.run(self.sync, workers=WORKERS))
        tasks.create_task(self.look())

    def mine(self, pod: Json) -> bool:
        """Whether the pod is bound to this node."""
        return node_name(pod) == self.node

    def pod_seen(self, pod: Json) -> None:
        if self.mine(pod):
            self.wanted[uid_of(pod)] = pod
            self.queue.add(uid_of(pod))

    def pod_gone(self, pod: Json) -> None:
        self.wanted.pop(uid_of(pod), None)
        self.queue.add(uid_of(pod))

    async def sync(self, uid: str) -> None:
        """Bring one pod from what is to what is wanted, and report."""
        pod = self.wanted.get(uid)
        if pod is None:
            await self.stop_pod(uid, grace_s=0)
            self.told.pop(uid, None)
        elif deleting(pod):
            await self.stop_pod(uid, grace_s=int(pod["metadata"].get("deletionGracePeriodSeconds", GRACE_S)))
            await self.farewell(pod)
        elif not finished(pod) and not finished({"status": self.told.get(uid) or {}}):  # what is wanted may be older than what was told
            await self.run_pod(pod)

    async def run_pod(self, pod: Json) -> None:
        """Sandbox first, then for each container image, creation, start."""
        uid = uid_of(pod)
        running = self.running.setdefault(uid, _blank(pod))
        try:
            if not running.sandbox:
                await self.run_sandbox(pod, running)
            again_s = await self._start_due(pod, running)
        finally:
            await self.report(pod, running)
        if again_s is not None:
            self.queue.add_after(uid, again_s)

    async def _start_due(self, pod: Json, running: Running) -> float | None:
        todo = due(pod, running, now_s=self.context.wall_s(), restart_s=self.restart_s)
        for spec in todo.containers:
            try:
                await self.start(pod, spec, running)
            except RuntimeFailed as failure:
                running.waiting.setdefault(spec["name"], ("CreateContainerError", str(failure)))
                raise
        return todo.again_s

    async def run_sandbox(self, pod: Json, running: Running) -> None:
        config = self.sandbox_config(pod, running.attempt)
        sandbox = await self.runtime.run_sandbox(config)
        running.attempt += 1
        running.sandbox = sandbox
        if pod["spec"].get("hostNetwork"):
            running.ip = self.address
        else:
            running.ip = (await self.runtime.sandbox_status(sandbox)).network.ip

    def sandbox_config(self, pod: Json, attempt: int) -> pb.PodSandboxConfig:
        meta, uid = pod["metadata"], uid_of(pod)
        network = pb.NODE if pod["spec"].get("hostNetwork") else pb.POD
        linux = pb.LinuxPodSandboxConfig(
            security_context=pb.LinuxSandboxSecurityContext(namespace_options=pb.NamespaceOption(network=network))
        )
        own = {POD_UID: uid, POD_NAME: meta["name"], POD_NAMESPACE: meta["namespace"]}
        return pb.PodSandboxConfig(
            metadata=pb.PodSandboxMetadata(name=meta["name"], uid=uid, namespace=meta["namespace"], attempt=attempt),
            hostname=pod["spec"].get("hostname") or meta["name"],
            labels=(meta.get("labels") or {}) | own,
            annotations=meta.get("annotations") or {},
            linux=linux,
        )

    async def ensure_image(self, pod: Json, spec: Json, running: Running) -> str:
        """The id of the container's image, pulled if need be."""
        image = spec["image"]
        policy = spec.get("imagePullPolicy") or "IfNotPresent"
        try:
            found = "" if policy == "Always" else await self.runtime.image(image)
            if found or policy == "Never":
                return found
            return await self.runtime.pull(image, self.sandbox_config(pod, running.attempt - 1))
        except RuntimeFailed as failure:
            running.waiting[spec["name"]] = ("ErrImagePull", str(failure))
            raise

    async def start(self, pod: Json, spec: Json, running: Running) -> None:
        """Create and start one container, a new incarnation where there was one."""
        name, before = spec["name"], running.containers.get(spec["name"])
        if before is None or before.state == "exited":
            image_id = await self.ensure_image(pod, spec, running)
            config = self.container_config(spec, pod, attempt=before.attempt + 1 if before else 0)
            made = await self.runtime.create_container(running.sandbox, config, self.sandbox_config(pod, running.attempt - 1))
            fresh = Container(id=made, attempt=config.metadata.attempt, state="created", image_id=image_id)
            if before is not None:
                fresh.last, fresh.crashes = ended_state(before), before.crashes + 1
            running.containers[name] = fresh
        container = running.containers[name]
        await self.runtime.start_container(container.id)
        container.state, container.started_s = "running", self.context.wall_s()
        running.waiting.pop(name, None)

    def container_config(self, spec: Json, pod: Json, *, attempt: int) -> pb.ContainerConfig:
        meta = pod["metadata"]
        labels = {POD_UID: meta["uid"], POD_NAME: meta["name"], POD_NAMESPACE: meta["namespace"], CONTAINER_NAME: spec["name"]}
        envs = [pb.KeyValue(key=e["name"], value=str(e["value"]).encode()) for e in spec.get("env") or () if "value" in e]
        return pb.ContainerConfig(
            metadata=pb.ContainerMetadata(name=spec["name"], attempt=attempt),
            image=pb.ImageSpec(image=spec["image"], user_specified_image=spec["image"]),
            command=spec.get("command") or (),
            args=spec.get("args") or (),
            working_dir=spec.get("workingDir", ""),
            envs=envs,
            labels=labels,
            log_path=f"{spec['name']}/{attempt}.log",
        )

    async def stop_pod(self, uid: str, *, grace_s: int) -> None:
        """Stop its containers, then remove its sandbox with all in it. Nothing to do where nothing is there."""
        running = self.running.get(uid)
        if running is None:
            return
        alive = [c for c in running.containers.values() if c.state == "running"]
        await asyncio.gather(*(self.runtime.stop_container(c.id, grace_s) for c in alive))
        for container in alive:
            container.state = "exited"
        if running.sandbox:
            await self.runtime.remove_sandbox(running.sandbox)
        self.running.pop(uid, None)

    async def farewell(self, pod: Json) -> None:
        """Nothing of the pod is left here: let the API server forget it, this one and no later one of its name."""
        meta = pod["metadata"]
        kind = by_plural("pods")
        await self.client.delete(kind, meta["name"], namespace=meta["namespace"], uid=meta["uid"], grace_s=0, gone_ok=True)

    async def report(self, pod: Json, running: Running) -> None:
        """Write the pod's status where it says something new."""
        uid, meta = uid_of(pod), pod["metadata"]
        known = self.told.get(uid) or pod.get("status", {})
        status = status_of(pod, running, host_ip=self.address, wall_s=self.context.wall_s(), known=known)
        if status.items() <= known.items():
            return
        patch = {"metadata": {"uid": uid}, "status": status}
        try:
            await self.client.patch(by_plural("pods"), meta["name"], patch, namespace=meta["namespace"], subresource="status")
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
        self.told[uid] = status
        if finished({"status": status}):  # as it was told, whatever has ended since
            await self.stop_pod(uid, grace_s=0)

    async def look(self) -> None:
        """Look at the runtime every now and then, as long as there is something to see."""
        while True:
            await self.context.sleep(self.relist_s)
            if self.running:
                try:
                    await self.relist()
                except RuntimeFailed:
                    continue

    async def relist(self) -> None:
        """Find the containers that have ended, or vanished with their sandbox, without us."""
        present = {c.id: c for c in await self.runtime.containers()}
        for uid, running in list(self.running.items()):
            for container in [c for c in running.containers.values() if c.state == "running"]:
                seen = present.get(container.id)
                if seen is not None and seen.state != pb.CONTAINER_EXITED:
                    continue
                await self._ended(container, present=seen is not None)
                await self._check_sandbox(running)
                self.queue.add(uid)

    async def _check_sandbox(self, running: Running) -> None:
        """A sandbox that is not ready any more is replaced as a whole."""
        ready = any(s.id == running.sandbox and s.state == pb.SANDBOX_READY for s in await self.runtime.sandboxes())
        if running.sandbox and not ready:
            await self.runtime.remove_sandbox(running.sandbox)
            running.sandbox = running.ip = ""
            running.containers = {name: c for name, c in running.containers.items() if c.state != "created"}

    async def _ended(self, container: Container, *, present: bool) -> None:
        container.finished_s, container.exit_code, container.reason = self.context.wall_s(), 137, "ContainerStatusUnknown"
        if present:
            status = await self.runtime.container_status(container.id)
            container.exit_code, container.reason = status.exit_code, status.reason
            container.finished_s = status.finished_at / 1e9 or container.finished_s
        container.state = "exited"

    async def recover(self) -> None:
        """After a start of our own: what has been running here all the while. Waits for the runtime."""
        backoff = Backoff(self.context)
        while True:
            try:
                self.running = await self.found()
                for running in self.running.values():
                    await self._check_sandbox(running)
            except RuntimeFailed:
                await backoff.wait()
            else:
                return

    async def found(self) -> dict[str, Running]:
        """What the runtime has, by the uid of the pod."""
        found: dict[str, Running] = {}
        for sandbox in sorted(await self.runtime.sandboxes(), key=lambda s: s.metadata.attempt):
            meta = sandbox.metadata
            running = Running(uid=meta.uid, namespace=meta.namespace, name=meta.name, sandbox=sandbox.id, attempt=meta.attempt + 1)
            if sandbox.state == pb.SANDBOX_READY:
                running.ip = (await self.runtime.sandbox_status(sandbox.id)).network.ip
            found[meta.uid] = running
        owners = {running.sandbox: running for running in found.values()}
        for each in sorted(await self.runtime.containers() if found else (), key=lambda c: c.metadata.attempt):
            if each.pod_sandbox_id in owners:
                owners[each.pod_sandbox_id].containers[each.metadata.name] = await self._recovered(each)
        return found

    async def _recovered(self, each: pb.Container) -> Container:
        status = await self.runtime.container_status(each.id)
        states: dict[int, State] = {pb.CONTAINER_CREATED: "created", pb.CONTAINER_RUNNING: "running"}
        return Container(
            id=each.id,
            attempt=each.metadata.attempt,
            state=states.get(each.state, "exited"),
            image_id=each.image_ref,
            started_s=status.started_at / 1e9,
            finished_s=status.finished_at / 1e9,
            exit_code=status.exit_code,
            reason=status.reason,
            crashes=each.metadata.attempt,
        )


def _blank(pod: Json) -> Running:
    return Running(uid=uid_of(pod), namespace=pod["metadata"]["namespace"], name=pod["metadata"]["name"])
