"""What people do: ask the API server for something, wait for its answer or not, one by one or all at once."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from seatrial.model.errors import Inconclusive, NotRunnable
from seatrial.model.history import Event, History
from seatrial.wire.kubernetes import PATCHES, Answer, Client
from seatrial.world.objects import changed, kind_of, manifest
from seatrial.world.operations import OPERATIONS, OTHER_SCALE, SENSELESS, Aim
from seatrial.world.world import WORKLOADS, World

GARBAGE = "no-such-token"
VALID = "somebody with a valid certificate"  # shows that a refused handshake was refused because of the certificate
ACTOR = "alice"  # about whose requests most sentences are
GUISES = ("Impersonate-User", "X-Remote-User")  # headers for those who may speak for others
ABOUT_ITSELF = frozenset({"version", "api", "apis"})
KEEPER = "keeper"  # of finalizers
UPDATE_TRIES = 10
ABSENT = 404
INDISPENSABLE = frozenset({"", "apps", "coordination.k8s.io"})  # groups without which nothing here works
UPDATED = changed("updated")
FINALIZERS: Mapping[str | None, Sequence[str]] = {
    None: (),
    "a finalizer": ("seatrial.example/guard",),
    "two finalizers": ("seatrial.example/guard", "seatrial.example/lock"),
}
NOBODYS = {"uid": "00000000-0000-0000-0000-000000000000", "resourceVersion": "1"}


def client_of(world: World, person: str) -> Client:
    """A person by name, or somebody by what they show."""
    if person == "operator":
        return world.operator
    if person.startswith("somebody with") and "token" in person:
        return _bearer(world, person)
    if person.startswith("somebody with"):
        return world.cluster.stranger(person.removeprefix("somebody with ").removeprefix("an ").removeprefix("a "))
    return world.client(person)


def _bearer(world: World, person: str) -> Client:
    """Somebody with a token that is nobody's, or more or less than alice's, or an account's under another signature."""
    token = GARBAGE
    if "valid" in person:
        good = world.client(ACTOR).token
        token = good[:-1] if person.endswith("cut short") else f"{good}{GARBAGE}"
    elif "forged" in person:
        said, _, signature = _issued(world).rpartition(".")
        token = f"{said}.{signature[::-1]}"
    client = world.cluster.client("somebody", token=token)
    client.scheme = client.scheme.lower() if person.endswith("after a small bearer") else client.scheme
    return client


def _issued(world: World) -> str:
    """The token that somebody was given for an account. Raises NotRunnable where nobody was."""
    given = [str(a.body.get("status", {}).get("token", "")) for a in world.answers.values() if a.body.get("kind") == "TokenRequest"]
    if not any(given):
        raise NotRunnable("nobody was given a token of an account")
    return given[-1]


def told(world: World, person: str, answer: Answer) -> Answer:
    """Remember what a person was told last, and who it was."""
    world.answers[person] = answer
    world.last = user_of(person)
    return answer


def user_of(person: str) -> str:
    """The user under which the history knows a person."""
    return "somebody" if person.startswith("somebody") else person


async def create(
    world: World, person: str, word: str, name: str, *, namespace: str | None = None, finalizers: Sequence[str] = (), **how: Any
) -> Answer:
    """POST a manifest of the kind. Raises NotRunnable where that is of a group that this API server does not serve, as it may."""
    kind, where = kind_of(word), namespace or world.namespace
    if kind.plural in WORKLOADS:
        await world.watch_workloads()
    body = manifest(kind, name, namespace=where, **how)
    if finalizers:
        body["metadata"]["finalizers"] = list(finalizers)
    path = kind.path(namespace=where)
    answer = await client_of(world, person).request("POST", path, body=body)
    if answer.code == ABSENT and kind.group not in INDISPENSABLE and (await world.operator.request("GET", path)).code == ABSENT:
        raise NotRunnable(f"this API server serves no {kind.plural}")
    return answer


def whole(world: World, name: str) -> str:
    """A name in which NAMESPACE stands for the scenario's."""
    return name.replace("NAMESPACE", world.namespace)


def selects(how: str) -> dict[str, Any]:
    """How a workload chooses its pods, as a sentence has it."""
    return {"loosely": True} if how == "by an expression" else {"of": how.split('"')[1]}


def creates(world: World, person: str, word: str, name: str, **how: Any) -> None:
    """Somebody creates an object and is told whether it worked."""
    beginning(world)
    answer = told(world, person, world.run(create(world, person, word, name, **how)))
    noticed(world, word, name, answer)
    if "certificate" in person:
        world.run(create(world, VALID, word, f"{name}-witness", **how))


def exists(world: World, word: str, name: str, **how: Any) -> None:
    """The operator's help: the object is there. Inconclusive where it cannot be had."""
    answer = world.run(create(world, "operator", word, name, **how))
    if not answer.ok:
        raise Inconclusive(f"blocked: the operator could not create the {word} {name}: {answer.code} {answer.body.get('message')}")
    noticed(world, word, name, told(world, "operator", answer))


