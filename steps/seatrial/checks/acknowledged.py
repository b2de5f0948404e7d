"""What somebody was told is done is in the store: at the revision of the answer, and as it was asked for.

What was said to be deleted is gone, or marked. A store that cannot be read shows revisions only. What mutating admission has seen, if only
without the name that the server has given it, may have got other labels, and a scale another number.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from seatrial.checks.facts import accepted, breach, name_of, store_of
from seatrial.checks.hearings import Stretch
from seatrial.checks.objects import metadata_of
from seatrial.checks.parts import PARTS, lacking
from seatrial.model.history import Event, History
from seatrial.model.verdicts import Finding

WRITING = frozenset({"create", "update", "patch"})


def acknowledged_and_not_stored(history: History) -> tuple[Finding, ...]:
    """Somebody, a person or a component, was answered with a revision that the store never had, or at which it has something else."""
    return tuple(in_vain(history))[:1]


def in_vain(history: History) -> Iterator[Finding]:
    """Every write that was acknowledged and not done. Raises Inconclusive where the store was not read."""
    stretch = Stretch.of(history)
    renewals = {e["revision"]: e for e in history.of("put") if isinstance(e["value"], dict) and e["value"].get("kind") == "Lease"}
    mutated = {(e["resource"], e["name"]) for e in history.of("review", stage="mutation")}
    for request, answer in accepted(history):
        if request["verb"] not in WRITING or _rehearsed(request):
            continue
        seen = mutated & {(request["resource"], e["name"] or "") for e in (request, answer)}
        put, what = stretch.put_of(answer), f"{request.instance}'s {request['verb']} {request['path']}"
        renewal = renewals.get(answer["revision"]) if request["resource"] == "leases" and request["verb"] == "update" else None
        if stretch.lacks(answer["revision"]) or stretch.has_another(answer):
            yield _unkept(history, f"{what} was answered with revision {answer['revision']}", answer)
        elif _another_renewal(request, renewal):
            yield _unkept(history, f"{what} was answered with revision {answer['revision']}, which is another renewal", answer, renewal)
        elif put and (lost := _lost(request, put, mutated=bool(seen))):
            yield _unkept(history, f"{what} was answered with revision {answer['revision']}, which has no {lost}", request, put)
    yield from _undeleted(history, stretch)


def _undeleted(history: History, stretch: Stretch) -> Iterator[Finding]:
    """Every deletion that was acknowledged and whose object lies in the store unmarked, though the store is known from a later write on."""
    last = {e["key"]: e for e in store_of(history)}
    there = {meta.get("uid"): e for e in last.values() if "deletionTimestamp" not in (meta := metadata_of(e["value"]))}
    known = _known_since(history, stretch)
    for request, answer in accepted(history, verb="delete"):
        put = there.get(answer["uid"]) if answer["uid"] and answer.seq < known.get(answer.source, -1) else None
        if put and not _rehearsed(request):
            observed = f"{request.instance}'s delete {request['path']} was answered with {answer['code']}, and {put['key']} is still there"
            yield _unkept(history, observed, answer, put)


def _known_since(history: History, stretch: Stretch) -> dict[str, int]:
    """For each tap the number of the last request that made a revision of the stretch: what was answered before it lies before that
    revision, and has been recorded."""
    known: dict[str, int] = {}
    told: set[int | None] = {None}
    for request, answer in accepted(history):
        if request["verb"] in WRITING and answer["revision"] not in told and answer["revision"] <= stretch.end:
            known[request.source] = request.seq
        told.add(answer["revision"])
    return known


def _rehearsed(request: Event) -> bool:
    """Whether it is not meant, by its query or, as deletions may say it, by its body."""
    return any(isinstance(said, dict) and bool(said.get("dryRun")) for said in (request["query"], request["body"]))


def _unkept(history: History, observed: str, *evidence: Event | None) -> Finding:
    return breach(history, "what was acknowledged was stored", observed, *(e for e in evidence if e))


def _another_renewal(request: Event, put: Event | None) -> bool:
    """Whether a lease was stored that is not held or renewed as was asked for; times are compared as far as everybody writes them."""
    if put is None or name_of(put) != request["name"] or not isinstance(request["body"], dict):
        return False
    sent, stored = (item.get("spec") or {} for item in (request["body"], put["value"]))
    return any(_moment(sent[part]) != _moment(stored.get(part)) for part in ("holderIdentity", "renewTime") if part in sent)


def _moment(value: Any) -> Any:
    """A time to the millisecond, wherever on earth it was written; what is no time, as it is."""
    try:
        when = dt.datetime.fromisoformat(str(value)).astimezone(dt.UTC)
    except ValueError:
        return str(value)
    return when.isoformat(timespec="milliseconds")


def _lost(request: Event, put: Event, *, mutated: bool) -> str:
    """The first part of what was asked for that is not stored; empty where all of it is, or where that cannot be told."""
    sent, stored = request["body"], put["value"]
    if not isinstance(sent, dict) or not isinstance(stored, dict) or request["subresource"] not in PARTS:
        return ""
    lost = lacking(stored, sent, PARTS[request["subresource"]])
    mutable = ("metadata.labels", *PARTS["scale"]) if request["subresource"] == "scale" else "metadata.labels"
    return next((each for each in lost if not (mutated and each.startswith(mutable))), "")
