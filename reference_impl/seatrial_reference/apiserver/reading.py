"""Reading: one object, a collection, or everything that happens to it.

A read that names no resourceVersion sees every write that was acknowledged before it: it asks the store itself (P-RV-4, STORE-01).
One that names `0` takes whatever the cache has. Pages of a list all show the revision of the first (P-L-1). Reads pass no admission.
"""

import asyncio
import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from seatrial_reference.apiserver import printing, status
from seatrial_reference.apiserver.cache import Cache, Event, Watcher, bookmark, frame
from seatrial_reference.apiserver.core import ENTRY, Core, Request
from seatrial_reference.apiserver.selectors import Selection, selection
from seatrial_reference.apiserver.store import PREFIX, Stored
from seatrial_schemas.kinds import Kind

Json = dict[str, Any]
BOOKMARK_S = 60.0
WATCH_MIN_S = 1800.0  # a watch without a limit is ended after once to twice this time


def _selected(request: Request) -> Selection:
    fields = request.query.text("fieldSelector")
    if request.asked.name:
        fields = ",".join(filter(None, (fields, f"metadata.name={request.asked.name}")))
    return selection(labels=request.query.text("labelSelector"), fields=fields)


def _revision(request: Request) -> int | None:
    """The named resourceVersion; None where there is none."""
    return request.query.number("resourceVersion")


def _prefix(request: Request) -> str:
    """With a slash at the end: the namespace `a` is no prefix of `ab` (STORE-11)."""
    return request.kind.store_key(prefix=PREFIX, namespace=request.asked.namespace or None)


