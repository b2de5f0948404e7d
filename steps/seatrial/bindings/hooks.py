"""The stages of a request and what the suite's hooks do there."""

from pytest_bdd import given, parsers, then, when

from seatrial.bindings.phrases import KIND, NAME
from seatrial.world import World, operations, roles, stages
from seatrial.world.objects import OTHER_IMAGE

STAGE = r"(?P<stage>authentication|authorization|mutation|validation)"


@given("the hooks see every write")
def see_every_write(world: World) -> None:
    """Admission hooks for the scenario's namespace are registered and have seen a canary."""
    stages.see_every_write(world)


@given(parsers.re(STAGE + r" is held up"))
def held_up(world: World, stage: str) -> None:
    """Alice's requests wait there until the stage goes on."""
    stages.hold_up(world, stage)


@when(parsers.re(STAGE + r" goes on"))
def goes_on(world: World, stage: str) -> None:
    """What waited is decided, and what was begun is answered."""
    stages.goes_on(world, stage)


REFUSES = (
    r"(?P<stage>admission|mutation|validation) refuses "
    r"(?:everything(?P<mute> without a word)?|(?P<nothing>nothing any more)"
    r"|(?P<end>the deletion of )?(?P<resource>pods|replicasets) (?:named|(?P<of>of)) " + NAME + r")"
)


@given(parsers.re(REFUSES))
@when(parsers.re(REFUSES))
def refuses(
    world: World,
    stage: str,
    mute: str | None,
    nothing: str | None,
    end: str | None,
    resource: str | None,
    of: str | None,
    name: str | None,
) -> None:
    """Everything that alice writes, or whoever writes or deletes a pod of that name, or what belongs to the workload of that name, or who
    deletes it alone. Nothing any more: some time after a component was refused. Without a word: the hook has nothing to add to its no."""
    if nothing:
        stages.relent(world)
    else:
        stages.refuse(world, stage, name, of=resource if of else None, verb="delete" if end else None, mute=bool(mute))


READS = r'(?P<read>configmaps)(?: called "(?P<only>\w+)")?(?: in the namespace "(?P<there>[\w-]+)")?'


@given(
    parsers.re(
        r'"(?P<person>\w+)" may (?:do nothing(?: but read ' + READS + r")?|not (?P<verb>\w+) (?P<resource>[\w/]+)"
        r'(?: in the namespace "(?P<namespace>[\w-]+)"|(?P<everywhere> everywhere))?)'
    )
)
def may_not(
    world: World,
    person: str,
    verb: str | None,
    resource: str | None,
    namespace: str | None,
    everywhere: str | None,
    read: str | None,
    only: str | None,
    there: str | None,
) -> None:
    """The authorization hook denies exactly that: to the object "old" or in the scenario's namespace, in another one, or to all. What
    may be read nevertheless is what a role says, and the API server that goes by roles."""
    stages.forbid(world, person, verb, resource, namespace="" if everywhere else namespace)
    if read:
        roles.let_read(world, person, read, only=only, there=there or world.namespace)


@given(
    parsers.re(
        r'mutation (?:makes (?P<replicas>\d+) replicas of every scale|sends every binding to "(?P<node>\w+)"'
        r'|says "(?P<message>\w+)" in every status|labels every '
        + KIND
        + r' "(?P<label>\w+=[\w-]+)" instead of "(?P<other>\w+)"(?P<image> and gives it another image)?)'
    )
)
def labels(
    world: World,
    replicas: str | None,
    node: str | None,
    message: str | None,
    kind: str | None,
    label: str | None,
    other: str | None,
    image: str | None,
) -> None:
    """What alice writes of this kind; or the number that she asks for, or the node, or what she says about an object."""
    if replicas:
        stages.rewrite(world, "scale", "/spec/replicas", int(replicas))
    elif node:
        stages.rewrite(world, "binding", "/target/name", node)
    elif message:
        stages.rewrite(world, "status", "/status/message", message)
    elif kind and label and other:
        stages.label(world, kind, label, other, image=bool(image))


@then(parsers.re(r"the request has come to " + STAGE + r" and no further"))
def no_further(world: World, stage: str) -> None:
    """The hook was asked; no later hook, nothing in the store, nobody told, for as long as a reaction may take."""
    stages.reached(world, stage)
    world.judge("pipeline.held_at", stage=stage, user=world.last, name=operations.NEW if world.verb == "create" else operations.OLD)


@then(parsers.re(r"the request is refused by (?P<stage>authentication|authorization|decoding|admission|validation)"))
def refused_by(world: World, stage: str) -> None:
    """By code, by the refusing hook's own record, and by the silence of all later stages."""
    stages.all_answered(world)
    world.judge("pipeline.refused", stage=stage, user=world.last)


@then(parsers.re(r"no stage after (?P<stage>authentication|authorization|mutation|admission) has seen it and nothing was stored"))
def untouched(world: World, stage: str) -> None:
    """Later, accepted writes show that hooks and store would have been seen."""
    user = world.last
    stages.sentinel(world)
    world.judge("pipeline.untouched", stage=stage, user=user)


@then(parsers.re(r"admission has been asked about the (?P<operation>creation|update|deletion)"))
def admitted(world: World, operation: str) -> None:
    """Both the mutating and the validating hook, on behalf of this person; and about what components have written meanwhile."""
    verbs = {"creation": "create", "update": "update", "deletion": "delete"}
    world.judge("pipeline.admitted", user=world.last, operation=verbs[operation])


@then("admission was not asked, though it is about the next write")
def skipped(world: World) -> None:
    """The next write is somebody else's, whom nobody refuses anything."""
    user = world.last
    stages.sentinel(world)
    world.judge("pipeline.skipped", user=user, sentinel="sentinel")


@then(
    parsers.re(
        r'validation, the store(?:, the answer)? and "(?P<watcher>\w+)" see '
        r'(?:(?P<replicas>\d+) replicas|the node "(?P<node>\w+)"|the message "(?P<message>\w+)"'
        r'|the label "(?P<label>\w+=\w+)"(?:,| and) no "(?P<other>\w+)"(?P<image>, and the other image)?)'
    )
)
def changed(
    world: World,
    watcher: str,
    replicas: str | None,
    node: str | None,
    message: str | None,
    label: str | None,
    other: str | None,
    image: str | None,
) -> None:
    """One object all the way."""
    name = world.answers[world.last].body.get("metadata", {}).get("name", operations.OLD)
    watch = next(each for each in world.watchers if each.startswith(f"{watcher}/"))
    stages.heard(world, watch, name, written=world.answers[world.last].revision)
    where = {"user": world.last, "name": name, "watcher": watch}
    if replicas:
        world.judge("pipeline.admitted_part", subresource="scale", field="spec.replicas", value=int(replicas), **where)
    elif message:
        world.judge("pipeline.admitted_part", subresource="status", field="status.message", value=message, **where)
    elif node:
        world.judge("pipeline.admitted_binding", node=node, **where)
    else:
        how = {"label": label, "without": other, "image": OTHER_IMAGE if image else None, "note": stages.NOTE}
        world.judge("pipeline.admitted_object", **where, **how)
