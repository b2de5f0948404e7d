"""Pods and the workloads that they belong to."""

from pytest_bdd import given, parsers, then, when

from seatrial.bindings.phrases import NAME, WHO, acting
from seatrial.world import World, stages, windows, workloads

STATE = r"(?P<state>been created|been bound|become running)"


@when(parsers.re(r"the pods? (?:of )?" + NAME + r" ha(?:s|ve) " + STATE))
def pods_have(world: World, name: str, state: str) -> None:
    """As many as wanted, and all of them; bounded by the recovery time."""
    workloads.have(world, name, state)


@then(parsers.re(r"(?:the pods? (?:of )?)" + NAME + r" becomes? running"))
def pods_become(world: World, name: str) -> None:
    """As many as wanted, and all of them Running, within the recovery time."""
    workloads.become(world, name)


@then(
    parsers.re(
        r"(?P<how>exactly|at most(?=.* were ever created)) (?P<number>\d+) pods? of "
        + NAME
        + r" (?P<when>is left|are left|were ever created)"
    )
)
def pods_left(world: World, how: str, number: str, name: str, when: str) -> None:
    """So many, and still so many after a quiet window. Ever created: by uid and by attempts, over the whole history."""
    if when == "were ever created":
        workloads.ever_created(world, name, int(number), at_most=how == "at most")
    else:
        workloads.left(world, name, int(number))


@then(parsers.re(r"each (?:of them|pod of " + NAME + r") was bound exactly once"))
def bound_once(world: World, name: str | None) -> None:
    """In the history of each pod the node appears once and never changes."""
    workloads.judge_bound_once(world, [name] if name else world.batch)


@then(parsers.re(r"the pods? (?:of )?" + NAME + r" (?:is|are) stored and stays? unbound"))
def stays_unbound(world: World, name: str) -> None:
    """They are there, and in a quiet window they get no node."""
    world.run(world.wait(lambda h: workloads.reached(h, name, "been created"), within_s=world.timing().recovery))
    windows.quiet(world, patiently_s=windows.POLLERS_S)
    world.judge("workloads.stays_unbound", name=name)


@then(parsers.re(r"nothing is made from the (?:deployment|replicaset) " + NAME + r" for a while"))
def nothing_made(world: World, name: str) -> None:
    """Neither a ReplicaSet nor a pod of it exists after a quiet window."""
    windows.quiet(world, patiently_s=windows.POLLERS_S)
    world.judge("workloads.nothing_made", name=name)


@then(parsers.re(WHO + r" does (?:nothing|anything) about " + NAME + r" while the streams are held"))
def idle_while_held(world: World, who: str, name: str) -> None:
    """The change is offered to them and not delivered; in a quiet window they ask nothing about it and run nothing of it."""
    instances, user = acting(world, who)
    windows.quiet(world, patiently_s=windows.POLLERS_S)
    world.judge("holds.idle", who=[i.name for i in instances], name=name, **({"user": user} if user else {}))


@then(parsers.re(r"the revisions of everything about " + NAME + r" follow the chain of events"))
def chain_order(world: World, name: str) -> None:
    """Deployment < ReplicaSet < pod < binding < Running, for every pod, by revisions of the store."""
    world.judge("chain.revisions", name=name)


@then(parsers.re(r"each step about " + NAME + r" was done by its own component"))
def chain_actors(world: World, name: str) -> None:
    """Each revision of the chain is joined with the one accepted request that made it."""
    world.judge("chain.actors", name=name)


@then(parsers.re(r"every pod of " + NAME + r" was created by the controller manager"))
def created_by(world: World, name: str) -> None:
    """By an accepted request of a controller manager at the tap."""
    world.judge("chain.created_by", name=name, role="controller-manager")


@then(parsers.re(r"the deployment " + NAME + r" owns (?P<number>\d+) replicasets? with (?:a pod-template-hash|different hashes)"))
def owned_replicasets(world: World, name: str, number: str) -> None:
    """Each controlled by it, each with a hash of its own on itself, its selector and its template."""
    world.run(world.wait(lambda h: workloads.owned(h, name, int(number)), within_s=world.timing().recovery))
    windows.quiet(world)
    world.judge("replicasets.owned", name=name, number=int(number))


@then(parsers.re(r"no name of a pod of " + NAME + r" was used twice and never more were created than were missing"))
def names_once(world: World, name: str) -> None:
    """Over the whole history of the ReplicaSet."""
    world.judge("replicasets.never_surplus", name=name)


@then(parsers.re(r'on "(?P<node>[\w-]+)" a sandbox, then each container of the pod ' + NAME + r" was created and started"))
def ran(world: World, node: str, name: str) -> None:
    """By the calls that the runtime got, in their order; again, where it has ended and is to run."""
    workloads.all_started(world, name)
    world.judge("runtime.ran", node=node, name=name)


@then(parsers.re(r'on "(?P<node>[\w-]+)" only the pod ' + NAME + r" was run"))
def only_ran(world: World, node: str, name: str) -> None:
    """The runtime was asked for no other sandbox; this one shows that it would have been seen."""
    windows.quiet(world, patiently_s=windows.POLLERS_S)
    world.judge("runtime.only", node=node, name=name)


END = (
    r'containers (?:on "(?P<slow>[\w-]+)" take their time to start|take their time to stop)'
    r"|the runtime fails at first to (?P<attempt>pull an image|make a sandbox|(?:create a|start a|finish an init) container)"
    r'|(?P<which>the containers|one container|the sandbox) of the pod "(?P<name>[^"]+)" ends?(?P<well> well)?'
)


@given(parsers.re(END))
@when(parsers.re(END))
def containers_end(world: World, slow: str | None, attempt: str | None, which: str | None, name: str | None, well: str | None) -> None:
    """The runtime is asked to stop them, or on one node to start them, and says it has done so only when the suite lets it; or, in one pod,
    they end by themselves, as after an error, or well. One: the first. The sandbox: with all that is in it. Or the first attempt for each
    pod fails, and no later one: that of an init container ends."""
    if attempt:
        stages.fails_at_first(world, attempt)
    elif name:
        stages.containers_end(world, name, which=which or "", well=bool(well))
    elif slow:
        stages.slow_start(world, slow)
    else:
        stages.slow_end(world)