class Reading(Core):
    """get, list and watch."""

    async def get(self, request: Request) -> web.StreamResponse:
        """One object."""
        found = await self.read(request)
        if found is None:
            raise status.not_found(request.kind, request.asked.name)
        view = self.view(request)
        if view == "json":
            return await self.answer(request, found.encoded)
        metadata = {"resourceVersion": str(found.revision)}
        if view == "partial":
            return await self.answer(request, printing.partial(found.object))
        return await self.answer(request, self.table(request, [found.object], metadata))

    async def read(self, request: Request) -> Stored | None:
        """The object, not older than the named revision."""
        wanted = _revision(request)
        cache = self.caches.peek(request.kind) if wanted is not None else None
        if cache is not None and wanted is not None:
            await self.caches.until(cache, wanted)
            return cache.objects.get(request.key)
        found, revision = await self.parts.store.get(request.key, kind=request.kind)
        if wanted is not None and revision < wanted:
            raise status.too_large_revision(wanted, revision)
        return found

    async def list(self, request: Request) -> web.StreamResponse:
        """A collection, or a page of it."""
        objects, metadata = await self.collect(request)
        return await self.answer(request, self.listed(request, objects, metadata))

    async def collect(self, request: Request) -> tuple[Sequence[Stored], Json]:
        """The objects asked for and the list's metadata."""
        query, wanted = request.query, _revision(request)
        limit, token, match = query.number("limit") or 0, query.text("continue"), query.text("resourceVersionMatch")
        _check_list(wanted, token, match)
        chosen = _selected(request)
        if wanted is not None and not token and match != "Exact" and (not limit or wanted == 0):
            cache = await self.caches.of(request.kind)
            await self.caches.until(cache, wanted)
            prefix = _prefix(request)
            found = [cache.objects[key] for key in sorted(cache.objects) if key.startswith(prefix)]
            return [each for each in found if chosen.matches(each.object)], {"resourceVersion": str(cache.revision)}
        return await self._page(request, chosen, limit=limit, token=token, revision=wanted or 0)

    async def _page(self, request: Request, chosen: Selection, *, limit: int, token: str, revision: int) -> tuple[Sequence[Stored], Json]:
        prefix, start = _prefix(request), ""
        if token:
            revision, start = _position(token, prefix)
        bound = limit if chosen.everything else 0
        reply = await self.parts.store.below(prefix, start=start, limit=bound, revision=revision)
        shown = revision or reply.header.revision
        found = [self.caches.known(kv, request.kind) for kv in reply.kvs]
        found = [each for each in found if chosen.matches(each.object)]
        metadata: Json = {"resourceVersion": str(shown)}
        left = (reply.count if chosen.everything else len(found)) - limit
        if limit and left > 0:
            found = found[:limit]
            metadata["continue"] = _token(shown, found[-1].key + "\0", prefix)
            metadata |= {"remainingItemCount": left} if chosen.everything else {}
        return found, metadata

    def listed(self, request: Request, objects: Sequence[Stored], metadata: Mapping[str, Any]) -> bytes:
        view, kind = self.view(request), request.kind
        if view == "table":
            return orjson.dumps(self.table(request, [each.object for each in objects], metadata))
        if view == "partial":
            return orjson.dumps(printing.partial_list([each.object for each in objects], metadata))
        head = orjson.dumps({"kind": f"{kind.kind}List", "apiVersion": kind.api_version, "metadata": metadata})
        return head[:-1] + b',"items":[' + b",".join(each.encoded for each in objects) + b"]}"

    def view(self, request: Request) -> str:
        """How the client wants to see objects. Raises 406."""
        view = printing.chosen(request.http.headers.get("Accept", ""))
        if not view:
            raise status.Failure(406, "NotAcceptable", "only the following media types are accepted: application/json")
        return view

    def table(self, request: Request, objects: Sequence[Json], metadata: Mapping[str, Any], *, headers: bool = True) -> Json:
        include = request.query.text("includeObject") or "Metadata"
        return printing.table(request.kind, objects, metadata, now_s=self.context.wall_s(), include=include, headers=headers)

    # watching

    async def watch(self, request: Request) -> web.StreamResponse:
        """A stream of events until the client goes, the time is over or the cache is lost (WATCH-02)."""
        show = Show(self, request)
        stream = await self.open_watch(request)
        try:
            return await self.tell(request, stream, show)
        finally:
            stream.cache.leave(stream.watcher)

    async def open_watch(self, request: Request) -> "Stream":
        """Find the beginning: the present objects, or the events after a revision. Raises 410 where those are forgotten."""
        wanted = _revision(request)
        initial = _initial(request, wanted)
        lasts_s = request.query.number("timeoutSeconds") or WATCH_MIN_S * (1 + self.context.random.random())
        kind, prefix, chosen = request.kind, _prefix(request), _selected(request)
        cache = await (self.caches.fresh(kind) if wanted is None else self.caches.of(kind))
        if initial:
            await self.caches.until(cache, wanted or 0)
            found = [cache.objects[key] for key in sorted(cache.objects) if key.startswith(prefix)]
            found = [each for each in found if chosen.matches(each.object)]
            return Stream(cache=cache, watcher=cache.watch(prefix), chosen=chosen, found=found, after=cache.revision, lasts_s=lasts_s)
        after = cache.revision if wanted is None else wanted
        await self.caches.remember(cache, after)
        past = [event for event in cache.since(after) if event.key.startswith(prefix)]
        return Stream(cache=cache, watcher=cache.watch(prefix), chosen=chosen, past=past, after=after, lasts_s=lasts_s)

    async def tell(self, request: Request, stream: "Stream", show: "Show") -> web.StreamResponse:
        """Send the beginning, then what comes. Nothing can be refused any more."""
        response = web.StreamResponse(headers={"Audit-Id": request.audit, "Cache-Control": "no-cache, private"})
        response.content_type = "application/json"
        response.enable_chunked_encoding()
        await response.prepare(request.http)
        request.http[ENTRY].started()
        first = b"".join(show.frame("ADDED", each) for each in stream.found)
        first += b"".join(show.event(event, stream.chosen) for event in stream.past)
        if request.query.flag("sendInitialEvents"):
            first += show.bookmark(stream.after, initial=True)
        if first:
            await response.write(first)
        await self._follow(request, stream, show, response)
        await response.write_eof()
        return response

    async def _follow(self, request: Request, stream: "Stream", show: "Show", response: web.StreamResponse) -> None:
        now_s = self.context.now_s()
        ends_s = now_s + stream.lasts_s
        bookmarks = request.query.flag("allowWatchBookmarks")
        marked_s = now_s
        while now_s < ends_s:
            wakes_s = min(ends_s, marked_s + BOOKMARK_S) if bookmarks else ends_s
            try:
                async with asyncio.timeout(max(wakes_s - now_s, 0)):
                    events = await stream.next()
            except TimeoutError:
                events = []
            if events is None:
                return
            now_s = self.context.now_s()
            data = b"".join(show.event(event, stream.chosen) for event in events if event.revision > stream.after)
            if bookmarks and now_s >= wakes_s and not events:
                data, marked_s = show.bookmark(max(stream.after, stream.cache.revision)), now_s
            if data:
                await response.write(data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Where a watch begins and what it follows. Events up to `after` have been seen."""

    cache: Cache
    watcher: Watcher
    lasts_s: float
    chosen: Selection
    after: int
    found: Sequence[Stored] = ()
    past: Sequence[Event] = ()

    async def next(self) -> Sequence[Event] | None:
        """The events that have come, at least one; None at the end."""
        queue = self.watcher.queue
        events = [await queue.get()]
        while not queue.empty():
            events.append(queue.get_nowait())
        return None if None in events else [event for event in events if event is not None]


class Show:
    """Events as one watcher wants to see them."""

    def __init__(self, reading: Reading, request: Request) -> None:
        self._reading = reading
        self._request = request
        self._view = reading.view(request)
        self._headers = True

    def event(self, event: Event, chosen: Selection) -> bytes:
        seen = event.seen(chosen)
        if seen is None:
            return b""
        return event.frame(*seen) if self._view == "json" else self.frame(*seen)

    def frame(self, kind: str, shown: Stored) -> bytes:
        if self._view == "json":
            return frame(kind, shown.encoded)
        if self._view == "partial":
            return frame(kind, orjson.dumps(printing.partial(shown.object)))
        metadata = {"resourceVersion": str(shown.revision)}
        table = self._reading.table(self._request, [shown.object], metadata, headers=self._headers)
        self._headers = False
        return frame(kind, orjson.dumps(table))

    def bookmark(self, revision: int, *, initial: bool = False) -> bytes:
        mark = bookmark(self._request.kind, revision, initial=initial)
        if self._view == "partial":
            mark = orjson.dumps(printing.partial(orjson.loads(mark)))
        return frame("BOOKMARK", mark)


def _initial(request: Request, wanted: int | None) -> bool:
    """Does the watch begin with the present objects?"""
    asked, match = request.query.text("sendInitialEvents"), request.query.text("resourceVersionMatch")
    if asked and match != "NotOlderThan":
        raise _bad_options(request.kind, "resourceVersionMatch: Forbidden: sendInitialEvents requires setting it to NotOlderThan")
    if match and not asked:
        raise _bad_options(request.kind, "resourceVersionMatch: Forbidden: is forbidden for watch unless sendInitialEvents is provided")
    return request.query.flag("sendInitialEvents") if asked else not wanted


def _bad_options(kind: Kind, message: str) -> status.Failure:
    return status.Failure(422, "Invalid", f'ListOptions.meta.k8s.io "" is invalid: {message}', details=status.about(kind, ""))


def _check_list(wanted: int | None, token: str, match: str) -> None:
    if match not in ("", "Exact", "NotOlderThan"):
        raise status.bad_request(f"resourceVersionMatch: Unsupported value: {match!r}")
    if match and (wanted is None or token):
        raise status.bad_request("resourceVersionMatch is forbidden unless resourceVersion is provided, and with continue")
    if match == "Exact" and wanted == 0:
        raise status.bad_request('resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
    if token and wanted:
        raise status.bad_request("specifying resource version is not allowed when using continue")


def _token(revision: int, start: str, prefix: str) -> str:
    token = {"v": "meta.k8s.io/v1", "rv": revision, "start": start.removeprefix(prefix)}
    return base64.urlsafe_b64encode(orjson.dumps(token)).decode().rstrip("=")


def _position(token: str, prefix: str) -> tuple[int, str]:
    try:
        said = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return int(said["rv"]), prefix + str(said["start"])
    except (ValueError, KeyError, TypeError) as error:
        raise status.bad_request(f"continue key is not valid: {error}") from error
