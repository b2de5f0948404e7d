"""The windows of a *never*: how long the suite watches that nothing happens, and when it begins to.

What comes by the clock and not by an event has time to show itself. Where time is virtual that costs little, and patient wrongdoers are
waited for; real time is long enough for those who settle in first, unless the user is patient. A window in which nobody could have done
wrong shows nothing, so it begins only when everybody works.
"""

from seatrial.cluster.instances import Supervised
from seatrial.model.history import History
from seatrial.world import lives
from seatrial.world.world import World

POLLERS_S = 32.0  # longer than impatient pollers sleep, and than those wait who do what is left undone; where time costs little
SLOW_POLLERS_S = 65.0  # longer than patient pollers sleep
LATECOMERS_S = 6.0  # longer than those wait who look around once they have settled in; for a window in real time
LATEST_S = 8.0  # the same for the rule that matters most


def all_at_work(world: World) -> None:
    """Wait until everybody who has begun anew works again, or somebody in their place: as long as they wait for their turn, for their own
    old lease to run out, say, that they do nothing wrong says nothing."""
    world.run(world.wait(lambda h: not _waiting_for_their_turn(world, h), within_s=world.timing().recovery))


def _waiting_for_their_turn(world: World, history: History) -> list[str]:
    """Who lives not for the first time, with API server and store to be reached, while what they worked on before is not watched yet."""
    if lives.anybody_cut_off(history) or not all(_served_by(world, history, role) for role in ("etcd", "apiserver")):
        return []
    again = [i for i in world.cluster.instances.values() if lives.times_started(history, i.name) > 1 and lives.alive(history, i.name)]
    missed = {i.name: lives.watched_before(history, i.name) - lives.watched_now(history, _in_their_place(world, i)) for i in again}
    return [name for name, resources in missed.items() if resources & lives.WORKED_ON]


def _served_by(world: World, history: History, role: str) -> bool:
    return not world.paused(role) and all(lives.alive(history, i.name) for i in world.cluster.of_role(role))


def _in_their_place(world: World, instance: Supervised) -> list[str]:
    """Itself, and where a lease says who works, all who may get it."""
    placement = instance.placement
    return [i.name for r in placement.roles for i in world.cluster.of_role(r)] if placement.component.lease else [instance.name]


def quiet(world: World, *, patiently_s: float = 0.0, at_least_s: float = 0.0) -> None:
    """A window in which the suite asks for nothing, between the marks `quiet` and `quiet-end`, which carry the store's revision."""
    all_at_work(world)
    world.mark("quiet", revision=world.run(world.revision()))
    window(world, patiently_s=patiently_s, at_least_s=at_least_s)
    world.mark("quiet-end", revision=world.run(world.revision()))


def window(world: World, *, patiently_s: float = 0.0, at_least_s: float = 0.0) -> None:
    """Let the time of a *never* go by, once all are at work: `at_least_s` at least, and `patiently_s` where time costs little or the user
    is patient, and nobody is cut off: who is for long may end, and begins anew. Otherwise as much of that as latecomers take."""
    all_at_work(world)
    may_last = world.patient and not lives.anybody_cut_off(world.history)
    patience_s = patiently_s if may_last else min(patiently_s, LATECOMERS_S)
    world.run(world.pause(max(at_least_s, patience_s, world.timing().quiet)))
