"""Controller managers that choose the wrong pods: such as have ended, somebody else's, or others than an expression says."""

from collections.abc import Sequence

from seatrial_reference.controller_manager.replica_sets import ReplicaSets
from seatrial_reference.machinery.objects import Json, active, controller_of, deleting, finished, selects, uid_of
from seatrial_schemas.context import Context
from violations.controllers import with_replica_sets


class CountsEnded(ReplicaSets):
    """A pod that has ended is a pod."""

    async def claim(self, item: Json) -> list[Json]:
        ended = [pod for pod in self.pods.group(uid_of(item)) if finished(pod) and not deleting(pod)]
        return await super().claim(item) + ended


async def main_counts_ended(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(CountsEnded, args, context)


class CountsOthers(ReplicaSets):
    """What matches is there, whoever has made it for whatever purpose."""

    async def claim(self, item: Json) -> list[Json]:
        return await super().claim(item) + [pod for pod in self.pods.all() if active(pod) and self.others(item, pod)]

    def others(self, item: Json, pod: Json) -> bool:
        meta, owner = pod["metadata"], controller_of(pod)
        matches = meta["namespace"] == item["metadata"]["namespace"] and selects(item["spec"].get("selector"), meta.get("labels"))
        return matches and owner is not None and owner["uid"] != uid_of(item)


async def main_counts_others(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(CountsOthers, args, context)


class IgnoresValues(ReplicaSets):
    """An expression asks whether there is such a label."""

    async def claim(self, item: Json) -> list[Json]:
        selector = item["spec"]["selector"]
        present = [{"key": each["key"], "operator": "Exists"} for each in selector.get("matchExpressions", ())]
        return await super().claim(item | {"spec": item["spec"] | {"selector": selector | {"matchExpressions": present}}})


async def main_ignores_values(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(IgnoresValues, args, context)
