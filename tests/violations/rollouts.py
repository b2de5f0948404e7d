"""Controller managers that stop half-way: with some of the pods, before the last rollout is through, or as somebody else has done it."""

from collections.abc import Sequence

from seatrial_reference.controller_manager.deployments import Deployments
from seatrial_reference.controller_manager.replica_sets import ReplicaSets
from seatrial_reference.machinery.objects import Json, controller_of, key_of, uid_of
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural
from violations.controllers import with_deployments, with_replica_sets

ENOUGH = 10


class RollsOutOneByOne(Deployments):
    """Begins no rollout before the last one is through."""

    async def create_set(self, deployment: Json, old: Sequence[Json]) -> None:
        available = (deployment.get("status") or {}).get("availableReplicas", 0)
        if not old or available >= int(deployment["spec"].get("replicas", 1)):
            await super().create_set(deployment, old)


async def main_rolls_out_one_by_one(args: Sequence[str], context: Context) -> None:
    await with_deployments(RollsOutOneByOne, args, context)


class TrustsScaledSets(Deployments):
    """Whoever has scaled the only ReplicaSet of a deployment that has not changed will have had a reason."""

    async def scale(self, item: Json, replicas: int, *, revision: str | None) -> None:
        owner = str((controller_of(item) or {}).get("uid"))
        deployment = next((d for d in self.deployments.all() if uid_of(d) == owner), {})
        seen = (deployment.get("status") or {}).get("observedGeneration")
        if seen != deployment.get("metadata", {}).get("generation") or len(self.sets.group(owner)) != 1:
            await super().scale(item, replicas, revision=revision)


async def main_trusts_scaled_sets(args: Sequence[str], context: Context) -> None:
    await with_deployments(TrustsScaledSets, args, context)


class MakesPodsOfMore(Deployments):
    """Makes the pods of a larger number itself, and tells the ReplicaSet afterwards."""

    async def scale(self, item: Json, replicas: int, *, revision: str | None) -> None:
        meta, template = item["metadata"], item["spec"]["template"]
        for _ in range(replicas - int(item["spec"].get("replicas", 1))):
            own = {"generateName": f"{meta['name']}-", "namespace": meta["namespace"], "labels": template["metadata"]["labels"]}
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": own, "spec": template["spec"]}
            await self.client.create(by_plural("pods"), pod, namespace=meta["namespace"])
        await super().scale(item, replicas, revision=revision)


async def main_makes_pods_of_more(args: Sequence[str], context: Context) -> None:
    await with_deployments(MakesPodsOfMore, args, context)


class MakesTen(ReplicaSets):
    """Of many pods it makes ten, and does not come back to it."""

    async def manage(self, item: Json, pods: Sequence[Json]) -> bool:
        if int(item["spec"].get("replicas", 1)) - len(pods) <= ENOUGH:
            return await super().manage(item, pods)
        await self.scale_up(item, ENOUGH)
        self.expectations(key_of(item)).creations = 10**6
        return True


async def main_makes_ten(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(MakesTen, args, context)


class ReadsLabelsOnly(ReplicaSets):
    """Looks at matchLabels, finds that none of its pods matches, and makes some more."""

    async def claim(self, item: Json) -> list[Json]:
        labels = {"matchLabels": item["spec"]["selector"].get("matchLabels") or {}}
        return await super().claim(item | {"spec": item["spec"] | {"selector": labels}})


async def main_reads_labels_only(args: Sequence[str], context: Context) -> None:
    await with_replica_sets(ReadsLabelsOnly, args, context)
