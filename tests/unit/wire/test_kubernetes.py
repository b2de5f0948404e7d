"""People come back where a server is too busy to look at what they ask, and take every other answer for what it is."""

import asyncio
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from seatrial.model.history import History
from seatrial.wire.kubernetes import BUSY_TRIES, Client

BUSY = 429


class Session:
    """Answers with these codes, one after the other, the last one for ever."""

    def __init__(self, *codes: int, after: str | None, says: str = "") -> None:
        self._codes = list(codes)
        self._headers = {} if after is None else {"Retry-After": after}
        self.asked = 0
        self.says = says

    def request(self, *_: Any, **__: Any) -> Any:
        self.asked += 1
        self._code = self._codes.pop(0) if len(self._codes) > 1 else self._codes[0]
        return self

    async def __aenter__(self) -> Any:
        async def read() -> bytes:
            return orjson.dumps({"kind": "Status", "message": self.says})

        return SimpleNamespace(status=self._code, headers=self._headers, read=read)

    async def __aexit__(self, *_: object) -> None:
        return None


def asked(session: Session, *, waits: bool = True) -> tuple[int, list[float], History]:
    """The code of the answer, how long it was waited, and what is recorded."""
    waited: list[float] = []
    history = History(lambda: 0.0)

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    how: Any = {"session": session, "url": "https://here", "token": "t", "user": "alice", "record": history.recorder("people")}
    client = Client(**how, sleep=sleep if waits else None)
    answer = asyncio.run(client.request("POST", "/api/v1/namespaces", body={}))
    return answer.code, waited, history


def test_who_is_told_when_to_come_back_comes_back() -> None:
    code, waited, history = asked(Session(BUSY, BUSY, 201, after="2"))

    assert (code, waited) == (201, [2.0, 2.0])
    assert [e["code"] for e in history.of("told")] == [201]


def test_a_pod_waits_for_the_account_of_its_namespace() -> None:
    says = 'pods "web" is forbidden: error looking up service account trial/default: serviceaccount "default" not found'

    assert asked(Session(403, 403, 201, after=None, says=says))[:2] == (201, [0.5, 0.5])
    assert asked(Session(403, 201, after=None, says="alice may not"))[:2] == (403, [])


@pytest.mark.parametrize(("code", "after"), [(BUSY, None), (503, "2"), (409, "2")])
def test_other_answers_are_answers(code: int, after: str | None) -> None:
    session = Session(code, 201, after=after)

    assert asked(session)[:2] == (code, [])
    assert session.asked == 1


def test_nobody_comes_back_for_ever() -> None:
    session = Session(BUSY, after="1")

    assert asked(session)[0] == BUSY
    assert session.asked == BUSY_TRIES


def test_whoever_cannot_wait_asks_once() -> None:
    session = Session(BUSY, 201, after="1")

    assert asked(session, waits=False)[0] == BUSY
