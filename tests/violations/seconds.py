"""Components that do well whatever happens once, and whatever is all there is: they err where a node has gone for good, where a second
leader fails, where the last of several containers ends well, where a template changes beside its containers."""

from collections.abc import Iterable, Sequence
from typing import Any

from seatrial_reference import controller_manager, kubelet, scheduler
from seatrial_reference.controller_manager import ControllerManager
from seatrial_reference.controller_manager.deployments import Deployments
from seatrial_reference.controller_manager.replica_sets import ReplicaSets
from seatrial_reference.controller_manager.rollout import same_template
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.kubelet.pods import Running, phase_of
from seatrial_reference.kubelet.runtime import RuntimeFailed
from seatrial_reference.machinery.client import RequestFailed
from seatrial_reference.machinery.election import Elector
from seatrial_reference.machinery.objects import Json, controller_of, deleting, finished, key_of, node_name, ready, uid_of
from seatrial_reference.scheduler.placement import Place
from seatrial_reference.scheduler.scheduler import Scheduler
from seatrial_schemas.context import Context
from violations.reports import Reporting

PATIENCE_S = 0.5
MARKS = ("labels", "annotations")


class KeepsDeletedNodes(Scheduler):
    """Knows every node that there ever was."""

    def __init__(self, *parts: Any, **how: Any) -> None:
        super().__init__(*parts, **how)
        self.ever: dict[str, Json] = {}

    def node_added(self, node: Json) -> None:
        self.ever[key_of(node)] = node
        super().node_added(node)

    def places(self) -> list[Place]:
        here = {place.name: place for place in super().places()}
        gone = [Place(node=node, pods=tuple(self.pods.group(name))) for name, node in self.ever.items() if name not in here]
        return [*here.values(), *gone]


async def main_keeps_deleted_nodes(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=KeepsDeletedNodes)


class RetriesInPlace(Scheduler):
    """Binds one pod after the other, and goes on trying where that is refused before it turns to the next one."""

    async def lead(self) -> None:
        await self.pods.synced.wait()
        await self.nodes.synced.wait()
        await self.queue.run(self.schedule_key, workers=1)

    async def bind(self, pod: Json, node: str) -> None:
        while True:
            try:
                await super().bind(pod, node)
            except RequestFailed:
                now = self.pods.get(key_of(pod))
                if now is None or uid_of(now) != uid_of(pod) or node_name(now):
                    raise
                await self.context.sleep(PATIENCE_S)
            else:
                return


async def main_retries_in_place(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=RetriesInPlace)


class LeavesOutTheSystem(Scheduler):
    """Takes the pods of the system for somebody else's."""

    def concerns(self, pod: Json) -> bool:
        return not pod["metadata"]["namespace"].startswith("kube-") and super().concerns(pod)


async def main_leaves_out_the_system(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=LeavesOutTheSystem)


class SeesNoNewLabels(Scheduler):
    """Of a node that it knows only whether it is ready and open can change."""

    def node_updated(self, old: Json, new: Json) -> None:
        if [ready(old), old["spec"].get("unschedulable")] != [ready(new), new["spec"].get("unschedulable")]:
            super().node_updated(old, new)
        else:
            self.touch(key_of(new))


async def main_sees_no_new_labels(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=SeesNoNewLabels)


class WatchesFirstLeader(Elector):
    """A standby that waits for the end of the leader that it has met first, and trusts all later ones."""

    first = ""

    def expired(self) -> bool:
        holder = str(self.record.get("holderIdentity") or "")
        if holder and not self.leads:
            self.first = self.first or holder
        return super().expired() and (self.leads or holder in ("", self.first))


async def main_scheduler_watches_first_leader(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, elector=WatchesFirstLeader)


async def main_controllers_watch_first_leader(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, elector=WatchesFirstLeader)


class CountsWhatGoes(ReplicaSets):
    """A pod that is to go is there as long as it is not gone."""

    async def claim(self, item: Json) -> list[Json]:
        going = [pod for pod in self.pods.group(uid_of(item)) if deleting(pod) and not finished(pod)]
        return await super().claim(item) + going

    def victims(self, pods: Iterable[Json], surplus: int) -> list[Json]:
        pods = list(pods)
        staying = [pod for pod in pods if not deleting(pod)]
        return super().victims(staying, max(0, surplus - len(pods) + len(staying)))


async def main_counts_what_goes(args: Sequence[str], context: Context) -> None:
    await _controls(args, context, replica_sets=CountsWhatGoes)


class MissesNewMatches(ReplicaSets):
    """A pod that is changed concerns whoever it has concerned."""

    def pod_updated(self, old: Json, new: Json) -> None:
        if controller_of(old) or deleting(new):
            super().pod_updated(old, new)
        else:
            super().pod_updated(old, new | {"metadata": new["metadata"] | {"labels": old["metadata"].get("labels")}})


async def main_misses_new_matches(args: Sequence[str], context: Context) -> None:
    await _controls(args, context, replica_sets=MissesNewMatches)


