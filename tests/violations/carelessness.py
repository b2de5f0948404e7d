"""What is done right but for one step of it: an order, a second look, a second try."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from seatrial_reference import apiserver, controller_manager, scheduler
from seatrial_reference.apiserver import body, defaults, strategy, validation
from seatrial_reference.apiserver.admission import MUTATING, Review
from seatrial_reference.apiserver.core import Parts, Request
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.store import Stored
from seatrial_reference.apiserver.writing import own
from seatrial_reference.controller_manager.garbage import GarbageCollector
from seatrial_reference.controller_manager.manager import ControllerManager
from seatrial_reference.machinery.client import ApiError, RequestFailed
from seatrial_reference.machinery.informer import Handlers, Informer
from seatrial_reference.machinery.objects import Json, condition, finished, key_of, uid_of
from seatrial_reference.scheduler.placement import Place
from seatrial_reference.scheduler.scheduler import Scheduler
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural

TRIES = 3


class ReadsPastStatus(ApiServer):
    """Keeps pods at hand for readers, and keeps them up with everything but their statuses."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        self.at_hand: dict[str, Stored] = {}

    async def read(self, request: Request) -> Stored | None:
        found = await super().read(request)
        if found is None or request.asked.resource != "pods":
            return found
        known = self.at_hand.get(request.key)
        if known is None or _but_status(known) != _but_status(found):
            known = self.at_hand[request.key] = found
        return known


def _but_status(stored: Stored) -> Json:
    """What is the same as long as nobody but a kubelet writes."""
    metadata = {k: v for k, v in stored.object["metadata"].items() if k not in ("resourceVersion", "managedFields")}
    return {k: v for k, v in stored.object.items() if k != "status"} | {"metadata": metadata}


async def main_reads_past_status(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ReadsPastStatus)


class ShowsHooksTheOriginal(ApiServer):
    """Collects what each hook makes of what was sent, and does not show one what another has made of it."""

    async def mutate(self, review: Review) -> Json | None:
        admission, obj = self.parts.admission, review.object
        for hook in admission._hooks(MUTATING, review):
            answer = await admission._ask(hook, review, review.object)
            if answer is not None and answer.get("patch") and obj is not None:
                obj = admission._patched(hook, obj, answer)
        return obj


async def main_shows_hooks_the_original(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ShowsHooksTheOriginal)


class ChecksChangesLast(ApiServer):
    """Lets hooks judge a change of which it does not know yet whether it makes sense."""

    async def changed(self, request: Request, old: Stored, new: Json) -> Json | None:
        kind = request.kind
        strategy.before_update(kind, request.asked.subresource, old.object, new)
        review = self.review(request, "UPDATE", new, old.object)
        admitted = own(await self.mutate(review))
        if admitted is not new:
            body.check(admitted)
            defaults.apply(admitted)
            strategy.before_update(kind, request.asked.subresource, old.object, admitted)
        await self.validate(replace(review, object=admitted))
        validation.validate(kind, admitted)
        strategy.check_update(kind, old.object, admitted)
        return None if strategy.may_go(admitted) else admitted


async def main_checks_changes_last(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ChecksChangesLast)


class AsksOnce(Scheduler):
    """Takes a pod for bound when it has asked for it, whatever the answer."""

    async def bind(self, pod: Json, node: str) -> None:
        with suppress(ApiError):
            await super().bind(pod, node)


async def main_asks_once(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=AsksOnce)


class GivesUpBinding(Scheduler):
    """Tries three times to bind a pod, and no more before something changes about it."""

    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        self.failed: dict[str, int] = {}

    async def schedule(self, pod: Json) -> None:
        try:
            await super().schedule(pod)
        except RequestFailed:
            self.failed[uid_of(pod)] = self.failed.get(uid_of(pod), 0) + 1
            if self.failed[uid_of(pod)] < TRIES:
                raise


async def main_gives_up_binding(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=GivesUpBinding)


class SkipsMarked(Scheduler):
    """A pod of which it is said, when it first sees it, that it fits nowhere waits until a node changes."""

    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        self.seen: dict[str, None] = {}

    def pod_added(self, pod: Json) -> None:
        if condition(pod, "PodScheduled").get("status") != "False" or key_of(pod) in self.seen:
            self.seen[key_of(pod)] = None
            super().pod_added(pod)


async def main_skips_marked(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=SkipsMarked)


class CollectsNewsOnly(GarbageCollector):
    """Collects what loses its owner before its eyes, and not what has none when it begins."""

    def _follow(self, informer: Informer) -> None:
        def updated(old: Json, new: Json) -> None:
            if self.held(new) or self.held(old):
                self.queue.add(f"{informer.kind.plural} {key_of(new)}")
                self.revisit_owners(old)

        def deleted(item: Json) -> None:
            for dependents, dependent in self.dependents(item):
                self.queue.add(f"{dependents.kind.plural} {key_of(dependent)}")
            self.revisit_owners(item)

        informer.subscribe(Handlers(added=lambda _: None, updated=updated, deleted=deleted))


class _CollectingNewsOnly(ControllerManager):
    garbage_collector = CollectsNewsOnly


async def main_collects_news_only(args: Sequence[str], context: Context) -> None:
    await controller_manager.main(args, context, part=_CollectingNewsOnly)


class ClearsEnded(Scheduler):
    """Deletes pods that have ended when another one fits nowhere: they may still take room."""

    async def reject(self, pod: Json, places: Sequence[Place]) -> None:
        await super().reject(pod, places)
        for each in [each for each in self.pods.all() if finished(each)]:
            meta = each["metadata"]
            with suppress(RequestFailed):
                await self.client.delete(by_plural("pods"), meta["name"], namespace=meta["namespace"], uid=meta["uid"])


async def main_clears_ended(args: Sequence[str], context: Context) -> None:
    await scheduler.main(args, context, part=ClearsEnded)
