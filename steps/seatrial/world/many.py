"""What people do to many objects: "them" of a sentence, whole collections, one object of each kind."""

import asyncio
from collections.abc import Mapping, Sequence

from seatrial.wire.kubernetes import Answer
from seatrial.world import people
from seatrial.world.objects import CREATABLE, changed, kind_of, manifest
from seatrial.world.world import World

BALLAST = "ballast " * 25_000  # with a few changes of such objects the buffers of a stream are full


def creates_many(world: World, person: str, word: str, number: int, *, labelled: int = 0, label: str = "", large: bool = False) -> None:
    """`one`, `one-1`, ...: "them", the name of the first being the beginning of all others; the first `labelled` carry the label, and the
    others another value of it."""
    world.batch = ["one", *(f"one-{i}" for i in range(1, number))]
    key, _, value = label.partition("=")
    for i, name in enumerate(world.batch):
        body = manifest(kind_of(word), name, namespace=world.namespace)
        body["metadata"]["labels"] |= {key: value if i < labelled else f"not-{value}"} if key else {}
        body |= {"data": {"ballast": BALLAST}} if large else {}
        path = kind_of(word).path(namespace=world.namespace)
        people.told(world, name, world.run(people.client_of(world, person).request("POST", path, body=body)))


def create_at_once(world: World, number: int, word: str, name: str) -> None:
    """As many people as wanted create one object, each with content of their own, at the same time."""
    world.batch = [f"person-{i}" for i in range(number)]
    answers = world.run(_all_at_once(world, word, name))
    for person, answer in zip(world.batch, answers, strict=True):
        people.told(world, person, answer)


async def _all_at_once(world: World, word: str, name: str) -> Sequence[Answer]:
    return await asyncio.gather(*(people.create(world, person, word, name, content=person) for person in world.batch))


def creates_each_kind(world: World, person: str) -> None:
    """One object of every kind that the suite knows a valid manifest of."""
    for resource in CREATABLE:
        people.told(world, person, world.run(people.create(world, person, resource, "each", replicas=0)))


def creates_by_prefix(world: World, person: str, word: str, prefix: str, *, number: int) -> None:
    """So many objects whose names the server makes."""
    kind = kind_of(word)
    people.beginning(world)
    for _ in range(number):
        body = manifest(kind, "unnamed", namespace=world.namespace)
        del body["metadata"]["name"]
        body["metadata"]["generateName"] = prefix
        people.told(
            world, person, world.run(people.client_of(world, person).request("POST", kind.path(namespace=world.namespace), body=body))
        )


def does_to_them(world: World, person: str, what: str, *, label: str | None, only_one: bool, times: int) -> None:
    """Change or delete each of them, or the first, in turn; with a label, that is what is taken away, or, with its value, given."""
    for name in world.batch[:1] if only_one else world.batch:
        for _ in range(times):
            if what == "deletes":
                people.deletes(world, person, "configmap", name)
            else:
                key, _, value = (label or "").partition("=")
                patch = {"metadata": {"labels": {key: value or None}}} if key else changed(people.weather(world))
                people.changes(world, person, "configmap", name, patch)


def deletes_selected(world: World, person: str, word: str, selector: Mapping[str, str], *, dry: bool, by_body: bool) -> None:
    """DELETE of the collection with a selector; a dry run is asked for by a parameter, or by the options in the body."""
    path, options = kind_of(word).path(namespace=world.namespace), {"apiVersion": "v1", "kind": "DeleteOptions", "dryRun": ["All"]}
    params, body = {**selector, **({"dryRun": "All"} if dry and not by_body else {})}, options if by_body else None
    people.told(world, person, world.run(people.client_of(world, person).request("DELETE", path, params=params, body=body)))
