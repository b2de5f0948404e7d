"""What people do with objects."""

import re
from collections.abc import Callable
from typing import Any

from pytest_bdd import given, parsers, when

from seatrial.bindings.phrases import KIND, NAME, PERSON, unquoted
from seatrial.world import World, many, people, workloads
from seatrial.world.objects import IMAGE, MARK, OTHER_IMAGE, changed

Meaning = Callable[[World, str], Any]
TRAITS: dict[str, tuple[str, Meaning]] = {  # of what is created, after its name
    "replicas": (r" with (\d+) replicas", lambda _, number: int(number)),
    "containers": (r" with (\d+) containers", lambda _, number: int(number)),
    "inits": (r" with (an init container|two init containers)", lambda _, how: 2 if "two" in how else 1),
    "node": (r' on node "([\w-]+)"', lambda _, name: name),
    "wish": (r' that asks for node "([\w-]+)"', lambda _, name: name),
    "labelled": (r" that asks for (a labelled node)", lambda *_: True),
    "namespace": (r' in the namespace "([\w-]+)"', people.whole),
    "content": (r" with (other content)", lambda *_: "stormy"),
    "prefix": (r" with (a prefix)", lambda *_: "seatrial-"),
    "cpu": (r" that (takes most of a node)", lambda world, _: people.most_of_a_node(world)),
    "finite": (r" (?:that|and) (is not started again)", lambda *_: True),
    "dogged": (r" that (is started again after errors)", lambda *_: True),
    "selects": (r' that chooses (by an expression|the pods of "[\w-]+")', lambda _, how: people.selects(how)),
    "gated": (r" that (waits at a gate)", lambda *_: True),
    "told": (r" that (?:is|are) (told what to do)", lambda *_: True),
}
TEMPLATED = frozenset({"deployment", "replicaset"})  # kinds whose pods' labels and annotations are meant, not their own
ONE_OF = (
    r"(?P<what>deletes one pod|(?:deletes|scales) the replicaset|takes the label from one pod"
    r'|gives the pod "(?P<given>[\w-]+)" the label)'
)
MANY = r"(?P<number>\d+) (?P<large>large )?(?P<kind>pods|configmaps)"


@when(parsers.re(PERSON + r" creates an? " + KIND + " " + NAME + f"(?P<traits>(?:{'|'.join(pattern for pattern, _ in TRAITS.values())})*)"))
def creates(world: World, person: str, kind: str, name: str, traits: str) -> None:
    """The least that is a valid object of the kind, in the scenario's namespace, NAMESPACE, unless another one is named. Two that take most
    of a node do not fit on one. Told what to do: each container its command, arguments and environment."""
    found = {trait: (re.search(pattern, traits), means) for trait, (pattern, means) in TRAITS.items()}
    how = {trait: means(world, match[1]) for trait, (match, means) in found.items() if match}
    people.creates(world, unquoted(person), kind, name, **how)


@given(
    parsers.re(
        r"an? "
        + KIND
        + r" "
        + NAME
        + r"(?: with (?P<replicas>\d+) replicas)?(?: with (?P<finalizers>a finalizer|two finalizers))? (?P<state>exists|is running)"
    )
)
def there_is(world: World, kind: str, name: str, replicas: str | None, finalizers: str | None, state: str) -> None:
    """Made by the operator; running means all its pods."""
    people.exists(world, kind, people.whole(world, name), replicas=int(replicas or 1), finalizers=people.FINALIZERS[finalizers])
    if state == "is running":
        workloads.have(world, name, "become running")


@when(
    parsers.re(
        PERSON + r" begins to (?P<verb>create|update|replace|patch|jsonpatch|strategicpatch|apply|bind|delete) a pod(?P<status>'s status)?"
    )
)
def begins(world: World, person: str, verb: str, status: str | None) -> None:
    """The request is sent and its answer not waited for. A new pod is called "new"; the one to change is called "old"."""
    people.begins(world, unquoted(person), verb, "pods/status" if status else "pods")


@when(parsers.re(PERSON + r' tries to (?P<verb>\w+) (?P<resource>[\w/]+)(?:(?P<everywhere> everywhere)| in the name of "(?P<guise>\w+)")?'))
def tries(world: World, person: str, verb: str, resource: str, everywhere: str | None, guise: str | None) -> None:
    """One operation on the object "old", on a new one for create, on the collection for list and deletecollection, or on all of them. In
    somebody's name: with the headers by which those who may would speak for them."""
    people.tries(world, unquoted(person), verb, resource, everywhere=bool(everywhere), guise=guise)


@when(parsers.re(PERSON + r" scales the (?P<kind>deployment|replicaset) " + NAME + r" to (?P<replicas>\d+) replicas?"))
def scales(world: World, person: str, kind: str, name: str, replicas: str) -> None:
    """A patch of spec.replicas."""
    people.changes(world, unquoted(person), kind, name, {"spec": {"replicas": int(replicas)}})


@when(
    parsers.re(
        PERSON
        + r" changes the (?:(?P<part>image|environment|patience|labels|annotations) of the )?"
        + KIND
        + r" "
        + NAME
        + r"(?P<back> back)?"
    )
)
def changes(world: World, person: str, part: str | None, kind: str, name: str, back: str | None) -> None:
    """A patch that matters to nobody; or the image of the only container, to another one or back to the first one; or that other image
    and what the container finds around it; or how long the pods may take to end. Or a template, or what has none, gets one label or
    annotation more."""
    if part is None:
        patch = changed(people.weather(world))
    elif part in ("labels", "annotations"):
        marked = {"metadata": {part: dict([MARK])}}
        patch = {"spec": {"template": marked}} if kind in TEMPLATED else marked
    elif part == "patience":
        patch = {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 2}}}}
    else:
        patch = people.new_container(IMAGE if back else OTHER_IMAGE, tide="high" if part == "environment" else None)
    people.changes(world, unquoted(person), kind, name, patch)


