"""What components asked of the API server and what it told them, in the order of the tap, which both pass."""

from seatrial.checks.chain import binding, versions
from seatrial.checks.facts import READS, WRITES, Window, accepted, alive, background, culprit_of, instances, requests, server_of, window
from seatrial.checks.registry import check, fault, proof, require
from seatrial.checks.subscriptions import opens, resumes, subscription
from seatrial.model.history import Event, History
from seatrial.model.saying import counted
from seatrial.model.verdicts import Finding, Proof

REACTS_S = 5.0  # so long it may take until somebody looks at what they have been told of


@check
def watches(history: History, *, who: list[str], resources: list[str]) -> Proof:
    """Each of `who` has an accepted watch on every resource, and over one of them it was told of something."""
    evidence: list[Event] = []
    found: list[Finding] = []
    for name in who:
        require(requests(history, [name]), f"{name} never asked the API server for anything")
        for resource in resources:
            streams = [r for r, _ in accepted(history, [name], verb="watch", resource=resource)]
            evidence += streams[:1]
            if not streams:
                asked = [r for r in requests(history, [name]) if r["resource"] == resource]
                observed = f"{len(asked)} other requests about {resource}" if asked else f"no request about {resource}"
                found.append(fault(name, f"a watch on {resource}", observed, *asked[:3]))
        if not found:
            told = [e for e in history.of("delivered", instance=name) if e["resource"] in resources]
            require(told, f"{name} was never told of anything over its watches")
            evidence += told[:1]
    return proof(evidence, *found)


@check
def no_list(history: History, *, who: list[str], since: str, until: str) -> Proof:
    """Between the marks none of `who` lists, or reads again and again, anything but leases; each is alive, and its watches stand.

    Whoever begins to watch, or has lost a watch, may look once what there is; and who is told of an object may look at it.
    """
    seen = window(history, since, until)
    require(who, "there is nobody who could read")
    polls = [r for r in requests(history, who) if seen.holds(r) and r["verb"] in READS - {"watch"} and not background(r)]
    polls = [r for r in polls if r["resource"] and not _configuration(r) and not _measured(r)]  # health is no resource
    polls = [r for r in polls if not _once(history, r) and not _prompted(history, r)]
    by = {name: own for name in who if (own := [r for r in polls if r.instance == name])}
    found = [_polling(name, *own) for name, own in by.items()]
    return proof(alive(history, who, seen), *found, *(_glimpses(history, name, seen) for name in who if name not in by))


def _polling(name: str, first: Event, *more: Event) -> Finding:
    expected = f"no {first['verb']} of {first['resource']} while nothing changes"
    return fault(name, expected, f"{counted(1 + len(more), 'read')}, first {first['verb']} {first['path']}", first, *more[:4])


def _configuration(read: Event) -> bool:
    """Whether it looks at what it is configured by: nobody waits for work there."""
    return bool(read["verb"] == "get" and read["resource"] in ("configmaps", "secrets"))


def _measured(read: Event) -> bool:
    """Whether it reads measurements: servers of them serve no watches, and they are not what they are measurements of."""
    return str(read["group"] or "").endswith("metrics.k8s.io")


def _once(history: History, read: Event) -> bool:
    """Whether it is the one list with which a watch begins, or goes on."""
    return bool(read["verb"] == "list" and (resumes(history, read) or opens(history, read)))


def _prompted(history: History, read: Event) -> bool:
    """Whether it reads one object of which it has been told since it read it last, or just now more often than it has read it: that is a
    reaction, and no poll."""
    mine = {"instance": read.instance, "source": read.source, **{k: read[k] for k in ("resource", "namespace", "name")}}
    told = [e for e in history.of("delivered", **mine) if e.seq < read.seq]
    before = [r for r in history.of("request", **mine, verb="get") if r.seq < read.seq]
    if read["verb"] != "get" or not told:
        return False
    lately, again = (len([e for e in events if read.at_s - e.at_s < REACTS_S]) for events in (told, before))
    return told[-1].seq > max((r.seq for r in before), default=-1) or lately > again


