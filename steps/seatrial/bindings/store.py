"""What lies in the store."""

from pytest_bdd import parsers, then

from seatrial.bindings.phrases import KIND, NAME
from seatrial.world import World, stages, windows
from seatrial.world.objects import kind_of


@then("every key of the store lies below /registry")
def below(world: World) -> None:
    """Every key ever written, but the compactor's own."""
    world.judge("storage.below", prefix="/registry")


@then(parsers.re(r'exactly one key was added, "(?P<key>[^"]+)"'))
def one_key(world: World, key: str) -> None:
    """For the object that was created last; NAME is what it was called by the server."""
    name = world.answers[world.last].body.get("metadata", {}).get("name", "")
    world.judge("storage.one_key", key=key.replace("NAMESPACE", world.namespace).replace("NAME", name), name=name)


@then(
    parsers.re(
        r"the key of the "
        + KIND
        + r" "
        + NAME
        + r" is (?P<what>gone only after its containers have stopped|gone|still there and marked for deletion)"
    )
)
def key_gone(world: World, kind: str, name: str, what: str) -> None:
    """Gone: the store's last word about it is the deletion. Marked: the object bears a deletion timestamp."""
    key = kind_of(kind).store_key(namespace=world.namespace, name=name)
    if what.startswith("still there"):
        windows.quiet(world)
        world.judge("storage.key_marked", key=key)
        return
    if what != "gone":
        stages.stop_is_held(world, name)
        world.judge("storage.key_held", key=key, name=name)
        stages.stop_goes_on(world)
    world.run(world.wait(lambda h: h.of("delete", key=key), within_s=world.timing().recovery))
    world.judge("storage.key_gone", key=key)


@then("nothing in the store changes for a while")
def silent(world: World) -> None:
    """A quiet window goes by; what API servers keep by themselves apart."""
    windows.quiet(world, patiently_s=windows.SLOW_POLLERS_S)
    world.judge("holds.silent_store", since="quiet", until="quiet-end")


@then(parsers.re(r'neither the store nor "(?P<watcher>\w+)" has got to know of a pod ' + NAME))
def no_trace(world: World, watcher: str, name: str) -> None:
    """A later, accepted pod is known to both."""
    stages.sentinel(world)
    world.run(world.wait(lambda h: h.of("watched", watch=f"{watcher}/pods", name="sentinel"), within_s=world.timing().reaction))
    world.judge("pipeline.no_trace", name=name, watchers=[f"{watcher}/pods"], readable=world.store is not None)