@when(
    parsers.re(
        PERSON
        + r" deletes the "
        + KIND
        + r" "
        + NAME
        + r"(?: if its (?P<mark>uid|resourceVersion) is another one|(?P<dry> as a rehearsal)(?P<url>, as its URL says)?)?"
    )
)
def deletes(world: World, person: str, kind: str, name: str, mark: str | None, dry: str | None, url: str | None) -> None:
    """With a precondition where one is named; or as a dry run, which may be asked for by the URL instead of by options."""
    options = {"preconditions": {mark: people.NOBODYS[mark]}} if mark else {"dryRun": ["All"]} if dry else {}
    people.deletes(world, unquoted(person), kind, name, by_url=bool(url), **options)


@when(parsers.re(PERSON + r" " + ONE_OF + " of " + NAME))
def does_to_one_of(world: World, person: str, what: str, given: str | None, name: str) -> None:
    """The pod that is the first by name: it is gone when the sentence ends, or matches no selector any more. Or the ReplicaSet that a
    deployment has: it goes, or is to have twice as many pods. Or some other pod, which matches from now on."""
    if given:
        people.changes(world, unquoted(person), "pod", given, {"metadata": {"labels": {"app": name}}})
        return
    does = {
        "deletes one pod": workloads.deletes_one_pod,
        "deletes the replicaset": workloads.deletes_the_replicaset,
        "scales the replicaset": workloads.scales_the_replicaset,
        "takes the label from one pod": workloads.unlabels_one_pod,
    }
    does[what](world, unquoted(person), name)


@when(
    parsers.re(PERSON + r" creates (?:one object of each kind|" + MANY + r'(?:, (?P<labelled>\d+) of them labelled "(?P<label>\w+=\w+)")?)')
)
def creates_many(
    world: World, person: str, number: str | None, large: str | None, kind: str, labelled: str | None, label: str | None
) -> None:
    """From now on "them". Of each kind: of each that the suite has a manifest of."""
    if number is None:
        many.creates_each_kind(world, unquoted(person))
        return
    many.creates_many(world, unquoted(person), kind, int(number), labelled=int(labelled or 0), label=label or "", large=bool(large))


@when(
    parsers.re(
        PERSON + r' (?P<what>changes|deletes|(?:takes|gives) the label "(?P<label>\w+(?:=\w+)?)" (?:from|to)) (?P<which>each|one) of them'
        r"(?P<twice> twice)?"
    )
)
def does_to_them(world: World, person: str, what: str, label: str | None, which: str, twice: str | None) -> None:
    """One: the first."""
    many.does_to_them(world, unquoted(person), what, label=label, only_one=which == "one", times=2 if twice else 1)


@when(
    parsers.re(
        PERSON
        + r" deletes the (?P<kinds>configmaps|storageclasses|pods)"
        + r' (?:labelled "(?P<label>[^"]+)"|called "(?P<name>\w+)"|in phase "(?P<phase>\w+)")'
        + r"(?P<dry> as a rehearsal)?(?P<body>, as its body says)?"
    )
)
def deletes_selected(
    world: World, person: str, kinds: str, label: str | None, name: str | None, phase: str | None, dry: str | None, body: str | None
) -> None:
    """DELETE of the collection with a label selector, or with a field selector for the name or the phase; or a dry run of that, which is
    asked for by the URL, or by options."""
    field = f"metadata.name={name}" if name else f"status.phase={phase}"
    selector = {"labelSelector": label} if label else {"fieldSelector": field}
    many.deletes_selected(world, unquoted(person), kinds, selector, dry=bool(dry), by_body=bool(body))


@when(parsers.re(r"(?P<number>\d+) people create a " + KIND + r" " + NAME + r" at once"))
def at_once(world: World, number: str, kind: str, name: str) -> None:
    """Each with content of their own."""
    many.create_at_once(world, int(number), kind, name)


@when(parsers.re(PERSON + r' creates (?P<number>\d+) (?P<kind>pods|configmaps) by the prefix "(?P<prefix>[\w-]+)"'))
def by_prefix(world: World, person: str, number: str, kind: str, prefix: str) -> None:
    """metadata.generateName."""
    many.creates_by_prefix(world, unquoted(person), kind, prefix, number=int(number))


@when(parsers.re(PERSON + r" sends (?P<what>an? (?:malformed )?(?:pod|thing|change)\b.*)"))
def sends(world: World, person: str, what: str) -> None:
    """A request that makes no sense, in one of the ways that the suite knows."""
    people.sends(world, unquoted(person), what)


@when(
    parsers.re(
        r"(?P<which>the|one) (?P<what>finalizer|gate) of the "
        + KIND
        + r" "
        + NAME
        + r" is removed(?: by an? (?P<write>update|patch|JSON patch|strategic patch)(?P<bare> that leaves no list)?)?"
    )
)
def unguarded(world: World, which: str, what: str, kind: str, name: str, write: str | None, bare: str | None) -> None:
    """By whoever has put it there, with a merge patch or another one, or with an update of the whole object. The list is left with what is
    left in it, and be that nothing; or it is not left at all. A namespace has its list elsewhere."""
    if what == "gate":
        people.changes(world, people.KEEPER, kind, name, {"spec": {"schedulingGates": None}})
        return
    left = people.FINALIZERS["a finalizer"] if which == "one" else ()
    people.leaves_finalizers(world, kind, name, None if bare else left, write=write)