def _glimpses(history: History, name: str, seen: Window) -> Finding | None:
    """A kind that it began to watch more than once, and watched for less than half of the window: that is polling by another name."""
    ends = {(e.source, e["request"]): e.at_s for e in history.of("stream-end", instance=name)}
    for resource in sorted({r["resource"] for r, _ in accepted(history, [name], verb="watch") if not background(r)}):
        streams = [r for r, _ in accepted(history, [name], verb="watch", resource=resource)]
        spans = [(max(r.at_s, seen.start_s), min(ends.get((r.source, r["request"]), seen.end_s), seen.end_s)) for r in streams]
        stood_s = sum(max(0.0, end_s - start_s) for start_s, end_s in spans)
        again = [r for r in streams if seen.holds(r)]
        if len(again) > 1 and stood_s < (seen.end_s - seen.start_s) / 2:
            observed = f"its watches stood for {stood_s:.1f} s of {seen.end_s - seen.start_s:.1f} s"
            return fault(name, f"{name} watches {resource}", observed, *streams[-3:])
    return None


@check
def told_before_binding(history: History, *, name: str) -> Proof:
    """Whoever asked to bind the pod had been delivered a watch event about it before, in the order of the tap, or a list with which a watch
    began, or that made up for one that had ended."""
    asked = requests(history, instances(history, "scheduler"), resource="pods", subresource="binding", name=name)
    require(asked, f"no scheduler asked for a binding of {name} at the tap")
    first = asked[0]
    told = [
        e for e in history.of("delivered", source=first.source, instance=first.instance, resource="pods", name=name) if e.seq < first.seq
    ]
    told = told or _caught_up(history, first)
    if told:
        return proof([told[0], first])
    expected = f"a watch event about pod {name} before its binding"
    return proof([first], fault(first.instance, expected, "a binding that no watch event led to", first))


def _caught_up(history: History, binding: Event) -> list[Event]:
    """The list with which a watch began, or that came in the place of an ended one, the last one of its kind before the binding, where it
    was young enough to hold the pod."""
    born = min((e["revision"] for e in history.of("watched", watch="operator/pods", name=binding["name"])), default=0)
    lists = accepted(history, [str(binding.instance)], source=binding.source, verb="list", resource="pods")
    before = {subscription(r): r for r, a in lists if r.seq < binding.seq and (a["revision"] or 0) >= born}
    return [r for r in before.values() if _once(history, r)]


@check
def bindings(history: History, *, bound: str, left: str) -> Proof:
    """The schedulers asked to bind one pod, and never to bind the other."""
    schedulers = instances(history, "scheduler")
    asked = requests(history, schedulers, resource="pods", subresource="binding")
    writes = [r for r in requests(history, schedulers) if r["verb"] in WRITES and not background(r)]
    wrong = [r for r in writes if r["name"] == left]  # by whatever verb: it is to be left alone
    right = [r for r in asked if r["name"] == bound]
    if not wrong:
        require(right, f"no scheduler asked for a binding of {bound}")
    found = fault(wrong[0].instance, f"no binding of {left} asked for", counted(len(wrong), "attempt"), *wrong[:3]) if wrong else None
    return proof(right, found)


SCHEDULER_WRITES = {("pods", "binding"), ("pods", "status")}


@check
def scheduler_writes(history: History) -> Proof:
    """All writes that schedulers asked for, refused ones too, are bindings, pod status, events, leases or reviews."""
    schedulers = instances(history, "scheduler")
    writes = [r for r in requests(history, schedulers) if r["verb"] in WRITES]
    wrong = [r for r in writes if not background(r) and (r["resource"], r["subresource"]) not in SCHEDULER_WRITES]
    bound = [r for r in writes if r["subresource"] == "binding"]
    require(bound or wrong, "no scheduler wrote anything")
    expected = "bindings, pod status, events, leases and reviews only"
    return proof(bound, *(fault(r.instance, expected, f"{r['verb']} {r['path']}", r) for r in wrong[:3]))