def beginning(world: World) -> None:
    """The moment before a request: what comes after it may be its doing."""
    world.mark("begun", revision=world.run(world.revision()))


def begins(world: World, person: str, verb: str, resource: str) -> None:
    """Ask and do not wait for the answer: a new pod, or a change or the binding of the old one."""

    async def begin() -> None:
        how = ("create", "pods/binding") if verb == "bind" else (verb, resource)
        world.begun[person] = asyncio.create_task(operation(world, person, *how))
        await world.pause(0)

    world.last, world.verb = person, verb
    beginning(world)
    world.run(begin())


async def answered(world: World, person: str, *, within_s: float) -> Answer | None:
    """The answer to what a person has begun; None where there is none in time."""
    done, _ = await asyncio.wait([world.begun[person]], timeout=within_s)
    return told(world, person, world.begun.pop(person).result()) if done else None


def tries(world: World, person: str, verb: str, resource: str, **how: Any) -> Answer:
    """One operation, generically, on the object `old` (`new` for create); `everywhere`: on what lies in all namespaces; `guise`: as if it
    were somebody else who asks."""
    world.verb = verb
    beginning(world)
    return told(world, person, world.run(operation(world, person, verb, resource, **how)))


async def operation(world: World, person: str, verb: str, resource: str, *, everywhere: bool = False, guise: str | None = None) -> Answer:
    """One request of the verb: `update` reads, changes and writes back; the others are in OPERATIONS. What the server says about
    itself, its version and what it serves, is no object, whoever asks."""
    client = client_of(world, person)
    client.guise = dict.fromkeys(GUISES, guise) if guise else {}
    if resource in ABOUT_ITSELF:
        return await client.request("GET", f"/{resource}")
    plural, _, sub = resource.partition("/")
    aim = Aim(world=world, kind=kind_of(plural), subresource=sub, everywhere=everywhere)
    if verb == "update":
        return await _update(client, aim.one, **({"spec": OTHER_SCALE} if sub == "scale" else UPDATED))
    method, path, how = OPERATIONS[verb](aim)
    return await client.request(method, path, **how)


async def _update(client: Client, path: str, *, to: str = "", **parts: Mapping[str, Any]) -> Answer:
    """Read, change, write back, perhaps `to` a part; again where somebody else has written in between, as everybody must."""
    for _ in range(UPDATE_TRIES):
        body = (await client.request("GET", path)).body
        for part, wanted in parts.items():
            there = body.get(part, {})
            there |= {k: {**there.get(k, {}), **v} if isinstance(v, dict) else v for k, v in wanted.items()}
            body[part] = {k: v for k, v in there.items() if v is not None}
        answer = await client.request("PUT", f"{path}/{to}".rstrip("/"), body=body)
        if answer.reason != "Conflict":
            return answer
    raise Inconclusive(f"blocked: {path} changed each of {UPDATE_TRIES} times between reading and writing it")


async def delete(world: World, person: str, word: str, name: str, *, by_url: bool = False, **options: Any) -> Answer:
    """DELETE one object of the kind, with `options` as DeleteOptions has them, or, `by_url`, as parameters. The answer may be a refusal."""
    kind = kind_of(word)
    body = {"apiVersion": "v1", "kind": "DeleteOptions", **options}
    how = {"params": {k: ",".join(v) for k, v in options.items()}} if by_url else {"body": body}
    return await client_of(world, person).request("DELETE", kind.path(namespace=world.namespace, name=name), **how)


def deletes(world: World, person: str, word: str, name: str, **how: Any) -> None:
    """Somebody deletes an object and is told whether it worked."""
    beginning(world)
    told(world, person, world.run(delete(world, person, word, name, **how)))


def changes(world: World, person: str, word: str, name: str, patch: Mapping[str, Any]) -> None:
    """A merge patch."""
    path = kind_of(word).path(namespace=world.namespace, name=name)
    answer = world.run(client_of(world, person).request("PATCH", path, body=dict(patch), content_type=PATCHES["merge"]))
    noticed(world, word, name, told(world, person, answer))


