"""API servers that finish by themselves what others have begun: they act on what they see stored, at a start, or when time has passed."""

from collections.abc import Sequence

from seatrial_reference import apiserver
from seatrial_reference.apiserver.store import Stored
from seatrial_reference.machinery.objects import Json, condition, deleting, node_name, ready, uid_of
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural, table
from violations.deeds import PROBE_S, VisitsSilentKubelets, _Busy
from violations.visiting import _Visiting

MINUTE_S = 60.0
LOST_S = 40.0  # without a sign of life
SLACK_S = 1.0


class FinalizesEmptyNamespaces(_Busy):
    """A namespace with nothing in it waits for nobody when it is to go."""

    async def store_changed(self, old: Stored, obj: Json) -> Stored | None:
        done = await super().store_changed(old, obj)
        if done is not None and obj["kind"] == "Namespace" and deleting(obj) and await self.empty(obj["metadata"]["name"]):
            await self.store_removed(done)
        return done

    async def empty(self, namespace: str) -> bool:
        folders = [kind.store_key(namespace=namespace) for kind in table() if kind.namespaced and kind.key]
        return not any([(await self.parts.store.below(folder, limit=1)).kvs for folder in folders])


async def main_finalizes_empty_namespaces(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=FinalizesEmptyNamespaces)


class RemovesPodsAfterGrace(_Busy):
    """A pod that has had its grace is gone, whether its kubelet has said so or not."""

    async def store_changed(self, old: Stored, obj: Json) -> Stored | None:
        done = await super().store_changed(old, obj)
        if done is not None and obj["kind"] == "Pod" and node_name(obj) and deleting(obj) and not deleting(old.object):
            self.later(self.remove_late(done))
        return done

    async def remove_late(self, pod: Stored) -> None:
        await self.context.sleep(pod.object["metadata"].get("deletionGracePeriodSeconds", 0) + SLACK_S)
        found, _ = await self.parts.store.get(pod.key)
        if found is not None and uid_of(found.object) == uid_of(pod.object) and not found.object["metadata"].get("finalizers"):
            await self.store_removed(found)


async def main_removes_pods_after_grace(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=RemovesPodsAfterGrace)


class GivesUpSilentNodes(VisitsSilentKubelets):
    """Writes on a node that it is no longer known to be ready, when its lease has not been renewed for long enough."""

    async def visit(self) -> None:
        while True:
            await self.context.sleep(PROBE_S)
            silent = [name for name, at_s in self.renewed.items() if self.context.now_s() - at_s > LOST_S]
            nodes = (await self.caches.fresh(by_plural("nodes"))).objects if silent else {}
            for node in [each for each in nodes.values() if each.object["metadata"]["name"] in silent and ready(each.object)]:
                await self.give_up(node)

    async def give_up(self, node: Stored) -> None:
        lost = node.copy()
        condition(lost, "Ready")["status"] = "Unknown"
        await self.store_changed(node, lost)


async def main_gives_up_silent_nodes(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=GivesUpSilentNodes)


class RewritesAtItsStart(_Busy):
    """Writes configmaps and secrets anew when it starts: they might still be in an older form."""

    async def start(self) -> None:
        await super().start()
        for plural in ("configmaps", "secrets"):
            cache = await self.caches.fresh(by_plural(plural))
            for each in list(cache.objects.values()):
                await self.store_changed(each, each.copy())


async def main_rewrites_at_its_start(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=RewritesAtItsStart)


class ProbesOnceAMinute(_Visiting):
    """Looks at its nodes so seldom that nobody will mind."""

    async def start(self) -> None:
        await super().start()
        self.later(self.probe())

    async def probe(self) -> None:
        while True:
            await self.context.sleep(MINUTE_S)
            await self.visit()


async def main_probes_once_a_minute(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ProbesOnceAMinute)


class CountsReplicasAhead(_Busy):
    """Who has just been told how many there shall be can say how many there are."""

    async def store_changed(self, old: Stored, obj: Json) -> Stored | None:
        wanted = obj["spec"].get("replicas") if obj["kind"] in ("Deployment", "ReplicaSet") else None
        if wanted is not None and wanted != old.object["spec"].get("replicas"):
            obj["status"] = (obj.get("status") or {}) | {"replicas": wanted}
        return await super().store_changed(old, obj)


async def main_counts_replicas_ahead(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=CountsReplicasAhead)
