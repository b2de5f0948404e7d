"""What the container runtime of a node was asked to do, in the order of its calls."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from seatrial.checks.facts import WRITES, requests
from seatrial.checks.registry import check, fault, proof, require
from seatrial.model.history import Event, History
from seatrial.model.verdicts import Finding, Proof

STATIC = "kubernetes.io/config.hash"  # under which uid a kubelet runs what it shows as this pod
ENDINGS_OF_ALL = ("StopPodSandbox", "RemovePodSandbox")  # a sandbox that is stopped ends the containers that are left in it
ENDINGS = ("StopContainer", "RemoveContainer", *ENDINGS_OF_ALL)  # and what runs is ended before it is removed
STEPS = ("RunPodSandbox", "CreateContainer", "StartContainer")


def calls(history: History, node: str) -> list[Event]:
    """What makes a pod run on the node, in the order of its runtime."""
    return [e for e in history.of("cri", instance=node) if e["method"] in STEPS]


def stopped(history: History, uid: str) -> bool:
    """Whether the pod's runtime was asked to stop all of it that it has started last. Where its calls are not known, no."""
    mine = [e for e in history.of("cri", uid=uid) if e["method"] in ("StartContainer", *ENDINGS)]
    starts = {e["container"]: e for e in mine if e["method"] == "StartContainer"}
    return bool(mine) and all(any(_ends(e, start) for e in mine if e.seq > start.seq) for start in starts.values())


def _ends(call: Event, start: Event) -> bool:
    """Whether a later call ends what was started: what is left of earlier incarnations, and of their sandboxes, may be cleared away later.
    Which incarnation is meant need not be known."""
    if call["method"] in ENDINGS_OF_ALL:
        return call["sandbox"] in (start["sandbox"], None)
    return call["method"] in ENDINGS and call["container"] == start["container"] and call["id"] in (start["id"], None)


@check
def ran(history: History, *, node: str, name: str) -> Proof:
    """The node's runtime was asked for a sandbox of the pod, then for each container to create it as the pod has it, then to start it; and
    no container was started once more that had not ended, or is not to be started again, but each that has ended and is to run. Init
    containers end before those that come after them are started."""
    seen = history.of("watched", watch="operator/pods", name=name)
    require(seen, f"nobody ever saw the pod {name}")
    former = {e["uid"] for e in seen} - {seen[-1]["uid"]}  # of its name
    mine = [e for e in calls(history, node) if e["pod"] == name and e["uid"] not in former]
    spec = seen[-1]["object"]["spec"]
    containers = [str(c["name"]) for c in (*spec.get("initContainers", ()), *spec["containers"])]
    exits = [e for e in history.of("container-exited", instance=node, pod=name) if e["uid"] not in former]
    starts = Counter(e["container"] for e in mine if e["method"] == "StartContainer")
    ends = Counter(e["container"] for e in exits)
    wrong = [c for c in containers if not _in_order(mine, c) or starts[c] > 1 + ends[c]]
    wrong += [str(e["container"]) for e in begun_again(spec, mine, exits)]
    wrong += [c for c in unfinished_restarts(history, name) if c not in wrong]
    inits = [str(c["name"]) for c in spec.get("initContainers", ())]
    wrong += [init for number, init in enumerate(inits) if not _went_before(history, mine, init, after=containers[number + 1 :])]
    if strange := [e for e in mine if e["method"] == "CreateContainer" and not _as_told(spec, e)]:
        return proof([], _disobeyed(node, spec, strange[0]))
    expected = f"{' -> '.join(STEPS)} for {', '.join(containers)} of pod {name} on {node}, once"
    observed = " -> ".join(f"{e['method']} {e['container'] or ''}".strip() for e in mine) or "no call at all"
    return proof(mine, fault(node, expected, observed, *mine) if wrong else None)


def begun_again(spec: dict[str, Any], done: Iterable[Event], exits: Iterable[Event]) -> Iterator[Event]:
    """Starts of containers that had ended, and are not to be started again: by the pod's policy; init containers when they have succeeded,
    unless the sandbox is another one."""
    seen = sorted((*done, *exits), key=lambda e: e.seq)
    for number, start in enumerate(seen):
        before = [e for e in seen[:number] if e.kind == "container-exited" and e["container"] == start["container"]]
        if start["method"] != "StartContainer" or not before:
            continue
        anew = any(e["method"] == "RunPodSandbox" and e.seq > before[-1].seq for e in seen[:number])
        if _final(spec, str(start["container"]), failed=bool(before[-1]["code"]), anew=anew):
            yield start


def _final(spec: dict[str, Any], container: str, *, failed: bool, anew: bool) -> bool:
    """Whether the end of the container is its last."""
    policy = spec.get("restartPolicy", "Always")
    inits = {c["name"] for c in spec.get("initContainers") or () if c.get("restartPolicy") != "Always"}
    if container in inits and not failed:
        return not anew
    return bool(policy == "Never" or (policy == "OnFailure" and not failed))


def repeated(history: History) -> tuple[Finding, ...]:
    """A kubelet started a container once more that is not to be started again."""
    pods = {e["uid"]: e["object"] for e in history.of("watched", watch="operator/pods")}
    for uid, pod in pods.items():
        starts = begun_again(pod.get("spec", {}), history.of("cri", uid=uid), history.of("container-exited", uid=uid))
        for start in starts:
            expected = f"{start['container']} of {start['pod']} is not started again once it has ended"
            return (fault(start.instance, expected, f"{start.instance} started it", start),)
    return ()


