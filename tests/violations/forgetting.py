"""API servers that forget: to ask before they act, to store, to say nothing of what was refused, and to leave alone what nobody named."""

import copy
from collections.abc import Sequence
from typing import Any

from grpclib import GRPCError
from grpclib.exceptions import StreamTerminatedError

from seatrial_reference import apiserver
from seatrial_reference.apiserver import authorization
from seatrial_reference.apiserver.admission import Review
from seatrial_reference.apiserver.authorization import Decision
from seatrial_reference.apiserver.cache import Event
from seatrial_reference.apiserver.core import Request
from seatrial_reference.apiserver.request import Attributes, User
from seatrial_reference.apiserver.server import NAMESPACES, RETRY_S, ApiServer
from seatrial_reference.apiserver.status import Failure
from seatrial_reference.apiserver.store import Stored, stored
from seatrial_reference.machinery.objects import Json
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural
from violations.deeds import _Busy
from violations.dialling import KUBELET_PORT, address_of, touch


class ForgetsHooks(ApiServer):
    """Learns of hooks when they are registered, and not when it begins."""

    async def start(self) -> None:
        while not self.ready:
            try:
                await self.caches.start([by_plural("namespaces"), *authorization.rbac_kinds()])
                for name in NAMESPACES:
                    await self._ensure_namespace(name)
            except (Failure, GRPCError, StreamTerminatedError, OSError):
                await self.context.sleep(RETRY_S)
            else:
                self.ready = True
                self.started.set()


async def main_forgets_hooks(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ForgetsHooks)


class TakesSilenceForConsent(ApiServer):
    """Refuses what an authorizer denies."""

    async def authorize(self, user: User, asked: Attributes) -> None:
        decisions = [await authorizer(user, asked) for authorizer in self.parts.authorizers]
        if any(decision is Decision.DENY for decision, _ in decisions):
            await super().authorize(user, asked)


async def main_takes_silence_for_consent(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TakesSilenceForConsent)


class RehearsesWithoutAdmission(ApiServer):
    """Nobody needs to be asked about what is not meant."""

    async def mutate(self, review: Review) -> Json | None:
        return review.object if review.dry_run else await super().mutate(review)

    async def validate(self, review: Review) -> None:
        if not review.dry_run:
            await super().validate(review)


async def main_rehearses_without_admission(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=RehearsesWithoutAdmission)


class DeletesInRehearsals(ApiServer):
    """Looks for rehearsals in the query only."""

    async def delete_options(self, request: Request) -> Json:
        options = await super().delete_options(request)
        return options if request.query.text("dryRun") else {k: v for k, v in options.items() if k != "dryRun"}


async def main_deletes_in_rehearsals(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=DeletesInRehearsals)


class TellsOfRefusedDeletions(ApiServer):
    """Marks an object for its watchers before anybody has been asked whether it may go."""

    async def validate(self, review: Review) -> None:
        try:
            await super().validate(review)
        except Failure:
            if review.operation == "DELETE" and review.asked.name and review.old is not None:
                self._tell(review)
            raise

    def _tell(self, review: Review) -> None:
        kind: Any = review.asked.kind
        cache, key = self.caches.peek(kind), kind.store_key(namespace=review.asked.namespace, name=review.asked.name)
        marked = copy.deepcopy(review.old or {})
        marked["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        before = stored(key, review.old or {}, int(marked["metadata"]["resourceVersion"]))
        if cache is not None:
            revision = cache.revision + 1
            for watcher in [w for w in cache._watchers if key.startswith(w.prefix)]:
                watcher.tell(Event(revision=revision, key=key, now=stored(key, marked, revision), before=before))


async def main_tells_of_refused_deletions(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TellsOfRefusedDeletions)


class RingsAtClosedNodes(_Busy):
    """Tells a kubelet that its node takes no pods any more."""

    async def store_changed(self, old: Stored, obj: Json) -> Stored | None:
        if obj["kind"] == "Node" and obj["spec"].get("unschedulable") and not old.object["spec"].get("unschedulable"):
            await touch(address_of(obj), KUBELET_PORT)
        return await super().store_changed(old, obj)


async def main_rings_at_closed_nodes(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=RingsAtClosedNodes)


class ForgetsRenewals(ApiServer):
    """Answers to the renewal of a lease as if it had been stored."""

    async def store_changed(self, old: Stored, obj: Json) -> Stored | None:
        if obj["kind"] == "Lease" and obj["spec"].get("holderIdentity") == old.object["spec"].get("holderIdentity"):
            return stored(old.key, obj, old.revision)
        return await super().store_changed(old, obj)


async def main_forgets_renewals(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ForgetsRenewals)


class ClearsDeletedNodes(_Busy):
    """Where there is no node there can be no pods."""

    async def store_removed(self, old: Stored) -> Stored | None:
        removed = await super().store_removed(old)
        if removed is not None and old.object["kind"] == "Node":
            cache = await self.caches.of(by_plural("pods"))
            for pod in [p for p in cache.objects.values() if p.object["spec"].get("nodeName") == old.object["metadata"]["name"]]:
                await super().store_removed(pod)
        return removed


async def main_clears_deleted_nodes(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ClearsDeletedNodes)
