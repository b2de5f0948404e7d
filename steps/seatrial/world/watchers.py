"""People who watch: many of them, late ones, and one who does not read."""

from seatrial.checks import watching
from seatrial.model.errors import Inconclusive
from seatrial.model.history import History
from seatrial.world.objects import kind_of
from seatrial.world.world import World
from seatrial_schemas.kinds import Kind


def many(world: World, number: int, resource: str) -> None:
    """So many people, each over a stream of their own, spread over the API servers."""
    for i in range(number):
        world.run(world.watch(f"watcher-{i}", resource))


def stalled(world: World, resource: str) -> None:
    """Open a stream and never read from it."""
    world.run(world.open_and_stall("sleeper", resource))


def from_the_second(world: World, person: str, resource: str) -> None:
    """Begin right after the first of "them" was stored."""
    revision = world.answers[world.batch[0]].revision
    if revision is None:
        raise Inconclusive("blocked: the first of them was not created")
    world.run(world.watch(person, resource, revision=str(revision)))


def of_people(world: World) -> list[str]:
    """The watches of everybody but the operator."""
    return [name for name in world.watchers if not name.startswith("operator/")]


def judge_complete(world: World) -> None:
    """Wait until every watcher has heard of as many changes as were stored, and compare."""
    watches = of_people(world)
    kind = kind_of(watches[0].partition("/")[2])
    world.run(world.revision())

    def all_heard(history: History) -> bool | None:
        return all(_heard(history, watch, kind, world.namespace) for watch in watches) or None

    world.run(world.wait(all_heard, within_s=world.timing().reaction))
    world.judge("watching.complete", watchers=watches, kind=kind.kind, resource=kind.plural, namespace=world.namespace)


def _heard(history: History, watch: str, kind: Kind, namespace: str) -> bool:
    since = int(history.of("watching", watch=watch)[-1]["revision"] or 0)
    changes = watching.changes(history, kind=kind.kind, resource=kind.plural, namespace=namespace, since=since)
    return len(watching.told(history, watch)) >= len(changes)


def judge_spared(world: World, name: str) -> None:
    """Wait until every watcher has heard of the sentinel."""
    watches = of_people(world)

    def all_told(history: History) -> bool | None:
        return all(history.of("watched", watch=w, name="sentinel") for w in watches) or None

    world.run(world.wait(all_told, within_s=world.timing().reaction))
    world.judge("watching.spared", watchers=watches, name=name)
