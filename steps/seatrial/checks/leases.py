"""Whose the lease of a role was, and when, by what was written to it."""

from collections.abc import Sequence

from seatrial.checks.facts import WRITES, accepted, instances
from seatrial.model.errors import NotRunnable
from seatrial.model.history import Event, History


def lease_of(history: History, role: str) -> tuple[str, str]:
    """Namespace and name of the lease that instances of the role compete for."""
    for event in history.of("instance"):
        if role in event["roles"] and event["lease"]:
            namespace, _, name = event["lease"].partition("/")
            return namespace, name
    raise NotRunnable(f"no component with the role {role} names its lease (replicas.election)")


def lease_writes(history: History, role: str) -> list[tuple[Event, Event]]:
    """Accepted writes of the role's lease, by instances, each with its answer, in the order of the store's revisions. Whoever sends what is
    there already, because an answer was late, has written nothing: the revision stays, and the others see no sign of life."""
    namespace, name = lease_of(history, role)
    writes = [
        (r, a)
        for r, a in accepted(history, instances(history, role), resource="leases", namespace=namespace)
        if r["verb"] in WRITES and name in (r["name"], a["name"])
    ]
    # The answer to a deletion says no revision: the operator's watch does.
    gone = {e["uid"]: e["revision"] for e in history.of("watched", resource="leases", type="DELETED", namespace=namespace, name=name)}
    ordered = sorted(writes, key=lambda pair: pair[1]["revision"] or gone.get(pair[1]["uid"]) or 0)
    revisions = [answer["revision"] or gone.get(answer["uid"]) for _, answer in ordered]
    return [pair for pair, was, now in zip(ordered, [None, *revisions], revisions, strict=False) if now is None or now != was]


def hold_before(holds: Sequence[tuple[Event, Event]], event: Event) -> Event | None:
    """Of a lease's writes the last one that was answered before the event, in the order of its tap."""
    before = [written for written, answered in holds if written.source == event.source and answered.seq < event.seq]
    return before[-1] if before else None


def leader(history: History, role: str) -> str | None:
    """The instance that wrote the role's lease last."""
    writes = lease_writes(history, role)
    return writes[-1][0].instance if writes else None
