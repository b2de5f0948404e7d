"""Who is connected to whom, judged over intervals: an edge counts if it exists in the window, whoever opened it and whenever.

A *never* over edges needs two witnesses. The canary: the suite makes the forbidden move itself, from inside the suspect's host, and the
recorder must have seen it; it guards the observer. The sign of life: the suspect was at work in the window; it guards the subject.
Connections are judged by who and which way, never by how many: HTTP/1.1 multiplies them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from seatrial.checks.disguises import addressed, exchanges
from seatrial.checks.facts import OWN, Window, alive, instances, mark, roles_of, window
from seatrial.checks.registry import check, fault, proof, require
from seatrial.model.history import Event, History, once
from seatrial.model.saying import counted
from seatrial.model.verdicts import Finding, Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One connection, or an attempt at one."""

    source: str
    target: str
    opened: Event
    end_s: float


def edges(history: History, seen: Window) -> list[Edge]:
    """Connections of components that exist in the window; the suite's own canaries are left out, by their reserved ports."""
    return [e for e in _of_components(history) if seen.touches(e.opened.at_s, e.end_s)]


@once
def _of_components(history: History) -> Sequence[Edge]:
    closed = {e["link"]: e.at_s for e in history.of("close")}
    canaries = {e["link"] for e in _seen_canaries(history)}
    return [
        Edge(source=e["origin"], target=e["target"], opened=e, end_s=closed.get(e["link"], float("inf")))
        for e in history.of("open")
        if e["link"] not in canaries and e["origin"] not in OWN
    ]


@once
def _seen_canaries(history: History) -> Sequence[Event]:
    sent = {(e.instance, e["sport"]) for e in history.of("canary")}
    return [e for e in history.of("open") if (e["origin"], e["sport"]) in sent]


def no_losses(history: History) -> None:
    """Inconclusive where the recorder itself lost something."""
    losses = history.of("losses")
    require(not losses, f"the recorder lost {sum(e['count'] for e in losses)} frames")


def canaries(history: History, sources: Iterable[str], targets: Sequence[str], seen: Window) -> list[Event]:
    """The suite's own forbidden moves, seen by the recorder in the window. Inconclusive for every source that it is blind for."""
    caught = {(e["origin"], e["target"]): e for e in _seen_canaries(history) if seen.holds(e)}
    blind = sorted({s for s in sources for t in targets if s != t and (s, t) not in caught})
    require(not blind, f"the recorder is blind: it did not see the canaries from {', '.join(blind)} to {', '.join(targets)}")
    return list(caught.values())


def _breaches(found: Iterable[Edge], *, expected: str, wrong: Callable[[Edge], bool]) -> tuple[Finding, ...]:
    by_pair: dict[tuple[str, str], Edge] = {}
    for edge in found:
        if wrong(edge):
            by_pair.setdefault((edge.source, edge.target), edge)
    return tuple(fault(e.source, expected, f"{e.source} -> {e.target}:{e.opened['port']}", e.opened) for e in by_pair.values())


@check
def only(history: History, *, allowed: list[str], target: str, since: str | None = None) -> Proof:
    """Of all components only those with an allowed role are connected to instances of the role `target`."""
    seen, targets = window(history, since), instances(history, target)
    require(targets, f"there is no {target} to be connected to")
    suspects = [i for i in instances(history) if not roles_of(history, i) & {*allowed, target}]
    require(suspects, f"nobody is there who could be connected to {target}")
    found = [e for e in edges(history, seen) if e.target in targets and e.source not in targets]
    breaches = _breaches(
        found,
        expected=f"only {' and '.join(allowed) or 'nobody'} connected to {target}",
        wrong=lambda e: not roles_of(history, e.source) & set(allowed),
    )
    if breaches:
        return proof([], *breaches)
    no_losses(history)
    evidence = [*canaries(history, suspects, targets, seen), *alive(history, suspects, seen)]
    return proof([*evidence, *(e.opened for e in found)])


@check
def never(history: History, *, sources: list[str], targets: list[str]) -> Proof:
    """No instance with a role of `sources` is connected to one with a role of `targets`, or reaches it by way of the API server."""
    seen = window(history)
    froms, tos = instances(history, *sources), instances(history, *targets)
    require(froms and tos, f"there is nobody of {sources} or of {targets}")
    found = edges(history, seen)
    breaches = _breaches(
        found,
        expected=f"no connection from {' or '.join(sources)} to {' or '.join(targets)}",
        wrong=lambda e: e.source in froms and e.target in tos and e.source != e.target,
    ) or addressed(history, froms, tos)
    if breaches:
        return proof([], *breaches)
    no_losses(history)
    return proof([*canaries(history, froms, tos, seen), *alive(history, froms, seen)])


