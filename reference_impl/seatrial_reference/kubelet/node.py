"""The kubelet's word about its own node: registered once, alive by a Lease, described by a status (KLT-01, KLT-02).

The Lease is renewed every quarter of its duration and is cheap. The status is written when it has changed, and seldom otherwise.
"""

import math
from http import HTTPStatus

from seatrial_reference.kubelet.runtime import Runtime
from seatrial_reference.machinery.backoff import Backoff
from seatrial_reference.machinery.client import ApiError, Client, RequestFailed
from seatrial_reference.machinery.objects import Json, condition, dated, micro_stamp, stamp, uid_of
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural

LEASES = "kube-node-lease"
REPORT_S = 300.0  # between two statuses where nothing has changed
VERSION = "v1.36.0"
CAPACITY = {"cpu": "4", "memory": "8Gi", "pods": "110", "ephemeral-storage": "20Gi"}


class NodeReporter:
    """One node. `register`, `renew`, `report`, `status` may be overridden."""

    def __init__(
        self, client: Client, context: Context, runtime: Runtime, *, name: str, address: str, lease_s: float, check_s: float
    ) -> None:
        self.client = client
        self.context = context
        self.runtime = runtime
        self.name = name
        self.address = address
        self.lease_s = lease_s
        self.check_s = check_s
        self.node: Json = {}
        self.lease: Json = {}
        self.reported_s = 0.0

    async def registered(self) -> None:
        """Return when the node exists at the API server."""
        backoff = Backoff(self.context)
        while True:
            try:
                return await self.register()
            except RequestFailed:
                await backoff.wait()

    async def register(self) -> None:
        status = await self.status()
        body = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self.name, "labels": self.labels()},
            "spec": {},
            "status": status,
        }
        self.reported_s = self.context.now_s()
        try:
            self.node = await self.client.create(by_plural("nodes"), body)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
            self.node = await self.client.get(by_plural("nodes"), self.name)
        if not _same(self.node.get("status", {}), status):
            await self.write(status)

    def labels(self) -> dict[str, str]:
        return {"kubernetes.io/hostname": self.name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}

    async def heartbeat(self) -> None:
        """Renew the lease for ever, however busy the node is."""
        while True:
            backoff = Backoff(self.context)
            while not await self._renewed():
                await backoff.wait()
            await self.context.sleep(self.lease_s / 4)

    async def _renewed(self) -> bool:
        try:
            await self.renew()
        except RequestFailed:
            self.lease = {}  # somebody else may have written it: look again
            return False
        return True

    async def renew(self) -> None:
        kind = by_plural("leases")
        spec = {
            "holderIdentity": self.name,
            "leaseDurationSeconds": max(1, math.ceil(self.lease_s)),
            "renewTime": micro_stamp(self.context.wall_s()),
        }
        if not self.lease:
            self.lease = await self._find() or {}
        if self.lease:
            self.lease = await self.client.replace(kind, self.lease | {"spec": spec})
            return
        owner = {"apiVersion": "v1", "kind": "Node", "name": self.name, "uid": uid_of(self.node)}
        meta = {"name": self.name, "namespace": LEASES, "ownerReferences": [owner]}
        body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta, "spec": spec}
        self.lease = await self.client.create(kind, body, namespace=LEASES)

    async def _find(self) -> Json | None:
        try:
            return await self.client.get(by_plural("leases"), self.name, namespace=LEASES)
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return None

    async def describe(self) -> None:
        """Keep the node's status true for ever."""
        while True:
            await self.context.sleep(self.check_s)
            try:
                await self.report()
            except ApiError as error:
                if error.status == HTTPStatus.NOT_FOUND:
                    await self.registered()
            except RequestFailed:
                continue

    async def report(self) -> None:
        """Write the status where it is not what the API server has, or where the last word is long ago: others may have changed it."""
        self.node = await self.client.get(by_plural("nodes"), self.name)
        status = await self.status()
        if not _same(self.node.get("status", {}), status) or self.context.now_s() - self.reported_s >= REPORT_S:
            await self.write(status)

    async def write(self, status: Json) -> None:
        self.node = await self.client.patch(by_plural("nodes"), self.name, {"status": status}, subresource="status")
        self.reported_s = self.context.now_s()

    async def status(self) -> Json:
        problem = await self.runtime.healthy()
        return {
            "capacity": CAPACITY,
            "allocatable": CAPACITY,
            "addresses": [{"type": "InternalIP", "address": self.address}, {"type": "Hostname", "address": self.name}],
            "conditions": [self._ready(problem), *(self._fine(kind) for kind in ("MemoryPressure", "DiskPressure", "PIDPressure"))],
            "nodeInfo": {
                "kubeletVersion": VERSION,
                "kubeProxyVersion": "",
                "containerRuntimeVersion": "cri://v1",
                "operatingSystem": "linux",
                "architecture": "amd64",
                "osImage": "seatrial",
                "kernelVersion": "",
                "machineID": self.name,
                "systemUUID": self.name,
                "bootID": self.name,
            },
        }

    def _ready(self, problem: str) -> Json:
        if problem:
            return self._dated({"type": "Ready", "status": "False", "reason": "KubeletNotReady", "message": problem})
        return self._dated({"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"})

    def _fine(self, kind: str) -> Json:
        return self._dated({"type": kind, "status": "False", "reason": "KubeletHasSufficientResources"})

    def _dated(self, told: Json) -> Json:
        now = stamp(self.context.wall_s())
        return dated(told | {"lastHeartbeatTime": now}, condition(self.node, told["type"]), now)


def _same(one: Json, other: Json) -> bool:
    """Whether two statuses say the same, but for the time of saying."""
    return _plain(one) == _plain(other)


def _plain(status: Json) -> Json:
    keys = ("capacity", "allocatable", "addresses", "nodeInfo")
    said = [{k: v for k, v in c.items() if k not in {"lastHeartbeatTime", "lastTransitionTime"}} for c in status.get("conditions") or ()]
    return {k: status.get(k) for k in keys} | {"conditions": said}
