"""API servers that keep a rule for most requests, and not for one kind of object, one state of it, or one way to say it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver import patching, status
from seatrial_reference.apiserver.admission import Review
from seatrial_reference.apiserver.core import Request
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.status import Failure
from seatrial_reference.apiserver.store import Stored
from seatrial_reference.machinery.objects import Json, deleting, node_name
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural
from violations.admitting import _Passing
from violations.deeds import _Busy
from violations.exceptions import PAGE, ReplacesWhatGoes
from violations.verbs import DeletesAnother

NOT_FOUND, CONFLICT = 404, 409


class ReplacesPodsThatGo(ReplacesWhatGoes):
    """A pod whose time is running out has no use for its name any more."""

    async def store_new(self, key: str, obj: Json) -> Stored | None:
        return await (super() if obj["kind"] == "Pod" else super(ReplacesWhatGoes, self)).store_new(key, obj)


async def main_replaces_pods_that_go(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ReplacesPodsThatGo)


class WantsNamespacesOfPods(ApiServer):
    """Looks whether there is a namespace where a pod is to run in it."""

    async def check_namespace(self, review: Review) -> None:
        try:
            await super().check_namespace(review)
        except Failure as failure:
            if failure.code != NOT_FOUND or review.resource == "pods":
                raise


async def main_wants_namespaces_of_pods(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=WantsNamespacesOfPods)


class NamesPodsOnly(ApiServer):
    """Makes up names for pods, of which there are many; whatever else is new has to bring its own."""

    def prepared(self, request: Request, obj: Json, prefix: str) -> Json:
        return super().prepared(request, obj, prefix if request.asked.resource == "pods" else "")


async def main_names_pods_only(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=NamesPodsOnly)


class DeletesAnotherPod(DeletesAnother):
    """Minds which configmap is meant, and of everything else only what its name is."""

    async def remove(self, request: Request, options: Json) -> Stored:
        minded = request.asked.resource == "configmaps"
        return await (super(DeletesAnother, self) if minded else super()).remove(request, options)


async def main_deletes_another_pod(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=DeletesAnotherPod)


class SweepsAHundred(ApiServer):
    """DELETE of a collection deletes its first page."""

    async def collect(self, request: Request) -> tuple[Sequence[Stored], Json]:
        found, metadata = await super().collect(request)
        return (found[:PAGE] if request.asked.verb == "deletecollection" else found), metadata


async def main_sweeps_a_hundred(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=SweepsAHundred)


class ForcesGuarded(ApiServer):
    """Who leaves no grace at all does not wait for whoever guards the object either."""

    async def remove(self, request: Request, options: Json) -> Stored:
        done = await super().remove(request, options)
        rehearsed = request.query.dry_run or options.get("dryRun")
        if options.get("gracePeriodSeconds") == 0 and done.object["metadata"].get("finalizers") and not rehearsed:
            return await self.store_removed(done) or done
        return done


async def main_forces_guarded(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ForcesGuarded)


class FreesWithoutAdmission(_Passing):
    """That the last guard has left an object is no change that anybody would have to admit."""

    def passes(self, review: Review) -> bool:
        guards, before = (each and each["metadata"].get("finalizers") for each in (review.object, review.old))
        return bool(review.object and deleting(review.object) and before and not guards)


async def main_frees_without_admission(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=FreesWithoutAdmission)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unasked(Review):
    """A change about which nobody is asked."""


class AppliesWithoutAdmission(_Passing):
    """Of the ways to patch an object it knows two well; what comes by another one it does not show to hooks."""

    def review(self, request: Request, operation: str, obj: Json | None, old: Json | None) -> Review:
        review = super().review(request, operation, obj, old)
        rare = request.asked.verb == "patch" and request.media.startswith((patching.JSON_PATCH, patching.APPLY_PATCH))
        return Unasked(**{each.name: getattr(review, each.name) for each in fields(Review)}) if rare else review

    def passes(self, review: Review) -> bool:
        return isinstance(review, Unasked)


async def main_applies_without_admission(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=AppliesWithoutAdmission)


class _Choosy(_Busy):
    """Takes no pod that suits none of its nodes."""

    def suits(self, pod: Json, nodes: Sequence[Json]) -> bool:
        return True

    async def validate(self, review: Review) -> None:
        new = review.object if (review.operation, review.resource) == ("CREATE", "pods") else None
        if new is not None and not self.suits(new, await self.nodes()):
            raise status.forbidden(by_plural("pods"), review.name, "there is no such node")
        await super().validate(review)


class WantsNamedNodes(_Choosy):
    """Takes no pod for a node that is not there."""

    def suits(self, pod: Json, nodes: Sequence[Json]) -> bool:
        return node_name(pod) in ("", *(node["metadata"]["name"] for node in nodes))


async def main_wants_named_nodes(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=WantsNamedNodes)


class WantsMatchingNodes(_Choosy):
    """Takes no pod that asks for labels which no node bears."""

    def suits(self, pod: Json, nodes: Sequence[Json]) -> bool:
        wanted = (pod["spec"].get("nodeSelector") or {}).items()
        return not wanted or any(wanted <= (node["metadata"].get("labels") or {}).items() for node in nodes)


async def main_wants_matching_nodes(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=WantsMatchingNodes)


class _Rewriting(ApiServer):
    """Writes an object once more as it was."""

    async def rewrite(self, request: Request) -> None:
        found, _ = await self.confirmed(request)
        if found is not None:
            await self.store_changed(found, found.copy())


class RewritesWhatItSpares(_Rewriting):
    """Has marked an object for deletion when it sees that another one was meant, and takes the mark off again."""

    async def remove(self, request: Request, options: Json) -> Stored:
        try:
            return await super().remove(request, options)
        except Failure as failure:
            if failure.code == CONFLICT and options.get("preconditions"):
                await self.rewrite(request)
            raise


async def main_rewrites_what_it_spares(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=RewritesWhatItSpares)


class RewritesBoundPods(_Rewriting):
    """Puts a pod that has its node already back as it was, whoever wanted it elsewhere."""

    async def bind(self, request: Request) -> web.StreamResponse:
        try:
            return await super().bind(request)
        except Failure as failure:
            if failure.code == CONFLICT:
                await self.rewrite(request)
            raise


async def main_rewrites_bound_pods(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=RewritesBoundPods)
