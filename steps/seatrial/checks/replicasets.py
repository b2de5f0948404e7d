"""ReplicaSets and what they keep: one for each template of a deployment, by the template's hash; and as many pods as they are told."""

from itertools import chain, pairwise
from typing import Any

from seatrial.checks.facts import authors, instances, requests, roles_of, succeeded
from seatrial.checks.misled import to_blame
from seatrial.checks.objects import belongs, ended, owner
from seatrial.checks.registry import check, fault, proof, require
from seatrial.checks.workloads import due, unasked
from seatrial.model.history import Event, History
from seatrial.model.saying import counted
from seatrial.model.verdicts import Finding, Proof

HASH = "pod-template-hash"


@check
def owned(history: History, *, name: str, number: int) -> Proof:
    """The deployment controls so many ReplicaSets, each with a hash of its own on itself, its selector and its template; and it never
    had another one. ReplicaSets of other deployments have other hashes if they have other templates."""
    ever = {e["uid"]: e for e in history.of("watched", watch="operator/replicasets") if owner(e["object"]) == ("Deployment", name)}
    sets = list(ever.values())
    hashes = [_hash(e["object"]) for e in sets]
    theirs = set(hashes) - {None}
    shared = [e for e in history.of("watched", watch="operator/replicasets") if _hash(e["object"]) in theirs and _another(e, sets)]
    good = len(sets) == number and None not in hashes and len(set(hashes)) == number and not shared
    if good:
        return proof(sets)
    culprit = to_blame(history, due(history, "controller-manager", "deployments|replicasets", name))
    expected = f"{counted(number, 'ReplicaSet')} of {name}, each with its own pod-template-hash"
    observed = f"{len(sets)} with the hashes {', '.join(map(str, hashes)) or 'none'}"
    observed += f", which {shared[0]['name']} has for another template" if shared else ""
    return proof(sets, fault(culprit, expected, observed, *sets, *shared[:1]))


def _another(event: Event, sets: list[Event]) -> bool:
    """Whether a ReplicaSet of some deployment has the hash of one of these, and not its template."""
    if (owner(event["object"]) or ("",))[0] != "Deployment":
        return False
    alike = [e for e in sets if _hash(e["object"]) == _hash(event["object"])]
    return any(_bare(e["object"]) != _bare(event["object"]) for e in alike)


def _bare(item: dict[str, Any]) -> dict[str, Any]:
    """The labels and the specification of the template, without the hash."""
    template = item["spec"]["template"]
    return {**template["metadata"].get("labels", {}), HASH: None, "spec": template["spec"]}


def _hash(item: dict[str, Any]) -> str | None:
    """The pod-template-hash, where label, selector and template agree about it."""
    labels = (item["metadata"].get("labels", {}), item["spec"]["template"]["metadata"].get("labels", {}))
    found = {*(part.get(HASH) for part in labels), _selected(item["spec"]["selector"])}
    return found.pop() if len(found) == 1 else None


def _selected(selector: dict[str, Any]) -> str | None:
    """The only hash that a selector takes, whichever way it says so."""
    only = [e["values"] for e in selector.get("matchExpressions") or () if e["key"] == HASH and e["operator"] == "In"]
    found: str | None = (selector.get("matchLabels") or {}).get(HASH) or (only[0][0] if only and len(only[0]) == 1 else None)
    return found


@check
def never_surplus(history: History, *, name: str) -> Proof:
    """No pod name comes twice, and at no revision are there more living pods than were ever wanted until then. Revisions of two kinds are
    in one order where one store is seen to hold both; else there are never more than were ever wanted."""
    kinds = [_ever_of(history, r, name) for r in ("replicasets", "pods")]
    ordered = [sorted(events, key=lambda e: e["revision"]) for events in kinds]
    events = sorted(chain(*ordered), key=lambda e: e["revision"]) if history.of("put") else [*chain(*ordered)]
    require(any(e["resource"] == "pods" for e in events), f"nobody ever saw a pod of {name}")
    uids: dict[str, set[str]] = {}
    living: set[str] = set()
    most, found = 0, []
    for event in events:
        if event["resource"] == "replicasets":
            most = max(most, int(event["object"]["spec"].get("replicas", 0)))
            continue
        uids.setdefault(event["name"], set()).add(event["uid"])
        gone = ended(event["object"]) or event["type"] == "DELETED" or "deletionTimestamp" in event["object"]["metadata"]
        gone = gone or not belongs(event["object"], name)
        (living.discard if gone else living.add)(event["uid"])
        if len(living) > most:
            found.append((f"at most {most} living pods of {name}", f"{len(living)} at revision {event['revision']}", event))
        if len(uids[event["name"]]) > 1:
            found.append((f"a new name for every pod of {name}", f"{event['name']} came twice", event))
    maker = next(iter(instances(history, "controller-manager")), "controller-manager")
    culprit = next(iter(unasked(history, name)), None) or to_blame(history, maker)
    made = [fault(culprit, *each) for each in found[:3]]
    return proof([e for e in events if e["resource"] == "pods"], *made, *_needless_ends(history, events, name))


def _ever_of(history: History, resource: str, name: str) -> list[Event]:
    """All that was seen of what is or once was of the workload, as long as it was looked at."""
    seen = history.of("watched", watch=f"operator/{resource}")
    ever = {e["uid"] for e in seen if belongs(e["object"], name)}
    return [e for e in seen if e["uid"] in ever]


def _needless_ends(history: History, events: list[Event], name: str) -> tuple[Finding, ...]:
    """Controllers asked for the end of more pods than the wanted number ever fell by, and others have made."""
    numbers = [int(e["object"]["spec"].get("replicas", 0)) for e in events if e["resource"] == "replicasets"]
    surplus = sum(max(0, before - after) for before, after in pairwise(numbers))
    pods = {e["name"]: e for e in reversed(events) if e["resource"] == "pods"}
    makers = [i for i in instances(history, "controller-manager") if "kubelet" not in roles_of(history, i)]  # kubelets take leave of pods
    refused = {(a.source, a["request"]) for a in history.of("answer") if not succeeded(a)}
    deletions = requests(history, makers, verb="delete", resource="pods")
    asked = {r["name"]: r for r in deletions if (r.source, r["request"]) not in refused}
    ended = [r for called, r in asked.items() if called in pods]
    for called, first in pods.items() if ended else ():
        surplus += not any(r.instance in makers for r in authors(history, name=called, revision=first["revision"]))
    if len(ended) <= surplus:
        return ()
    expected = f"at most {counted(surplus, 'pod')} of {name} ended by the controller manager"
    return (fault(to_blame(history, str(ended[0].instance)), expected, f"{len(ended)}", *ended[:8]),)
