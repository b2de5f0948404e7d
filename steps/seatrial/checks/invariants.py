"""Rules that hold whatever happens: every scenario's history is looked at for breaches of them, whichever rule it was made for.

A breach is one wherever it is seen, and needs no canary. That nothing was seen proves nothing here: these rules pass by their own
scenarios. What is compared with the store lies between the moment in which everybody was ready and the last judgement: before that
moment a cluster may have served other scenarios, and after it changes may still be on their way to whoever records them.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from seatrial.checks import edges, holds, leadership, requests, storage
from seatrial.checks.answers import asked as asked_for
from seatrial.checks.answers import breach, named
from seatrial.checks.facts import WRITES, accepted, culprit_of, instances, name_of
from seatrial.checks.pipeline import ADMISSION, reviews
from seatrial.checks.registry import require
from seatrial.model.errors import Inconclusive
from seatrial.model.history import Event, History
from seatrial.model.verdicts import Finding
from seatrial_schemas.kinds import table

Look = Callable[[History], tuple[Finding, ...]]
NEVER = 1 << 62  # no revision is later
ADMITTED = frozenset({"create", "update", "delete", "connect"})  # the operations that admission knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The changes of the store that a scenario can be held to, by revision."""

    start: int
    end: int
    changes: Mapping[int, Event]

    @classmethod
    def of(cls, history: History) -> "Stretch":
        """Inconclusive where the store was not read, from the beginning to the end."""
        first, last = history.of("mark", name="ready")[-1:], history.of("judge")[-1:]
        start, end = (found[0]["revision"] if found else None for found in (first, last))
        require(start is not None and end is not None, "the store was not read")
        changes = {e["revision"]: e for kind in ("put", "delete") for e in history.of(kind)}
        return cls(start=start or 0, end=end or 0, changes=changes)

    def lacks(self, revision: int | None) -> bool:
        """Whether the store should have this revision, and has not."""
        return revision is not None and self.start < revision <= self.end and revision not in self.changes


def _breach(history: History, expected: str, observed: str, event: Event) -> tuple[Finding, ...]:
    return (breach(history, expected, observed, event),)


def told_and_not_stored(history: History) -> tuple[Finding, ...]:
    """Somebody was told of an object as it never was in the store."""
    stretch = Stretch.of(history)
    for event in history.of("watched"):
        if event["type"] != "DELETED" and stretch.lacks(event["revision"]):
            observed = f"{event['watch']} was told {event['type']} {event['name']} at revision {event['revision']}"
            return _breach(history, "what watchers are told of was stored", observed, event)
    return ()


