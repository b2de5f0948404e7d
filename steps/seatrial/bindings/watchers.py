"""People who watch."""

from pytest_bdd import given, parsers, then, when

from seatrial.bindings.phrases import KIND, NAME
from seatrial.world import World, stages, watchers

RESOURCE = r"(?P<resource>pods|configmaps|nodes|services|secrets|leases|deployments|namespaces)"


@given(parsers.re(r'"(?P<person>\w+)" watches ' + RESOURCE + r'(?: labelled "(?P<label>[^"]+)"| called "(?P<name>\w+)")?'))
def watches(world: World, person: str, resource: str, label: str | None, name: str | None) -> None:
    """In the scenario's namespace, beginning with what is there; what has not or no longer the label, or another name, is as if it were not
    there."""
    selector = {"labelSelector": label} if label else {"fieldSelector": f"metadata.name={name}"} if name else None
    world.run(world.watch(person, resource, selector=selector))


@given(parsers.re(r"(?P<number>\d+) people watch " + RESOURCE))
@when(parsers.re(r"(?P<number>\d+) people watch " + RESOURCE))
def many_watch(world: World, number: str, resource: str) -> None:
    """Each over a stream of their own, some by a label that all have, some for all namespaces."""
    watchers.many(world, int(number), resource)


@given("another one watches and does not read for a while")
def does_not_read(world: World) -> None:
    """The stream is open, and nobody reads from it until all others have been told everything."""
    watchers.asleep(world, "configmaps")


@when(parsers.re(r"(?P<number>\d+) people watch " + RESOURCE + r" from before the second one on"))
def watch_from(world: World, number: str, resource: str) -> None:
    """From the version of the first of "them"; some by a label that all have, some for all namespaces."""
    watchers.from_the_second(world, int(number), resource)


@then(parsers.re(r"each watcher has been told of every stored change, once, in the order of the store"))
def complete(world: World) -> None:
    """By type, name and revision; waits until everybody has heard of the last one."""
    watchers.judge_complete(world)


@then(
    parsers.re(
        r'"(?P<person>\w+)" has been told (?P<last>last )?of ' + NAME + r": (?P<types>[A-Z]+(?:, [A-Z]+)*)(?P<alone>, and of nothing else)?"
    )
)
def told_types(world: World, person: str, last: str | None, name: str, types: str, alone: str | None) -> None:
    """Exactly these kinds of events, in this order; last: after whatever else, and of nothing after them."""
    watchers.judge_types(world, f"{person}/configmaps", name, types.split(", "), last=bool(last), alone=bool(alone))


@then(parsers.re(r'"(?P<person>\w+)" is (?:not told of success|told nothing of a pod ' + NAME + r") while etcd is (?P<how>paused|stopped)"))
def silent(world: World, person: str, name: str | None, how: str) -> None:
    """A quiet window goes by."""
    stages.wait_quietly(world)
    since = {"paused": "pause", "stopped": "term"}[how]
    if name is None:
        world.judge("pipeline.unanswered", user=person, since=since)
        return
    world.judge("watching.silent", watch=f"{person}/pods", name=name, since=since)


@then(parsers.re(r'everything that "(?P<person>\w+)" is told of is stored under the revision that s?he is told'))
def backed(world: World, person: str) -> None:
    """A later pod shows that the stream still stands."""
    stages.all_answered(world)
    stages.sentinel(world)
    watch = f"{person}/pods"
    world.run(world.wait(lambda h: h.of("watched", watch=watch, name="sentinel"), within_s=world.timing().recovery))
    world.judge("watching.backed", watch=watch)


@then(parsers.re(r"no watcher is told of a " + KIND + r" " + NAME + r", though each is told of the next one"))
def spared(world: World, kind: str, name: str) -> None:
    """The next one is accepted and comes later on the same streams."""
    stages.sentinel(world, kind)
    watchers.judge_spared(world, name)
