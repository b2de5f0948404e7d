"""What the suite does to components: stop, kill, pause, start, cut off, hold back; and waiting until they are back.

Each leaves a mark of its name, from which windows are counted.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

from seatrial.checks import facts, leases
from seatrial.cluster.instances import Supervised
from seatrial.model.errors import Inconclusive, NotRunnable
from seatrial.model.history import Event, History
from seatrial.world import lives
from seatrial.world.rivals import keep_from_lease
from seatrial.world.world import World

SUBSCRIPTION_ROUNDS = 20
ONCE_ROUNDS = 5  # so long nobody lists again what was only looked at once


def happens(world: World, instances: Sequence[Supervised], what: str) -> None:
    """Do `what` to each instance; a start is over when it is ready."""
    if what == "connected again":
        reconnect(world, instances)
        return
    if what.startswith("cut off"):
        cut_off(world, instances)
        return
    if what.startswith("kept from its lease"):
        world.run(keep_from_lease(world, instances))
        return
    verbs = {
        "stopped": ("term",),
        "killed": ("kill",),
        "paused": ("pause",),
        "resumed": ("resume",),
        "started again": ("start",),
        "killed and started again": ("kill", "start"),
    }
    for verb in verbs[what]:
        world.mark(verb)
        world.run(_each(world, instances, verb))
        if verb in ("kill", "term"):
            world.mark("down", revision=world.run(world.revision()))


async def _each(world: World, instances: Sequence[Supervised], verb: str) -> None:
    if verb in ("kill", "term"):
        for instance in instances:
            await instance.end(verb)  # type: ignore[arg-type]
    elif verb in ("pause", "resume"):
        for instance in instances:
            await instance.freeze(verb)  # type: ignore[arg-type]
    else:
        for instance in instances:
            await instance.start()
        await asyncio.gather(*(world.cluster.ready(i) for i in instances))


def hold_streams(world: World, instances: Sequence[Supervised], **match: str) -> None:
    """Hold the watch streams of these instances at every tap, once each of them has one; or only those that `match`: of one `user`, on one
    `resource`."""
    world.run(_hold_streams(world, instances, match))


async def _hold_streams(world: World, instances: Sequence[Supervised], match: Mapping[str, str]) -> None:
    names = [i.name for i in instances]
    within_s = world.timing().recovery
    if not names:
        raise NotRunnable("nobody is there whose watch streams could be held")
    await world.seen(lambda h: _all_watch(h, names), within_s=within_s, what=f"a watch stream of {', '.join(names)}")
    await _subscribed(world, names)
    for name in names:
        await world.cluster.faults.hold("stream", instance=name, **match)
    world.mark("hold")


def end_streams(world: World, instances: Sequence[Supervised], **match: str) -> None:
    """End the watch streams of these instances at every tap, in good order, once each of them has one; or only those that `match`."""
    names = [i.name for i in instances]
    watching = world.seen(lambda h: _all_watch(h, names), within_s=world.timing().recovery, what=f"a watch stream of {', '.join(names)}")
    world.run(watching)
    for tap in world.cluster.taps.values():
        for name in names:
            world.run(tap.end_streams(instance=name, **match))
    world.mark("streams-end")


async def _subscribed(world: World, names: Sequence[str]) -> None:
    """Wait until each watches, and whatever it lists it also watches, or has looked at once and does not list again, and nothing new
    comes: a list is not held. Inconclusive if that never is. What was watched in an earlier life is waited for, and need not come."""
    before, alike, rested = _subscriptions(world.history, names), 0, False
    for _ in range(SUBSCRIPTION_ROUNDS):
        await world.pause(max(0.5, world.timing().limits.react_s))
        now = _subscriptions(world.history, names)
        alike, before = (alike + 1 if now == before else 0), now
        rested = alike >= (ONCE_ROUNDS if _unwatched(now) else 1) and bool(_all_watch(world.history, names))
        if rested and not _no_more_watched(world.history, names):
            return
    if not rested:
        raise Inconclusive(f"blocked: {', '.join(names)} went on listing what they do not watch, or beginning anew: {_unwatched(before)}")


def come_to_rest(world: World, names: Sequence[str]) -> None:
    """Let the last statuses be written; and whoever has lost the API server may end for that only now, wait for its own old lease, and look
    at everything anew: wait until all is watched again that was, and nobody subscribes any more, or goes on for ever."""
    world.run(_come_to_rest(world, names))


async def _come_to_rest(world: World, names: Sequence[str]) -> None:
    for _ in range(SUBSCRIPTION_ROUNDS):
        before = len(facts.requests(world.history, names, verb="watch"))
        await world.pause(2 * world.timing().limits.react_s)
        calm = len(facts.requests(world.history, names, verb="watch")) == before
        if calm and not _no_more_watched(world.history, names):
            return


Subscriptions = Mapping[tuple[str | None, str], tuple[int, bool]]


def _subscriptions(history: History, names: Sequence[str]) -> Subscriptions:
    """What each has listed since it began of what is worked on, how often as long as it did not watch it, and whether it watches it."""
    began = lives.began(history, names)
    seen = {verb: [r for r, _ in facts.accepted(history, names, verb=verb) if r.at_s >= began[r.instance]] for verb in ("list", "watch")}
    lists, watches = (Counter((r.instance, r["resource"]) for r in seen[v] if r["resource"] in lives.WORKED_ON) for v in ("list", "watch"))
    return {what: (0 if watches[what] else lists[what], bool(watches[what])) for what in lists | watches}


def _unwatched(seen: Subscriptions) -> list[str]:
    """What somebody has listed and does not watch."""
    return sorted(resource for (_, resource), (_, watched) in seen.items() if not watched)


def _no_more_watched(history: History, names: Sequence[str]) -> list[str]:
    """What somebody has watched in an earlier life, and does not yet watch again: it may still be waiting for its turn to work."""
    return sorted({resource for n in names for resource in lives.watched_before(history, n) - lives.watched_now(history, [n])})


def _all_watch(history: History, names: Sequence[str]) -> list[Event] | None:
    """One watch request of each since it began, if each has one."""
    began = lives.began(history, names)
    found = [next((r for r in history.of("request", instance=n, verb="watch") if r.at_s >= began[n]), None) for n in names]
    return [r for r in found if r] if all(found) else None


def cut_off(world: World, instances: Sequence[Supervised]) -> None:
    """Cut the instances off from every API server, both ways, and see that they notice: what they had open breaks, and they try anew.

    A cut alone would lose them nothing: what is sent meanwhile would be sent again when it heals.
    """
    world.mark("cut")
    for instance in instances:
        world.run(_cut_off(world, instance))


async def _cut_off(world: World, instance: Supervised) -> None:
    servers = [s for s in world.cluster.of_role("apiserver") if s is not instance]
    if world.cluster.tapped:
        await world.wait(lambda h: _all_watch(h, [instance.name]), within_s=world.timing().reaction)  # or it would have nothing to lose
        await world.cluster.faults.cut(instance, servers, both=False)
        mark = world.mark("hung-up")
        await world.cluster.faults.hang_up(instance)
        await _tried(world, instance.name, mark)
    await world.cluster.faults.cut(instance, servers)
    if world.cluster.tapped:  # whoever was about to connect when the cut began has not got to: or what it has sent would come at its end
        await world.cluster.faults.hang_up(instance)


def reconnect(world: World, instances: Sequence[Supervised]) -> None:
    """Heal every cut and wait until the instances have been heard of at the API server."""
    world.run(world.cluster.faults.heal())
    mark = world.mark("healed")
    world.run(_heard(world, [i.name for i in instances], mark))


def all_asked_again(world: World) -> None:
    """Every component but store and API server has asked the API server since the last start or resumption of anybody. Whose watch has
    outlived the standstill need not ask for anything."""
    starts = [e for e in world.history.of("mark") if e["name"] in ("start", "resume")]
    names = [n for n in facts.instances(world.history) if not facts.roles_of(world.history, n) & {"etcd", "apiserver"}]
    if starts[-1]["name"] == "resume":
        names = [n for n in names if not facts.standing_watch(world.history, n, facts.window(world.history))]
    world.run(_heard(world, names, starts[-1]))


async def _heard(world: World, names: Sequence[str], mark: Event) -> None:
    for name in names:
        what = f"a request of {name} after the outage"
        await world.seen(lambda h: _since(h.of("request", instance=name), mark), within_s=world.timing().recovery, what=what)  # noqa: B023


def _since(events: list[Event], mark: Event) -> list[Event]:
    return [e for e in events if e.at_s >= mark.at_s]


def keeps_trying(world: World, instances: Sequence[Supervised]) -> None:
    """Wait until each has tried at least once more to reach an API server, and then watch for a while."""
    world.run(_keeps_trying(world, [i.name for i in instances]))


def outlasts_cut(world: World) -> None:
    """Where somebody is cut off, the same for them: what one does who cannot reach an API server is done by then."""
    if cut := dict.fromkeys(str(e.instance) for e in world.history.of("cut")):
        world.run(_keeps_trying(world, list(cut)))


async def _keeps_trying(world: World, names: Sequence[str]) -> None:
    cut = facts.mark(world.history, "cut")
    for name in names:
        await _tried(world, name, cut)
    await world.pause(world.timing().quiet)


async def _tried(world: World, name: str, mark: Event) -> None:
    """Wait until the instance has tried to reach an API server since the mark."""
    servers = facts.instances(world.history, "apiserver")

    def tried(history: History) -> list[Event]:
        return _since([e for e in history.of("open") if e["origin"] == name and e["target"] in servers], mark)

    await world.seen(tried, within_s=world.timing().recovery, what=f"an attempt of {name} to reach an API server")


def leader(world: World, role: str) -> Supervised:
    """The instance whose write of the role's lease was the last one accepted. Inconclusive where there is none."""
    what, within_s = f"a holder of the lease of the {role}", world.timing(role).recovery
    return world.cluster.instances[world.run(world.seen(lambda h: leases.leader(h, role), within_s=within_s, what=what))]
