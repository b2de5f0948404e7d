"""One at a time: who may work is whoever wrote the lease last; who works is told by instance, and attempts count.

All replicas of these scenarios talk to one API server, so that its tap orders lease writes and work. The lease of a role is the one that
its component names.
"""

from collections.abc import Sequence
from itertools import pairwise

from seatrial.checks.facts import WRITES, alive, background, instances, mark, requests, server_of, window
from seatrial.checks.leases import PEOPLE, Write, expired, given_up, hold_before, lasts_s, lease_of, lease_writes, let_go, outlived, wipes
from seatrial.checks.misled import to_blame
from seatrial.checks.objects import metadata_of
from seatrial.checks.registry import check, fault, proof, require
from seatrial.model.history import Event, History
from seatrial.model.verdicts import Finding, Proof


def _work(history: History, role: str) -> list[Event]:
    """Everything that instances of the role asked to change, but leases, events and reviews."""
    return [r for r in requests(history, instances(history, role)) if r["verb"] in WRITES and not background(r)]


@check
def only_leader_works(history: History, *, role: str) -> Proof:
    """Every piece of work was asked for by the instance that held the lease at that moment, in the order of the tap."""
    names, work = instances(history, role), _work(history, role)
    holds = lease_writes(history, role, people=True)
    require(len(names) > 1, f"there is only one {role}")
    if not holds and (unchosen := _unchosen(history, role)):
        return proof(work, *unchosen)
    require(holds, f"no {role} was seen to take the lease")
    require(work, f"no {role} worked")
    found: dict[str, Finding] = {}
    robbed = wipes(history, role)
    for request in (r for r in work if not _robbed(history, role, r, robbed)):
        hold = hold_before(holds, request)
        over = not hold or outlived(history, role, hold, request) or let_go(history, role, hold, request)
        holder = hold[0].instance if hold and not over else None
        if request.instance != holder:
            observed = f"{request.instance} asked to {request['verb']} {request['path']}"
            culprit = to_blame(history, str(request.instance))
            expected = f"work by {holder}, who holds the lease" if holder else "work by nobody, for nobody holds the lease"
            found.setdefault(culprit, fault(culprit, expected, observed, *([hold[0]] if hold else []), request))
    signs = alive(history, names, window(history))
    return proof([*signs, *work], *found.values(), *_thefts(history, role), *_wiped(history, role))


def _robbed(history: History, role: str, request: Event, wiped: Sequence[tuple[Write, Write]]) -> bool:
    """Whether somebody else has given back the lease of whoever asks, who cannot know it yet."""
    lost = [(held, wipe) for held, (wipe, _) in wiped if held[0].instance == request.instance]
    return any(wipe.at_s <= request.at_s and not expired(history, role, held, request) for held, wipe in lost)


def _wiped(history: History, role: str) -> tuple[Finding, ...]:
    """Somebody gave back what another one held."""
    expected = "keeps the lease until it has expired, or gives it back itself"
    return tuple(_wronged(history, held, given, expected, "gave it back") for held, given in wipes(history, role))


def _wronged(history: History, held: Write, new: Write, expected: str, deed: str) -> Finding:
    """Somebody wrote the lease though another one held it. To blame is the API server where it let pass what was meant for an earlier state
    of it."""
    holder, intruder, later_s = held[0].instance, new[0].instance, new[0].at_s - held[0].at_s
    meant = metadata_of(new[0]["body"]).get("resourceVersion")
    stale = meant and held[1]["revision"] and str(meant) != str(held[1]["revision"])
    culprit = server_of(history) if stale else to_blame(history, str(intruder))
    observed = f"{intruder} {deed} {later_s:.2f} s after {holder} had renewed it"
    return fault(culprit, f"{holder} {expected}", observed, held[0], new[0])


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
    return tuple(
        _wronged(history, old, new, f"keeps the lease for {lasts_s(history, role, old):g} s after it has renewed it", "took it")
        for old, new in pairwise(lease_writes(history, role, people=True))
        if new[0].instance not in (old[0].instance, PEOPLE)
        and not expired(history, role, old, new[0])
        and not given_up(history, role, old, new)
    )


@check
def takeover(history: History, *, role: str, since: str) -> Proof:
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
    evidence = [last[0], gone, first[0]]
    if expired(history, role, last, first[0]) or given_up(history, role, last, first):
        return proof(evidence, *_thefts(history, role))
    expected = f"keeps the lease for {lasts_s(history, role, last):g} s after it has renewed it"
    return proof(evidence, _wronged(history, last, first, expected, "took it"))


def _next_life(history: History, instance: str, gone: Event) -> float:
    """When the instance was started again after the mark, if it was."""
    starts = [e.at_s for e in history.of("started", instance=instance) if e.at_s > gone.at_s]
    return starts[0] if starts else float("inf")
