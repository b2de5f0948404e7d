"""A watch goes on wherever the server lets it, and lists anew where that has forgotten what came next, in whichever way it says so."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from seatrial.model.history import History, eventually
from seatrial.observe.watches import Watch
from seatrial.wire.kubernetes import Answer
from seatrial_schemas.context import SystemContext
from seatrial_schemas.kinds import by_plural


def pod(name: str, revision: int) -> dict[str, Any]:
    return {"kind": "Pod", "metadata": {"name": name, "namespace": "trial", "uid": name, "resourceVersion": str(revision)}}


def refusal(code: int) -> aiohttp.ClientResponseError:
    info = aiohttp.RequestInfo(URL("https://here"), "GET", CIMultiDictProxy(CIMultiDict()), URL("https://here"))
    return aiohttp.ClientResponseError(info, (), status=code, message="too old")


class Forgetful:
    """A server that has one pod at first and another one afterwards; it does not know any more what came in between."""

    def __init__(self, say: str) -> None:
        self._say = say
        self.lists = 0

    async def request(self, *_: Any, **__: Any) -> Answer:
        self.lists += 1
        item = pod("old", 5) if self.lists == 1 else pod("new", 9)
        return Answer(code=200, body={"metadata": {"resourceVersion": item["metadata"]["resourceVersion"]}, "items": [item]})

    async def watch(self, _: str, *, params: Any, standing: Callable[[], object]) -> AsyncIterator[dict[str, Any]]:
        if params["resourceVersion"] == "5" and self._say.isdecimal():
            raise refusal(int(self._say))
        standing()
        if params["resourceVersion"] == "5":
            yield {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": self._say}}
        await asyncio.Event().wait()


def seen(say: str, within_s: float) -> tuple[list[tuple[str, str]], History]:
    async def run() -> History:
        history, server = History(lambda: 0.0), Forgetful(say)
        how: Any = {"client": server, "kind": by_plural("pods"), "name": "bob/pods", "namespace": "trial", "context": SystemContext()}
        watch = Watch(history=history, **how)
        starting = asyncio.create_task(watch.start())
        await eventually(history, lambda h: h.of("watched", name="new"), within_s=within_s)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await watch.stop()
        return history

    history = asyncio.run(run())
    return [(e["type"], e["name"]) for e in history.of("watched")], history


@pytest.mark.parametrize("say", ["410", "an ERROR event"])
def test_what_was_forgotten_is_listed(say: str) -> None:
    events, history = seen(say, 5)

    assert events == [("ADDED", "old"), ("DELETED", "old"), ("ADDED", "new")]
    assert history.of("watch-broken", forgotten=True)


def test_other_refusals_are_waited_out() -> None:
    events, history = seen("429", 0.3)

    assert events == [("ADDED", "old")]
    assert history.of("watch-broken")
    assert not history.of("watch-broken", forgotten=True)
