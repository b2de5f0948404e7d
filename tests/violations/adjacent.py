"""Components that know their case, and not the one beside it: another kind, another part of an object, another container, a namespace whose
name begins alike, a number that is nothing, what was not there a moment ago.

Each of these does what a first test would ask of it: with pods, with their statuses, with labels, and for whoever comes first.
"""

from collections.abc import Callable, Coroutine, Sequence
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from aiohttp import web

from seatrial_reference import apiserver, scheduler
from seatrial_reference.apiserver import status
from seatrial_reference.apiserver.admission import Review
from seatrial_reference.apiserver.core import Request
from seatrial_reference.apiserver.reading import Stream
from seatrial_reference.apiserver.request import Attributes, User
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.store import Stored
from seatrial_reference.controller_manager.deployments import Deployments
from seatrial_reference.machinery.objects import Json, finished, key_of, node_name
from seatrial_reference.scheduler.placement import Place, reasons_against
from seatrial_reference.scheduler.scheduler import Scheduler
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural
from violations.controllers import with_deployments

Main = Callable[[Sequence[str], Context], Coroutine[Any, Any, None]]
KNOWN = frozenset({"pods", "nodes", "deployments", "replicasets"})  # whose parts somebody has thought of
ABSENT_S = 3.0
YAML = {"yes": "true", "no": "false", "~": ""}  # what it makes of words
REHEARSED: ContextVar[bool] = ContextVar("rehearsed", default=False)


def main_of(part: type[ApiServer]) -> Main:
    async def main(args: Sequence[str], context: Context) -> None:
        await apiserver.main(args, context, part=part)

    return main


class AuthorizesPartsAsWholes(ApiServer):
    """Who may change an object may change its status and its scale, unless it is a pod."""

    async def authorize(self, user: User, asked: Attributes) -> None:
        part = asked.subresource in ("status", "scale") and asked.resource != "pods"
        await super().authorize(user, replace(asked, subresource="") if part else asked)


class WatchesEverywhereAsInDefault(ApiServer):
    """Who may watch a kind in the namespace `default` may watch it in all."""

    async def authorize(self, user: User, asked: Attributes) -> None:
        wide = asked.verb == "watch" and asked.kind is not None and asked.kind.namespaced and not asked.namespace
        await super().authorize(user, replace(asked, namespace="default") if wide else asked)


class LetsAnybodyRehearse(ApiServer):
    """What is not meant may be done by anybody."""

    async def respond(self, http: web.BaseRequest, audit: str) -> web.StreamResponse:
        REHEARSED.set(http.query.get("dryRun") == "All")
        return await super().respond(http, audit)

    async def authorize(self, user: User, asked: Attributes) -> None:
        if not REHEARSED.get():
            await super().authorize(user, asked)


class AdmitsKnownParts(ApiServer):
    """Of statuses and scales those are admitted that somebody has thought of."""

    async def mutate(self, review: Review) -> Json | None:
        return review.object if _unknown(review) else await super().mutate(review)

    async def validate(self, review: Review) -> None:
        if not _unknown(review):
            await super().validate(review)


def _unknown(review: Review) -> bool:
    return review.asked.subresource in ("status", "scale") and review.asked.resource not in KNOWN


