"""Components that do their duty by the usual case, and by part of the others: what somebody else has done, what comes third, what was
refused, what went while nobody looked, what another one changes at the same time.

The usual case is what a test of one's own tries first. Each of these passes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from seatrial_reference import apiserver, kubelet, scheduler
from seatrial_reference.apiserver.admission import Review
from seatrial_reference.apiserver.core import Request
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.store import Stored, stored
from seatrial_reference.controller_manager.deployments import Deployments
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.kubelet.pods import Running
from seatrial_reference.machinery.client import RequestFailed
from seatrial_reference.machinery.informer import Handlers, Informer
from seatrial_reference.machinery.objects import Json, key_of, node_name, uid_of
from seatrial_reference.scheduler.placement import Place, reasons_against
from seatrial_reference.scheduler.scheduler import Scheduler
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural
from violations.controllers import with_deployments

OF_ROOM = ("Insufficient", "Too many")


class IgnoresRoom(Scheduler):
    """Puts on a node whatever it is asked to, full or not."""

    def filter(self, pod: Json, places: Sequence[Place]) -> list[Place]:
        return [place for place in places if all(why.startswith(OF_ROOM) for why in reasons_against(pod, place))]


async def main_ignores_room(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=IgnoresRoom)


class CountsItsOwn(Scheduler):
    """What others have put on a node takes no room there."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.mine: set[str] = set()

    async def bind(self, pod: Json, node: str) -> None:
        self.mine.add(uid_of(pod))
        await super().bind(pod, node)

    def places(self) -> list[Place]:
        return [replace(place, pods=tuple(pod for pod in place.pods if uid_of(pod) in self.mine)) for place in super().places()]


class WaitsForItsOwn(CountsItsOwn):
    """Room is made by what it has put there itself, when that goes."""

    places = Scheduler.places

    def pod_deleted(self, pod: Json) -> None:
        if uid_of(pod) in self.mine or not node_name(pod):
            super().pod_deleted(pod)
        else:
            self.touch(node_name(pod))
            self.forget(pod)


async def main_counts_its_own(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=CountsItsOwn)


async def main_waits_for_its_own(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=WaitsForItsOwn)


class LeaksRoom(Scheduler):
    """Room that was taken for a pod stays taken where its binding is refused."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.refused: list[Json] = []

    async def bind(self, pod: Json, node: str) -> None:
        try:
            await super().bind(pod, node)
        except RequestFailed:
            self.refused.append(pod | {"spec": pod["spec"] | {"nodeName": node}})
            raise

    def places(self) -> list[Place]:
        there = super().places()
        return [replace(place, pods=(*place.pods, *(pod for pod in self.refused if node_name(pod) == place.name))) for place in there]


async def main_leaks_room(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=LeaksRoom)


class MissesDepartures(Informer):
    """What is not there any more when it lists again stays in the copy."""

    async def relist(self) -> None:
        answer = await self._client.list(self.kind, query=self._selection)
        for item in answer.get("items") or ():
            self._put(key_of(item), item)
        self.revision = str(answer["metadata"]["resourceVersion"])
        self.synced.set()

    async def follow(self) -> None:
        try:
            await super().follow()
        finally:
            self.revision = ""  # nothing to go on from: it lists again


class KeepsWhatWent(Scheduler):
    """Who went while it could not look stays for good."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.pods = MissesDepartures(self.client, by_plural("pods"), context=self.context, index=lambda pod: (node_name(pod),))
        self.pods.subscribe(Handlers(added=self.pod_added, updated=self.pod_updated, deleted=self.pod_deleted))


async def main_keeps_what_went(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=KeepsWhatWent)


class LooksAtTwoNodes(Scheduler):
    """Two nodes to choose from will do."""

    def places(self) -> list[Place]:
        return sorted(super().places(), key=lambda place: place.name)[:2]


async def main_looks_at_two_nodes(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=LooksAtTwoNodes)


class ShrinksTheLastSet(Deployments):
    """Of the ReplicaSets before the newest only the last one gives its pods up."""

    def next_numbers(self, deployment: Json, new: Json | None, old: Sequence[Json]) -> Mapping[str, int]:
        return super().next_numbers(deployment, new, old[-1:])


async def main_shrinks_the_last_set(args: Sequence[str], context: Context) -> None:
    await with_deployments(ShrinksTheLastSet, args, context)


class AdmitsSomeDeletions(ApiServer):
    """Asks no hooks about some deletions."""

    def unasked(self, review: Review) -> bool:
        raise NotImplementedError

    async def mutate(self, review: Review) -> Json | None:
        return review.object if review.operation == "DELETE" and self.unasked(review) else await super().mutate(review)

    async def validate(self, review: Review) -> None:
        if review.operation != "DELETE" or not self.unasked(review):
            await super().validate(review)


class AdmitsOneDeletion(AdmitsSomeDeletions):
    """What is to go already was admitted before."""

    def unasked(self, review: Review) -> bool:
        return "deletionTimestamp" in (review.old or {}).get("metadata", {})


class AdmitsNoEndOfNamespaces(AdmitsSomeDeletions):
    """Namespaces go unasked."""

    def unasked(self, review: Review) -> bool:
        return review.asked.resource == "namespaces"


async def main_admits_one_deletion(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=AdmitsOneDeletion)


async def main_admits_no_end_of_namespaces(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=AdmitsNoEndOfNamespaces)


class WritesPartsOnce(ApiServer):
    """What is asked of a part of an object is not tried again where somebody else has changed the object meanwhile, and is called done."""

    async def believed(self, request: Request) -> tuple[Stored | None, bool]:
        return await self.confirmed(request)

    async def store_change(self, request: Request, old: Stored, new: Json | None) -> Stored | None:
        done = await super().store_change(request, old, new)
        return stored(old.key, new, old.revision) if done is None and new is not None and request.asked.subresource else done


class DeletesOnce(ApiServer):
    """A deletion is not tried again where somebody else has changed the object meanwhile, and is called done."""

    async def believed(self, request: Request) -> tuple[Stored | None, bool]:
        return await self.confirmed(request)

    async def store_removed(self, old: Stored) -> Stored | None:
        return await super().store_removed(old) or old


class SweepsUpToTheGuarded(ApiServer):
    """Of what is deleted together nothing is deleted any more after the first that has to stay for a while."""

    async def deletecollection(self, request: Request) -> web.StreamResponse:
        options = await self.delete_options(request)
        objects, metadata = await self.collect(request)
        gone: list[Stored] = []
        for each in objects:
            of = each.object["metadata"]
            asked = replace(request.asked, name=of["name"], namespace=of.get("namespace", ""))
            gone.append(await self.remove(replace(request, asked=asked), options))
            if of.get("finalizers"):
                break
        return await self.answer(request, self.listed(request, gone, metadata))


async def main_writes_parts_once(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=WritesPartsOnce)


async def main_deletes_once(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=DeletesOnce)


async def main_sweeps_up_to_the_guarded(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=SweepsUpToTheGuarded)


class TrustsDeadSandboxes(Kubelet):
    """After a start of its own a sandbox that has ended is as good as another."""

    async def _check_sandbox(self, running: Running) -> None:
        if self.informer.synced.is_set():
            await super()._check_sandbox(running)


async def main_trusts_dead_sandboxes(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=TrustsDeadSandboxes)