def leaves_finalizers(world: World, word: str, name: str, left: Sequence[str] | None, *, write: str | None) -> None:
    """Whoever has put them there removes all finalizers but those; None: and the list. Inconclusive where a way to `write` is what counts
    and the object is gone already. Raises NotRunnable where somebody else has done so for a namespace: controllers whose work it is may."""
    path, keeper = kind_of(word).path(namespace=world.namespace, name=name), client_of(world, KEEPER)
    if write and not world.run(keeper.request("GET", path)).ok:
        raise Inconclusive(f"blocked: the {word} {name} has not waited for its finalizers")
    beginning(world)
    if word == "namespace":
        gone = not world.run(keeper.request("GET", path)).ok
        others = world.history.of("request", resource="namespaces", subresource="finalize", name=name)
        if gone and others:
            raise NotRunnable(f"{others[0].instance} has finalized the namespace {name} already")
        told(world, KEEPER, world.run(_update(keeper, path, to="finalize", spec={"finalizers": []})))
        return
    finalizers = None if left is None else list(left)
    if write in (None, "patch"):
        changes(world, KEEPER, word, name, {"metadata": {"finalizers": finalizers}})
        return
    if write == "strategic patch":
        body = {"metadata": {"finalizers": None}}
        told(world, KEEPER, world.run(keeper.request("PATCH", path, body=body, content_type=PATCHES["strategic"])))
        return
    if write == "update":
        told(world, KEEPER, world.run(_update(keeper, path, metadata={"finalizers": finalizers})))
        return
    edit = {"path": "/metadata/finalizers"} | ({"op": "remove"} if finalizers is None else {"op": "replace", "value": finalizers})
    told(world, KEEPER, world.run(keeper.request("PATCH", path, body=[edit], content_type=PATCHES["json"])))


def cordons(world: World, nodes: Iterable[str], *, unschedulable: bool) -> None:
    """Close nodes for new pods, or open them again, and give components the time to learn of what was before, and of this."""
    world.run(world.pause(world.timing().limits.react_s))
    for name in nodes:
        changes(world, "operator", "node", name, {"spec": {"unschedulable": unschedulable or None}})
    world.run(world.pause(world.timing().limits.react_s))


def noticed(world: World, word: str, name: str, answer: Answer) -> None:
    """Wait until the operator, too, has seen a change of a workload: what is wanted is read from its watch."""
    plural = kind_of(word).plural
    if plural in WORKLOADS and answer.ok and answer.revision is not None:
        world.run(world.wait(lambda h: _seen(h, plural, name, answer.revision or 0), within_s=world.timing().reaction))


def _seen(history: History, plural: str, name: str, revision: int) -> list[Event]:
    return [e for e in history.of("watched", watch=f"operator/{plural}", name=name) if e["revision"] >= revision]


def sends(world: World, person: str, what: str) -> None:
    """A request that makes no sense."""
    method, path, how = SENSELESS[what](world)
    beginning(world)
    told(world, person, world.run(client_of(world, person).request(method, path, **how)))


def new_container(image: str, *, tide: str | None) -> dict[str, Any]:
    """A patch of a template's only container: containers are replaced as a list by a merge patch."""
    environment = {"env": [{"name": "TIDE", "value": tide}]} if tide else {}
    return {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": image} | environment]}}}}


def most_of_a_node(world: World) -> str:
    """So much CPU that it is there only once on a node. Inconclusive where no node says what it has."""
    nodes = world.run(world.operator.request("GET", kind_of("nodes").path())).body.get("items", ())
    cores = [str(node.get("status", {}).get("allocatable", {}).get("cpu", "")) for node in nodes]
    if not cores or not all(cores):
        raise Inconclusive(f"blocked: no node, or one that does not say how much CPU it has: {cores}")
    return f"{min(_millicores(text) for text in cores) * 3 // 5}m"


def _millicores(cpu: str) -> int:
    """Kubelets say it in cores or in thousandths of them."""
    return int(cpu.removesuffix("m")) if cpu.endswith("m") else int(float(cpu) * 1000)


def weather(world: World) -> str:
    """Content that no change before had."""
    return f"weather {len(world.history)}"


def reads(world: World, person: str, word: str, name: str) -> Answer:
    """GET of one object."""
    path = kind_of(word).path(namespace=world.namespace, name=name)
    return told(world, person, world.run(client_of(world, person).request("GET", path)))


def lists(
    world: World,
    person: str,
    word: str,
    *,
    pages_of: int | None = None,
    selector: Mapping[str, str] | None = None,
    everywhere: bool = False,
) -> None:
    """GET of all of them, or of those selected, at once or page by page, as long as there can be more; after the first page somebody
    puts one more behind the last and deletes that."""
    path, token = kind_of(word).path(namespace=None if everywhere else world.namespace), ""
    asked = ({"limit": str(pages_of)} if pages_of else {}) | dict(selector or {})
    for _ in range(len(world.batch) + 2):
        params = asked | ({"continue": token} if token else {})
        answer = told(world, person, world.run(client_of(world, person).request("GET", path, params=params)))
        if pages_of and not token:
            world.run(create(world, "editor", word, f"{world.batch[-1]}-and-more"))
            world.run(delete(world, "editor", word, world.batch[-1]))
        token = answer.body.get("metadata", {}).get("continue", "")
        if not token:
            return


def reads_all_created(world: World, person: str, word: str) -> None:
    """GET of every object of the kind that anybody was told to have created, in whatever namespace."""
    kind = kind_of(word)
    made = [e for e in world.history.of("told", method="POST", code=201) if e["body"].get("kind") == kind.kind]
    for path in dict.fromkeys(f"{e['path']}/{e['body']['metadata']['name']}" for e in made):
        told(world, person, world.run(client_of(world, person).request("GET", path)))
