"""Who is connected to whom, who has asked for what, and who was told of what."""

import re

from pytest_bdd import parsers, then

from seatrial.bindings.phrases import NAME, ROLE_PHRASES, WHO, alone
from seatrial.bindings.phrases import who as meant
from seatrial.world import World, faults, probes, windows, workloads


@then("during all of this only the API server was connected to etcd")
def only_the_api_server(world: World) -> None:
    """Standing connections, openings and refused attempts, from the first moment on; canaries from every other host."""
    alone(world, "etcd")
    windows.quiet(world, patiently_s=windows.POLLERS_S, at_least_s=windows.LATEST_S)
    probes.canaries(world, ["scheduler", "controller-manager", "kubelet"], ["etcd"])
    world.judge("edges.only", allowed=["apiserver"], target="etcd")


@then(parsers.re(r"while " + WHO + r" tries to reconnect it never contacts etcd"))
def never_etcd(world: World, who: str) -> None:
    """It tries to reach its API server at least once more, and then a quiet window goes by."""
    alone(world, "etcd")
    faults.keeps_trying(world, meant(world, who))
    windows.window(world, patiently_s=windows.POLLERS_S)
    probes.canaries(world, ["scheduler", "controller-manager", "kubelet"], ["etcd"])
    world.judge("edges.only", allowed=["apiserver"], target="etcd", since="cut")


@then("during all of this every connection went to or from the API server")
def through_the_api_server(world: World) -> None:
    """Judged over all connections between components since the first moment."""
    faults.outlasts_cut(world)
    windows.window(world, patiently_s=windows.POLLERS_S)
    probes.canaries(world, ["scheduler", "controller-manager", "kubelet"], ["etcd", "apiserver"])
    world.judge("edges.only_through", hub="apiserver")


@then(
    parsers.re(
        r"during all of this no frame went between (?P<first>the scheduler|the kubelets)"
        r"(?: and (?P<second>the scheduler|the controller manager))?"
    )
)
def no_frame(world: World, first: str, second: str | None) -> None:
    """All frames of all protocols count, both ways; the counters must then see the suite's own. What one has for the other and gives to the
    API server, on the other's lease or to be passed on, counts as well."""
    one, other = ROLE_PHRASES[first], ROLE_PHRASES[second or first]
    alone(world, one, other)
    faults.outlasts_cut(world)
    windows.quiet(world, patiently_s=windows.POLLERS_S)
    probes.counted_canaries(world, [one], [other])
    world.judge("edges.no_frames", between=[one], and_=[other], until="counted")


@then(parsers.re(r"(?P<since>since the restart )?every connection between the API server and a component was opened by the component"))
def opened_by_component(world: World, since: str | None) -> None:
    """Each component has opened one, and the API server none, for a while after it was last given a reason, too."""
    windows.quiet(world, patiently_s=windows.POLLERS_S)
    probes.canaries(world, ["apiserver"], ["scheduler", "controller-manager", "kubelet"])
    world.judge("edges.opened_by_components", since="start" if since else None)


@then(parsers.re(r"during all of this (?P<role>the API server|the scheduler) never opened a connection to a kubelet"))
def no_dial_to_kubelets(world: World, role: str) -> None:
    """Nobody asked for exec, attach, logs or port-forward, nor the scheduler for anything that the API server passes on to a kubelet."""
    windows.quiet(world, patiently_s=windows.SLOW_POLLERS_S)
    probes.canaries(world, [ROLE_PHRASES[role]], ["kubelet"])
    world.judge("edges.never", sources=[ROLE_PHRASES[role]], targets=["kubelet"])


@then(parsers.re(WHO + r" has a watch on (?P<resources>.+)"))
def has_a_watch(world: World, who: str, resources: str) -> None:
    """One accepted watch request for each, and an event delivered over one of them."""
    world.needs_deliveries()
    world.judge("requests.watches", who=[i.name for i in meant(world, who)], resources=re.split(r", | and ", resources))


@then(parsers.re(WHO + r" reads nothing again while nothing changes"))
def no_list(world: World, who: str) -> None:
    """Not a single LIST or GET but of leases in a quiet window, in which it is alive; whoever has lost a watch may list once."""
    names = [i.name for i in meant(world, who)]
    faults.come_to_rest(world, names)
    windows.quiet(world, patiently_s=windows.SLOW_POLLERS_S)
    world.judge("requests.no_list", who=names, since="quiet", until="quiet-end")


@then(parsers.re(r"the scheduler was told of the pod " + NAME + r" by its watch before it bound it"))
def told_before_binding(world: World, name: str) -> None:
    """In the order of the tap, which both the event and the binding pass."""
    alone(world, "scheduler")
    world.needs_deliveries()
    world.judge("requests.told_before_binding", name=name)


@then(parsers.re(r'the scheduler asked for a binding of "(?P<bound>[^"]+)" and for none of "(?P<left>[^"]+)"'))
def bindings_asked(world: World, bound: str, left: str) -> None:
    """Attempts count, refused ones too; the later pod shows that it was at work."""
    alone(world, "scheduler")
    windows.quiet(world)
    world.judge("requests.bindings", bound=bound, left=left)


@then("the scheduler wrote nothing but bindings, pod status, events, leases and reviews")
def scheduler_writes(world: World) -> None:
    """All its writes at the tap, refused ones too."""
    alone(world, "scheduler")
    windows.quiet(world)
    world.judge("requests.scheduler_writes")


@then(
    parsers.re(
        r"each (?:change|binding of a pod of "
        + NAME
        + r") in the store belongs to (?:an|exactly one) accepted request(?: of the scheduler)?"
    )
)
def changes_joined(world: World, name: str | None) -> None:
    """Joined by the store's revisions; a binding by its pod, a deletion by its name."""
    if name is None:
        world.judge("holds.joined")
    else:
        world.judge("requests.bindings_joined", name=name)


@then(parsers.re(r'the kubelet of "(?P<node>[\w-]+)" was told of "(?P<own>[^"]+)" and not of "(?P<other>[^"]+)"'))
def kubelet_told(world: World, node: str, own: str, other: str) -> None:
    """By the events that were delivered over its watches, and by what its lists asked for."""
    alone(world, "kubelet")
    world.needs_deliveries()
    windows.quiet(world)
    world.judge("requests.told_only", instance=node, own=own, other=other)


@then(
    parsers.re(
        r"each status of a pod of "
        + NAME
        + r" in the store belongs to exactly one accepted request of its node's kubelet or of the scheduler"
    )
)
def status_joined(world: World, name: str) -> None:
    """Joined by revision; the status Running is always the kubelet's. What was started and what has ended in the pod is mentioned within
    the recovery time, and as what it was."""
    workloads.all_reported(world, name)
    world.judge("statuses.joined", name=name)
