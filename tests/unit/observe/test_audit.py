"""An audit log becomes requests and answers, told apart by who asked; what it does not show makes it prove nothing."""

import asyncio
import datetime as dt
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import orjson
import pytest

from seatrial.model.errors import Inconclusive
from seatrial.model.history import Event, History, eventually
from seatrial.observe.audit import AuditLog
from seatrial.wire.kubernetes import Client
from seatrial_schemas.context import SystemContext

Json = dict[str, Any]
SERVER, OPERATOR, SCHEDULER = "10.9.0.5", "10.9.0.2", "10.9.0.6"
CALLERS = {SERVER: "apiserver-0", OPERATOR: "operator", SCHEDULER: "scheduler-0"}
PODS = "/api/v1/namespaces/default/pods"
WITHIN_S = 0.2


def line(
    stage: str, uri: str = PODS, verb: str = "create", *, audit: str = "a", address: str = SCHEDULER, code: int = 0, **more: Any
) -> bytes:
    now = dt.datetime.now(tz=dt.UTC).isoformat().replace("+00:00", "Z")
    asked = {"auditID": audit, "requestURI": uri, "verb": verb, "user": {"username": "u"}, "sourceIPs": ["203.0.113.9", address]}
    status = {"responseStatus": {"code": code}} if code else {}
    return orjson.dumps({"stage": stage, "requestReceivedTimestamp": now, "stageTimestamp": now} | asked | status | more) + b"\n"


class Trial:
    """A log in a file, and a client whose questions an API server would write down, or not."""

    def __init__(self, folder: Path) -> None:
        self.history = History(SystemContext().now_s)
        self.file = folder / "audit.log"
        self.log = AuditLog(
            history=self.history, server="apiserver-0", file=self.file, callers=lambda: CALLERS, key="", context=SystemContext()
        )
        self.writes: Callable[[str], bytes] = lambda uri: (
            line("RequestReceived", uri, "get", audit=uri, address=OPERATOR)
            + line("ResponseComplete", uri, "get", audit=uri, address=OPERATOR, code=200)
        )

    def write(self, *lines: bytes) -> None:
        with self.file.open("ab") as file:
            file.write(b"".join(lines))

    async def request(self, _method: str, path: str) -> None:
        self.write(self.writes(path))

    @property
    def client(self) -> Client:
        return self  # type: ignore[return-value]

    def run(self, act: Coroutine[Any, Any, Any]) -> None:
        async def whole() -> None:
            await self.log.start()
            try:
                await act
            finally:
                await self.log.stop()

        asyncio.run(whole())

    def caught_up(self) -> None:
        self.run(self.log.caught_up(self.client, within_s=WITHIN_S))

    def of(self, kind: str) -> list[Event]:
        return [e for e in self.history.of(kind) if e.instance != "operator"]


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    return Trial(tmp_path)


def test_a_request_and_its_answer_are_joined_and_belong_to_who_asked(trial: Trial) -> None:
    made = {"kind": "Pod", "metadata": {"name": "web", "resourceVersion": "7"}}
    trial.write(line("RequestReceived"), line("ResponseComplete", code=201, responseObject=made))

    trial.caught_up()

    (asked,), (told,) = trial.of("request"), trial.of("answer")
    assert (asked.source, asked.instance, asked["verb"], asked["resource"]) == ("audit/apiserver-0", "scheduler-0", "create", "pods")
    assert (told["request"], told["code"], told["name"], told["revision"]) == (asked["request"], 201, "web", 7)


def test_growth_is_noticed(trial: Trial) -> None:
    async def act() -> None:
        half = line("RequestReceived")
        for part in (half[:20], half[20:]):
            trial.write(part)
            await asyncio.sleep(0)
        assert await eventually(trial.history, lambda h: h.of("request"), within_s=WITHIN_S)

    trial.run(act())


def test_a_watch_is_answered_when_it_stands_and_ends_later(trial: Trial) -> None:
    rows = [line(stage, f"{PODS}?watch=1", "watch", code=200) for stage in ("RequestReceived", "ResponseStarted", "ResponseComplete")]
    trial.write(*rows)

    trial.caught_up()

    assert [e.kind for e in trial.history if e.instance == "scheduler-0"] == ["request", "answer", "stream-end"]


def test_who_asks_over_loopback_is_in_the_server_itself(trial: Trial) -> None:
    trial.write(line("RequestReceived", address="127.0.0.1"), line("RequestReceived", audit="b", address="10.9.0.99"))

    trial.caught_up()

    assert [e.instance for e in trial.of("request")] == ["apiserver-0", "10.9.0.99"]


def test_a_log_that_is_begun_anew_is_read_from_its_beginning(trial: Trial) -> None:
    async def act() -> None:
        trial.write(*[line("RequestReceived", audit=str(n)) for n in range(9)])
        await trial.log.caught_up(trial.client, within_s=WITHIN_S)
        trial.file.write_bytes(b"")
        await trial.log.caught_up(trial.client, within_s=WITHIN_S)

    trial.run(act())
    assert len(trial.of("request")) == 9


@pytest.mark.parametrize(
    "writes",
    [
        lambda _: b"",
        lambda uri: line("RequestReceived", uri, "get", address=OPERATOR),
        lambda uri: line("ResponseComplete", uri, "get", address=OPERATOR, code=200),
        lambda uri: line("RequestReceived", uri, "get") + line("ResponseComplete", uri, "get", code=200),
    ],
    ids=["nothing", "no answer", "no request", "somebody else's"],
)
def test_what_the_operator_asked_must_show(trial: Trial, writes: Callable[[str], bytes]) -> None:
    trial.writes = writes

    with pytest.raises(Inconclusive, match="does not show what the operator asked"):
        trial.caught_up()


def test_what_came_of_the_operators_writes_must_show(trial: Trial) -> None:
    rows = [line(s, "/api/v1/namespaces", address=OPERATOR, code=201) for s in ("RequestReceived", "ResponseComplete")]
    trial.write(*rows)

    with pytest.raises(Inconclusive, match="does not say what came of the operator's writes"):
        trial.caught_up()


@pytest.mark.parametrize("bad", [b"{\n", b"[]\n", b'{"auditID": "a", "stage": "RequestReceived"}\n'])
def test_what_is_no_event_is_quoted(trial: Trial, bad: bytes) -> None:
    trial.write(bad)

    with pytest.raises(Inconclusive, match=r"audit.log of apiserver-0 holds a line that is no event of audit.k8s.io/v1"):
        trial.caught_up()


def test_a_server_that_is_gone_leaves_what_it_wrote(trial: Trial) -> None:
    trial.write(line("RequestReceived"))

    trial.run(trial.log.caught_up(None, within_s=WITHIN_S))

    assert [e.instance for e in trial.of("request")] == ["scheduler-0"]