class SharesSets(Deployments):
    """A ReplicaSet of the template that somebody has already will do."""

    async def create_set(self, deployment: Json, old: Sequence[Json]) -> None:
        own, space = deployment["spec"]["template"], deployment["metadata"]["namespace"]
        alike = [s for s in self.sets.all() if s["metadata"]["namespace"] == space and same_template(s["spec"]["template"], own)]
        if not any(controller_of(s) and not deleting(s) for s in alike):
            await super().create_set(deployment, old)


async def main_shares_sets(args: Sequence[str], context: Context) -> None:
    await _controls(args, context, deployments=SharesSets)


class ComparesContainersOnly(Deployments):
    """Two templates are the same where their containers are, and what is written on their pods."""

    async def sync(self, deployment: Json) -> None:
        wanted = deployment["spec"]["template"]
        for owned in self.sets.group(uid_of(deployment)):
            had = owned["spec"]["template"]
            like = wanted | {"spec": had["spec"] | {"containers": wanted["spec"]["containers"]}}
            if same_template(had, like):
                deployment = deployment | {"spec": deployment["spec"] | {"template": like}}
        await super().sync(deployment)


async def main_compares_containers_only(args: Sequence[str], context: Context) -> None:
    await _controls(args, context, deployments=ComparesContainersOnly)


async def _controls(args: Sequence[str], context: Context, **parts: Any) -> None:
    await controller_manager.main(args, context, part=type("Manager", (ControllerManager,), parts))


class ClearsSucceeded(Kubelet):
    """A pod that has done its work is of no use to anybody."""

    async def report(self, pod: Json, running: Running) -> None:
        await super().report(pod, running)
        if phase_of(pod, running) == "Succeeded":
            await self.farewell(pod)


async def main_clears_succeeded(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=ClearsSucceeded)


class LetsTheLastDecide(Reporting):
    """A pod has ended as its last container has."""

    def retold(self, pod: Json, running: Running, status: Json) -> Json:
        last = running.containers.get(pod["spec"]["containers"][-1]["name"])
        if last is None or not finished({"status": status}):
            return status
        return status | {"phase": "Failed" if last.exit_code else "Succeeded"}


async def main_lets_the_last_decide(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=LetsTheLastDecide)


class RunsMarkedAnew(Kubelet):
    """A pod on which something else is written is another pod."""

    def __init__(self, *parts: Any, **how: Any) -> None:
        super().__init__(*parts, **how)
        self.marked: set[str] = set()

    def pod_seen(self, pod: Json) -> None:
        before = self.wanted.get(uid_of(pod), pod)["metadata"]
        if not deleting(pod) and any(before.get(what) != pod["metadata"].get(what) for what in MARKS):
            self.marked.add(uid_of(pod))
        super().pod_seen(pod)

    async def sync(self, uid: str) -> None:
        if uid in self.marked:
            self.marked.discard(uid)
            await self.stop_pod(uid, grace_s=0)
        await super().sync(uid)


async def main_runs_marked_anew(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=RunsMarkedAnew)


class GivesUpOnContainers(Kubelet):
    """What could not be created cannot be."""

    def __init__(self, *parts: Any, **how: Any) -> None:
        super().__init__(*parts, **how)
        self.hopeless: set[tuple[str, str]] = set()

    async def start(self, pod: Json, spec: Json, running: Running) -> None:
        if (which := (uid_of(pod), str(spec["name"]))) in self.hopeless:
            return
        try:
            await super().start(pod, spec, running)
        except RuntimeFailed:
            if spec["name"] not in running.waiting:  # for its image
                self.hopeless.add(which)
            raise


async def main_gives_up_on_containers(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=GivesUpOnContainers)


class GivesUpOnInits(Kubelet):
    """An init container that has failed has failed."""

    async def _start_due(self, pod: Json, running: Running) -> float | None:
        inits = [running.containers.get(spec["name"]) for spec in pod["spec"].get("initContainers") or ()]
        if any(c is not None and c.state == "exited" and c.exit_code for c in inits):
            return None
        return await super()._start_due(pod, running)


async def main_gives_up_on_inits(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=GivesUpOnInits)


class _Knows(Kubelet):
    """Knows two ways to restart containers, and takes the third for one of them."""

    policy = ""

    def pod_seen(self, pod: Json) -> None:
        if pod["spec"].get("restartPolicy") == "OnFailure":
            pod = pod | {"spec": pod["spec"] | {"restartPolicy": self.policy}}
        super().pod_seen(pod)


class RestartsAlwaysOrNotAtAll(_Knows):
    """Starts again only what is always to run."""

    policy = "Never"


async def main_restarts_always_or_not_at_all(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=RestartsAlwaysOrNotAtAll)


class RestartsUnlessTold(_Knows):
    """Starts again whatever may be started again."""

    policy = "Always"


async def main_restarts_unless_told(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=RestartsUnlessTold)
