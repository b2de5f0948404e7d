"""Pods and the workloads that they belong to, as the operator's watches showed them; who is to blame where they got stuck."""

from collections import Counter
from typing import Any

from seatrial.checks.facts import accepted, authors, breach, creations, culprit_of, instances, requests, roles_of, server_of
from seatrial.checks.leases import hold_before, leader, lease_writes
from seatrial.checks.misled import to_blame
from seatrial.checks.objects import belongs, current, pods_of
from seatrial.checks.registry import check, fault, proof, require
from seatrial.checks.runtime import stopped
from seatrial.model.history import Event, History
from seatrial.model.saying import counted
from seatrial.model.verdicts import Finding, Proof


def wanted(history: History, name: str) -> int:
    """How many pods the workload wants, or all workloads of this name; of single pods each wants itself, and where none is left, one is."""
    for resource in ("deployments", "replicasets"):
        if found := [e["object"]["spec"] for (_, called), e in current(history, resource).items() if called == name]:
            return sum(int(spec.get("replicas", 1)) for spec in found)
    return max(1, sum(called == name for _, called in current(history, "pods")))


def running(pod: dict[str, Any]) -> bool:
    """Whether the pod says so, and is not on its way out."""
    return bool(pod.get("status", {}).get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"])


def bound(pod: dict[str, Any]) -> bool:
    """Whether the pod has a node."""
    return bool(pod.get("spec", {}).get("nodeName"))


@check
def reached(history: History, *, name: str, state: str) -> Proof:
    """As many pods as wanted, and all of them bound, or running. Whoever had to act next is to blame where not."""
    pods, number = pods_of(history, name), wanted(history, name)
    good = [p for p in pods if (running if state == "become running" else bound)(p["object"])]
    good = [p for p in good if state != "become running" or not stopped(history, p["uid"])]
    if good and len(good) == len(pods) == number:
        return proof(good)
    expected = f"{counted(number, 'pod')} of {name} that {_have(number)} {state}"
    observed = f"{len(good)} of {counted(len(pods), 'pod')} {_have(len(pods))} {state}"
    culprit = to_blame(history, stuck_at(history, pods, number, name))
    return proof([], fault(culprit, expected, observed, *pods[:5]))


def _have(number: int) -> str:
    return "has" if number == 1 else "have"


def stuck_at(history: History, pods: list[Event], number: int, name: str) -> str:
    """The instance that had to act next: who makes pods, who binds them, who runs them; the API server where it told them nothing."""
    if not pods and (gone := _gone(history, name)):
        ended = history.of("watched", watch="operator/pods", name=name)
        return next(iter(_strangers(history, ended)), culprit_of(history, name=name, revision=gone["revision"]))
    dying = [p for p in pods if "deletionTimestamp" in p["object"]["metadata"] and bound(p["object"])]
    if len(pods) != number and len(pods) - len(dying) != number:
        return due(history, "controller-manager", "deployments|replicasets|pods", name)
    unbound = [p for p in pods if not bound(p["object"])]
    if unbound:
        return due(history, "scheduler", "pods", unbound[0]["name"])
    stuck = next((p for p in (*dying, *pods) if not running(p["object"])), pods[0])
    node = stuck["object"]["spec"]["nodeName"]
    if node not in {name for _, name in current(history, "nodes")} and (binder := _misplacer(history, stuck, node)):
        return binder
    kubelet = node if node in instances(history) else next(iter(instances(history, "kubelet")), node)
    return kubelet if not _untold(history, kubelet, "pods", stuck["name"]) else server_of(history)


def _misplacer(history: History, pod: Event, node: str) -> str | None:
    """Who bound the pod to a node that was gone by then, or never there."""
    gone = history.of("watched", watch="operator/nodes", name=node, type="DELETED")[-1:]
    placed = next(e for e in history.of("watched", watch="operator/pods", uid=pod["uid"]) if bound(e["object"]))
    if not history.of("watched", watch="operator/nodes") or any(e["revision"] > placed["revision"] for e in gone):
        return None
    asked = accepted(history, resource="pods", subresource="binding", name=pod["name"])
    made = culprit_of(history, name=pod["name"], revision=placed["revision"])
    return str(asked[-1][0].instance) if asked else made


def _gone(history: History, name: str) -> Event | None:
    """The end of a single pod of that name, for which nobody makes another one."""
    made_for = [e for r in ("deployments", "replicasets") for e in history.of("watched", watch=f"operator/{r}", name=name)]
    ends = history.of("watched", watch="operator/pods", name=name, type="DELETED")
    return ends[-1] if ends and not made_for else None


def due(history: History, role: str, resources: str, name: str) -> str:
    """Whoever of the role had to act next; the API server where it told them nothing; the role where nobody is there."""
    candidates = instances(history, role)
    if not candidates:
        return role
    untold = all(_untold(history, c, resources, name) for c in candidates)
    return server_of(history) if untold else candidates[0]


def _untold(history: History, instance: str, resources: str, name: str) -> bool:
    """It asks to be told, and the API server never offered it an event about the object, nor a list that was younger than it. Whose watches
    have all ended has to ask again. An audit log does not say what was offered."""
    over = {(e.source, e["request"]) for e in history.of("stream-end", instance=instance)}
    watching = [r for r in requests(history, [instance], verb="watch") if r["resource"] in resources.split("|")]
    watching = [r for r in watching if not r.source.startswith("audit/") and (r.source, r["request"]) not in over]
    told = [e for e in history.of("offered", instance=instance) if str(e["name"] or "").startswith(name)]
    about = [e for e in history.of("watched") if str(e["name"]).startswith(name) and e["resource"] in resources.split("|")]
    born = min((e["revision"] for e in about), default=0)
    lists = [a for r, a in accepted(history, [instance], verb="list") if r["resource"] in resources.split("|")]
    return bool(watching) and not told and not any((a["revision"] or 0) >= born for a in lists)


@check
def count(history: History, *, name: str, number: int) -> Proof:
    """So many pods there are now, those being deleted not counted."""
    pods = [p for p in pods_of(history, name) if "deletionTimestamp" not in p["object"]["metadata"]]
    seen = [e for e in history.of("watched", watch="operator/pods") if belongs(e["object"], name)]
    require(seen, f"nobody ever saw a pod of {name}")
    keeper = due(history, "controller-manager", "deployments|replicasets|pods", name)
    culprit = _maker(history, seen) if len(pods) > number else next(iter([*_strangers(history, seen), *_vanished(history, seen)]), keeper)
    wrong = len(pods) != number
    expected = f"exactly {counted(number, 'pod')} of {name}"
    return proof(seen[-number or -1 :], fault(to_blame(history, culprit), expected, f"{len(pods)}", *seen[-5:]) if wrong else None)


def _maker(history: History, seen: list[Event]) -> str:
    """Who made the latest of the pods; whose job it was where a person did."""
    latest = max((e for e in seen if e["type"] == "ADDED"), key=lambda e: e["revision"], default=seen[-1])
    made = {"name": latest["name"], "revision": latest["revision"]}
    asked = [str(r.instance) for r in authors(history, **made)] if history.of("request") else ["somebody"]
    maker = asked[0] if asked else culprit_of(history, **made)
    return maker if maker in instances(history) else next(iter(instances(history, "controller-manager")), "controller-manager")


def _strangers(history: History, seen: list[Event]) -> list[str]:
    """Who asked for the end of one of the pods, which nobody had marked before, though it was not their job."""
    called = {e["name"] for e in seen}
    asked = [r for r in requests(history, instances(history), verb="delete", resource="pods") if r["name"] in called]
    asked = [r for r in asked if not any(e["name"] == r["name"] and _going(e) and e.at_s <= r.at_s for e in seen)]
    return [str(r.instance) for r in asked if "controller-manager" not in roles_of(history, str(r.instance))]


def _vanished(history: History, seen: list[Event]) -> list[str]:
    """Who made pods go that nobody had asked to go, where requests are known: only who stores them could."""
    ends = [r for r in history.of("request") if r["verb"] in ("delete", "deletecollection") or r["subresource"] == "eviction"]
    asked, all_of_them = {r["name"] for r in ends}, any(r["verb"] == "deletecollection" for r in ends)
    gone = [e for e in seen if e["type"] == "DELETED" and e["name"] not in asked]
    return [server_of(history)] if gone and history.of("request") and not all_of_them else []


def _going(pod: Event) -> bool:
    return "deletionTimestamp" in pod["object"]["metadata"]


@check
def ever_created(history: History, *, name: str, number: int, at_most: bool = False) -> Proof:
    """So many different pods there ever were, or no more, asked for in as many accepted requests, by one instance or by each while it held
    the lease. Others' refused attempts count."""
    seen = {e["uid"]: e for e in history.of("watched", watch="operator/pods") if belongs(e["object"], name)}
    makers = instances(history, "controller-manager")
    require(seen or not at_most, f"nobody ever saw a pod of {name}")
    made = [r for r, _ in creations(history, resource="pods", subresource="")]
    tried = [*requests(history, verb="create", resource="pods", subresource=""), *(r for r in made if r["verb"] != "create")]
    asked = [r for r in tried if (belongs(r["body"], name) if isinstance(r["body"], dict) else r.instance in makers)]
    granted = [r for r in made if r in asked]
    by = Counter(str(r.instance) for r in asked)
    chosen = makers[0] if len(makers) == 1 else leader(history, "controller-manager")
    strays = _out_of_turn(history, asked, makers)
    intruders = [*unasked(history, name), *strays]
    others = len(seen) > number if at_most else len(seen) != number
    wrong = others or len(granted) > number or (len(by) > 1 and strays)
    culprit = next(iter([*intruders, to_blame(history, chosen or "controller-manager")]))
    due_number = f"{'at most' if at_most else 'exactly'} {counted(number, 'pod')}"
    expected = f"{due_number} of {name} created, by the controller manager that holds the lease"
    observed = f"{len(seen)} created, in {counted(len(asked), 'attempt')} by {', '.join(f'{i}: {n}' for i, n in sorted(by.items()))}"
    return proof(seen.values(), fault(culprit, expected, observed, *asked[:8]) if wrong else None)


def _out_of_turn(history: History, asked: list[Event], makers: list[str]) -> list[str]:
    """Who asked though it was not their job, or though another one held the lease; whoever is alone needs none."""
    several = len(makers) > 1
    holds = lease_writes(history, "controller-manager") if several else []

    def in_turn(request: Event) -> bool:
        hold = hold_before(holds, request)
        return request.instance in makers and (not several or (hold is not None and hold[0].instance == request.instance))

    return [str(r.instance) for r in asked if not in_turn(r)]


def unasked(history: History, name: str) -> list[str]:
    """Who made a pod of the workload that nobody asked the API server for; nobody where each was asked for, or requests are not known."""
    first = {e["uid"]: e for e in reversed(history.of("watched", watch="operator/pods", type="ADDED")) if belongs(e["object"], name)}
    known = [e for e in reversed(first.values()) if history.of("request")]
    alien = [e for e in known if not authors(history, name=e["name"], revision=e["revision"])]
    return [culprit_of(history, name=e["name"], revision=e["revision"]) for e in alien[:1]]


@check
def bound_once(history: History, *, names: list[str]) -> Proof:
    """Each pod gets one node, once, and keeps it; one that was deleted before might do without."""
    evidence: list[Event] = []
    found: list[Finding] = []
    for versions in _lives(history, names).values():
        last = versions[-1]
        evidence.append(last)
        nodes = list(dict.fromkeys(v["object"]["spec"]["nodeName"] for v in versions if bound(v["object"])))
        deleted = last["type"] == "DELETED" or _going(last)
        if len(nodes) > 1 or not (nodes or deleted):
            culprit = to_blame(history, due(history, "scheduler", "pods", last["name"]))
            found.append(fault(culprit, f"one node for pod {last['name']}", f"nodes {', '.join(nodes) or 'none'}", *versions))
        bindings = [r for r, _ in accepted(history, resource="pods", subresource="binding", **{k: last[k] for k in ("name", "namespace")})]
        if len(bindings) > 1:
            culprit = bindings[-1].instance or "scheduler"
            found.append(fault(culprit, f"one binding of pod {last['name']}", f"{len(bindings)} accepted ones", *bindings))
    require(evidence, f"nobody ever saw a pod of {', '.join(names)}")
    return proof(evidence, *found)


def _lives(history: History, names: list[str]) -> dict[str, list[Event]]:
    """All versions of each pod of the workloads or pods of these names, by uid."""
    lives: dict[str, list[Event]] = {}
    for event in history.of("watched", watch="operator/pods"):
        if any(belongs(event["object"], n) for n in names):
            lives.setdefault(event["uid"], []).append(event)
    return lives


@check
def stays_unbound(history: History, *, name: str) -> Proof:
    """The pods are there, none of them has ever had a node, nobody but a scheduler has tried to give it one, and none was run."""
    lives = _lives(history, [name])
    if missing := None if lives else _refusal(history, name) or _unmade(history, name):
        return proof([], missing)
    require(lives, f"nobody ever saw a pod of {name}")
    wrong = [v for versions in lives.values() for v in versions if bound(v["object"])]
    names = {v["name"] for versions in lives.values() for v in versions}
    asked = [r for r in requests(history, instances(history), resource="pods", subresource="binding") if r["name"] in names]
    attempts = [r for r in asked if wrong or "scheduler" not in roles_of(history, str(r.instance))]
    ran = [e for e in history.of("cri", method="RunPodSandbox") if e["uid"] in lives]
    if ran and not wrong:
        return proof([], fault(ran[0].instance, f"nobody runs {name}", f"{ran[0].instance} ran {ran[0]['pod']}", ran[0]))
    granted = [r.instance for r, _ in accepted(history, resource="pods", subresource="binding") if r in attempts]
    makers = [culprit_of(history, name=v["name"], revision=v["revision"]) for v in wrong[:1]]
    binders = [*granted, *makers, *(r.instance for r in attempts)]
    observed = [f"bound to {v['object']['spec']['nodeName']}" for v in wrong] + [f"{counted(len(attempts), 'attempt')} to bind it"]
    binder = server_of(history) if granted and {"name": name} in _refused(history) else binders[0] if binders else None
    found = fault(binder, f"no node for {name}", observed[0], *wrong[:1], *attempts[:3]) if binder else None
    return proof([v[-1] for v in lives.values()], found)


def _refused(history: History) -> list[dict[str, Any]]:
    """What admission refuses at last: whoever lets it pass is to blame for it."""
    relented = max((e.seq for e in history.of("mark", name="relents")), default=-1)
    return [e["match"] for e in history.of("mark", name="refuses") if e.seq > relented]


def _refusal(history: History, name: str) -> Finding | None:
    """Somebody asked for the pod, and the API server would not have it."""
    asked = {e.seq: e for e in history.of("asked", method="POST") if (e["body"] or {}).get("metadata", {}).get("name") == name}
    told = [e for e in history.of("told", method="POST") if e["asked"] in asked and e["code"] >= 400]
    if not told:
        return None
    observed = f"{told[-1]['code']} {told[-1]['body'].get('message', '')}"
    return breach(history, f"{name} is stored", observed, told[-1])


def _unmade(history: History, name: str) -> Finding | None:
    """A workload of that name is there, and whoever makes pods has made none."""
    itself = [e for r in ("deployments", "replicasets") for (_, n), e in current(history, r).items() if n == name]
    culprit = to_blame(history, due(history, "controller-manager", "deployments|replicasets", name))
    return fault(culprit, f"pods of {name}", "none", *itself[:1]) if itself else None


@check
def nothing_made(history: History, *, name: str) -> Proof:
    """Of the workload there is neither a ReplicaSet nor a pod, though it is there itself, and nobody has tried to make any."""
    itself = [e for r in ("deployments", "replicasets") for (_, n), e in current(history, r).items() if n == name]
    require(itself, f"nobody ever saw {name}")
    made = [e for r in ("replicasets", "pods") for e in history.of("watched", watch=f"operator/{r}") if e not in itself]
    made = [e for e in made if belongs(e["object"], name) and e["uid"] != itself[0]["uid"]]
    attempts = [r for r in requests(history, instances(history), verb="create") if r["body"] and belongs(r["body"], name)]
    attempts = [r for r in attempts if r["resource"] in ("replicasets", "pods") and not r["subresource"]]
    culprit = to_blame(history, str(attempts[0].instance)) if attempts else server_of(history)
    observed = f"{made[0]['resource']} {made[0]['name']}" if made else f"{counted(len(attempts), 'attempt')} to make some"
    wrong = [*made[:3], *attempts[:3]]
    return proof(itself, fault(culprit, f"nothing made from {name}", observed, *wrong) if wrong else None)
