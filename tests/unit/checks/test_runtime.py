"""What a kubelet has made its runtime do, and what it has said of it: once, in order, and as it was."""

from typing import Any

import pytest

from seatrial.checks.runtime import unstarted
from seatrial.model.history import History
from unit.checks.test_lawful import Line, done, findings, watched

UID = "u-1"
META = {"name": "web-1", "namespace": "trial", "uid": UID, "labels": {"app": "web"}}
SPEC = {"nodeName": "node-1", "restartPolicy": "Never", "containers": [{"name": "main"}]}
RAN = {"node": "node-1", "name": "web-1"}


def pod(spec: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    return {"kind": "Pod", "metadata": META, "spec": SPEC | (spec or {}), "status": status}


def call(method: str, container: str | None = "main", **which: str) -> Line:
    about = {"method": method, "pod": "web-1", "uid": UID, "namespace": "trial", "container": container}
    return "runtime", "cri", "node-1", about | which


def exited(container: str = "main", code: int = 1) -> Line:
    about = {"pod": "web-1", "uid": UID, "namespace": "trial", "container": container, "code": code}
    return "runtime", "container-exited", "node-1", about


def started(*containers: str) -> list[Line]:
    made = [call(method, name) for name in containers for method in ("CreateContainer", "StartContainer")]
    return [call("RunPodSandbox", None), *made]


@pytest.mark.parametrize(
    ("policy", "between", "fault"),
    [
        ("Always", [], True),
        ("Always", [exited()], False),
        ("Always", [exited(code=0)], False),
        ("OnFailure", [exited()], False),
        ("OnFailure", [exited(code=0)], True),
        ("Never", [exited()], True),
    ],
)
def test_a_container_is_started_again_only_when_it_has_ended(policy: str, between: list[Line], *, fault: bool) -> None:
    again = [call("CreateContainer"), call("StartContainer")]
    lines = [watched("pods", pod({"restartPolicy": policy}), 5), *started("main"), *between, *again]

    assert bool(findings("runtime.ran", RAN, *lines)) is fault


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ([*started("init"), exited("init", 0), call("StartContainer", "init"), exited("init", 0), *started("main")[1:]], True),
        ([*started("init"), exited("init", 0), *started("init"), exited("init", 0), *started("main")[1:]], False),
        ([*started("init"), exited("init", 0), *started("main")[1:]], False),
        ([*started("init"), *started("main")[1:], exited("init", 0)], True),
        ([*started("init"), exited("init", 1), *started("main")[1:]], True),
        (started("main"), True),
    ],
)
def test_init_containers_end_before_the_others_are_started(lines: list[Line], *, fault: bool) -> None:
    seen = watched("pods", pod({"initContainers": [{"name": "init"}]}), 5)

    assert bool(findings("runtime.ran", RAN, seen, *lines)) is fault


@pytest.mark.parametrize(("state", "fault"), [("running", False), ("terminated", True), ("waiting", True)])
def test_what_does_not_run_is_not_ready(state: str, *, fault: bool) -> None:
    said = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    said["containerStatuses"] = [{"name": "main", "state": {state: {}}, "restartCount": 1}]  # type: ignore[assignment]
    reports = [*done("node-1", "patch", number=1, revision=5, sub="status")]
    versions = [put(4, pod()), put(5, pod(**said))]

    assert bool(findings("statuses.joined", {"name": "web"}, *started("main"), *reports, *versions)) is fault


def put(revision: int, value: dict[str, Any]) -> Line:
    return "store", "put", None, {"key": "/registry/pods/trial/web-1", "revision": revision, "head": None, "value": value}


@pytest.mark.parametrize(
    ("code", "phase", "said", "fault"),
    [
        (1, "Failed", 1, False),
        (1, "Succeeded", 1, True),
        (1, "Failed", 0, True),
        (0, "Succeeded", 0, False),
    ],
)
def test_an_error_is_not_told_as_a_success(code: int, phase: str, said: int, *, fault: bool) -> None:
    ended = {"phase": phase, "containerStatuses": [{"name": "main", "state": {"terminated": {"exitCode": said}}}]}
    reports = [
        line for number, revision in ((1, 5), (2, 6)) for line in done("node-1", "patch", number=number, revision=revision, sub="status")
    ]
    versions = [put(4, pod()), put(5, pod(phase="Running")), put(6, pod(**ended))]

    assert bool(findings("statuses.joined", {"name": "web"}, *started("main"), exited(code=code), *reports, *versions)) is fault


