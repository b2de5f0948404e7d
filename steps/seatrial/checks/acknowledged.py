"""What somebody was told is done is in the store: at the revision of the answer, and as it was asked for.

Compared are the parts that API servers take over as they are: they add to objects, and normalize much, but nobody's labels are left out. A
store that cannot be read shows revisions only. What mutating admission has seen may have got other labels.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from seatrial.checks.facts import accepted, breach, metadata_of, name_of
from seatrial.checks.hearings import Stretch
from seatrial.model.history import Event, History
from seatrial.model.verdicts import Finding

WRITING = frozenset({"create", "update", "patch"})
SCALARS: Mapping[str, tuple[str, ...]] = {  # by subresource: what a write through it sets
    "": ("spec.replicas", "spec.nodeName"),
    "scale": ("spec.replicas",),
    "status": ("status.phase", "status.replicas"),
}
OWN_DOMAIN = "kubernetes.io/"  # labels and annotations with a meaning to Kubernetes are its own business
TO_MS = 23  # characters of a time in RFC 3339


def acknowledged_and_not_stored(history: History) -> tuple[Finding, ...]:
    """Somebody, a person or a component, was answered with a revision that the store never had, or at which it has something else."""
    return tuple(in_vain(history))[:1]


def in_vain(history: History) -> Iterator[Finding]:
    """Every write that was acknowledged and not done. Raises Inconclusive where the store was not read."""
    stretch = Stretch.of(history)
    renewals = {e["revision"]: e for e in history.of("put") if isinstance(e["value"], dict) and e["value"].get("kind") == "Lease"}
    mutated = {(e["resource"], e["name"]) for e in history.of("review", stage="mutation")}
    for request, answer in accepted(history):
        if request["verb"] not in WRITING or "dryRun" in (request["query"] or {}):
            continue
        put, what = stretch.put_of(answer), f"{request.instance}'s {request['verb']} {request['path']}"
        renewal = renewals.get(answer["revision"]) if request["resource"] == "leases" and request["verb"] == "update" else None
        if stretch.lacks(answer["revision"]):
            yield _unkept(history, f"{what} was answered with revision {answer['revision']}", answer)
        elif _another_renewal(request, renewal):
            yield _unkept(history, f"{what} was answered with revision {answer['revision']}, which is another renewal", answer, renewal)
        elif put and (lost := _lost(request, put, labels=(request["resource"], answer["name"]) not in mutated)):
            yield _unkept(history, f"{what} was answered with revision {answer['revision']}, which has no {lost}", request, put)


def _unkept(history: History, observed: str, *evidence: Event | None) -> Finding:
    return breach(history, "what was acknowledged was stored", observed, *(e for e in evidence if e))


def _another_renewal(request: Event, put: Event | None) -> bool:
    """Whether a lease was stored that is not held or renewed as was asked for; times are compared as far as everybody writes them."""
    if put is None or name_of(put) != request["name"] or not isinstance(request["body"], dict):
        return False
    sent, stored = (item.get("spec") or {} for item in (request["body"], put["value"]))
    return any(str(sent[part])[:TO_MS] != str(stored.get(part))[:TO_MS] for part in ("holderIdentity", "renewTime") if part in sent)


def _lost(request: Event, put: Event, *, labels: bool) -> str:
    """The first part of what was asked for that is not stored; empty where all of it is, or where that cannot be told."""
    sent, stored = request["body"], put["value"]
    if not isinstance(sent, dict) or not isinstance(stored, dict) or request["subresource"] not in SCALARS:
        return ""
    asked, there = (_parts(item, request["subresource"]) for item in (sent, stored))
    lost = (f"{part} {value}" for part, value in asked.items() if (there.get(part) or None) != (value or None))
    return next((each for each in lost if labels or not each.startswith("metadata.labels")), "")


def _parts(item: Mapping[str, Any], subresource: str) -> dict[str, Any]:
    """What of an object, or of a patch for one, is compared: path -> value, or None where the patch takes it away."""
    found = {}
    for path in SCALARS[subresource]:
        part, _, name = path.partition(".")
        if isinstance(inner := item.get(part), dict) and inner.get(name) is not None:
            found[path] = inner[name]
    return found if subresource else found | _of_metadata(metadata_of(item))


def _of_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Directives of a strategic patch are no parts."""
    maps = {part: metadata.get(part) for part in ("labels", "annotations")}
    found = {f"metadata.{part}.{key}": value for part, each in maps.items() if isinstance(each, dict) for key, value in each.items()}
    found = {path: value for path, value in found.items() if "$" not in path and OWN_DOMAIN not in path}
    owners = [o for o in metadata.get("ownerReferences") or () if isinstance(o, dict) and "$patch" not in o]
    return found | {f"metadata.ownerReferences {o.get('uid')}": o.get("name") for o in owners}
