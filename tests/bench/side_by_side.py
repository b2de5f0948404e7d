"""The reference and real Kubernetes side by side, as processes, without a tap: `python -m bench.side_by_side`. Ratios are printed.

Both are asked by the same client, which takes its part of the same cores: the figures say how the two compare on one machine, and nothing
about what either could do for others.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seatrial.adapters.descriptor import load
from seatrial.backends.processes import Processes
from seatrial.model.history import History
from seatrial.model.topology import Topology
from seatrial.wire.kubernetes import PATCHES, Client
from seatrial.world import World
from seatrial.world.objects import kind_of, manifest

UNTAPPED = "apiVersion: seatrial/v1\nkind: Implementation\nmetadata: {{name: {0}-untapped}}\nbasedOn: {0}\nobserve: {{requests: none}}\n"
SIDES = ("reference", "kubernetes")
AT_ONCE = 32
FOR_S = 4.0
WRITES, LATER = 200, 10**9  # numbers that no earlier object has
NODES, PODS = 100, 1000
PODS_S = 300.0
CONFIGS = "/api/v1/namespaces/trial/configmaps"
CAPACITY = {"cpu": "32", "memory": "64Gi", "pods": "110"}


class Side:
    """One of the two, running."""

    def __init__(self, world: World) -> None:
        self.world = world

    def client(self) -> Client:
        """The operator, whose requests are not kept."""
        known = self.world.operator
        history = History(lambda: 0.0)
        session = known._session
        return Client(session=session, url=known.url, token=known.token, user="bench", record=history.recorder("bench"))

    async def rate(self, act: Callable[[Client, int], Awaitable[Any]]) -> float:
        """How often a second, so many at once."""
        done, end_s = 0, time.perf_counter() + FOR_S

        async def one(worker: int) -> None:
            nonlocal done
            client = self.client()
            while time.perf_counter() < end_s:
                await act(client, worker * 1_000_000 + done)
                done += 1

        await asyncio.gather(*(one(worker) for worker in range(AT_ONCE)))
        return done / FOR_S

    async def gets(self) -> float:
        await post(self.client(), 0)
        return await self.rate(lambda client, _: client.request("GET", f"{CONFIGS}/c-0"))

    async def posts(self) -> float:
        return await self.rate(lambda client, number: post(client, number + 1))

    async def latency_ms(self) -> float:
        """Median from sending a write to the event of a watch."""
        client, sent, took = self.client(), dict[str, float](), list[float]()
        standing = asyncio.Event()

        async def follow() -> None:
            async for event in client.watch(CONFIGS, params={"resourceVersion": "0"}, standing=standing.set):
                if begun := sent.pop(event["object"]["metadata"]["name"], None):
                    took.append(time.perf_counter() - begun)

        watching = asyncio.create_task(follow())
        await standing.wait()
        for number in range(LATER, LATER + WRITES):
            sent[f"c-{number}"] = time.perf_counter()
            await post(client, number)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        return statistics.median(took) * 1000

    async def pods_s(self) -> float:
        """From the creation of a deployment to the binding of its last pod, on nodes that nobody runs."""
        client = self.client()
        for number in range(NODES):
            await bare_node(client, f"bare-{number}")
        deployments = kind_of("deployment")
        begun = time.perf_counter()
        body = manifest(deployments, "many", namespace="trial", replicas=PODS)
        await client.request("POST", deployments.path(namespace="trial"), body=body)
        await self.world.seen(all_bound, within_s=PODS_S, what=f"{PODS} bound pods")
        return time.perf_counter() - begun


def all_bound(history: History) -> bool:
    """Whether the operator has seen a binding of each pod."""
    bound = {e["name"] for e in history.of("watched", watch="operator/pods") if e["object"]["spec"].get("nodeName")}
    return len(bound) >= PODS


async def post(client: Client, number: int) -> None:
    """A ConfigMap of 1 kB."""
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"c-{number}"}, "data": {"ballast": "x" * 800}}
    await client.request("POST", CONFIGS, body=body)


async def bare_node(client: Client, name: str) -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
    await client.request("POST", "/api/v1/nodes", body=node)
    ready = {"conditions": [{"type": "Ready", "status": "True", "reason": "Bench"}], "capacity": CAPACITY, "allocatable": CAPACITY}
    await client.request("PATCH", f"/api/v1/nodes/{name}/status", body={"status": ready}, content_type=PATCHES["merge"])


@contextmanager
def running(name: str, folder: Path, *nodes: str) -> Iterator[tuple[Side, float]]:
    """A cluster of one of each, with these nodes, and how long it took to be ready."""
    file = folder / f"{name}.yaml"
    file.write_text(UNTAPPED.format(name))
    backend = Processes(seed=0)
    world = World(backend=backend, implementation=load(str(file)), seed=0, settings={})
    try:
        begun = time.perf_counter()
        world.boot(Topology(nodes=nodes))
        yield Side(world), time.perf_counter() - begun
    finally:
        world.close()
        backend.close()


def memory_mib() -> float:
    """What all that this process has started takes, memory that several share counted once."""
    return sum(share_kib(process) for process in descendants(os.getpid())) / 1024


def descendants(process: int) -> Iterator[int]:
    for status in Path("/proc").glob("[0-9]*/stat"):
        parent = int(status.read_text().rpartition(")")[2].split()[1])
        if parent == process:
            yield int(status.parent.name)
            yield from descendants(int(status.parent.name))


def share_kib(process: int) -> int:
    rollup = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))


def measured(name: str, folder: Path) -> dict[str, float]:
    """Every figure of one side, by what it is called."""
    with running(name, folder, "node-1"):
        mib = memory_mib()
    with running(name, folder) as (side, cold_s):
        return {
            "memory with a node, MiB": mib,
            "cold start, s": cold_s,
            "GET per second": side.world.run(side.gets()),
            "POST of 1 kB per second": side.world.run(side.posts()),
            "write -> watch, ms (median)": side.world.run(side.latency_ms()),
            f"{PODS} pods created and bound, s": side.world.run(side.pods_s()),
        }


def main() -> None:
    """One after the other, then a table."""
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = (measured(name, Path(folder)) for name in SIDES)
    sys.stdout.write(f"{'':36} {SIDES[0]:>12} {SIDES[1]:>12} {'ratio':>8}\n")
    for what, figure in ours.items():
        sys.stdout.write(f"{what:36} {figure:12.2f} {theirs[what]:12.2f} {figure / theirs[what]:8.2f}\n")


if __name__ == "__main__":
    main()