@check
def only_through(history: History, *, hub: str) -> Proof:
    """Every connection between components has an instance of the role `hub` at one of its ends."""
    seen, hubs, members, stores = window(history), instances(history, hub), instances(history), set(instances(history, "etcd"))
    found = edges(history, seen)

    def wrong(edge: Edge) -> bool:
        ends = {edge.source, edge.target}
        return edge.target in members and len(ends) > 1 and not ends & {*hubs} and not ends <= stores  # members of a store are one store

    breaches = _breaches(found, expected=f"every connection goes to or from the {hub}", wrong=wrong)
    if breaches:
        return proof([], *breaches)
    no_losses(history)
    suspects = [i for i in instances(history) if i not in hubs and not roles_of(history, i) & {"etcd"}]
    witnesses = [e.opened for e in found if e.target in hubs]
    return proof([*witnesses, *alive(history, suspects, seen), *_some_canaries(history, suspects, seen)])


def _some_canaries(history: History, suspects: Sequence[str], seen: Window) -> list[Event]:
    """At least one canary of every suspect must have been seen."""
    caught = {e["origin"]: e for e in _seen_canaries(history) if seen.holds(e)}
    blind = [s for s in suspects if s not in caught]
    require(not blind, f"the recorder is blind for {', '.join(blind)}")
    return list(caught.values())


@check
def opened_by_components(history: History, *, since: str | None = None) -> Proof:
    """Connections between API servers and the other components are opened by the components: all of them, and none the other way."""
    seen, servers = window(history, since), instances(history, "apiserver")
    others = [i for i in instances(history) if i not in servers and not roles_of(history, i) & {"etcd"}]
    require(servers and others, "there is no API server, or nobody beside it")
    found = [e for e in edges(history, seen) if e.opened.at_s >= seen.start_s]
    breaches = _breaches(found, expected="the component opens the connection", wrong=lambda e: e.source in servers and e.target in others)
    if breaches:
        return proof([], *breaches)
    no_losses(history)
    opened = {e.source: e.opened for e in found if e.target in servers and e.source in others}
    missing = [o for o in others if o not in opened]
    require(not missing, f"{', '.join(missing)} opened no connection to an API server in the window")
    return proof([*opened.values(), *canaries(history, servers, others, seen)])


@check
def no_frames(history: History, *, between: list[str], and_: list[str], until: str) -> Proof:
    """Not one frame of any protocol went between two groups of hosts before the mark, nor anything by way of the API server; afterwards the
    counters saw the canaries."""
    first, second = instances(history, *between), instances(history, *and_)
    pairs = sorted({(a, b) for a in first for b in second if a != b} | {(b, a) for a in first for b in second if a != b})
    require(pairs, f"there are no two hosts of {between} and {and_}")
    before, after = _frames(history, until), _frames(history, None)
    found = [p for p in pairs if before.get(p, 0)]
    talks = tuple(_talk(history, p, before[p]) for p in found if _spoke_first(history, p, found))
    if breaches := talks or exchanges(history, first, second):
        return proof([], *breaches)
    no_losses(history)
    uncounted = [f"{a} -> {b}" for a, b in pairs if not after.get((a, b), 0)]
    require(not uncounted, f"the counters did not count the canaries {', '.join(uncounted)}")
    seen = window(history, until=until)
    return proof([*history.of("canary"), *alive(history, sorted({*first, *second}), seen)])


def _talk(history: History, pair: tuple[str, str], frames: int) -> Finding:
    source, target = pair
    opened = [e for e in history.of("open") if (e["origin"], e["target"]) == pair]
    return fault(source, f"no frame between {source} and {target}", counted(frames, "frame"), *opened[:3])


def _spoke_first(history: History, pair: tuple[str, str], found: list[tuple[str, str]]) -> bool:
    """Who merely answers is no culprit: of two hosts that talked, the one that opened a connection is, or both where none did."""
    own = {e["link"] for e in _seen_canaries(history)}
    dialled = {(e["origin"], e["target"]) for e in history.of("open") if e["link"] not in own}
    source, target = pair
    return pair in dialled or (target, source) not in dialled or (target, source) not in found


def _frames(history: History, until: str | None) -> dict[tuple[str, str], int]:
    """The counters as they were last read before the mark, or at all."""
    read = history.of("frames")
    if until:
        end = mark(history, until).at_s
        read = [e for e in read if e.at_s <= end]
    require(read, "the frames were never counted")
    return {(a, b): n for a, b, n in read[-1]["pairs"]}
