"""The copy of a kind: listed once, watched ever after, whatever happens to the server. And the queue that feeds workers from it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from seatrial_reference.machinery.backoff import Backoff, delayed_s
from seatrial_reference.machinery.client import ApiError, Unreachable, connected
from seatrial_reference.machinery.flags import duration, elected_parser
from seatrial_reference.machinery.informer import Handlers, Informer
from seatrial_reference.machinery.objects import epoch_s, micro_stamp, selects, stamp
from seatrial_reference.machinery.workqueue import WorkQueue
from seatrial_schemas.context import SystemContext
from seatrial_schemas.kinds import by_plural

PODS = "/api/v1/namespaces/default/pods"
Play = Callable[..., Any]


class Seen(list[str]):
    """What the handlers were told, as words."""

    def handlers(self) -> Handlers:
        return Handlers(
            added=lambda new: self.append(f"+{_said(new)}"),
            updated=lambda _, new: self.append(f"~{_said(new)}"),
            deleted=lambda old: self.append(f"-{_said(old)}"),
        )


def _said(item: Any) -> str:
    return str(item["metadata"]["name"])


async def follow(world: Any, client: Any) -> tuple[Informer, Seen]:
    seen = Seen()
    informer = Informer(client, by_plural("pods"), context=world.context)
    informer.subscribe(seen.handlers())
    world.start(informer.run())
    await informer.synced.wait()
    return informer, seen


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - whatever it is, it has no event
            await asyncio.sleep(0.005)


def client_of(world: Any) -> Any:
    return connected(world.api.kubeconfig(world.folder), world.context, agent="test")


def test_listed_once_then_watched(play: Play) -> None:
    async def scene(world: Any) -> None:
        await world.pod("a")
        async with client_of(world) as client:
            _, seen = await follow(world, client)
            b = await world.pod("b")
            await world.api.store(f"{PODS}/b", b)
            await world.api.store(f"{PODS}/b", b, "DELETED")
            await until(lambda: len(seen) == 4)
            assert seen == ["+a", "+b", "~b", "-b"]
            assert len(world.api.seen("get")) == len(world.api.seen("watch")) == 1

    play(scene)


def test_a_server_that_comes_back_is_followed_from_where_it_was(play: Play) -> None:
    async def scene(world: Any) -> None:
        async with client_of(world) as client:
            _, seen = await follow(world, client)
            await world.pod("a")
            await until(lambda: seen == ["+a"])
            await world.api.stop()
            await world.pod("b")
            await world.api.start()
            await until(lambda: seen == ["+a", "+b"])
            assert len(world.api.seen("get")) == 1

    play(scene)


def test_a_forgotten_revision_means_listing_again(play: Play) -> None:
    async def scene(world: Any) -> None:
        async with client_of(world) as client:
            _, seen = await follow(world, client)
            a = await world.pod("a")
            await world.pod("b")
            await until(lambda: len(seen) == 2)
            await world.api.stop()
            await world.api.store(f"{PODS}/a", a, "DELETED")
            await world.api.store(f"{PODS}/b", {"metadata": {"name": "b", "namespace": "default", "uid": "another"}})
            world.api.forgotten = world.api.revision + 1
            await world.api.start()
            await until(lambda: len(seen) == 5)
            world.api.forgotten = 0
            assert seen == ["+a", "+b", "-a", "-b", "+b"]

    play(scene)


def test_groups_follow_their_objects(play: Play) -> None:
    async def scene(world: Any) -> None:
        async with client_of(world) as client:
            informer = Informer(client, by_plural("pods"), context=world.context, index=lambda p: [p["spec"].get("nodeName", "")])
            world.start(informer.run())
            await informer.synced.wait()
            pod = await world.pod("a")
            await until(lambda: informer.group(""))
            await world.api.store(f"{PODS}/a", pod | {"spec": {"nodeName": "n"}})
            await until(lambda: informer.group("n"))
            assert not informer.group("")

    play(scene)


def test_two_ways_to_fail(play: Play) -> None:
    async def scene(world: Any) -> None:
        async with client_of(world) as client:
            with pytest.raises(ApiError) as refused:
                await client.get(by_plural("pods"), "nobody", namespace="default")
            assert (refused.value.status, refused.value.reason) == (404, "NotFound")
            await world.api.stop()
            with pytest.raises(Unreachable):
                await client.get(by_plural("pods"), "nobody", namespace="default")
            await world.api.start()

    play(scene)


def test_one_key_one_worker_and_nothing_lost() -> None:
    async def act() -> None:
        queue, busy, looks = WorkQueue(SystemContext()), [], []

        async def handle(key: str) -> None:
            assert key not in busy
            busy.append(key)
            await asyncio.sleep(0.002)
            busy.remove(key)
            looks.append(key)
            if len(looks) == 1:
                raise Unreachable("try again")

        task = asyncio.create_task(queue.run(handle, workers=3))
        for _ in range(5):
            queue.add("a")
        await asyncio.sleep(0.001)
        queue.add("a")
        queue.add("b")
        await until(lambda: len(looks) >= 3 and not busy)
        await asyncio.sleep(0.1)
        assert looks.count("a") in {2, 3}
        assert looks.count("b") == 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(act())


def test_appointments_with_nobody_are_not_made() -> None:
    """Watches may tell of something while the workers end, and after: neither an error nor a coroutine that nobody awaits."""

    async def act() -> None:
        queue = WorkQueue(SystemContext())

        async def handle(_: str) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                asyncio.get_running_loop().call_soon(queue.add_after, "b", 0.0)

        task = asyncio.create_task(queue.run(handle))
        queue.add("a")
        await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        queue.add_after("a", 0.0)

    asyncio.run(act())


def test_patience_doubles_and_is_capped() -> None:
    assert [delayed_s(n, first_s=1, most_s=5) for n in range(4)] == [1, 2, 4, 5]
    backoff = Backoff(SystemContext(), first_s=1, most_s=4)
    assert all(0.5 * most <= backoff.next_s() <= most for most in (1, 2, 4, 4))


def test_flags_are_upstreams() -> None:
    flags = elected_parser("kube-scheduler").parse_args(["--kubeconfig=k", "--leader-elect=false", "--leader-elect-lease-duration=1.5s"])
    assert (flags.leader_elect, flags.leader_elect_lease_duration, flags.leader_elect_resource_name) == (False, 1.5, "kube-scheduler")
    assert duration("1h30m") == 5400


@pytest.mark.parametrize(
    ("selector", "holds"),
    [
        ({"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "2"}}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True),
        ({"matchExpressions": [{"key": "b", "operator": "DoesNotExist"}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False),
        ({}, False),
        (None, False),
    ],
)
def test_selectors(selector: Any, holds: bool) -> None:
    assert selects(selector, {"a": "1"}) is holds


def test_two_forms_of_time() -> None:
    assert stamp(0.9) == "1970-01-01T00:00:00Z"
    assert epoch_s(micro_stamp(12.25)) == 12.25