def acknowledged_and_not_stored(history: History) -> tuple[Finding, ...]:
    """Somebody, a person or a component, was answered with a revision that the store never had."""
    stretch = Stretch.of(history)
    for request, answer in accepted(history):
        if request["verb"] in ("create", "update", "patch") and stretch.lacks(answer["revision"]):
            observed = f"{request.instance}'s {request['verb']} {request['path']} was answered with revision {answer['revision']}"
            return _breach(history, "what was acknowledged was stored", observed, answer)
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What one of the operator's watches, which are of everything of a kind, was told of since it was accepted with a revision, until it
    broke. Where it does not go on from what it knows, what is there comes before that; deletions are left out, for their revisions are."""

    watch: str
    since: int
    told: Sequence[Event]

    @classmethod
    def all(cls, history: History) -> list["Hearing"]:
        found: dict[str, list[Hearing]] = {}
        for event in (e for e in history if e.kind in ("watching", "watch-broken", "watched")):
            mine = found.setdefault(str(event["watch"]), [])
            if event.kind == "watching":
                mine.append(cls(watch=event["watch"], since=int(event["revision"] or 0), told=[]))
            elif event.kind == "watch-broken":
                mine.append(cls(watch=event["watch"], since=NEVER, told=[]))
            elif mine and event["type"] != "DELETED" and event["revision"] > mine[-1].since:
                mine[-1] = replace(mine[-1], told=[*mine[-1].told, event])
        return [h for watch, hearings in found.items() if watch.startswith("operator/") for h in hearings if h.told]


def told_as_something_else(history: History) -> tuple[Finding, ...]:
    """A new object was called modified, or a changed one added."""
    stretch = Stretch.of(history)
    for hearing in Hearing.all(history):
        for event in hearing.told:
            put = stretch.changes.get(event["revision"])
            kind = None if put is None or put.kind == "delete" else "ADDED" if put["created"] == put["revision"] else "MODIFIED"
            if kind not in (None, event["type"]):
                return _breach(history, f"{hearing.watch} is told {kind} {event['name']}", f"it was told {event['type']}", event)
    return ()


def left_out(history: History) -> tuple[Finding, ...]:
    """A watch was told of a later change, and not, or not yet, of one before it."""
    stretch = Stretch.of(history)
    for hearing in Hearing.all(history):
        kinds = {kind.kind for kind in table() if kind.plural == hearing.watch.partition("/")[2]}
        told = {e["revision"] for e in hearing.told}
        since = max(stretch.start, hearing.since)
        due = [
            e for r, e in stretch.changes.items() if since < r < max(told) and e.kind == "put" and (e["value"] or {}).get("kind") in kinds
        ]
        for before, event in pairwise(hearing.told):
            if event["revision"] < before["revision"]:
                return _breach(history, f"{hearing.watch} is told in order", f"{event['revision']} after {before['revision']}", event)
        for change in due:
            if change["revision"] not in told:
                observed = f"{hearing.watch} was not told of revision {change['revision']} of {change['key']}, and of a later one"
                return _breach(history, "every change is told", observed, change)
    return ()


def reads_admitted(history: History) -> tuple[Finding, ...]:
    """Admission was asked about something that is none of its operations."""
    for event in reviews(history, *ADMISSION):
        if event["verb"] not in ADMITTED:
            return _breach(history, "reads are not admitted", f"{event['stage']} was asked about {event['verb']}", event)
    return ()


def unasked_changes(history: History) -> tuple[Finding, ...]:
    """The API server changed an object that nobody had asked it to change. Whether what was refused is stored is for other rules."""
    Stretch.of(history)
    servers, refused, known = instances(history, "apiserver"), _refused(history), holds.kinds_by_key(history)

    def own(change: Event) -> bool:
        return change["key"] in known and name_of(change) not in refused

    return tuple(f for f in holds.joined(history).findings if f.culprit in servers and all(own(e) for e in f.evidence))


def _refused(history: History) -> set[str]:
    """What those requests were about that were refused, or never answered."""
    good = {(a.source, a["request"]) for _, a in accepted(history)}
    asked = [r for r in history.of("request") if r["verb"] in WRITES and (r.source, r["request"]) not in good]
    told = [asked_for(history, e) for e in history.of("told") if e["code"] >= 400]
    return {str(r["name"]) for r in asked} | {named(e) for e in told}


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
            return _breach(history, f"a pod at {key}", f"{event['key']} was written", event)
    return ()


def moved_pods(history: History) -> tuple[Finding, ...]:
    """A pod that had a node was given another one."""
    homes: dict[str, str] = {}
    for event in history.of("watched", watch="operator/pods"):
        node = str(event["object"].get("spec", {}).get("nodeName") or "")
        if node and homes.setdefault(event["uid"], node) != node:
            culprit = culprit_of(history, name=event["name"], revision=event["revision"])
            observed = f"{event['name']} was moved to {node}"
            return (Finding(culprit=culprit, expected=f"{homes[event['uid']]} for {event['name']}", observed=observed, evidence=(event,)),)
    return ()


def others_pods(history: History) -> tuple[Finding, ...]:
    """A kubelet ran a pod that is there, and was never bound to its node."""
    shown = history.of("watched", watch="operator/pods")
    known, here = {e["uid"] for e in shown}, {(e["uid"], e["object"].get("spec", {}).get("nodeName")) for e in shown}
    for event in history.of("cri", method="RunPodSandbox"):
        if event["uid"] in known and (event["uid"], event.instance) not in here:
            return (
                Finding(
                    culprit=str(event.instance),
                    expected=f"only its own pods on {event.instance}",
                    observed=f"{event.instance} ran {event['pod']}",
                    evidence=(event,),
                ),
            )
    return ()


INVARIANTS: Mapping[str, Look] = {
    "COMM-01": lambda history: edges.only_through(history, hub="apiserver").findings,
    "COMM-05": lambda history: edges.only(history, allowed=["apiserver"], target="etcd").findings,
    "COMM-07": lambda history: edges.opened_by_components(history).findings,
    "COMM-12": lambda history: edges.never(history, sources=["apiserver"], targets=["kubelet"]).findings,  # nobody asks for exec or logs
    "HA-06": busy_standbys,
    "NODE-02": others_pods,
    "NOOP-01": unasked_changes,
    "REQ-12": reads_admitted,
    "REQ-18": acknowledged_and_not_stored,
    "SCHED-03": moved_pods,
    "SCHED-04": lambda history: edges.never(history, sources=["scheduler"], targets=["kubelet"]).findings,
    "SCHED-05": lambda history: requests.scheduler_writes(history).findings,
    "STORE-07": lambda history: storage.below(history, prefix="/registry").findings,
    "STORE-10": pods_apart,
    "WATCH-03": left_out,
    "WATCH-05": told_as_something_else,
    "WATCH-07": told_and_not_stored,
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
    except Inconclusive:  # nobody is there whom the rule is about, or nothing shows that it was kept
        return ()
