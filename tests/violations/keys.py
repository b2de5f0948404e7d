"""API servers that put things elsewhere in the store than where everybody expects them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from aiohttp import web

from seatrial_reference import apiserver
from seatrial_reference.apiserver.core import Request
from seatrial_reference.apiserver.request import Attributes, Query
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.status import Failure
from seatrial_reference.apiserver.store import Stored
from seatrial_reference.machinery.objects import Json
from seatrial_schemas import etcd
from seatrial_schemas import etcd_pb2 as pb
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import Kind


class _Elsewhere(ApiServer):
    """Sees kinds with another place in the store."""

    def placed(self, kind: Kind) -> Kind:
        return kind

    def attributes(self, http: web.BaseRequest) -> tuple[Attributes, Query, Failure | None]:
        asked, query, unknown = super().attributes(http)
        return (replace(asked, kind=self.placed(asked.kind)) if asked.kind else asked), query, unknown


class NamesGroups(_Elsewhere):
    """Files built-in kinds under their API group, as custom resources are."""

    def placed(self, kind: Kind) -> Kind:
        return replace(kind, key=f"{kind.group}/{kind.key}") if kind.group == "apps" else kind


async def main_names_groups(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=NamesGroups)


class ForgetsHistory(_Elsewhere):
    """Files nodes under nodes, as if they had never been minions."""

    def placed(self, kind: Kind) -> Kind:
        return replace(kind, key="nodes") if kind.plural == "nodes" else kind


async def main_forgets_history(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ForgetsHistory)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flat(Kind):
    """Namespace and name side by side in one folder."""

    def store_key(self, *, prefix: str = "/registry", namespace: str | None = None, name: str = "") -> str:
        return f"{prefix}/{self.key}/{namespace}.{name}" if namespace else f"{prefix}/{self.key}/{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Swapped(Kind):
    """The name above the namespace. So a namespace is no folder any more, and whoever asks for one is shown all."""

    def store_key(self, *, prefix: str = "/registry", namespace: str | None = None, name: str = "") -> str:
        return f"{prefix}/{self.key}/{name}/{namespace}" if namespace and name else f"{prefix}/{self.key}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dotted(Kind):
    """Every dot of a name opens a folder."""

    def store_key(self, *, prefix: str = "/registry", namespace: str | None = None, name: str = "") -> str:
        folder = f"{prefix}/{self.key}/{namespace}" if namespace else f"{prefix}/{self.key}"
        return f"{folder}/{name.replace('.', '/')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside(Kind):
    """In a registry of its own."""

    def store_key(self, *, prefix: str = "/registry", namespace: str | None = None, name: str = "") -> str:
        return Kind.store_key(self, prefix="/rare", namespace=namespace, name=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clipped(Kind):
    """Names as short as a label."""

    def store_key(self, *, prefix: str = "/registry", namespace: str | None = None, name: str = "") -> str:
        return Kind.store_key(self, prefix=prefix, namespace=namespace, name=name[:63])


def as_kind(form: type[Kind], kind: Kind) -> Kind:
    return form(**{f.name: getattr(kind, f.name) for f in fields(kind)})


class FlatSecrets(_Elsewhere):
    def placed(self, kind: Kind) -> Kind:
        return as_kind(Flat, kind) if kind.plural in ("secrets", "serviceaccounts") else kind


async def main_flat_secrets(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=FlatSecrets)


class SwappedPods(_Elsewhere):
    def placed(self, kind: Kind) -> Kind:
        return as_kind(Swapped, kind) if kind.plural == "pods" else kind


async def main_swapped_pods(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=SwappedPods)


class DottedPods(_Elsewhere):
    def placed(self, kind: Kind) -> Kind:
        return as_kind(Dotted, kind) if kind.plural == "pods" else kind


async def main_dotted_pods(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=DottedPods)


class KeepsIndex(ApiServer):
    """Counts its creations in a key of its own, beside the registry."""

    async def create_object(self, request: Request, obj: Json) -> Stored:
        made = await super().create_object(request, obj)
        put = pb.PutRequest(key=b"/creations", value=str(made.revision).encode())
        await self.parts.store.client.ask(etcd.PUT, put)
        return made


async def main_keeps_index(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=KeepsIndex)


class SetsRareKindsApart(_Elsewhere):
    def placed(self, kind: Kind) -> Kind:
        return as_kind(Beside, kind) if kind.plural in ("ingresses", "jobs", "priorityclasses") else kind


async def main_sets_rare_kinds_apart(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=SetsRareKindsApart)


class ClipsPods(_Elsewhere):
    def placed(self, kind: Kind) -> Kind:
        return as_kind(Clipped, kind) if kind.plural == "pods" else kind


async def main_clips_pods(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ClipsPods)


class _Copying(ApiServer):
    """Keeps copies in the registry."""

    async def copy(self, key: str, value: bytes) -> None:
        await self.parts.store.client.ask(etcd.PUT, pb.PutRequest(key=key.encode(), value=value))


class KeepsVersions(_Copying):
    """Each version of a configmap has a key of its own, too."""

    async def store_changed(self, old: Stored, obj: Json) -> Stored | None:
        done = await super().store_changed(old, obj)
        if done is not None and obj["kind"] == "ConfigMap":
            await self.copy(f"/registry/versions/{obj['metadata']['uid']}/{done.revision}", b"version " + done.encoded)
        return done


async def main_keeps_versions(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=KeepsVersions)


class FilesByNode(_Copying):
    """A pod that is bound lies below its node, too."""

    async def store_changed(self, old: Stored, obj: Json) -> Stored | None:
        done = await super().store_changed(old, obj)
        node = obj.get("spec", {}).get("nodeName")
        if done is not None and obj["kind"] == "Pod" and node and not old.object["spec"].get("nodeName"):
            await self.copy(f"/registry/pods-by-node/{node}/{obj['metadata']['name']}", done.encoded)
        return done


async def main_files_by_node(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=FilesByNode)
