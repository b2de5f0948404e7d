"""Clusters and what is done to their components."""

from pytest_bdd import given, parsers, when

from seatrial.bindings.phrases import CLUSTER, WHO, acting, topology
from seatrial.bindings.phrases import who as meant
from seatrial.world import World, faults, people

FATE = (
    r"stopped|killed|paused|resumed|started again|killed and started again|cut off from every API server|connected again"
    r"|kept from its lease until somebody else has it"
)


@given(parsers.re(CLUSTER))
def a_cluster(world: World, parts: str) -> None:
    """One etcd, API server, scheduler and controller manager unless said otherwise. `fresh`: seen from its first connection on."""
    world.boot(topology(parts))


NODES = r'node "(?P<name>[\w-]+)" joins|(?:every node|node "(?P<one>[\w-]+)") is (?P<what>cordoned|uncordoned)'


@given(parsers.re(NODES))
@when(parsers.re(NODES))
def nodes_change(world: World, name: str | None, one: str | None, what: str | None) -> None:
    """A kubelet on a new host registers its node; the node is Ready. Or, by the operator, one node or all take no new pods, or take some
    again, and whom it concerns has had time to hear of it."""
    if name:
        world.run(world.cluster.join(name))
    else:
        people.cordons(world, [one] if one else world.cluster.order.topology.nodes, unschedulable=what == "cordoned")


@given(parsers.re(WHO + r" (?:is|are) (?P<what>" + FATE + r")"))
@when(parsers.re(WHO + r" (?:is|are) (?P<what>" + FATE + r")"))
def something_happens(world: World, who: str, what: str) -> None:
    """Stopped: asked to, then killed. Killed: at once, no good-bye. Started again: ready when the sentence ends. Cut off: nothing passes
    between the hosts in either direction, and nobody is told. Connected again: every cut is undone, and they have been heard of. Kept from
    its lease: the tap holds what it asks about it until it has given up, the lease has expired, and a standby or the operator has it.
    Afterwards one of those that compete for it has it again."""
    faults.happens(world, meant(world, who), what)


STREAMS = r"the watch streams of " + WHO + r"(?: on (?P<resource>[a-z]+))? (?P<fate>are held|end)"


@given(parsers.re(STREAMS))
@when(parsers.re(STREAMS))
def streams(world: World, who: str, resource: str | None, fate: str) -> None:
    """Held: the tap keeps back what the API server tells them, of everything or of one kind, new streams included; everything else flows.
    End: in good order, as an API server ends them every so often."""
    instances, user = acting(world, who)
    match = {what: one for what, one in (("user", user), ("resource", resource)) if one}
    (faults.end_streams if fate == "end" else faults.hold_streams)(world, instances, **match)


@when("the streams are released")
def streams_are_released(world: World) -> None:
    """What was kept back is delivered now, in its order."""
    world.run(world.cluster.faults.release())


@when("every component has asked the API server again")
def has_asked_again(world: World) -> None:
    """Each component but etcd has sent a request since the last start of the API server."""
    faults.all_asked_again(world)
