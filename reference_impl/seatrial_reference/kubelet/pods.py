"""What a kubelet knows of a pod on its node, what to do next about it, and what to tell the API server. Pure (KLT-03 to KLT-05).

A pod is its sandbox and, by name, the latest incarnation of each container. `due` says which containers are to be started now: init
containers one after another, each after the success of the one before, then all the others. A container that has ended is started again as
the pod's restartPolicy says, at once the first time, later after a back-off that doubles.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from seatrial_reference.machinery.backoff import delayed_s
from seatrial_reference.machinery.objects import Json, condition, dated, stamp

RESTART_S = 10.0
RESTART_MOST_S = 300.0
FORGIVEN_S = 600.0  # a container that ran for so long starts its back-off anew


State = Literal["created", "running", "exited"]


@dataclass(slots=True, kw_only=True)
class Container:
    """The latest incarnation of one container."""

    id: str
    attempt: int
    state: State
    image_id: str = ""
    started_s: float = 0.0
    finished_s: float = 0.0
    exit_code: int = 0
    reason: str = ""
    crashes: int = 0  # in a row, for the back-off
    last: Json | None = None  # how the incarnation before ended


@dataclass(slots=True, kw_only=True)
class Running:
    """What is there of one pod."""

    uid: str
    namespace: str
    name: str
    sandbox: str = ""
    attempt: int = 0
    ip: str = ""
    containers: dict[str, Container] = field(default_factory=dict)
    waiting: dict[str, tuple[str, str]] = field(default_factory=dict)  # container -> why it is not there: reason, message


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Containers to start now, and in how many seconds to look again (None: when something happens)."""

    containers: Sequence[Json] = ()
    again_s: float | None = None


def due(pod: Json, running: Running, *, now_s: float, restart_s: float = RESTART_S) -> Due:
    for spec in pod["spec"].get("initContainers") or ():
        found = running.containers.get(spec["name"])
        if found is None or found.state != "exited" or found.exit_code:
            return _start([spec], pod, running, now_s=now_s, restart_s=restart_s)
    return _start(pod["spec"]["containers"], pod, running, now_s=now_s, restart_s=restart_s)


def _start(specs: Sequence[Json], pod: Json, running: Running, *, now_s: float, restart_s: float) -> Due:
    now, later = [], []
    for spec in specs:
        found = running.containers.get(spec["name"])
        if found is None or found.state == "created":
            now.append(spec)
        elif found.state == "exited" and restarts(pod, spec["name"], found):
            left_s = found.finished_s + backoff_s(found, restart_s=restart_s) - now_s
            if left_s > 0:
                later.append(left_s)
            else:
                now.append(spec)
    return Due(containers=now, again_s=min(later) if later else None)


def backoff_s(container: Container, *, restart_s: float) -> float:
    if not container.crashes or container.finished_s - container.started_s >= FORGIVEN_S:
        return 0.0
    return delayed_s(container.crashes - 1, first_s=restart_s, most_s=RESTART_MOST_S)


def restarts(pod: Json, name: str, container: Container) -> bool:
    """Whether the container is to be started again after it has ended."""
    policy = pod["spec"].get("restartPolicy", "Always")
    if any(spec["name"] == name for spec in pod["spec"].get("initContainers") or ()):
        return bool(container.exit_code) and policy != "Never"
    return policy == "Always" or (policy == "OnFailure" and bool(container.exit_code))


def phase_of(pod: Json, running: Running) -> str:
    """Pending until every container has been started once; then Running until all have ended for good."""
    have = [(spec["name"], running.containers.get(spec["name"])) for spec in pod["spec"]["containers"]]
    for spec in pod["spec"].get("initContainers") or ():
        init = running.containers.get(spec["name"])
        if init is not None and init.state == "exited" and init.exit_code and not restarts(pod, spec["name"], init):
            return "Failed"
    if any(c is None or c.state == "created" for _, c in have):
        return "Pending"
    ended = [c for name, c in have if c is not None and c.state == "exited" and not restarts(pod, name, c)]
    if len(ended) < len(have):
        return "Running"
    return "Failed" if any(c.exit_code for c in ended) else "Succeeded"


def status_of(pod: Json, running: Running, *, host_ip: str, wall_s: float, known: Json) -> Json:
    """The pod's status, with the dates of what has not changed since `known`, which was reported before."""
    now, phase = stamp(wall_s), phase_of(pod, running)
    inits, mains = pod["spec"].get("initContainers") or (), pod["spec"]["containers"]
    initialized = all(_succeeded(running.containers.get(spec["name"])) for spec in inits)
    ready = phase == "Running" and all(_runs(running.containers.get(spec["name"])) for spec in mains)
    states = {"PodReadyToStartContainers": bool(running.sandbox), "Initialized": initialized, "Ready": ready, "ContainersReady": ready}
    status: Json = {
        "phase": phase,
        "hostIP": host_ip,
        "hostIPs": [{"ip": host_ip}],
        "startTime": known.get("startTime") or now,
        "conditions": [*_conditions(states, known, phase=phase, now=now), *_scheduled(pod, known)],
        "containerStatuses": [_container_status(spec, running) for spec in mains],
    }
    status |= {"podIP": running.ip, "podIPs": [{"ip": running.ip}]} if running.ip else {}
    return status | ({"initContainerStatuses": [_container_status(spec, running) for spec in inits]} if inits else {})


def _conditions(states: Mapping[str, bool], known: Json, *, phase: str, now: str) -> list[Json]:
    out = []
    for kind, holds in states.items():
        told: Json = {"type": kind, "status": "True" if holds else "False"}
        if not holds and kind in {"Ready", "ContainersReady"}:
            told["reason"] = "PodCompleted" if phase == "Succeeded" else "PodFailed" if phase == "Failed" else "ContainersNotReady"
        out.append(dated(told, condition({"status": known}, kind), now))
    return out


def _scheduled(pod: Json, known: Json) -> list[Json]:
    """The scheduler's word is left as it is."""
    told = condition({"status": known}, "PodScheduled") or condition(pod, "PodScheduled")
    return [told] if told else []


def _container_status(spec: Json, running: Running) -> Json:
    container, name = running.containers.get(spec["name"]), spec["name"]
    status: Json = {
        "name": name,
        "image": spec["image"],
        "imageID": container.image_id if container else "",
        "ready": _runs(container),
        "started": _runs(container),
        "restartCount": container.attempt if container else 0,
        "state": _state(container, running.waiting.get(name)),
    }
    if container is not None:
        status["containerID"] = f"cri://{container.id}"
        status |= {"lastState": container.last} if container.last else {}
    return status


def _state(container: Container | None, waiting: tuple[str, str] | None) -> Json:
    if container is not None and container.state == "running":
        return {"running": {"startedAt": stamp(container.started_s)}}
    if waiting is not None:
        return {"waiting": {"reason": waiting[0], "message": waiting[1]}}
    if container is None or container.state == "created":
        return {"waiting": {"reason": "ContainerCreating"}}
    return ended_state(container)


def ended_state(container: Container) -> Json:
    """How the incarnation ended."""
    return {
        "terminated": {
            "exitCode": container.exit_code,
            "reason": container.reason or ("Error" if container.exit_code else "Completed"),
            "startedAt": stamp(container.started_s),
            "finishedAt": stamp(container.finished_s),
            "containerID": f"cri://{container.id}",
        }
    }


def _runs(container: Container | None) -> bool:
    return container is not None and container.state == "running"


def _succeeded(container: Container | None) -> bool:
    return container is not None and container.state == "exited" and not container.exit_code
