"""The suite's own forbidden moves, which prove that the recorder sees what it must."""

from collections.abc import Sequence

from seatrial.cluster.instances import Supervised
from seatrial.world.world import World


def canaries(world: World, sources: Sequence[str], targets: Sequence[str]) -> None:
    """From inside every instance with a role of `sources`, one attempt to connect to every one of `targets`.

    For a *never*, a quiet window has gone by before, in which what comes by the clock, and not by an event, had time to show itself.
    """
    world.run(_canaries(world, world.suspects(sources), world.suspects(targets)))


def counted_canaries(world: World, sources: Sequence[str], targets: Sequence[str]) -> None:
    """After a quiet window read the counters, mark the moment, and only then send the canaries, both ways."""
    world.run(world.cluster.settle())
    world.mark("counted")
    one, other = world.suspects(sources), world.suspects(targets)
    world.run(_canaries(world, one, other))
    if set(sources) != set(targets):
        world.run(_canaries(world, other, one))


async def _canaries(world: World, sources: Sequence[Supervised], targets: Sequence[Supervised]) -> None:
    await world.cluster.faults.canaries(sources, targets)
    await world.cluster.settle()
