"""What requests look like, by the words that sentences have for them: sensible ones on the object `old`, and senseless ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from seatrial.model.errors import Inconclusive
from seatrial.wire.kubernetes import PATCHES
from seatrial.world.objects import changed, kind_of, manifest
from seatrial.world.world import World
from seatrial_schemas.kinds import Kind

Asked = tuple[str, str, dict[str, Any]]  # method, path, and what goes with it
OLD = "old"  # the object that sentences about verbs are about
NEW = "new"
APPLIES = {"fieldManager": "seatrial", "force": "true"}
BINDING = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": OLD}, "target": {"kind": "Node", "name": "nowhere"}}
TOKEN = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
OTHER_SCALE = {"replicas": 2}
EDIT = [{"op": "replace", "path": "/metadata/annotations/seatrial~1content", "value": "patched"}]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What an operation is about: the object `old` of a kind, or a subresource of it; and the collection, of one namespace or of all."""

    world: World
    kind: Kind
    subresource: str
    everywhere: bool = False

    @property
    def collection(self) -> str:
        return self.kind.path(namespace=None if self.everywhere else self.world.namespace)

    @property
    def one(self) -> str:
        return self.kind.path(namespace=self.world.namespace, name=OLD, subresource=self.subresource or None)

    @property
    def change(self) -> dict[str, Any]:
        if self.subresource == "scale":
            return {"spec": OTHER_SCALE}
        return {"status": {"message": "patched"}} if self.subresource else changed("patched")

    def create(self) -> Asked:
        if self.subresource:
            return "POST", self.one, {"body": {"binding": BINDING, "token": TOKEN}[self.subresource]}
        return "POST", self.collection, {"body": manifest(self.kind, NEW, namespace=self.world.namespace)}

    def upsert(self) -> Asked:
        path = self.kind.path(namespace=self.world.namespace, name=NEW)
        return "PUT", path, {"body": manifest(self.kind, NEW, namespace=self.world.namespace)}

    def put(self, *, anyway: bool = True, **params: str) -> Asked:
        return "PUT", self.one, {"body": replacement(self.world, OLD, anyway=anyway), "params": params}

    def patch(self, form: str, body: Any, **how: Any) -> Asked:
        return "PATCH", self.one, {"body": body, "content_type": PATCHES[form], **how}

    def establish(self) -> Asked:
        _, path, how = self.upsert()
        return "PATCH", path, how | {"content_type": PATCHES["apply"], "params": APPLIES}

    def apply(self) -> Asked:
        itself = {"apiVersion": self.kind.api_version, "kind": self.kind.kind}
        metadata = {"name": OLD, **self.change.get("metadata", {})}
        return self.patch("apply", {**itself, **self.change, "metadata": metadata}, params=APPLIES)


OPERATIONS: Mapping[str, Callable[[Aim], Asked]] = {
    "create": Aim.create,
    "get": lambda aim: ("GET", aim.one, {}),
    "list": lambda aim: ("GET", aim.collection, {}),
    "watch": lambda aim: ("GET", aim.collection, {"params": {"watch": "true", "timeoutSeconds": "1"}}),  # answered when its stream stands
    "replace": Aim.put,  # an update that reads nothing before
    "overwrite": lambda aim: aim.put(anyway=False),  # one of the object as it was made
    "rehearse": lambda aim: aim.put(dryRun="All"),  # one that is not meant
    "upsert": Aim.upsert,  # one of what is not there
    "establish": Aim.establish,  # an apply of what is not there
    "patch": lambda aim: aim.patch("merge", aim.change),
    "jsonpatch": lambda aim: aim.patch("json", EDIT),
    "strategicpatch": lambda aim: aim.patch("strategic", aim.change),
    "apply": Aim.apply,
    "finish": lambda aim: aim.patch("merge", {"status": {"phase": "Succeeded"}}),  # says of a pod that it has done its work
    "delete": lambda aim: ("DELETE", aim.one, {}),
    "kill": lambda aim: ("DELETE", aim.one, {"params": {"gracePeriodSeconds": "0"}}),  # grants no grace
    "deletecollection": lambda aim: ("DELETE", aim.collection, {}),
}


def replacement(world: World, name: str, *, anyway: bool = True) -> dict[str, Any]:
    """The object as it was made, with other content; whatever its version is now, or only if nobody has changed it."""
    made = [e["body"] for e in world.history.of("told", method="POST", code=201) if e["body"].get("metadata", {}).get("name") == name]
    if not made:
        raise Inconclusive(f"blocked: nobody was told to have created {name}")
    meta = {k: v for k, v in made[-1]["metadata"].items() if k != "resourceVersion" or not anyway}
    return {**made[-1], "metadata": meta | {"annotations": {**meta.get("annotations", {}), "seatrial/content": "updated"}}}


SENSELESS_NAME = "senseless"
TRUNCATED = b'{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "sense'


def _pod(world: World, *, into: str | None = None, of: str | None = None, **spec: Any) -> Asked:
    """A new pod, to be created in a namespace and said to be `of` one: the scenario's, where nothing else is said."""
    pods = kind_of("pods")
    body = manifest(pods, SENSELESS_NAME, namespace=world.namespace)
    body["metadata"] |= {"namespace": of} if of else {}
    body["spec"] |= spec
    return "POST", pods.path(namespace=into or world.namespace), {"body": body}


def _truncated(world: World) -> Asked:
    return "POST", kind_of("pods").path(namespace=world.namespace), {"body": TRUNCATED}


def _truncated_change(world: World) -> Asked:
    return "PUT", kind_of("pods").path(namespace=world.namespace, name=SENSELESS_NAME), {"body": TRUNCATED}


def _nothing_left(world: World) -> Asked:
    body = replacement(world, OLD)
    return "PUT", kind_of("pods").path(namespace=world.namespace, name=OLD), {"body": body | {"spec": {**body["spec"], "containers": []}}}


def _ghost(world: World) -> Asked:
    method, path, how = _pod(world)
    return method, path.replace("/pods", "/ghosts"), how


SENSELESS: Mapping[str, Callable[[World], Asked]] = {
    "a pod into an unknown namespace": lambda world: _pod(world, into="nowhere", of="nowhere"),
    "a pod that names another namespace": lambda world: _pod(world, of="elsewhere"),
    "a pod that is cut off in the middle": _truncated,
    "a malformed pod": _truncated,
    "a malformed change of a pod": _truncated_change,
    "a pod without containers": lambda world: _pod(world, containers=[]),
    "a change of a pod that leaves no containers": _nothing_left,
    "a thing of an unknown kind": _ghost,
}
