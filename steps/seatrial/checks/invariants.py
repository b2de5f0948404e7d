"""Rules that hold whatever happens: every scenario's history is looked at for breaches of them, whichever rule it was made for.

A breach is one wherever it is seen, and needs no canary. That nothing was seen proves nothing here: these rules pass by their own
scenarios.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial

from seatrial.checks import (
    acknowledged,
    edges,
    hearings,
    heartbeats,
    holds,
    leadership,
    lookups,
    pipeline,
    requests,
    runtime,
    silence,
    storage,
)
from seatrial.checks.facts import WRITES, accepted, breach, creations, culprit_of, instances, name_of
from seatrial.checks.objects import ended, metadata_of
from seatrial.checks.pipeline import ADMISSION, reviews
from seatrial.checks.registry import fault
from seatrial.model.errors import Inconclusive, NotRunnable
from seatrial.model.history import Event, History
from seatrial.model.verdicts import Finding

Look = Callable[[History], tuple[Finding, ...]]
FLOOD = 4  # times as many pods as there was a reason to make
ADMITTED = frozenset({"create", "update", "delete"})  # the operations that admission knows,
CONNECTING = frozenset({"attach", "exec", "portforward", "proxy"})  # and what it calls to connect


def reads_admitted(history: History) -> tuple[Finding, ...]:
    """Admission was asked about something that is none of its operations, or is told of a connection to a pod that nobody asked for."""
    connected = any(r["subresource"] in CONNECTING for r in history.of("request"))
    for event in reviews(history, *ADMISSION):
        if event["verb"] not in ADMITTED and not (event["verb"] == "connect" and connected):
            return (breach(history, "reads are not admitted", f"{event['stage']} was asked about {event['verb']}", event),)
    return ()


def unasked_changes(history: History) -> tuple[Finding, ...]:
    """The API server changed an object that nobody had asked it to change. Whether what was refused is stored is for other rules."""
    hearings.Stretch.of(history)
    servers, refused, known = instances(history, "apiserver"), _refused(history), holds.kinds_by_key(history)

    def own(change: Event) -> bool:
        name, kind = name_of(change), known.get(change["key"])
        return kind is not None and not any(holds.may_mean(request, name, kind=kind) for request in refused)

    return tuple(f for f in holds.joined(history).findings if f.culprit in servers and all(own(e) for e in f.evidence))


def _refused(history: History) -> list[Event]:
    """The requests that were refused, or never answered."""
    good = {(a.source, a["request"]) for _, a in accepted(history)}
    return [r for r in history.of("request") if r["verb"] in WRITES and (r.source, r["request"]) not in good]


def busy_standbys(history: History) -> tuple[Finding, ...]:
    """Those of several who never had the lease wrote something else."""
    several = [role for role in ("scheduler", "controller-manager") if len(instances(history, role)) > 1]
    return tuple(f for role in several for f in leadership.standbys_idle(history, role=role).findings)


def pods_apart(history: History) -> tuple[Finding, ...]:
    """A pod lies elsewhere than where pods lie."""
    for event in history.of("put"):
        value = event["value"] if isinstance(event["value"], dict) else {}
        key = "/registry/pods/{namespace}/{name}".format_map(defaultdict(str, value.get("metadata", {})))
        if value.get("kind") == "Pod" and event["key"] != key:
            return (breach(history, f"a pod at {key}", f"{event['key']} was written", event),)
    return ()


def moved_pods(history: History) -> tuple[Finding, ...]:
    """A pod that had a node was given another one."""
    homes: dict[str, str] = {}
    for event in history.of("watched", watch="operator/pods"):
        node = str(event["object"].get("spec", {}).get("nodeName") or "")
        if node and homes.setdefault(event["uid"], node) != node:
            culprit = culprit_of(history, name=event["name"], revision=event["revision"])
            observed = f"{event['name']} was moved to {node}"
            return (fault(culprit, f"{homes[event['uid']]} for {event['name']}", observed, event),)
    return ()


def pods_ended_by_schedulers(history: History) -> tuple[Finding, ...]:
    """A scheduler asked for the end of a pod that has a node, though nobody waits who goes before it (preemption)."""
    shown = {e["name"]: e for e in history.of("watched", watch="operator/pods")}
    waiting = [_priority(e) for e in shown.values() if not e["object"].get("spec", {}).get("nodeName")]
    for request in (r for r in history.of("request") if r["resource"] == "pods" and r.instance in instances(history, "scheduler")):
        victim = shown.get(request["name"])
        ends = request["verb"] == "delete" or request["subresource"] == "eviction"
        placed = victim is not None and victim["object"].get("spec", {}).get("nodeName")
        if ends and victim is not None and placed and max(waiting, default=0) <= _priority(victim):
            observed = f"{request.instance} asked to {request['verb']} {request['path']}"
            return (fault(request.instance, f"{victim['name']} stays where it is", observed, request),)
    return ()


def _priority(pod: Event) -> int:
    return int(pod["object"].get("spec", {}).get("priority") or 0)


def floods(history: History) -> tuple[Finding, ...]:
    """Far more pods were created for a ReplicaSet than it ever wanted and has lost: whoever makes them does not count them."""
    sets = {e["uid"]: e for e in reversed(history.of("watched", watch="operator/replicasets"))}
    most = {uid: max(_replicas(e) for e in history.of("watched", watch="operator/replicasets", uid=uid)) for uid in sets}
    made: dict[tuple[str, str | None], list[Event]] = defaultdict(list)
    for request, _ in creations(history, instances(history), resource="pods", subresource=""):
        for reference in metadata_of(request["body"]).get("ownerReferences") or ():
            made[reference["uid"], request.instance].append(request)
    lost = len({e["uid"] for e in history.of("watched", watch="operator/pods") if _lost(e)})
    for (uid, maker), pods in made.items():
        if uid in sets and len(pods) > FLOOD * (1 + most[uid] + lost):
            expected = f"{most[uid]} pods for {sets[uid]['name']}"
            return (fault(maker or "", expected, f"{maker} created {len(pods)}", *pods[:3]),)
    return ()


def _lost(pod: Event) -> bool:
    """It is gone, or over, or somebody has marked it: whoever made it has a reason to make another one."""
    return pod["type"] == "DELETED" or ended(pod["object"]) or "deletionTimestamp" in metadata_of(pod["object"])


def _replicas(item: Event) -> int:
    return int(item["object"]["spec"].get("replicas", 1))


def others_pods(history: History) -> tuple[Finding, ...]:
    """A kubelet ran a pod that is there, and was never bound to its node. It may have been told of the binding before the operator."""
    shown = [(e["uid"], e["object"].get("spec", {}).get("nodeName")) for e in history.of("watched", watch="operator/pods")]
    stored = [e["value"] for e in history.of("put") if isinstance(e["value"], dict) and e["value"].get("kind") == "Pod"]
    here = {*shown, *((v["metadata"].get("uid"), v.get("spec", {}).get("nodeName")) for v in stored)}
    known = {uid for uid, _ in shown}
    for event in history.of("cri", method="RunPodSandbox"):
        if event["uid"] in known and (event["uid"], event.instance) not in here:
            return (fault(event.instance, f"only its own pods on {event.instance}", f"{event.instance} ran {event['pod']}", event),)
    return ()


def _connected(history: History, some: list[str], others: list[str]) -> tuple[Finding, ...]:
    """One of some opened a connection to one of the others, or the other way, or reached it by way of the API server."""
    ways = [(some, others), (others, some)] if some != others else [(some, others)]
    return tuple(f for a, b in ways for f in _findings(history, partial(_never, sources=a, targets=b)))


def _never(history: History, *, sources: list[str], targets: list[str]) -> tuple[Finding, ...]:
    return edges.never(history, sources=sources, targets=targets).findings


INVARIANTS: Mapping[str, Look] = {
    "API-03": lookups.overlooked,
    "COMM-01": lambda history: edges.only_through(history, hub="apiserver").findings,
    "COMM-02": lambda history: _connected(history, ["scheduler"], ["controller-manager"]),
    "COMM-03": lambda history: _connected(history, ["kubelet"], ["scheduler", "controller-manager"]),
    "COMM-04": lambda history: _connected(history, ["kubelet"], ["kubelet"]),
    "COMM-05": lambda history: edges.only(history, allowed=["apiserver"], target="etcd").findings,
    "COMM-07": lambda history: edges.opened_by_components(history).findings,
    "COMM-12": lambda history: edges.never(history, sources=["apiserver"], targets=["kubelet"]).findings,  # nobody asks for exec or logs
    "COMM-14": heartbeats.ceased,
    "HA-06": busy_standbys,
    "KCM-02": floods,
    "NODE-01": runtime.repeated,
    "NODE-02": others_pods,
    "NOOP-01": unasked_changes,
    "REQ-11": pipeline.overlooked,
    "REQ-12": reads_admitted,
    "REQ-18": acknowledged.acknowledged_and_not_stored,
    "SCHED-03": lambda history: moved_pods(history) or pods_ended_by_schedulers(history),
    "SCHED-04": lambda history: edges.never(history, sources=["scheduler"], targets=["kubelet"]).findings,
    "SCHED-05": lambda history: requests.scheduler_writes(history).findings,
    "STORE-07": lambda history: storage.below(history, prefix="/registry").findings,
    "STORE-10": pods_apart,
    "WATCH-03": lambda history: hearings.left_out(history) or silence.unheard(history),
    "WATCH-05": hearings.told_as_something_else,
    "WATCH-07": hearings.told_and_not_stored,
}


def broken(history: History, rules: Collection[str]) -> Iterator[tuple[str, tuple[Finding, ...]]]:
    """Those of the rules that are broken in the history, with what shows it."""
    if any(len(e["roles"]) > 1 for e in history.of("instance")):
        return  # which of the roles in one process did something cannot be told
    for rule, look in INVARIANTS.items():
        if rule in rules and (found := _findings(history, look)):
            yield rule, found


def _findings(history: History, look: Look) -> tuple[Finding, ...]:
    try:
        return look(history)
    except (Inconclusive, NotRunnable):  # nobody is there whom the rule is about, or nothing shows that it was kept
        return ()
