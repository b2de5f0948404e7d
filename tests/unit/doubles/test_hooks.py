"""The webhooks double decides as it was told, records what it was asked, and holds what it should."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import orjson
import pytest

from seatrial.doubles.hook_objects import mutating_webhook, validating_webhook
from seatrial.doubles.hooks import Hooks
from seatrial.model.history import History
from seatrial.wire.pki import Pki
from seatrial_schemas.context import SystemContext


class Loopback:
    """As much of a Host as `serve` needs."""

    name, address = "operator", "127.0.0.1"

    async def serve(self, server: Any, *, port: int, tls: Any = None) -> asyncio.AbstractServer:
        listener = await asyncio.get_running_loop().create_server(server, self.address, port, ssl=tls)
        self.port = listener.sockets[0].getsockname()[1]
        return listener


@contextlib.asynccontextmanager
async def serving(pki: Pki) -> AsyncIterator[SimpleNamespace]:
    context = SystemContext()
    history = History(context.now_s)
    hooks = Hooks(record=history.recorder("hooks"), callers={"127.0.0.1": "apiserver-1"}, key="k")
    hooks.know("t-alice", user="alice", groups=["dev"])
    pair = pki.serving("hooks", names=["127.0.0.1"])
    host = Loopback()
    assert await hooks.serve(host, port=0, tls=context.tls(server=True, ca=None, cert=pair.cert, key=pair.key)) == "https://127.0.0.1:0"
    connector = aiohttp.TCPConnector(ssl=context.tls(server=False, ca=pki.ca, cert=None, key=None))
    async with aiohttp.ClientSession(f"https://127.0.0.1:{host.port}", connector=connector) as session:

        async def ask(path: str, **body: Any) -> Any:
            async with session.post(path, json={"apiVersion": "x/v1", "kind": "Review"} | body) as reply:
                return await reply.json()

        yield SimpleNamespace(hooks=hooks, history=history, ask=ask)
    await hooks.close()


def admission(**fields: Any) -> dict[str, Any]:
    return {
        "uid": "r-1",
        "operation": "CREATE",
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "namespace": "a",
        "name": "p",
        "userInfo": {"username": "alice", "groups": ["dev"]},
        "object": {"metadata": {"labels": {"x": "1"}}},
        "dryRun": False,
    } | fields


def test_people_are_authenticated_by_their_tokens(pki: Pki) -> None:
    async def act() -> None:
        async with serving(pki) as s:
            known = await s.ask("/authenticate", spec={"token": "t-alice"})
            user = {"username": "alice", "groups": ["dev"], "uid": "alice"}
            assert known == {"apiVersion": "x/v1", "kind": "Review", "status": {"authenticated": True, "user": user}}
            assert (await s.ask("/authenticate", spec={"token": "t-bob"}))["status"]["authenticated"] is False
            assert [(e["stage"], e["user"], e["allowed"], e.instance) for e in s.history.of("review")] == [
                ("authentication", "alice", True, "apiserver-1"),
                ("authentication", "", False, "apiserver-1"),
            ]
            assert b"t-bob" not in b"".join(s.history.as_lines())

    asyncio.run(act())


def test_people_may_everything_that_no_rule_denies(pki: Pki) -> None:
    async def act() -> None:
        async with serving(pki) as s:
            wish = {"verb": "create", "resource": "pods", "namespace": "a"}
            s.hooks.deny("authorization", user="alice", verb="create", message="not today")
            denied = await s.ask("/authorize", spec={"user": "alice", "groups": ["dev"], "resourceAttributes": wish})
            assert denied["status"] == {"allowed": False, "denied": True, "reason": "not today"}
            s.hooks.relent()
            assert (await s.ask("/authorize", spec={"user": "alice", "resourceAttributes": wish}))["status"] == {"allowed": True}
            assert (await s.ask("/authorize", spec={"user": "bob", "nonResourceAttributes": {"path": "/x", "verb": "get"}}))["status"] == {
                "allowed": False
            }
            assert [e["allowed"] for e in s.history.of("review")] == [False, True, False]

    asyncio.run(act())


def test_who_comes_after_calm_is_refused_nothing_and_known_to_nobody(pki: Pki) -> None:
    async def act() -> None:
        async with serving(pki) as s:
            wish = {"user": "alice", "resourceAttributes": {"verb": "create", "resource": "pods"}}
            s.hooks.deny("authorization", user="alice")
            barrier = s.hooks.hold("authentication", user="alice")

            assert s.hooks.calm() == ["alice"]

            assert (await s.ask("/authenticate", spec={"token": "t-alice"}))["status"]["authenticated"] is False
            s.hooks.know("t-new", user="alice")
            assert (await s.ask("/authenticate", spec={"token": "t-new"}))["status"]["authenticated"] is True
            assert (await s.ask("/authorize", spec=wish))["status"] == {"allowed": True}
            assert not barrier.held

    asyncio.run(act())


def test_admission_patches_and_denies(pki: Pki) -> None:
    async def act() -> None:
        async with serving(pki) as s:
            taken_away = [{"op": "remove", "path": f"/metadata/labels/{name}"} for name in ("x", "not-there")]
            s.hooks.patch(labels={"y": "2"}, operations=taken_away, resource="pods")
            s.hooks.deny("validation", name="q", message="no q")
            changed = (await s.ask("/mutate", request=admission()))["response"]
            assert orjson.loads(base64.b64decode(changed["patch"])) == [
                {"op": "add", "path": "/metadata/labels", "value": {"x": "1", "y": "2"}},
                {"op": "remove", "path": "/metadata/labels/x"},
            ]
            assert (await s.ask("/mutate", request=admission(operation="DELETE", object=None)))["response"] == {
                "uid": "r-1",
                "allowed": True,
            }
            assert (await s.ask("/validate", request=admission()))["response"] == {"uid": "r-1", "allowed": True}
            refused = (await s.ask("/validate", request=admission(name="q", dryRun=True)))["response"]
            assert (refused["allowed"], refused["status"]["message"]) == (False, "no q")
            last = s.history.of("review")[-1]
            assert (last["stage"], last["verb"], last["allowed"], last["dry_run"]) == ("validation", "create", False, True)

    asyncio.run(act())


def test_admitted_secrets_are_recorded_as_hashes(pki: Pki) -> None:
    async def act() -> None:
        async with serving(pki) as s:
            await s.ask("/validate", request=admission(resource={"resource": "secrets"}, object={"kind": "Secret", "data": {"a": "Zm9v"}}))
            assert s.history.of("review")[0]["object"]["data"]["a"].startswith("hmac:")

    asyncio.run(act())


@pytest.mark.parametrize("shown", [{"object": {"metadata": {"name": "q"}}}, {"object": None, "oldObject": {"metadata": {"name": "q"}}}])
def test_what_is_reviewed_is_called_as_it_is_shown_where_the_review_does_not_say(pki: Pki, shown: dict[str, Any]) -> None:
    async def act() -> None:
        async with serving(pki) as s:
            s.hooks.deny("validation", name="q", message="no q")
            assert (await s.ask("/validate", request=admission(name="", **shown)))["response"]["allowed"] is False
            s.hooks.deny("validation", of="web", message="no pods of web")
            labelled = {"metadata": {"name": "web-7", "labels": {"app": "web"}}}
            assert (await s.ask("/validate", request=admission(object=labelled)))["response"]["allowed"] is False

    asyncio.run(act())


def test_a_held_answer_waits_for_its_barrier(pki: Pki) -> None:
    async def act() -> None:
        async with serving(pki) as s:
            barrier = s.hooks.hold("mutation", name="p")
            asking = asyncio.create_task(s.ask("/mutate", request=admission()))
            event = await barrier.reached(within_s=5)
            assert (event["name"], event["held"]) == ("p", True)
            await s.ask("/mutate", request=admission(name="other"))
            assert not asking.done()
            barrier.release()
            assert (await asking)["response"]["allowed"]
            assert [e["review"] for e in s.history.of("review-released")] == [event["review"]]
            await s.ask("/mutate", request=admission())  # a released barrier is in nobody's way
            assert await s.hooks.hold("validation").reached(within_s=0.01) is None

    asyncio.run(act())


def test_a_caller_that_gives_up_is_recorded(pki: Pki) -> None:
    async def act() -> None:
        async with serving(pki) as s:
            barrier = s.hooks.hold("validation")
            asking = asyncio.create_task(s.ask("/validate", request=admission()))
            await barrier.reached(within_s=5)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            while not s.history.of("review-abandoned"):
                await s.history.change()

    asyncio.run(act())


def test_objects_and_files_point_at_the_double(pki: Pki, tmp_path: Path) -> None:
    beyond = {"made-by": "us"}
    webhook = mutating_webhook("seatrial", url="https://h:1", ca=pki.ca, namespace="a", beyond=beyond)["webhooks"][3]
    assert webhook["clientConfig"]["url"] == "https://h:1/mutate"
    assert base64.b64decode(webhook["clientConfig"]["caBundle"]) == pki.ca.read_bytes()
    assert webhook["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": "a"}}
    assert (webhook["rules"][0]["scope"], webhook["rules"][0]["resources"]) == ("Namespaced", ["*/*"])
    several = validating_webhook("seatrial", url="https://h:1", ca=pki.ca, namespace="a", beyond=beyond)["webhooks"]
    assert [each["clientConfig"]["url"].rpartition("/")[2] for each in several] == ["validate", "validate", "nod", "validate", "nod"]
    assert len({each["name"] for each in several}) == 5
    assert [each["rules"][0]["scope"] for each in several] == ["Cluster", "Namespaced", "Namespaced", "Namespaced", "Namespaced"]