@check
def bindings_joined(history: History, *, name: str) -> Proof:
    """Each pod that got its node in the store got it by exactly one accepted binding, by a scheduler, and nothing else of it changed."""
    evidence: list[Event] = []
    found: list[Finding] = []
    for life in versions(history, name).values():
        bound = binding(life)
        if bound is None:
            continue
        meta = bound["value"]["metadata"]
        made = accepted(history, resource="pods", subresource="binding", namespace=meta["namespace"], name=meta["name"])
        evidence += [bound, *(r for r, _ in made)]
        actors = {str(r.instance) for r, _ in made}
        if len(made) != 1 or not actors <= set(instances(history, "scheduler")):
            found.append(_unjoined(history, bound, actors, len(made)))
        elif changed := _changed(life, bound):
            culprit = actors.pop()
            expected = f"only the node of pod {meta['name']} changed"
            found.append(fault(culprit, expected, f"{', '.join(changed)} changed too", bound))
    require(evidence, "the store shows no pod that got a node")
    return proof(evidence, *found[:3])


def _unjoined(history: History, bound: Event, actors: set[str], number: int) -> Finding:
    """Nobody asked at the API server: then somebody wrote past it, or it wrote by itself."""
    name = bound["value"]["metadata"]["name"]
    strangers = sorted(actors - set(instances(history, "scheduler")))
    culprit = strangers[0] if strangers else culprit_of(history, name=name, revision=bound["revision"])
    observed = f"{number} by {', '.join(sorted(actors)) or 'nobody'}; the node was stored at revision {bound['revision']}"
    return fault(culprit, f"one accepted binding of pod {name} by the scheduler", observed, bound)


def _changed(life: list[Event], bound: Event) -> list[str]:
    """Fields of the spec besides the node that the binding's revision changed."""
    before = [e for e in life if e["revision"] < bound["revision"]]
    if not before:
        return []
    old, new = before[-1]["value"]["spec"], bound["value"]["spec"]
    return sorted(k for k in old.keys() | new.keys() if k != "nodeName" and old.get(k) != new.get(k))


@check
def told_only(history: History, *, instance: str, own: str, other: str) -> Proof:
    """The instance was told of one pod over its watches, and of the other never; and it never listed more than the pods of its node."""
    told = history.of("delivered", instance=instance, resource="pods")
    wrong = [e for e in told if e["name"] == other]
    right = [e for e in told if e["name"] == own]
    wide = [r for r, _ in accepted(history, [instance], verb="list", resource="pods") if not _narrow(r, instance)]
    if wrong:
        stream = next((r for r in requests(history, [instance], request=wrong[0]["request"])), None)
        return proof([], _told_too_much(history, instance, other, stream, wrong[0]))
    if wide:
        expected, observed = f"{instance} asks for its own pods only", f"it listed {wide[0]['path']} without naming its node"
        return proof([], fault(instance, expected, observed, *wide[:3]))
    require(right, f"{instance} was not told of {own} either")
    return proof(right)


def _told_too_much(history: History, instance: str, other: str, stream: Event | None, told: Event) -> Finding:
    """Whoever asked for too much is to blame for being told it; else whoever told."""
    narrow = stream is not None and _narrow(stream, instance)
    observed = f"it was told of {other}" + ("" if narrow else ", having asked for the pods of other nodes too")
    shown = [stream, told] if stream else [told]
    return fault(server_of(history) if narrow else instance, f"{instance} is told of its own pods only", observed, *shown)


def _narrow(request: Event, node: str) -> bool:
    """Whether it asks for the pods of that node."""
    selector = str((request["query"] or {}).get("fieldSelector", ""))
    return f"spec.nodeName={node}" in selector.replace("==", "=").split(",")
