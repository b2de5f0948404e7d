"""What has become of pods, as it is stored: each word of it is one request of the node's kubelet, and no end goes unmentioned."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from seatrial.checks.chain import binding, first_running, versions
from seatrial.checks.facts import authors, instances, server_of
from seatrial.checks.registry import check, fault, proof, require
from seatrial.model.history import Event, History
from seatrial.model.verdicts import Finding, Proof


@check
def joined(history: History, *, name: str) -> Proof:
    """Each change of a pod's status in the store is one accepted request of its node's kubelet, or of a scheduler before the binding; what
    it says of the placing is the scheduler's to say afterwards, too. And the end of a container is among what is said, as what it was."""
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
            found += [problem] if problem else []
    require(evidence, f"the store shows no change of status of a pod of {name}")
    found += [_kept_back(e) for e in unreported_ends(history, name)] + list(_embellished(history, name))
    return proof(evidence, *found[:3])


def unreported_ends(history: History, name: str) -> list[Event]:
    """Ends of containers, as their runtime has them, that no stored status of the pod mentions."""
    said: dict[str, set[str]] = {}
    for uid, life in versions(history, name).items():
        said[uid] = {str(s.get("name")) for e in life for s in _containers(e) if _mentions_end(s)}
    return [e for e in history.of("container-exited") if e["uid"] in said and e["container"] not in said[e["uid"]]]


def _containers(version: Event) -> list[dict[str, Any]]:
    status = version["value"].get("status", {})
    return [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]


def _embellished(history: History, name: str) -> Iterator[Finding]:
    """Errors with which containers ended by themselves, and of which it is said that all went well: of the container, or of a pod that is
    not started again."""
    lives = versions(history, name)
    for end in history.of("container-exited"):
        life = lives.get(end["uid"], ())
        good = {s["name"] for e in life for s in _containers(e) if any(t.get("exitCode") == 0 for t in _terminated(s))}
        finite = [e["value"] for e in life if e["value"]["spec"].get("restartPolicy") == "Never"]
        succeeded = any(pod.get("status", {}).get("phase") == "Succeeded" for pod in finite)
        if end["code"] and (end["container"] in good or succeeded):
            expected = f"the container {end['container']} of {end['pod']} is reported to have ended with {end['code']}"
            yield fault(end.instance, expected, "it is said to have succeeded", end)


def _mentions_end(status: dict[str, Any]) -> bool:
    return bool(_terminated(status) or status.get("restartCount"))


def _terminated(status: dict[str, Any]) -> list[dict[str, Any]]:
    """The ends of the container that its status tells of."""
    ends = [status.get(state, {}).get("terminated") for state in ("state", "lastState")]
    return [end for end in ends if end]


def _kept_back(end: Event) -> Finding:
    expected = f"the end of the container {end['container']} of {end['pod']} is reported"
    return fault(end.instance, expected, "no status mentions it", end)


def _ahead(history: History, after: Event, made: list[Event]) -> Finding | None:
    """Running was reported before the runtime had been asked to start any of the pod's containers, where its calls are known."""
    pod, node = after["value"], str(made[0].instance)
    starts = history.of("cri", instance=node, method="StartContainer")
    mine = [e for e in starts if e["uid"] == pod["metadata"]["uid"] and e.at_s <= made[0].at_s]
    if mine or not starts:
        return None
    expected = f"pod {pod['metadata']['name']} is reported Running when a container of it has been started"
    return fault(node, expected, "it was reported before", after, made[0])


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
    culprit = next(iter(sorted(actors - allowed)), node or server_of(history))
    expected = f"the status of pod {pod['metadata']['name']} reported through the API server by {node or 'the scheduler'}"
    observed = f"revision {after['revision']} was made by {', '.join(sorted(actors)) or 'no accepted request'}"
    return fault(culprit, expected, observed, after, *made)
