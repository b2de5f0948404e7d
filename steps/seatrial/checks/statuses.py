"""What has become of pods, as it is stored: each word of it is one request of the node's kubelet, no start and no end goes unmentioned, and
none is told before its time or forgotten afterwards."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from seatrial.checks.chain import binding, first_running, versions
from seatrial.checks.facts import authors, instances, server_of
from seatrial.checks.misled import to_blame
from seatrial.checks.registry import check, fault, proof, require
from seatrial.checks.runtime import ENDINGS
from seatrial.model.history import Event, History
from seatrial.model.verdicts import Finding, Proof

OVER = ("Succeeded", "Failed")
KILLED = (137, 143)  # exit codes of those whom somebody stops


@check
def joined(history: History, *, name: str) -> Proof:
    """Each change of a pod's status in the store is one accepted request of its node's kubelet, or of a scheduler before the binding; what
    it says of the placing is the scheduler's to say afterwards, too. And the end of a container is among what is said, as what it was, when
    it was, and from then on."""
    evidence: list[Event] = []
    found: list[Finding] = []
    for life in versions(history, name).values():
        bound = binding(life)
        for before, after in pairwise(life):
            if after is bound or before["value"].get("status") == after["value"].get("status"):
                continue
            made = authors(history, name=after["value"]["metadata"]["name"], revision=after["revision"])
            evidence += [after, *made]
            problem = _wrong_reporter(history, before, after, made)
            if after is first_running(life):
                problem = problem or _ahead(history, after, made)
            problem = problem or _untrue(history, before, after, made) or _unready(after, made)
            found += [problem] if problem else []
        found += _forgotten(life)
    unsaid = unreported_starts(history, name)
    require(evidence or unsaid, f"the store shows no change of status of a pod of {name}")
    found += [_kept_back(e, "start") for e in unsaid]
    found += [_kept_back(e, "end") for e in unreported_ends(history, name)] + list(_embellished(history, name))
    kubelets = instances(history, "kubelet")
    return proof(evidence, *(replace(f, culprit=to_blame(history, f.culprit)) if f.culprit in kubelets else f for f in found[:3]))


def unreported_ends(history: History, name: str) -> list[Event]:
    """Ends of containers, as their runtime has them, that no stored status of the pod mentions."""
    said: dict[str, set[str]] = {}
    for uid, life in versions(history, name).items():
        said[uid] = {str(s.get("name")) for e in life for s in _containers(e) if _mentions_end(s)}
    return [e for e in history.of("container-exited") if e["uid"] in said and e["container"] not in said[e["uid"]]]


def unreported_starts(history: History, name: str) -> list[Event]:
    """Starts of containers that run, by the calls of their runtime, of which no stored status ever said anything; of pods that are there to
    stay. That a pod is running says it of all that is in it."""
    found: list[Event] = []
    for uid, life in versions(history, name).items():
        meta, spec = life[-1]["value"]["metadata"], life[-1]["value"]["spec"]
        if "deletionTimestamp" in meta or history.of("delete", key=life[-1]["key"]) or any(_phase(e) in ("Running", *OVER) for e in life):
            continue
        mains = {c["name"] for c in spec.get("containers") or ()}
        said = {s.get("name") for e in life for s in _containers(e) if "running" in (s.get("state") or {}) or _mentions_end(s)}
        found += [e for e in _runs(history, uid, math.inf) if e["container"] in mains - said]
    return found


def _containers(version: Event) -> list[dict[str, Any]]:
    status = version["value"].get("status", {})
    return [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]


def _embellished(history: History, name: str) -> Iterator[Finding]:
    """Errors with which containers ended by themselves, and of which it is said that all went well: of the container, or of a pod that is
    not started again; or that they were other errors."""
    lives = versions(history, name)
    for end in history.of("container-exited"):
        life = lives.get(end["uid"], ())
        if another := sorted(_codes_said(life, end["container"]) - _codes(history, end)):
            expected = f"the container {end['container']} of {end['pod']} is reported to have ended with {end['code']}"
            yield fault(end.instance, expected, f"it is said to have ended with {another[0]}", end)
        good = {s["name"] for e in life for s in _containers(e) if any(t.get("exitCode") == 0 for t in _terminated(s))}
        finite = [e["value"] for e in life if e["value"]["spec"].get("restartPolicy") == "Never"]
        succeeded = any(pod.get("status", {}).get("phase") == "Succeeded" for pod in finite)
        if end["code"] and (end["container"] in good or succeeded):
            expected = f"the container {end['container']} of {end['pod']} is reported to have ended with {end['code']}"
            yield fault(end.instance, expected, "it is said to have succeeded", end)


def _codes_said(life: Sequence[Event], container: str) -> set[int]:
    """The exit codes that the pod's status has ever told of a container; but success, which is looked at by itself."""
    told = [t.get("exitCode") for e in life for s in _containers(e) if s["name"] == container for t in _terminated(s)]
    return {code for code in told if code}