@pytest.mark.parametrize(
    ("after", "fault"),
    [
        ([], False),
        ([call("StopContainer")], True),
        ([call("StopPodSandbox", None)], True),
        ([call("StopContainer"), call("StartContainer")], False),
        ([call("StopPodSandbox", None), call("StartContainer")], False),
        ([call("StartContainer", sandbox="s-2", id="c-2"), call("RemoveContainer", sandbox="s-1", id="c-1")], False),
        ([call("StartContainer", sandbox="s-2", id="c-2"), call("RemovePodSandbox", None, sandbox="s-1")], False),
        ([call("StartContainer", sandbox="s-2", id="c-2"), call("RemoveContainer", sandbox="s-2", id="c-2")], True),
        ([call("StartContainer", sandbox="s-2", id="c-2"), call("RemovePodSandbox", None, sandbox="s-2")], True),
        ([call("StopContainer"), call("StopPodSandbox", None)], True),
    ],
)
def test_a_pod_of_which_everything_was_stopped_does_not_run(after: list[Line], *, fault: bool) -> None:
    lines = [watched("pods", pod(phase="Running"), 5), *started("main"), *after]

    assert bool(findings("workloads.reached", {"name": "web", "state": "become running"}, *lines)) is fault


@pytest.mark.parametrize(("calls", "fault"), [([], False), (started("main"), True)])
def test_a_pod_without_a_node_is_not_run(calls: list[Line], *, fault: bool) -> None:
    unbound = {**pod(), "spec": {"containers": [{"name": "main"}]}}

    assert bool(findings("workloads.stays_unbound", {"name": "web"}, watched("pods", unbound, 5), *calls)) is fault


def joined(*versions: dict[str, Any], lines: list[Line]) -> bool:
    """Whether something is wrong with these versions of a pod that its kubelet has reported, each after the `lines`."""
    puts = [put(4 + number, version) for number, version in enumerate((pod(phase="Pending"), *versions))]
    numbers = range(1, len(versions) + 1)
    reports = [each for number in numbers for each in done("node-1", "patch", number=number, revision=4 + number, sub="status")]
    return bool(findings("statuses.joined", {"name": "web"}, *lines, *reports, *puts))


@pytest.mark.parametrize(
    ("ends", "fault"),
    [
        ([exited("main")], True),
        ([exited("main"), exited("side")], False),
        ([exited("main"), call("StopContainer", "side")], False),
        ([call("StopPodSandbox", None)], False),
        ([exited("main"), exited("side"), call("StartContainer", "side")], True),
    ],
)
def test_a_pod_is_over_when_nothing_of_it_runs(ends: list[Line], *, fault: bool) -> None:
    over = pod(phase="Failed", containerStatuses=[{"name": n, "state": {"terminated": {"exitCode": 1}}} for n in ("main", "side")])

    assert joined(pod(phase="Running"), over, lines=[*started("main", "side"), *ends]) is fault


@pytest.mark.parametrize(("init", "fault"), [([], True), ([{"name": "init"}], False)])
def test_what_has_run_is_not_pending_again_unless_it_is_initialized_anew(init: list[dict[str, str]], *, fault: bool) -> None:
    versions = [p | {"spec": SPEC | {"initContainers": init}} for p in (pod(phase="Running"), pod(phase="Pending"))]

    assert joined(*versions, lines=started("main")) is fault


