"""A node takes pods only without the taint of a new one; and nobody waits for what will never be ready."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seatrial.adapters.implementation import Component
from seatrial.backends import CANNOT_EXECUTE
from seatrial.backends.interface import Program
from seatrial.cluster.instances import Supervised
from seatrial.cluster.layout import Placement
from seatrial.cluster.readiness import NODE_LEASES, NOT_READY, Readiness, node_ready, tainted
from seatrial.model.errors import NotReady
from seatrial.model.history import History
from seatrial.model.limits import Limits
from seatrial.wire.kubernetes import Answer
from seatrial_schemas.context import SystemContext

HELD = {"spec": {"holderIdentity": "it"}}
READY = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, False),
        ({"taints": None}, False),
        ({"taints": [{"key": "example.org/dedicated", "effect": "NoSchedule"}]}, False),
        ({"taints": [{"key": NOT_READY, "effect": "NoSchedule"}]}, True),
    ],
)
def test_the_taint_of_a_new_node_is_told_from_others(spec: dict[str, object], *, expected: bool) -> None:
    node = READY | {"spec": spec}

    assert node_ready(node)
    assert tainted(node) is expected


class Wires:
    """What is booted ends at once."""

    def __init__(self, status: int) -> None:
        self._status = status

    async def boot(self, *_: Any) -> Any:
        exited = asyncio.get_running_loop().create_future()
        exited.set_result(self._status)
        return SimpleNamespace(boot=1, exited=exited, log_tail=lambda: "cannot execute acme: No such file or directory")


def waiting(*, status: int, restart_s: float | None, program: Program, ready_s: float) -> NotReady:
    """How waiting for what has ended ends."""

    async def never() -> bool:
        return False

    async def main() -> None:
        limits = Limits(ready_s=ready_s)
        component = Component(name="scheduler", roles=("scheduler",), folder=Path(), restart_s=restart_s, limits=limits)
        placement, context = Placement(name="scheduler-0", component=component, index=0), SystemContext()
        history = History(context.now_s)
        known: Any = {"host": None, "network": Wires(status), "program": lambda: program, "record": history.recorder("cluster")}
        supervised = Supervised(placement=placement, context=context, **known)
        outside: Any = {"session": None, "dial": None, "token": "", "read": None}
        await supervised.start()
        try:
            await Readiness(history=history, context=context, **outside).until(supervised, never)
        finally:
            await supervised.abandon()

    with pytest.raises(NotReady) as error:
        asyncio.run(main())
    return error.value


@pytest.mark.parametrize(
    ("status", "restart_s", "expected"),
    [
        (CANNOT_EXECUTE, 60, "scheduler-0 (scheduler; acme --now) cannot be executed. Its last words:\ncannot execute acme"),
        (CANNOT_EXECUTE, None, "scheduler-0 (scheduler; acme --now) cannot be executed"),
        (1, None, "scheduler-0 (scheduler; acme --now) ended before it was ready"),
    ],
)
def test_what_will_never_be_ready_is_not_waited_for(status: int, restart_s: float | None, expected: str) -> None:
    ended = waiting(status=status, restart_s=restart_s, program=Program(command=["acme", "--now"]), ready_s=3600)

    assert expected in str(ended)


@pytest.mark.parametrize("program", [Program(command=["acme"]), Program(python="acme:main")])
def test_what_is_started_again_may_still_become_ready(program: Program) -> None:
    status = CANNOT_EXECUTE if program.python else 1

    assert "was not ready within 0.05 s" in str(waiting(status=status, restart_s=60, program=program, ready_s=0.05))


async def nothing_there(_: str) -> Answer:
    return Answer(code=404, body={"status": "Failure"})


@pytest.mark.parametrize(
    ("ready", "path", "body"),
    [
        ({"node": ""}, "/api/v1/nodes/node-1", READY),
        ({"lease": ""}, "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/it", HELD),
    ],
)
def test_of_what_no_watch_has_told_the_operator_asks_late(ready: dict[str, str], path: str, body: dict[str, object]) -> None:
    limits = Limits(ready_s=0.2)
    component = Component(name="part", roles=("kubelet",), folder=Path(), ready=ready, lease="kube-system/it", limits=limits)
    placement = Placement(name="part-0", component=component, index=0, node="node-1")
    part: Any = SimpleNamespace(name="part-0", placement=placement, hopeless="", fate="", obituary=lambda what: what)
    context, asked = SystemContext(), []
    history, outside = History(context.now_s), dict.fromkeys(("session", "dial", "token"))

    async def read(path: str) -> Answer:
        asked.append(path)
        return Answer(code=200, body=body)

    readiness, born_s = Readiness(history=history, context=context, read=read, **outside), context.now_s()  # type: ignore[arg-type]
    history.append("cluster", "started", at_s=None, instance="part-0", data={})
    asyncio.run(readiness.wait(part, None))  # type: ignore[arg-type]
    assert asked == [path]
    assert context.now_s() - born_s >= limits.ready_s / 2


@pytest.mark.parametrize(
    ("ready", "seen"),
    [
        ({"node": ""}, {"resource": "nodes", "namespace": None, "name": "node-1", "object": READY}),
        ({"lease": ""}, {"resource": "leases", "namespace": "kube-system", "name": "it", "object": HELD}),
    ],
)
def test_what_an_earlier_life_has_left_does_not_make_it_ready(ready: dict[str, str], seen: dict[str, object]) -> None:
    component = Component(name="part", roles=("kubelet",), folder=Path(), ready=ready, lease="kube-system/it", limits=Limits(ready_s=0.1))
    placement = Placement(name="part-0", component=component, index=0, node="node-1")
    history, outside = History(lambda: 0.0), dict.fromkeys(("session", "dial", "token")) | {"read": nothing_there}
    readiness = Readiness(history=history, context=SystemContext(), **outside)  # type: ignore[arg-type]
    nothing: Any = None
    part: Any = SimpleNamespace(name="part-0", placement=placement, hopeless="", fate="", obituary=lambda what: what)
    cluster, tap, watch = (history.recorder(source) for source in ("cluster", "tap", "watch"))

    def live(at_s: float) -> None:
        cluster("started", at_s=at_s, instance="part-0")

    def asks(at_s: float) -> None:
        tap("request", at_s=at_s, instance="part-0", verb="update", resource="leases")

    watch("watched", at_s=0.5, instance=None, watch="operator", type="ADDED", **seen)
    live(0.0)
    asks(0.4)
    asyncio.run(readiness.wait(part, nothing))
    live(1.0)
    with pytest.raises(NotReady):
        asyncio.run(readiness.wait(part, nothing))
    asks(1.5)
    asyncio.run(readiness.wait(part, nothing))


class Session:
    """Of servers that answer nobody who shows no token."""

    def get(self, _: str, *, headers: Mapping[str, str], **__: Any) -> Any:
        return answering(SimpleNamespace(status=200 if "Authorization" in headers else 401))


@asynccontextmanager
async def answering(reply: object) -> AsyncIterator[object]:
    yield reply


@pytest.mark.parametrize(("role", "ready"), [("apiserver", True), ("scheduler", False)])
def test_an_api_server_is_asked_by_somebody_whom_it_knows(role: str, ready: bool) -> None:
    component = Component(name="part", roles=(role,), folder=Path(), ready={"http": "https://part/readyz"}, limits=Limits(ready_s=0.1))
    part: Any = SimpleNamespace(
        placement=Placement(name="part-0", component=component, index=0), hopeless="", fate="", obituary=lambda what: what
    )
    known: Any = {"session": Session(), "token": "the operator's", "dial": None, "read": None}
    readiness, filling = Readiness(history=History(lambda: 0.0), context=SystemContext(), **known), SimpleNamespace(text=str)
    with nullcontext() if ready else pytest.raises(NotReady):
        asyncio.run(readiness.wait(part, filling))  # type: ignore[arg-type]


ELECTION = {"resource": "leases", "namespace": "kube-system", "verb": "get"}
HEARTBEATS = {"resource": "leases", "namespace": NODE_LEASES, "verb": "get"}
SUBSCRIPTION = {"resource": "pods", "namespace": None, "verb": "watch"}


@pytest.mark.parametrize(
    ("asked", "ready"), [([SUBSCRIPTION, HEARTBEATS], True), ([SUBSCRIPTION, ELECTION], False), ([], False)], ids=["idle", "tries", "dumb"]
)
def test_who_lives_and_takes_no_part_in_an_election_is_ready_late(asked: list[dict[str, object]], *, ready: bool) -> None:
    limits = Limits(ready_s=0.2)
    component = Component(name="part", roles=("scheduler",), folder=Path(), ready={"lease": ""}, lease="kube-system/it", limits=limits)
    part: Any = SimpleNamespace(
        name="part-0", placement=Placement(name="part-0", component=component, index=0), hopeless="", fate="", obituary=lambda what: what
    )
    context = SystemContext()
    history, nothing = History(context.now_s), dict.fromkeys(("session", "dial", "token")) | {"read": nothing_there}
    history.append("cluster", "started", at_s=None, instance="part-0", data={})
    for request in asked:
        history.append("tap", "request", at_s=None, instance="part-0", data=request)
    readiness, born_s = Readiness(history=history, context=context, **nothing), context.now_s()  # type: ignore[arg-type]
    with nullcontext() if ready else pytest.raises(NotReady):
        asyncio.run(readiness.wait(part, None))  # type: ignore[arg-type]
    assert context.now_s() - born_s >= limits.ready_s / 2
