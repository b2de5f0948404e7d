"""Whose the lease of a role was, and when, by what was written to it.

A lease is its holder's until it has expired since it was last renewed, or until its holder gives it back. Whoever gives back what somebody
else holds has no right to: for whose the lease is such a write does not count, and it stands for itself. People may hold a lease as well.
"""

from collections.abc import Sequence
from typing import Any

from seatrial.checks.facts import WRITES, accepted, instances
from seatrial.model.errors import NotRunnable
from seatrial.model.history import Event, History

Write = tuple[Event, Event]  # a request, and its answer
PEOPLE = "operator"  # their host
CLOCK_TOLERANCE = 0.98  # of the lease: two clocks, two readings


def lease_of(history: History, role: str) -> tuple[str, str]:
    """Namespace and name of the lease that instances of the role compete for."""
    for event in history.of("instance"):
        if role in event["roles"] and event["lease"]:
            namespace, _, name = event["lease"].partition("/")
            return namespace, name
    raise NotRunnable(f"no component with the role {role} names its lease (replicas.election)")


def lease_writes(history: History, role: str, *, people: bool = False) -> list[Write]:
    """Accepted writes of the role's lease by its instances, and by `people` too, each with its answer, in the order of the store's
    revisions, without those by which somebody gives back what another one holds."""
    astray = {_number(given) for _, given in wipes(history, role)}
    writes = [write for write in _writes(history, role) if _number(write) not in astray]
    return [write for write in writes if people or write[0].instance != PEOPLE]


def wipes(history: History, role: str) -> list[tuple[Write, Write]]:
    """The holder's last write of a lease that had not expired, and the one by which somebody else gave it back."""
    found, held = [], None
    for write in _writes(history, role):
        given_back = released(history, *write)
        others = held is not None and write[0].instance not in (held[0].instance, PEOPLE)
        if held and others and given_back and not expired(history, role, held, write[0]):
            found.append((held, write))
        else:
            held = None if given_back else write
    return found


def _number(write: Write) -> tuple[str, int]:
    return write[0].source, write[0]["request"]


def _writes(history: History, role: str) -> list[Write]:
    """Whoever sends what is there already, because an answer was late, has written nothing: the revision stays, and the others see no sign
    of life."""
    namespace, name = lease_of(history, role)
    writes = [
        (r, a)
        for r, a in accepted(history, [*instances(history, role), PEOPLE], resource="leases", namespace=namespace)
        if r["verb"] in WRITES and name in (r["name"], a["name"])
    ]
    # The answer to a deletion says no revision: the operator's watch does.
    gone = {e["uid"]: e["revision"] for e in history.of("watched", resource="leases", type="DELETED", namespace=namespace, name=name)}
    ordered = sorted(writes, key=lambda pair: pair[1]["revision"] or gone.get(pair[1]["uid"]) or 0)
    revisions = [answer["revision"] or gone.get(answer["uid"]) for _, answer in ordered]
    return [pair for pair, was, now in zip(ordered, [None, *revisions], revisions, strict=False) if now is None or now != was]


def given_up(history: History, role: str, old: Write, new: Write) -> bool:
    """Whether the lease was free for the new one, though it had not expired: the old one gave it back, or somebody did so in its place.
    Whoever does that and takes it has stolen it; but for one that has ended since, and knows nothing of what it did."""
    if released(history, *old):
        return True
    given = [wipe for held, (wipe, _) in wipes(history, role) if _number(held) == _number(old) and wipe.at_s <= new[0].at_s]
    return any(wipe.instance != new[0].instance or begun_since(history, wipe) <= new[0].at_s for wipe in given)


def begun_since(history: History, event: Event) -> float:
    """When whose event it is began anew after it, in seconds; never is infinite."""
    return min((e.at_s for e in history.of("started", instance=event.instance) if e.at_s > event.at_s), default=float("inf"))


def released(history: History, request: Event, answer: Event) -> bool:
    """Whether this write of the lease gave it back: no holder, by its body or, where that cannot be read, by what the operator saw."""
    if request["verb"] == "delete":
        return True
    specs = _specs(history, request, answer)
    return bool(specs) and not any(spec.get("holderIdentity") for spec in specs)


def expired(history: History, role: str, held: Write, event: Event) -> bool:
    """Whether a lease was over by then, since this write of it."""
    return event.at_s - held[0].at_s >= CLOCK_TOLERANCE * lasts_s(history, role, held)


def lasts_s(history: History, role: str, held: Write) -> float:
    """How long the others must wait after this write: as long as it says itself, though it says whole seconds only, and no longer than the
    implementation has stated."""
    most_s = _limit(history, role, "lease_s")
    said = [spec.get("leaseDurationSeconds") for spec in _specs(history, *held)]
    return min([most_s, *(float(s) for s in said if isinstance(s, int) and s > 0)])


def _limit(history: History, role: str, name: str) -> float:
    """What the implementation has stated of the role."""
    stated: float = next(e["limits"][name] for e in history.of("instance") if role in e["roles"])
    return stated


def _specs(history: History, request: Event, answer: Event) -> list[dict[str, Any]]:
    """What a write says of the lease: its body or, where that cannot be read, what the operator saw."""
    body = request["body"] if isinstance(request["body"], dict) else {}
    seen = [e["object"] for e in history.of("watched", resource="leases", name=answer["name"], revision=answer["revision"])]
    return [item["spec"] for item in (body, *seen) if isinstance(item.get("spec"), dict)]


def hold_before(holds: Sequence[Write], event: Event) -> Write | None:
    """Of a lease's writes the last one that was answered before the event, in the order of its tap."""
    before = [(written, answered) for written, answered in holds if written.source == event.source and answered.seq < event.seq]
    return before[-1] if before else None


def outlived(history: History, role: str, held: Write, event: Event) -> bool:
    """Whether who wrote the lease has begun anew since: it knows nothing of that, and does not hold it any more. Who goes by the same name
    in it ever after finds it its own, as long as it has not expired."""
    begun_s = begun_since(history, held[0])
    if begun_s > event.at_s:
        return False
    later = [write for write in _writes(history, role) if write[0].instance == held[0].instance and write[0].at_s > begun_s]
    its_name = {spec.get("holderIdentity") for spec in _specs(history, *held)}
    keeps_it = later and any(spec.get("holderIdentity") in its_name for spec in _specs(history, *later[0]))
    return not keeps_it or expired(history, role, held, event)


def let_go(history: History, role: str, held: Write, event: Event) -> bool:
    """Whether by this write the lease was given back, and so long before the event that whoever held it has been able to end its work."""
    return released(history, *held) and event.at_s - held[1].at_s > _limit(history, role, "react_s")


def leader(history: History, role: str) -> str | None:
    """The instance that wrote the role's lease last."""
    writes = lease_writes(history, role)
    return writes[-1][0].instance if writes else None
