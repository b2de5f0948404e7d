"""People who watch: many of them, late ones, and one who sleeps."""

from typing import Any

from seatrial.checks import watching
from seatrial.model.errors import Inconclusive
from seatrial.model.history import History
from seatrial.world import people
from seatrial.world.objects import MADE_HERE, kind_of
from seatrial.world.world import World
from seatrial_schemas.kinds import Kind

SLEEPER = "sleeper"


def many(world: World, number: int, resource: str, *, name: str = "watcher", revision: str | None = None) -> None:
    """So many people, each over a stream of their own; every third of them by label, and every third in all namespaces."""
    for i in range(number):
        how: dict[str, Any] = {"everywhere": i % 3 == 2, "selector": {"labelSelector": "=".join(MADE_HERE)} if i % 3 == 1 else None}
        world.run(world.watch(f"{name}-{i}", resource, revision=revision, **how))


def asleep(world: World, resource: str) -> None:
    """Open a stream from which nothing is read before `judge_complete`: what is said there stays with the API server."""
    world.run(world.cluster.faults.hold("reader", agent=f"seatrial/{SLEEPER}", verb="watch"))
    world.asleep.append(world.run(world.watch(SLEEPER, resource)).name)


def from_the_second(world: World, number: int, resource: str) -> None:
    """So many more begin right after the first of "them" was stored."""
    revision = world.answers[world.batch[0]].revision
    if revision is None:
        raise Inconclusive("blocked: the first of them was not created")
    many(world, number, resource, name="latecomer", revision=str(revision))


def of_people(world: World) -> list[str]:
    """The watches of everybody but the operator."""
    return [name for name in world.watchers if not name.startswith("operator/")]


def judge_complete(world: World) -> None:
    """Create a sentinel, wait until every watcher has heard of it, and compare: what comes once comes before it. Who slept wakes up when
    the others have been told everything."""
    watches = of_people(world)
    kind = kind_of(watches[0].partition("/")[2])
    people.creates(world, "sentinel", kind.kind.lower(), "sentinel")
    _judge_complete(world, [w for w in watches if w not in world.asleep], kind)
    if world.asleep:
        world.run(world.cluster.faults.release())
        _judge_complete(world, world.asleep, kind)


def _judge_complete(world: World, watches: list[str], kind: Kind) -> None:
    world.run(world.wait(lambda h: _all_told(h, watches), within_s=world.timing().recovery))
    where = world.namespace if kind.namespaced else None
    world.judge("watching.complete", watchers=watches, kind=kind.kind, resource=kind.plural, namespace=where)


def _all_told(history: History, watches: list[str]) -> bool | None:
    """Whether each has been told of the sentinel."""
    return all(history.of("watched", watch=w, name="sentinel") for w in watches) or None


def judge_types(world: World, watch: str, name: str, expected: list[str], *, last: bool, alone: bool) -> None:
    """Wait until the watcher has heard so much of the object and, last, how it ended; or, of it `alone`, whether of others, too."""

    def told(history: History) -> bool:
        heard = [e["type"] for e in watching.lives(history, watch, name)]
        return len(heard) >= len(expected) and (not last or heard[-len(expected) :] == expected)

    world.run(world.wait(told, within_s=world.timing().reaction))
    world.judge("watching.types", watch=watch, name=name, expected=expected, last=last, alone=alone)


def judge_spared(world: World, name: str) -> None:
    """Wait until every watcher has heard of the sentinel."""
    watches = of_people(world)
    world.run(world.wait(lambda h: _all_told(h, watches), within_s=world.timing().reaction))
    world.judge("watching.spared", watchers=watches, name=name)
