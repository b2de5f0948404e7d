"""Kubelets that see the lives of containers wrongly: which come first, which come again, what is left of a pod that has ended."""

import asyncio
from collections.abc import Sequence
from typing import Any

from seatrial_reference import kubelet
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.kubelet.pods import Running, phase_of
from seatrial_reference.machinery.objects import Json, uid_of
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural


class WaitsForStops(Kubelet):
    """Does one thing at a time: who takes long to stop keeps all others from starting."""

    def __init__(self, *parts: Any, **how: Any) -> None:
        super().__init__(*parts, **how)
        self.busy = asyncio.Lock()

    async def sync(self, uid: str) -> None:
        async with self.busy:
            await super().sync(uid)


async def main_waits_for_stops(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=WaitsForStops)


class LeavesAloneWhatWentWell(Kubelet):
    """A container that has ended without an error has done its work."""

    async def _start_due(self, pod: Json, running: Running) -> float | None:
        names = [str(c["name"]) for c in pod["spec"]["containers"]]
        done = {name for name in names if (c := running.containers.get(name)) and c.state == "exited" and not c.exit_code}
        rest = [c for c in pod["spec"]["containers"] if c["name"] not in done]
        return await super()._start_due(pod | {"spec": pod["spec"] | {"containers": rest}}, running)


async def main_leaves_alone_what_went_well(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=LeavesAloneWhatWentWell)


class RestartsSiblings(Kubelet):
    """Containers of a pod belong together: where one has ended, the others end, too."""

    async def _start_due(self, pod: Json, running: Running) -> float | None:
        mains = [c for spec in pod["spec"]["containers"] if (c := running.containers.get(spec["name"]))]
        if any(c.state == "exited" for c in mains):
            for container in (c for c in mains if c.state == "running"):
                await self.runtime.stop_container(container.id, 0)
                container.state, container.finished_s = "exited", self.context.wall_s()
        return await super()._start_due(pod, running)


async def main_restarts_siblings(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=RestartsSiblings)


def _with_inits(pod: Json, inits: Sequence[Json], *, mains: Sequence[Json] = ()) -> Json:
    spec = pod["spec"]
    return pod | {"spec": spec | {"initContainers": list(inits), "containers": [*mains, *spec["containers"]]}}


class StartsInitsAtOnce(Kubelet):
    """Init containers are containers that are named first."""

    async def _start_due(self, pod: Json, running: Running) -> float | None:
        inits = [spec for spec in pod["spec"].get("initContainers") or () if spec["name"] not in running.containers]
        return await super()._start_due(_with_inits(pod, (), mains=inits), running)


async def main_starts_inits_at_once(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=StartsInitsAtOnce)


class RunsLastInit(Kubelet):
    """Of several init containers the last one counts."""

    async def _start_due(self, pod: Json, running: Running) -> float | None:
        return await super()._start_due(_with_inits(pod, (pod["spec"].get("initContainers") or [])[-1:]), running)


async def main_runs_last_init(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=RunsLastInit)


class ClearsFailed(Kubelet):
    """Nobody wants to see a pod any more that has failed."""

    async def report(self, pod: Json, running: Running) -> None:
        await super().report(pod, running)
        if phase_of(pod, running) == "Failed":
            await self.farewell(pod)


async def main_clears_failed(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=ClearsFailed)


class RepeatsFailed(Kubelet):
    """Makes a pod that has failed once more, under another name."""

    async def report(self, pod: Json, running: Running) -> None:
        before = self.told.get(uid_of(pod), {}).get("phase")
        await super().report(pod, running)
        if phase_of(pod, running) == "Failed" != before:
            meta = pod["metadata"]
            own = {"generateName": f"{meta['name']}-", "namespace": meta["namespace"], "labels": meta.get("labels", {})}
            again = {"apiVersion": "v1", "kind": "Pod", "metadata": own, "spec": pod["spec"]}
            await self.client.create(by_plural("pods"), again, namespace=meta["namespace"])


async def main_repeats_failed(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=RepeatsFailed)