class RemembersAbsence(ApiServer):
    """What was not there when it was looked for is not there for a while."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.absent_s: dict[str, float] = {}

    async def get(self, request: Request) -> web.StreamResponse:
        looked_s = self.absent_s.get(request.key)
        if looked_s is not None and self.context.now_s() < looked_s + ABSENT_S:
            raise status.not_found(request.kind, request.asked.name)
        try:
            return await super().get(request)
        except status.Failure:
            self.absent_s[request.key] = self.context.now_s()
            raise


class WatchesWhatBeginsAlike(ApiServer):
    """Who watches a namespace is told of those whose names begin with its name, too."""

    async def open_watch(self, request: Request) -> Stream:
        stream = await super().open_watch(request)
        if request.asked.namespace:
            stream.watcher.prefix = stream.watcher.prefix.rstrip("/")
        return stream


class MeansWhatLiesInNamespaces(ApiServer):
    """Which object is meant to be deleted counts for what lies in a namespace."""

    async def remove(self, request: Request, options: Json) -> Stored:
        return await super().remove(request, options if request.kind.namespaced else options | {"preconditions": {}})


class RemovesNamesakes(ApiServer):
    """With an account goes the secret of its name."""

    async def store_removed(self, old: Stored) -> Stored | None:
        gone, meta = await super().store_removed(old), old.object["metadata"]
        if gone is not None and old.object["kind"] == "ServiceAccount":
            secret, _ = await self.parts.store.get(by_plural("secrets").store_key(namespace=meta["namespace"], name=meta["name"]))
            if secret is not None:
                await self.parts.store.remove(secret)
        return gone


class KeepsYaml(ApiServer):
    """What is said in a configmap has been YAML in between."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        said = {name: YAML.get(text, text.replace("\r\n", "\n")) for name, text in (obj.get("data") or {}).items()}
        return await super().store_new(key, obj | {"data": said} if obj["kind"] == "ConfigMap" and said else obj)


main_authorizes_parts_as_wholes = main_of(AuthorizesPartsAsWholes)
main_watches_everywhere_as_in_default = main_of(WatchesEverywhereAsInDefault)
main_lets_anybody_rehearse = main_of(LetsAnybodyRehearse)
main_admits_known_parts = main_of(AdmitsKnownParts)
main_remembers_absence = main_of(RemembersAbsence)
main_watches_what_begins_alike = main_of(WatchesWhatBeginsAlike)
main_means_what_lies_in_namespaces = main_of(MeansWhatLiesInNamespaces)
main_removes_namesakes = main_of(RemovesNamesakes)
main_keeps_yaml = main_of(KeepsYaml)


class WakesOne(Scheduler):
    """Who goes makes room for one: the one that has waited longest, whether or not it fits."""

    def retry_first(self) -> None:
        for key in [*self.unschedulable][:1]:
            self.queue.add(key)
            del self.unschedulable[key]

    def pod_deleted(self, pod: Json) -> None:
        self.touch(node_name(pod))
        self.forget(pod)
        self.unschedulable.pop(key_of(pod), None)
        self.retry_first()

    def pod_updated(self, old: Json, new: Json) -> None:
        self.touch(node_name(old))
        if finished(new) and not finished(old):
            self.retry_first()
        self.pod_added(new)


async def main_wakes_one(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=WakesOne)


class CountsFirstContainers(Scheduler):
    """A pod takes the room that its first container takes."""

    def filter(self, pod: Json, places: Sequence[Place]) -> list[Place]:
        thin = [replace(place, pods=tuple(_thin(each) for each in place.pods)) for place in places]
        return [place for place, there in zip(places, thin, strict=True) if not reasons_against(_thin(pod), there)]


def _thin(pod: Json) -> Json:
    return pod | {"spec": pod["spec"] | {"containers": pod["spec"]["containers"][:1]}}


async def main_counts_first_containers(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=CountsFirstContainers)


class NeedsPods(Deployments):
    """A deployment that wants no pods needs no ReplicaSet."""

    async def create_set(self, deployment: Json, old: Sequence[Json]) -> None:
        if deployment["spec"].get("replicas"):
            await super().create_set(deployment, old)


class SwapsEmptySets(Deployments):
    """While a deployment wants no pods a new template needs no ReplicaSet."""

    async def create_set(self, deployment: Json, old: Sequence[Json]) -> None:
        if deployment["spec"].get("replicas") or not old:
            await super().create_set(deployment, old)


class ChoosesByLabels(Deployments):
    """A deployment that chooses by expressions alone is passed over."""

    async def sync(self, deployment: Json) -> None:
        if deployment["spec"]["selector"].get("matchLabels"):
            await super().sync(deployment)


async def main_needs_pods(args: Sequence[str], context: Context) -> None:
    await with_deployments(NeedsPods, args, context)


async def main_swaps_empty_sets(args: Sequence[str], context: Context) -> None:
    await with_deployments(SwapsEmptySets, args, context)


async def main_chooses_by_labels(args: Sequence[str], context: Context) -> None:
    await with_deployments(ChoosesByLabels, args, context)