def _codes(history: History, end: Event) -> set[int]:
    """With what the container has ever ended by itself; and what is told of those who were stopped, or lost, where it was started again
    after all that, or whoever has started it cannot be asked."""
    same = {"uid": end["uid"], "container": end["container"]}
    ends, starts = history.of("container-exited", **same), history.of("cri", method="StartContainer", **same)
    return {*(e["code"] for e in ends), *(KILLED if len(starts) != len(ends) else ())}


def _mentions_end(status: dict[str, Any]) -> bool:
    return bool(_terminated(status) or status.get("restartCount"))


def _terminated(status: dict[str, Any]) -> list[dict[str, Any]]:
    """The ends of the container that its status tells of."""
    ends = [status.get(state, {}).get("terminated") for state in ("state", "lastState")]
    return [end for end in ends if end]


def _kept_back(event: Event, what: str) -> Finding:
    expected = f"the {what} of the container {event['container']} of {event['pod']} is reported"
    return fault(event.instance, expected, "no status mentions it", event)


def _ahead(history: History, after: Event, made: list[Event]) -> Finding | None:
    """Running was reported before the runtime had been asked to start any of the pod's containers, where its calls are known. A pod that
    is said to run, and whose containers are not yet, has them all made, and starts them (documentation of the life of a pod)."""
    pod, node = after["value"], str(made[0].instance)
    calls = [e for e in history.of("cri", instance=node, uid=pod["metadata"]["uid"]) if e.at_s <= made[0].at_s]
    waiting = not any("running" in (s.get("state") or {}) or s.get("ready") for s in _containers(after))
    there = {e["container"] for e in calls if e["method"] == "CreateContainer"} >= {c["name"] for c in pod["spec"].get("containers", ())}
    known = history.of("cri", instance=node, method="StartContainer")
    if not known or any(e["method"] == "StartContainer" for e in calls) or (waiting and there):
        return None
    expected = f"pod {pod['metadata']['name']} is reported Running when a container of it has been started"
    return fault(node, expected, "it was reported before", after, made[0])


def _untrue(history: History, before: Event, after: Event, made: list[Event]) -> Finding | None:
    """What ran is said to wait, though no init container can have been run anew; or all is said to be over, and something runs."""
    pod, was, now = after["value"], _phase(before), _phase(after)
    if not made or not pod["spec"].get("nodeName"):
        return None  # nobody's kubelet has said it: that is judged elsewhere
    if was == "Running" and now == "Pending" and not pod["spec"].get("initContainers"):
        return _misreported(after, f"pod {pod['metadata']['name']} is not reported Pending once it has been Running", "it was", *made)
    lively = _runs(history, pod["metadata"]["uid"], made[0].at_s) if now in OVER and was != now else []
    if not lively:
        return None
    expected = f"pod {pod['metadata']['name']} is reported {now} when all its containers have ended"
    return _misreported(after, expected, f"{lively[0]['container']} runs", *made, *lively[:1])


