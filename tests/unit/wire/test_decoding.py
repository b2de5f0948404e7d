"""Nulls say nothing: what is asked of an object may rest on what is there."""

import asyncio
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from seatrial.model.history import History
from seatrial.wire.decoding import decoded
from seatrial.wire.kubernetes import Client


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        (b'{"metadata": null, "items": null}', {"items": []}),
        (b'{"metadata": {"labels": null, "name": "web"}}', {"metadata": {"name": "web"}}),
        (b'{"items": [{"status": null}, {"spec": {"taints": null}}]}', {"items": [{}, {"spec": {}}]}),
        (b'{"args": ["null", null], "off": false, "none": 0, "empty": ""}', {"args": ["null", None], "off": False, "none": 0, "empty": ""}),
    ],
)
def test_a_member_that_is_null_is_as_good_as_absent(said: bytes, understood: Any) -> None:
    assert decoded(said) == understood


class Session:
    """Answers everything with the same body, a watch with one line of it."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def request(self, *_: Any, **__: Any) -> Any:
        return self

    get = request

    async def __aenter__(self) -> Any:
        lines = [orjson.dumps(self._body), b""]

        async def read() -> bytes:
            return lines[0]

        async def readline() -> bytes:
            return lines.pop(0)

        return SimpleNamespace(status=200, headers={}, read=read, raise_for_status=dict, content=SimpleNamespace(readline=readline))

    async def __aexit__(self, *_: object) -> None:
        return None


def test_neither_answers_nor_watch_events_hold_nulls() -> None:
    history = History(lambda: 0.0)
    session: Any = Session({"metadata": None, "items": None, "object": {"metadata": {"annotations": None}}})
    known: Any = {"token": "t", "user": "alice", "record": history.recorder("people")}
    client = Client(session=session, url="https://here", **known)

    async def main() -> tuple[Any, list[Any]]:
        answer = await client.request("GET", "/api/v1/pods")
        return answer.body, [event async for event in client.watch("/api/v1/pods", params={}, standing=dict)]

    understood = {"items": [], "object": {"metadata": {}}}
    assert asyncio.run(main()) == (understood, [understood])
    assert [e["body"] for e in history.of("told")] == [understood]