@pytest.mark.parametrize(("count", "fault"), [(0, True), (1, False)])
def test_a_restart_is_counted(count: int, *, fault: bool) -> None:
    ended = {"name": "main", "state": {"terminated": {"exitCode": 1}}, "restartCount": 0}
    again = {"name": "main", "state": {"running": {}}, "restartCount": count}
    versions = [pod(phase="Running", containerStatuses=[each]) for each in (ended, again)]

    assert joined(*versions, lines=[*started("main"), exited()]) is fault


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        ({}, False),  # an older record
        ({"command": ["sail"], "args": ["west"], "env": {"TIDE": "high"}}, False),
        ({"command": ["sail"], "args": ["west"], "env": {"TIDE": "high", "HOME_PORT": "tcp://10.0.0.1:80"}}, False),
        ({"command": ["sail"], "args": [], "env": {"TIDE": "high"}}, True),
        ({"command": ["sail", "west"], "args": [], "env": {"TIDE": "high"}}, True),
        ({"command": ["sail"], "args": ["west"], "env": {"TIDE": "low"}}, True),
        ({"command": ["sail"], "args": ["west"], "env": {"TIDE": "high"}, "folder": "/deck"}, False),
        ({"command": ["sail"], "args": ["west"], "env": {"TIDE": "high"}, "folder": "/"}, True),
    ],
)
def test_a_container_is_created_as_it_was_told(made: dict[str, Any], *, fault: bool) -> None:
    env = [{"name": "TIDE", "value": "high"}, {"name": "WHERE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]
    told = {"name": "main", "command": ["sail"], "args": ["west"], "env": env, "workingDir": "/deck"}
    source, kind, who, about = call("CreateContainer")
    lines = [call("RunPodSandbox", None), (source, kind, who, about | made), call("StartContainer")]

    assert bool(findings("runtime.ran", RAN, watched("pods", pod({"containers": [told]}), 5), *lines)) is fault


@pytest.mark.parametrize(
    ("image", "fault"), [("ship:1", False), ("ship:1@sha256:0f", False), ("ship:2", True), ("ship:2@sha256:0f", True), (None, False)]
)
def test_a_container_is_made_from_its_own_image(image: str | None, *, fault: bool) -> None:
    seen = watched("pods", pod({"containers": [{"name": "main", "image": "ship:1"}]}), 5)
    source, kind, node, made = call("CreateContainer")
    created = (source, kind, node, made | ({"image": image} if image else {}))

    assert bool(findings("runtime.ran", RAN, seen, call("RunPodSandbox", None), created, call("StartContainer"))) is fault


@pytest.mark.parametrize(("code", "fault"), [(3, False), (137, True), (1, True), (0, True)])
def test_an_error_is_reported_as_the_one_that_it_was(code: int, *, fault: bool) -> None:
    said = {"phase": "Failed", "containerStatuses": [{"name": "main", "state": {"terminated": {"exitCode": code}}, "restartCount": 0}]}
    reports = [*done("node-1", "patch", number=1, revision=5, sub="status")]
    versions = [put(4, pod()), put(5, pod(**said))]

    assert bool(findings("statuses.joined", {"name": "web"}, *started("main"), exited(code=3), *reports, *versions)) is fault


@pytest.mark.parametrize(
    ("status", "lines", "fault"),
    [
        ({}, started("main"), True),
        ({"phase": "Pending", "containerStatuses": [{"name": "main", "state": {"waiting": {}}}]}, started("main"), True),
        ({"phase": "Pending", "containerStatuses": [{"name": "main", "state": {"running": {}}}]}, started("main"), False),
        ({"phase": "Running"}, started("main"), False),
        ({"phase": "Pending", "message": "rises"}, [call("RunPodSandbox", None)], False),
    ],
)
def test_that_a_container_was_started_must_be_said(status: dict[str, Any], lines: list[Line], *, fault: bool) -> None:
    reported = done("node-1", "patch", number=1, revision=5, sub="status")
    versions = [put(4, pod(phase="Pending")), put(5, pod(**status))] if status else [put(4, pod())]

    assert bool(findings("statuses.joined", {"name": "web"}, *lines, *reported, *versions)) is fault


@pytest.mark.parametrize(("begun", "missing"), [((), ["main", "side"]), (("main",), ["side"]), (("main", "side"), [])])
def test_a_pod_that_runs_may_have_containers_that_were_not_started_yet(begun: tuple[str, ...], missing: list[str]) -> None:
    history = History(lambda: 0.0)
    both = pod({"containers": [{"name": "main"}, {"name": "side"}]}, phase="Running")
    for source, kind, who, data in [watched("pods", both, 5), *started(*begun)]:
        history.append(source, kind, at_s=0.0, instance=who, data=data)

    assert unstarted(history, "web-1") == missing
