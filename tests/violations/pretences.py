"""API servers, and a store, that say or show what is not so: stored what is not, changed what was rehearsed, elsewhere what is here."""

from asyncio import TaskGroup
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from google.protobuf.message import Message

from seatrial_reference import apiserver, etcd
from seatrial_reference.apiserver.cache import Event, Watcher
from seatrial_reference.apiserver.core import Request
from seatrial_reference.apiserver.reading import Stream
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.store import Stored, stored
from seatrial_reference.etcd.journal import Journal
from seatrial_reference.etcd.server import Etcd
from seatrial_reference.machinery.objects import Json, node_name
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import Kind
from violations.deeds import _Busy
from violations.keys import _Elsewhere
from violations.lateness import _Filtering
from violations.telling import _Announcing

SOON_S = 0.02
WRITTEN_S = 1.0
BY_NODE = "spec.nodeName="
SHORT: Mapping[str, str] = {"persistentvolumeclaims": "pvc", "endpointslices": "discovery.k8s.io/endpointslices"}


class BindsLater(_Busy):
    """A binding is answered when it has been checked, and written a moment later."""

    async def store_change(self, request: Request, old: Stored, new: Json | None) -> Stored | None:
        if new is None or request.query.dry_run or request.asked.subresource != "binding":
            return await super().store_change(request, old, new)
        found, _ = await self.parts.store.get(old.key)
        if found is None or found.revision != old.revision:
            return None
        self.later(self.write(old, new))
        return stored(old.key, new, old.revision + 1)

    async def write(self, old: Stored, new: Json) -> None:
        await self.context.sleep(SOON_S)
        await self.store_changed(old, new)


async def main_binds_later(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=BindsLater)


class Late(Journal):
    """Keeps what has happened until it has time to write it down."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.kept: list[tuple[bytes, Message]] = []

    def _append(self, kind: bytes, message: Message) -> None:
        self.kept.append((kind, message))

    def write(self) -> None:
        kept, self.kept = self.kept, []
        for kind, message in kept:
            super()._append(kind, message)


class LosesItsLastSecond(Etcd):
    """A store that writes down once a second what it has answered meanwhile."""

    def __init__(self, *, journal: Journal | None = None, **how: Any) -> None:
        self.late = Late(journal._path.parent) if journal else None
        super().__init__(journal=self.late, **how)

    async def report_progress(self) -> None:
        async with TaskGroup() as tasks:
            tasks.create_task(super().report_progress())
            tasks.create_task(self.write_down())

    async def write_down(self) -> None:
        while self.late is not None:
            await self.context.sleep(WRITTEN_S)
            self.late.write()


async def main_loses_its_last_second(args: Sequence[str], context: Context) -> None:
    await etcd.main(args, context, part=LosesItsLastSecond)


class TellsOfRehearsals(_Announcing):
    """Tells watchers of a change that somebody only wanted to try."""

    async def store_change(self, request: Request, old: Stored, new: Json | None) -> Stored | None:
        if request.query.dry_run and new is not None:
            self.announce_change(request, old, new)
        return await super().store_change(request, old, new)


async def main_tells_of_rehearsals(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TellsOfRehearsals)


class TellsNoChangesOfServices(_Filtering):
    """Services and secrets come and go; that one is another than before is for those to find out who use it."""

    def told(self, request: Request, watcher: Watcher, event: Event) -> bool:
        return request.asked.resource not in ("services", "secrets") or event.now is None or event.before is None


async def main_tells_no_changes_of_services(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TellsNoChangesOfServices)


class MatchesNodesByPrefix(ApiServer):
    """Tells the kubelet of a node of all pods whose node's name begins with its own."""

    async def open_watch(self, request: Request) -> Stream:
        stream, (before, asked, name) = await super().open_watch(request), request.query.text("fieldSelector").partition(BY_NODE)
        if before or not asked or not name:
            return stream
        return replace(stream, chosen=replace(stream.chosen, fields=lambda pod: node_name(pod).startswith(name)))


async def main_matches_nodes_by_prefix(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=MatchesNodesByPrefix)


class AbbreviatesClaims(_Elsewhere):
    """Files claims under the name that everybody calls them by, and slices under the group that they come from."""

    def placed(self, kind: Kind) -> Kind:
        return replace(kind, key=SHORT.get(kind.plural, kind.key))


async def main_abbreviates_claims(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=AbbreviatesClaims)
