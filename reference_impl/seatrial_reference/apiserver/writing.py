"""Writing: every write is admitted, stored in one transaction and only then answered (REQ-18, REQ-19).

A change starts from the object as it is believed to be, and is stored only if that is what the store holds; otherwise it is made anew
from what is there. A belief from the cache is never a reason to refuse: before a refusal the store itself is asked. A change that
changes nothing is not written (P-RV-1). A dry run goes all the way, except for the transaction (P-DR-1).
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import orjson
from aiohttp import web

from seatrial_reference.apiserver import body, defaults, discovery, patching, status, strategy, validation
from seatrial_reference.apiserver.admission import Review, webhook_kinds
from seatrial_reference.apiserver.authorization import rbac_kinds
from seatrial_reference.apiserver.core import Request
from seatrial_reference.apiserver.reading import Reading
from seatrial_reference.apiserver.store import Stored, stored
from seatrial_schemas.kinds import by_plural

Json = dict[str, Any]
Make = Callable[[Stored], Awaitable[Json | None]]  # what becomes of the object: None, and it goes
NAMES_TRIED = 8
CONFLICTS_BORNE = 5
PATCHES = (patching.JSON_PATCH, patching.MERGE_PATCH, patching.APPLY_PATCH, patching.STRATEGIC_PATCH)


class Writing(Reading):
    """create, update, patch, delete, deletecollection."""

    async def create(self, request: Request) -> web.StreamResponse:
        """POST to a collection: 201, or 409 where the name is taken."""
        kind = request.kind
        obj = body.decode(await request.body(), request.media, group_version_kind=(kind.group, kind.version, kind.kind))
        if request.asked.name:
            raise status.method_not_allowed()
        if obj["metadata"].get("resourceVersion"):
            raise status.bad_request("resourceVersion should not be set on objects to be created")
        body.placed(obj, request.asked, kind)
        made = await self.create_object(request, obj)
        return await self.answer(request, made.encoded, code=201)

    async def create_object(self, request: Request, obj: Json) -> Stored:
        """Admit and store a new object; with only a prefix of a name, under the first free name."""
        kind, metadata = request.kind, obj["metadata"]
        prefix = "" if metadata.get("name") else str(metadata.get("generateName") or "")
        defaults.apply(obj)
        review = self.review(request, "CREATE", obj, None)
        admitted = own(await self.mutate(review))
        if admitted is not obj:
            body.check(admitted)
        prefix = "" if admitted["metadata"].get("name") else prefix
        for left in range(NAMES_TRIED if prefix else 1, 0, -1):
            new = self.prepared(request, admitted, prefix)
            await self.validate(replace(review, object=new, name=new["metadata"]["name"]))
            name = new["metadata"]["name"]
            made = await self.store_created(request, kind.store_key(namespace=request.asked.namespace, name=name), new)
            if made is not None:
                return made
            if left == 1:
                raise await self.taken(request, name)
        raise LookupError(prefix)

    def prepared(self, request: Request, obj: Json, prefix: str) -> Json:
        """The object with everything that only the server can say, valid or refused."""
        kind = request.kind
        if prefix:
            obj["metadata"]["name"] = strategy.generated_name(prefix, self.context)
        defaults.apply(obj)
        body.placed(obj, request.asked, kind)
        strategy.before_create(kind, obj, self.context)
        validation.validate(kind, obj)
        return obj

    async def store_created(self, request: Request, key: str, obj: Json) -> Stored | None:
        if request.query.dry_run:
            found, _ = await self.parts.store.get(key)
            return None if found else Stored(key=key, object=obj, revision=0)
        made = await self.store_new(key, obj)
        await self._effective(request, made)
        return made

    async def taken(self, request: Request, name: str) -> status.Failure:
        found, _ = await self.parts.store.get(request.kind.store_key(namespace=request.asked.namespace, name=name))
        deleting = found is not None and bool(found.object["metadata"].get("deletionTimestamp"))
        return status.already_exists(request.kind, name, deleting=deleting)

    async def update(self, request: Request) -> web.StreamResponse:
        """PUT: the whole object, or of a subresource its part."""
        kind, asked = request.kind, request.asked
        sent = body.decode(await request.body(), request.media, group_version_kind=(kind.group, kind.version, kind.kind))
        body.placed(sent, asked, kind)
        defaults.apply(sent)
        found, confirmed = await self.believed(request)
        if found is None and not asked.subresource and strategy.creates_on_update(kind):
            return await self._create_by_update(request, sent)
        if strategy.needs_revision(kind) and not sent["metadata"].get("resourceVersion"):
            raise status.invalid(kind, asked.name, [("metadata.resourceVersion", "Invalid value: 0: must be specified for an update")])

        async def make(old: Stored) -> Json | None:
            wanted = sent["metadata"].get("resourceVersion")
            if wanted and wanted != str(old.revision):
                raise status.conflict(kind, asked.name)
            return await self.changed(request, old, _copy(sent))

        return await self.answer(request, (await self.change(request, found, confirmed, make)).encoded)

    async def _create_by_update(self, request: Request, sent: Json) -> web.StreamResponse:
        if sent["metadata"].get("resourceVersion") not in (None, "", "0"):
            raise status.not_found(request.kind, request.asked.name)
        await self.authorize(request.user, replace(request.asked, verb="create"))
        made = await self.create_object(request, sent)
        return await self.answer(request, made.encoded, code=201)

    async def patch(self, request: Request) -> web.StreamResponse:
        """PATCH: a description of the change, applied to whatever is there."""
        media, patch = await self.patch_of(request)
        kind = request.kind

        async def make(old: Stored) -> Json | None:
            new = self.patched(request, media, old.copy(), patch)
            wanted = new["metadata"].get("resourceVersion")
            if wanted and wanted != str(old.revision):
                raise status.conflict(kind, request.asked.name)
            body.placed(new, request.asked, kind)
            defaults.apply(new)
            return await self.changed(request, old, new)

        found, confirmed = await self.believed(request)
        if found is None and media == patching.APPLY_PATCH and not request.asked.subresource:
            new = self.patched(request, media, {}, patch)
            return await self._create_by_update(request, body.placed(new, request.asked, kind))
        return await self.answer(request, (await self.change(request, found, confirmed, make)).encoded)

    def patched(self, request: Request, media: str, obj: Json, patch: Any) -> Json:
        """What a patch makes of an object: another of its kind."""
        kind, new = request.kind, patching.apply(media, obj, patch)
        new.setdefault("kind", kind.kind)
        new.setdefault("apiVersion", kind.api_version)
        if (new["kind"], new["apiVersion"]) != (kind.kind, kind.api_version):
            raise status.bad_request("a patch may not change kind or apiVersion")
        body.check(new)
        return new

    async def patch_of(self, request: Request) -> tuple[str, Any]:
        media = request.media.partition(";")[0].strip().lower()
        if media not in PATCHES:
            raise status.unsupported(media, PATCHES)
        if media == patching.APPLY_PATCH and not request.query.text("fieldManager"):
            raise status.bad_request("fieldManager: Required value: is required for apply patch")
        return media, body.parse(await request.body(), media)

    async def changed(self, request: Request, old: Stored, new: Json) -> Json | None:
        """The admitted new state of an object; None where nothing keeps it any longer."""
        kind, subresource = request.kind, request.asked.subresource
        strategy.before_update(kind, subresource, old.object, new)
        review = self.review(request, "UPDATE", new, old.object)
        admitted = own(await self.mutate(review))
        if admitted is not new:
            body.check(admitted)
            body.placed(admitted, request.asked, kind)
            defaults.apply(admitted)
            strategy.before_update(kind, subresource, old.object, admitted)
        validation.validate(kind, admitted)
        strategy.check_update(kind, old.object, admitted)
        await self.validate(replace(review, object=admitted))
        return None if strategy.may_go(admitted) else admitted

    # changing what is there

    async def believed(self, request: Request) -> tuple[Stored | None, bool]:
        """The object as the cache has it, or else the store; and whether it was the store."""
        cache = self.caches.peek(request.kind)
        cached = cache.objects.get(request.key) if cache else None
        return (cached, False) if cached else await self.confirmed(request)

    async def confirmed(self, request: Request) -> tuple[Stored | None, bool]:
        found, _ = await self.parts.store.get(request.key, kind=request.kind)
        return found, True

    async def change(self, request: Request, found: Stored | None, confirmed: bool, make: Make) -> Stored:
        """Store what `make` makes of the object; made anew whenever the object turns out to be another."""
        for _ in range(CONFLICTS_BORNE + 2):
            if found is None:
                raise status.not_found(request.kind, request.asked.name)
            try:
                new = await make(found)
            except status.Failure:
                if confirmed:
                    raise
                found, confirmed = await self.confirmed(request)
                continue
            if new is not None and _same(new, found.object):
                if confirmed:
                    return found
                found, confirmed = await self.confirmed(request)
                continue
            done = await self.store_change(request, found, new)
            if done is not None:
                return done
            found, confirmed = await self.confirmed(request)
        raise status.conflict(request.kind, request.asked.name)

    async def store_change(self, request: Request, old: Stored, new: Json | None) -> Stored | None:
        if request.query.dry_run:
            return old if new is None else stored(old.key, new, old.revision)
        done = await (self.store_removed(old) if new is None else self.store_changed(old, new))
        await self._effective(request, done)
        return done

    async def _effective(self, request: Request, done: Stored | None) -> None:
        """What steers this very server counts from the answer on: namespaces, webhooks, roles."""
        if done is not None and request.kind in (by_plural("namespaces"), *webhook_kinds(), *rbac_kinds()):
            await self.caches.until(await self.caches.of(request.kind), done.revision)

    def review(self, request: Request, operation: str, obj: Json | None, old: Json | None) -> Review:
        return Review(
            operation=operation,
            user=request.user,
            asked=request.asked,
            kind=discovery.subresource_kind(request.kind, request.asked.subresource),
            name=request.asked.name or str((obj or {"metadata": {}})["metadata"].get("name", "")),
            object=obj,
            old=old,
            dry_run=request.query.dry_run,
        )

    # deleting

    async def delete(self, request: Request) -> web.StreamResponse:
        """DELETE: at once, or marked for those who must finish first."""
        options = await self.delete_options(request)
        last = await self.remove(request, options)
        if strategy.returns_deleted(request.kind) or last.object["metadata"].get("deletionTimestamp"):
            return await self.answer(request, last.encoded)
        uid = last.object["metadata"]["uid"]
        return await self.answer(request, status.success(status.about(request.kind, request.asked.name) | {"uid": uid}))

    async def delete_options(self, request: Request) -> Json:
        """From the body, and from the query where the body says nothing."""
        data = await request.body()
        options: Json = {}
        if data:
            media = request.media if "patch" not in request.media else body.JSON_MEDIA
            options = body.parse(data, media)
            if not isinstance(options, dict):
                raise status.bad_request("DeleteOptions must be an object")
            body.check({"kind": "DeleteOptions"} | options)
        query = request.query
        if options.get("gracePeriodSeconds") is None and query.number("gracePeriodSeconds") is not None:
            options["gracePeriodSeconds"] = query.number("gracePeriodSeconds")
        if query.text("propagationPolicy"):
            options.setdefault("propagationPolicy", query.text("propagationPolicy"))
        return options

    async def remove(self, request: Request, options: Json) -> Stored:
        """The last state, or the state in which the object now waits to go."""
        if options.get("dryRun") == ["All"]:
            request = replace(request, query=replace(request.query, values={**request.query.values, "dryRun": "All"}))

        async def make(old: Stored) -> Json | None:
            strategy.check_preconditions(request.kind, old.object, options)
            review = replace(self.review(request, "DELETE", None, old.object), options=options)
            await self.mutate(review)
            await self.validate(review)
            return strategy.deleted(request.kind, old.object, options, self.context)

        found, confirmed = await self.believed(request)
        return await self.change(request, found, confirmed, make)

    async def deletecollection(self, request: Request) -> web.StreamResponse:
        """Each object by itself, those that are gone meanwhile passed over."""
        options = await self.delete_options(request)
        objects, metadata = await self.collect(request)
        gone = []
        for each in objects:
            of_item = each.object["metadata"]
            asked = replace(request.asked, name=of_item["name"], namespace=of_item.get("namespace", ""))
            try:
                gone.append(await self.remove(replace(request, asked=asked), options))
            except status.Failure as failure:
                if failure.code != 404:
                    raise
        return await self.answer(request, self.listed(request, gone, metadata))


def own(obj: Json | None) -> Json:
    """What admission has left of an object: there must be one."""
    if obj is None:
        raise status.internal("admission lost the object")
    return obj


def _copy(obj: Json) -> Json:
    return dict(orjson.loads(orjson.dumps(obj)))


def _same(one: Json, other: Json) -> bool:
    """Equal but for the resourceVersion."""
    return _unversioned(one) == _unversioned(other)


def _unversioned(obj: Json) -> Json:
    return obj | {"metadata": {key: value for key, value in obj["metadata"].items() if key != "resourceVersion"}}