def _unready(after: Event, made: list[Event]) -> Finding | None:
    """The pod is said to be ready while one of its containers is said not to run."""
    status = after["value"].get("status", {})
    ready = any(c.get("type") == "Ready" and c.get("status") == "True" for c in status.get("conditions", ()))
    idle = [str(s.get("name")) for s in status.get("containerStatuses", ()) if "running" not in (s.get("state") or {"running": {}})]
    if not (made and ready and idle):
        return None
    name = after["value"]["metadata"]["name"]
    return _misreported(after, f"{name} is not reported ready while {idle[0]} does not run", "it was", *made)


def _runs(history: History, uid: str, at_s: float) -> list[Event]:
    """The starts of those containers of a pod that run at that time, as far as the calls of its runtime and what ended there tell."""
    calls = [e for e in history.of("cri", uid=uid) if e["method"] in ("StartContainer", *ENDINGS)]
    last: dict[str | None, Event] = {}
    for event in sorted((*calls, *history.of("container-exited", uid=uid)), key=lambda e: e.seq):
        if event.at_s <= at_s:
            last = {} if event["container"] is None else last | {event["container"]: event}
    return [e for e in last.values() if e.kind == "cri" and e["method"] == "StartContainer"]


def _forgotten(life: list[Event]) -> list[Finding]:
    """A container of which it has been said that it had ended is said to run, and never to have been started again, or less often than
    before."""
    ended: set[str] = set()
    counts: dict[str, int] = {}
    for version in life:
        for status in _containers(version):
            count = int(status.get("restartCount") or 0)
            if count < counts.setdefault(str(status["name"]), count):
                expected = f"{counts[status['name']]} restarts of {status['name']} are remembered"
                return [_misreported(version, expected, f"restartCount is {count}")]
            counts[status["name"]] = count
            if _terminated(status):
                ended.add(str(status["name"]))
            if "running" in (status.get("state") or {}) and status["name"] in ended and not status.get("restartCount"):
                return [_misreported(version, f"the restart of {status['name']} is counted", "restartCount is 0")]
    return []


def _phase(version: Event) -> str:
    return str((version["value"].get("status") or {}).get("phase"))


def _misreported(version: Event, expected: str, observed: str, *evidence: Event) -> Finding:
    """By the kubelet of the pod's node: what others say is found elsewhere."""
    return fault(version["value"]["spec"].get("nodeName"), expected, observed, version, *evidence)


def _but_placing(status: dict[str, Any]) -> dict[str, Any]:
    """The status without what it says of where the pod is to go."""
    conditions = [c for c in status.get("conditions", ()) if c.get("type") != "PodScheduled"]
    return {k: v for k, v in status.items() if k != "nominatedNodeName"} | {"conditions": conditions}


def _wrong_reporter(history: History, before: Event, after: Event, made: list[Event]) -> Finding | None:
    pod = after["value"]
    node = pod["spec"].get("nodeName")
    allowed = {node} if node else set()
    if not node or _but_placing(before["value"].get("status", {})) == _but_placing(pod.get("status", {})):
        allowed |= set(instances(history, "scheduler"))
    actors = {str(r.instance) for r in made}
    if len(made) == 1 and actors <= allowed:
        return None
    more = any(r["verb"] in ("delete", "deletecollection") for r in made)  # was made of a request that says nothing of a status
    culprit = server_of(history) if more else next(iter(sorted(actors - allowed)), node or server_of(history))
    expected = f"the status of pod {pod['metadata']['name']} reported through the API server by {node or 'the scheduler'}"
    observed = f"revision {after['revision']} was made by {', '.join(sorted(actors)) or 'no accepted request'}"
    return fault(culprit, expected, observed, after, *made)
