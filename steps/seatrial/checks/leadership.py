"""One at a time: who may work is whoever wrote the lease last; who works is told by instance, and attempts count.

All replicas of these scenarios talk to one API server, so that its tap orders lease writes and work. The lease of a role is the one that
its component names.
"""

from itertools import pairwise
from typing import Any

from seatrial.checks.facts import WRITES, alive, background, instances, mark, requests, window
from seatrial.checks.leases import hold_before, lease_of, lease_writes
from seatrial.checks.misled import to_blame
from seatrial.checks.registry import check, fault, proof, require
from seatrial.model.history import Event, History
from seatrial.model.verdicts import Finding, Proof

CLOCK_TOLERANCE = 0.98  # of the lease: two clocks, two readings


def _work(history: History, role: str) -> list[Event]:
    """Everything that instances of the role asked to change, but leases, events and reviews."""
    return [r for r in requests(history, instances(history, role)) if r["verb"] in WRITES and not background(r)]


@check
def only_leader_works(history: History, *, role: str) -> Proof:
    """Every piece of work was asked for by the instance that held the lease at that moment, in the order of the tap."""
    names, work = instances(history, role), _work(history, role)
    holds = lease_writes(history, role)
    require(len(names) > 1, f"there is only one {role}")
    if not holds and (unchosen := _unchosen(history, role)):
        return proof(work, *unchosen)
    require(holds, f"no {role} was seen to take the lease")
    require(work, f"no {role} worked")
    found: dict[str, Finding] = {}
    for request in work:
        hold = hold_before(holds, request)
        holder = hold.instance if hold else None
        if request.instance != holder:
            observed = f"{request.instance} asked to {request['verb']} {request['path']}"
            culprit = to_blame(history, str(request.instance))
            expected = f"work by {holder or 'nobody'}, who holds the lease"
            found.setdefault(culprit, fault(culprit, expected, observed, *([hold] if hold else []), request))
    signs = alive(history, names, window(history))
    return proof([*signs, *work], *found.values(), *_thefts(history, role))


def _unchosen(history: History, role: str) -> tuple[Finding, ...]:
    """Several worked side by side, though none had the lease. One after the other they may have gone by another lease than was named."""
    spans: dict[str, list[Event]] = {}
    for request in sorted(_work(history, role), key=lambda r: r.at_s):
        spans.setdefault(str(request.instance), []).append(request)
    found = []
    for name, mine in spans.items():
        others = [theirs for other, theirs in spans.items() if other != name]
        if any(mine[0].at_s < theirs[-1].at_s and theirs[0].at_s < mine[-1].at_s for theirs in others):
            observed = f"{name} asked to {mine[0]['verb']} {mine[0]['path']}, and others worked as well"
            found.append(fault(name, f"work by the one {role} that holds the lease {'/'.join(lease_of(history, role))}", observed, mine[0]))
    return tuple(found)


@check
def standbys_idle(history: History, *, role: str) -> Proof:
    """Whoever never had the lease wrote nothing but leases and reviews; and is there."""
    names = instances(history, role)
    holders = {r.instance for r, _ in lease_writes(history, role)}
    if not holders and (unchosen := _unchosen(history, role)):
        return proof(_work(history, role), *unchosen)
    require(holders, f"no {role} was seen to take the lease")
    standbys = [n for n in names if n not in holders]
    wrong = [r for r in requests(history, standbys) if r["verb"] in WRITES and (not background(r) or r["resource"] == "events")]
    found = {
        str(r.instance): fault(r.instance, "a standby writes nothing but leases and reviews", f"{r['verb']} {r['path']}", r)
        for r in reversed(wrong)
    }
    breaches = (*found.values(), *_thefts(history, role))
    require(standbys or breaches, f"every {role} has held the lease, each after it had expired: nobody stood by")
    return proof(alive(history, standbys, window(history)), *breaches)


def _thefts(history: History, role: str) -> tuple[Finding, ...]:
    """The lease was taken from somebody before it had expired since its last renewal, or was given back."""
    most_s = next(e["limits"]["lease_s"] for e in history.of("instance") if role in e["roles"])
    return tuple(
        fault(
            to_blame(history, str(new.instance)),
            f"{old.instance} keeps the lease for {_lasts_s(history, old, given, most_s):g} s after it has renewed it",
            f"{new.instance} took it {new.at_s - old.at_s:.2f} s later",
            old,
            new,
        )
        for (old, given), (new, _) in pairwise(lease_writes(history, role))
        if old.instance != new.instance
        and new.at_s - old.at_s < CLOCK_TOLERANCE * _lasts_s(history, old, given, most_s)
        and not _released(history, old, given)
    )


@check
def takeover(history: History, *, role: str, since: str, lease_s: float) -> Proof:
    """After the mark somebody else writes the lease, and not before it has expired since its last renewal, or was given back."""
    namespace, name = lease_of(history, role)
    writes, gone = lease_writes(history, role), mark(history, since)
    before = [(r, a) for r, a in writes if r.at_s <= gone.at_s]
    require(before, f"nobody was seen to hold the lease {namespace}/{name} before")
    old = before[-1][0].instance
    taken = [(r, a) for r, a in writes if r.instance != old and r.seq > before[-1][0].seq]
    until = writes[: writes.index(taken[0])] if taken else writes
    theirs = [(r, a) for r, a in until if r.instance == old and r.at_s < _next_life(history, str(old), gone)]
    if not taken:
        others = [i for i in instances(history, role) if i != old]
        expected = f"another {role} takes the lease of {old}"
        return proof([], fault(others[0], expected, "nobody did", gone))
    last, first = theirs[-1], taken[0]
    waited_s, lease_s = first[0].at_s - last[0].at_s, _lasts_s(history, *last, lease_s)
    early = waited_s < CLOCK_TOLERANCE * lease_s and not _released(history, *last)
    evidence = [last[0], gone, first[0]]
    if not early:
        return proof(evidence, *_thefts(history, role))
    expected = f"no takeover before the lease of {lease_s:g} s has expired"
    observed = f"{first[0].instance} took it {waited_s:.2f} s after {old} had renewed it"
    return proof(evidence, fault(to_blame(history, str(first[0].instance)), expected, observed, last[0], first[0]))


def _next_life(history: History, instance: str, gone: Event) -> float:
    """When the instance was started again after the mark, if it was."""
    starts = [e.at_s for e in history.of("started", instance=instance) if e.at_s > gone.at_s]
    return starts[0] if starts else float("inf")


def _released(history: History, request: Event, answer: Event) -> bool:
    """Whether this write of the lease gave it back: no holder, by its body or, where that cannot be read, by what the operator saw."""
    if request["verb"] == "delete":
        return True
    specs = _specs(history, request, answer)
    return bool(specs) and not any(spec.get("holderIdentity") for spec in specs)


def _lasts_s(history: History, request: Event, answer: Event, most_s: float) -> float:
    """How long the others must wait after this write: as long as it says itself, though it says whole seconds only, and no longer than the
    implementation has stated."""
    said = [spec.get("leaseDurationSeconds") for spec in _specs(history, request, answer)]
    return min([most_s, *(float(s) for s in said if isinstance(s, int) and s > 0)])


def _specs(history: History, request: Event, answer: Event) -> list[dict[str, Any]]:
    """What a write says of the lease: its body or, where that cannot be read, what the operator saw."""
    body = request["body"] if isinstance(request["body"], dict) else {}
    seen = [e["object"] for e in history.of("watched", resource="leases", name=answer["name"], revision=answer["revision"])]
    return [item["spec"] for item in (body, *seen) if isinstance(item.get("spec"), dict)]
