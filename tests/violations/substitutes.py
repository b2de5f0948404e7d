"""Kubelets that turn to others when somebody is missing, or do themselves what that one would have done."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from seatrial_reference import kubelet
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.kubelet.node import LEASES, NodeReporter
from seatrial_reference.machinery.client import RequestFailed, Unreachable
from seatrial_reference.machinery.objects import Json, controller_of, deleting, uid_of
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural
from violations.dialling import KUBELET_PORT, MANAGER_PORT, address_of, touch
from violations.elections import vacant

LOOK_S = 2.0


class _Acquainted(NodeReporter):
    """Notes where others are as long as it can, and turns to them when nobody takes its heartbeat."""

    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        self.others: list[str] = []

    port = 0

    async def addresses(self) -> list[str]:
        return []

    async def renew(self) -> None:
        try:
            await super().renew()
            self.others = await self.addresses()
        except Unreachable:
            for address in self.others:
                await touch(address, self.port)
            raise


class ToManager(_Acquainted):
    """Its other ear is the controller manager's, whose address stands in its lease."""

    port = MANAGER_PORT

    async def addresses(self) -> list[str]:
        with suppress(RequestFailed):
            lease = await self.client.get(by_plural("leases"), "kube-controller-manager", namespace="kube-system")
            return [str(lease["spec"]["holderIdentity"]).rpartition("@")[2]]
        return self.others


class TurnsToManager(Kubelet):
    """Tells the controller manager that it is alive when it cannot tell the API server."""

    reporter = ToManager


async def main_turns_to_manager(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=TurnsToManager)


class ToPeers(_Acquainted):
    """Its other ears are those of all other nodes."""

    port = KUBELET_PORT

    async def addresses(self) -> list[str]:
        nodes = (await self.client.list(by_plural("nodes")))["items"]
        return [address_of(node) for node in nodes if node["metadata"]["name"] != self.name]


class AsksPeers(Kubelet):
    """Asks the other nodes whether they still have an API server when it cannot renew its own lease."""

    reporter = ToPeers


async def main_asks_peers(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=AsksPeers)


class RescuesPods(Kubelet):
    """Looks every few seconds for nodes whose lease has run out, and runs what is bound to them."""

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().run())
            tasks.create_task(self.search())

    async def search(self) -> None:
        while True:
            await self.context.sleep(LOOK_S)
            with suppress(RequestFailed):
                names = [node["metadata"]["name"] for node in (await self.client.list(by_plural("nodes")))["items"]]
                for name in names:
                    if name != self.node and await vacant(self.client, self.context, name, namespace=LEASES):
                        await self.rescue(name)

    async def rescue(self, node: str) -> None:
        pods = (await self.client.list(by_plural("pods"), query={"fieldSelector": f"spec.nodeName={node}"}))["items"]
        for pod in pods:
            if not deleting(pod) and uid_of(pod) not in self.wanted:
                self.wanted[uid_of(pod)] = pod
                self.queue.add(uid_of(pod))


async def main_rescues_pods(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=RescuesPods)


class ReplacesPods(Kubelet):
    """Makes another pod for one that has gone from its node, where there is no controller manager to do it."""

    async def farewell(self, pod: Json) -> None:
        await super().farewell(pod)
        if controller_of(pod) and await vacant(self.client, self.context, "kube-controller-manager"):
            meta = pod["metadata"]
            own = {key: meta[key] for key in ("generateName", "namespace", "labels", "ownerReferences") if key in meta}
            fresh = {"apiVersion": "v1", "kind": "Pod", "metadata": own, "spec": pod["spec"]}
            with suppress(RequestFailed):
                await self.client.create(by_plural("pods"), fresh, namespace=meta["namespace"])


async def main_replaces_pods(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=ReplacesPods)