def unfinished_restarts(history: History, name: str) -> list[str]:
    """The containers of the pod that have ended by themselves, are to be started again, and were not."""
    seen = [e for e in history.of("watched", watch="operator/pods", name=name)[-1:] if e["type"] != "DELETED"]
    if not seen or seen[0]["object"]["spec"].get("restartPolicy", "Always") != "Always":
        return []
    uid = seen[0]["uid"]
    ends = Counter(e["container"] for e in history.of("container-exited", uid=uid))
    starts = Counter(e["container"] for e in history.of("cri", uid=uid, method="StartContainer"))
    return [c for c in (str(c["name"]) for c in seen[0]["object"]["spec"]["containers"]) if ends[c] and starts[c] <= ends[c]]


def unstarted(history: History, name: str) -> list[str]:
    """Containers of the pod that were never started, but for those that go before others. A pod runs as soon as one of them does."""
    seen = history.of("watched", watch="operator/pods", name=name)[-1:]
    starts = {e["container"] for e in history.of("cri", uid=seen[0]["uid"], method="StartContainer")} if seen else set()
    return [str(c["name"]) for e in seen for c in e["object"].get("spec", {}).get("containers", ()) if c["name"] not in starts]


def _as_told(spec: dict[str, Any], created: Event) -> bool:
    """Whether a container was created from the image, with the command and the arguments that the pod has for it, in the folder that it
    names, and with its environment at least. An image that was pulled may be called by its name and its digest. Of what the record does not
    have, or the pod leaves to the runtime, nothing can be said."""
    told, made = _orders(spec, str(created["container"])), created.data
    same = all(told[what] == made.get(what, told[what]) for what in ("command", "args"))
    there = told["folder"] in ("", made.get("folder", told["folder"]))
    alike = made.get("image", told["image"]).partition("@")[0] == told["image"].partition("@")[0]
    return same and there and alike and told["env"].items() <= made.get("env", told["env"]).items()


def _orders(spec: dict[str, Any], container: str) -> dict[str, Any]:
    """What the pod has its container run: variables whose value comes from elsewhere are left out."""
    told: dict[str, Any] = next((c for c in (*spec.get("initContainers", ()), *spec["containers"]) if c["name"] == container), {})
    env = {e["name"]: e["value"] for e in told.get("env") or () if "value" in e}
    where = {"folder": told.get("workingDir") or ""}
    return {"image": str(told.get("image")), "command": told.get("command") or [], "args": told.get("args") or [], "env": env} | where


def _disobeyed(node: str, spec: dict[str, Any], created: Event) -> Finding:
    told = _orders(spec, str(created["container"]))
    made = {what: created.data.get(what) for what in told}
    return fault(node, f"{created['container']} is created with {told}", str(made), created)


def _in_order(mine: list[Event], container: str) -> bool:
    """Whether the first call of each step that concerns the container comes after the one of the step before."""
    concerning = [str(e["method"]) for e in mine if e["container"] in (None, container)]
    first = [concerning.index(step) for step in STEPS if step in concerning]
    return len(first) == len(STEPS) and first == sorted(first)


def _went_before(history: History, mine: list[Event], init: str, *, after: list[str]) -> bool:
    """Whether a container of the pod had ended well before any of those were started that come after it."""
    uids = {e["uid"] for e in mine}
    ends = [e for e in history.of("container-exited", container=init, code=0) if e["uid"] in uids]
    others = [e for e in mine if e["method"] == "StartContainer" and e["container"] in after]
    return bool(ends) and all(ends[0].seq < e.seq for e in others)


@check
def only(history: History, *, node: str, name: str) -> Proof:
    """The node's runtime was asked to run this pod and no other, and its kubelet asked for no change of another one. A pod that somebody
    else has bound to the node after all is no other's; nor is one that the node runs without having been told, and shows."""
    asked = [e for e in calls(history, node) if e["method"] == "RunPodSandbox"]
    here = [e for e in history.of("watched", watch="operator/pods") if e["object"].get("spec", {}).get("nodeName") == node]
    meddled = _meddled(history, node, {e["name"] for e in here})
    known = {e["uid"] for e in here} | {e["object"]["metadata"].get("annotations", {}).get(STATIC) for e in here} - {None}
    wrong = [e for e in asked if e["pod"] != name and e["uid"] not in known]
    deeds = [f"{node} ran {', '.join(sorted({str(e['pod']) for e in wrong}))}"] if wrong else []
    deeds += [f"it asked to {r['verb']} {r['path']}" for r in meddled]
    if deeds:
        return proof(asked, fault(node, f"only {name} on {node}", deeds[0], *wrong, *meddled))
    spaces = {e["namespace"] for e in here if e["name"] == name}  # what runs elsewhere is the cluster's own
    bound = sorted({str(e["pod"]) for e in asked if e["pod"] != name and e["namespace"] in {None, *spaces}})
    require(not bound, f"{', '.join(bound)} was bound to {node}, and so it was right to run it")
    require(asked, f"{node} ran nothing at all, so what it did not run says nothing")
    return proof(asked)


def _meddled(history: History, node: str, own: set[str]) -> list[Event]:
    """What the node's kubelet asked to change of pods that are not its own, or to make its own; refused attempts too. It may make pods,
    which stand for what it runs without having been told."""
    writes = [r for r in requests(history, [node], resource="pods") if r["verb"] in WRITES]
    return [r for r in writes if r["subresource"] == "binding" or (r["verb"] != "create" and r["name"] not in own)]
