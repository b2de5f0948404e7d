"""What people were told."""

from pytest_bdd import parsers, then

from seatrial.bindings.phrases import KIND, NAME
from seatrial.world import World, people, stages

WHOM = r'(?:"(?P<person>\w+)"|s?he)'
READER = "reader"
DOZEN = 12


@then(parsers.re(WHOM + r" is answered 201 with the whole \w+"))
def answered_whole(world: World, person: str | None) -> None:
    """Everything that was sent, name, uid, version and time of creation, and what is stored."""
    stages.all_answered(world)
    world.needs_pure_answers()
    world.run(world.revision())
    world.judge("answers.whole", user=person or world.last, code=201)


@then(parsers.re(WHOM + r" is answered (?P<code>[45]\d\d) (?P<reason>\w+)"))
def answered_status(world: World, person: str | None, code: str, reason: str) -> None:
    """A Status object with this code and reason."""
    world.judge("answers.status", user=person or world.last, code=int(code), reason=reason)


@then(parsers.re(r"the " + KIND + r" " + NAME + r' is what (?:"(?P<person>\w+)"|the one) was told'))
def read_back(world: World, kind: str, name: str, person: str | None) -> None:
    """Read anew, by somebody else. The one: of many, the one who was answered 201."""
    people.reads(world, READER, kind, name)
    world.judge("answers.read_back", writers=[person] if person else world.batch, reader=READER)


@then(parsers.re(r"the " + KIND + r" " + NAME + r" is as it was"))
def as_it_was(world: World, kind: str, name: str) -> None:
    """But for its status: what was answered when it was created."""
    people.reads(world, READER, kind, name)
    world.judge("pipeline.unchanged", name=name, reader=READER)


@then(parsers.re(WHOM + r" can (?P<verb>\w+) (?P<resource>[\w/]+)(?P<everywhere> everywhere)?"))
def can(world: World, person: str | None, verb: str, resource: str, everywhere: str | None) -> None:
    """Another operation is allowed."""
    people.tries(world, person or world.last, verb, resource, everywhere=bool(everywhere))
    world.judge("answers.allowed", user=person or world.last)


@then("exactly one of them is answered 201 and the others 409 AlreadyExists")
def one_winner(world: World) -> None:
    """Of those who created one object at once."""
    world.judge("answers.one_winner", users=world.batch)


@then(parsers.re(r'they have different names that begin with "(?P<prefix>[\w-]+)"'))
def generated(world: World, prefix: str) -> None:
    """The last two answers."""
    world.judge("answers.generated", user=world.last, prefix=prefix)


@then("each of them is read as it was answered, and a list holds exactly them")
def each_read(world: World) -> None:
    """One by one, a dozen of many, and all together, in the scenario's namespace and, but for guests, among those of all namespaces."""
    for everywhere in (False, True) if world.implementation.guest is None else (False,):
        people.lists(world, READER, "configmaps", everywhere=everywhere)
    for name in world.batch[:DOZEN]:
        people.reads(world, READER, "configmap", name)
    world.judge("answers.each_read", names=world.batch, alone=world.batch[:DOZEN], reader=READER)


@then(
    parsers.re(
        r"pages of (?P<size>\d+) hold "
        r"(?:each of them|(?P<last>the last one when it is looked for by (?:its label|(?P<other>an expression)|(?P<called>its name))))"
        r" exactly once, though some are changed meanwhile"
    )
)
def pages(world: World, size: str, last: str | None, other: str | None, called: str | None) -> None:
    """By limit and continue; all pages show the same moment."""
    names = world.batch[-1:] if last else world.batch
    label = f"app in ({names[0]}),app" if other else f"app={names[0]}"
    selector = {"fieldSelector": f"metadata.name={names[0]}"} if called else {"labelSelector": label}
    people.lists(world, "pager", "configmaps", pages_of=int(size), selector=selector if last else None)
    world.judge("answers.pages", names=names, reader="pager", size=int(size))


@then(parsers.re(r"(?P<which>the first|the first two|all) of them (?:is|are) gone(?: and the others are as they were)?"))
def gone(world: World, which: str) -> None:
    """Each is looked for, one by one; the others are all that were ever created, in other namespaces and of another kind too."""
    for kind in ("configmap", "secret"):
        people.reads_all_created(world, READER, kind)
    number = {"the first": 1, "the first two": 2}.get(which)
    world.judge("answers.gone", lost=world.batch[:number], namespace=world.namespace, reader=READER)


@then(parsers.re(r'everything that "(?P<person>\w+)" was told of is stored'))
def kept(world: World, person: str) -> None:
    """Once the answer has come, or the request time is over."""
    stages.all_answered(world)
    world.judge("pipeline.kept", user=person)
