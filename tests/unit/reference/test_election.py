"""Candidates on a clock that the test moves: who may take the lease, and when."""

import asyncio
import random
from collections.abc import Iterator
from typing import Any

import pytest

from seatrial_reference.machinery.client import ApiError, Unreachable
from seatrial_reference.machinery.election import Elector, LeaseLost
from seatrial_reference.machinery.flags import Election

TIMES = Election(name="l", namespace="kube-system", lease_s=1.5, renew_s=0.2, retry_s=0.05)


class Clock:
    """A context whose clock stands still until it is told."""

    def __init__(self) -> None:
        self.random = random.Random(1)
        self.ids: Iterator[str] = iter(())
        self.at_s = 0.0

    def now_s(self) -> float:
        return self.at_s

    def wall_s(self) -> float:
        return 1000.0 + self.at_s

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 10)


class OneLease:
    """The API as far as an election needs it."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.revision = 0
        self.reachable = True
        self.reads = 0

    async def get(self, *_: Any, **__: Any) -> Any:
        self._reach()
        self.reads += 1
        if self.lease is None:
            raise ApiError(404, "NotFound")
        return self.lease

    async def create(self, _kind: Any, body: Any, **_: Any) -> Any:
        self._reach()
        if self.lease is not None:
            raise ApiError(409, "AlreadyExists")
        return self._store(body)

    async def replace(self, _kind: Any, body: Any) -> Any:
        self._reach()
        if self.lease is None or body["metadata"]["resourceVersion"] != self.lease["metadata"]["resourceVersion"]:
            raise ApiError(409, "Conflict")
        return self._store(body)

    def _reach(self) -> None:
        if not self.reachable:
            raise Unreachable("cut")

    def _store(self, body: Any) -> Any:
        self.revision += 1
        self.lease = body | {"metadata": body["metadata"] | {"resourceVersion": str(self.revision)}}
        return self.lease

    @property
    def spec(self) -> Any:
        assert self.lease is not None
        return self.lease["spec"]


def candidate(api: OneLease, clock: Clock, name: str, *, release: bool = True) -> Elector:
    return Elector(api, TIMES, context=clock, identity=name, release=release)  # type: ignore[arg-type]


def attempt(elector: Elector) -> bool:
    return asyncio.run(elector.attempt(limit_s=1))


def test_the_first_creates_the_lease() -> None:
    api, clock = OneLease(), Clock()
    assert attempt(candidate(api, clock, "a"))
    assert api.spec == {
        "holderIdentity": "a",
        "leaseDurationSeconds": 2,
        "acquireTime": "1970-01-01T00:16:40.000000Z",
        "renewTime": "1970-01-01T00:16:40.000000Z",
        "leaseTransitions": 0,
    }


def test_a_candidate_waits_for_what_it_has_itself_observed() -> None:
    api, clock = OneLease(), Clock()
    a, b = candidate(api, clock, "a"), candidate(api, clock, "b")
    assert attempt(a)
    clock.at_s = 100.0  # the record is old, but b has only now begun to look
    assert not attempt(b)
    clock.at_s += 1.4
    assert not attempt(b)
    clock.at_s += 0.2
    assert attempt(b)
    assert (api.spec["holderIdentity"], api.spec["leaseTransitions"]) == ("b", 1)


def test_every_renewal_makes_candidates_wait_anew() -> None:
    api, clock = OneLease(), Clock()
    a, b = candidate(api, clock, "a"), candidate(api, clock, "b")
    for _ in range(10):
        assert attempt(a)
        assert not attempt(b)
        clock.at_s += 1.0
    assert api.spec["acquireTime"] < api.spec["renewTime"]
    assert api.spec["leaseTransitions"] == 0


def test_a_renewal_needs_no_reading() -> None:
    api, clock = OneLease(), Clock()
    a = candidate(api, clock, "a")
    attempt(a)
    reads = api.reads
    assert attempt(a)
    assert api.reads == reads


def test_a_released_lease_is_taken_at_once() -> None:
    api, clock = OneLease(), Clock()
    a, b = candidate(api, clock, "a"), candidate(api, clock, "b")
    attempt(a)
    assert not attempt(b)
    asyncio.run(a.release())
    assert (api.spec["holderIdentity"], api.spec["leaseDurationSeconds"]) == ("", 1)
    assert attempt(b)
    assert not attempt(a)


def test_a_leader_that_was_overtaken_notices() -> None:
    api, clock = OneLease(), Clock()
    a, b = candidate(api, clock, "a"), candidate(api, clock, "b")
    attempt(a)
    attempt(b)
    clock.at_s += 2
    assert attempt(b)
    assert not attempt(a)
    assert not a.leads


def test_a_leader_that_cannot_renew_stops_what_it_does() -> None:
    api, clock = OneLease(), Clock()
    stopped = []

    async def lead() -> None:
        api.reachable = False
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(True)

    with pytest.raises(ExceptionGroup) as lost:
        asyncio.run(candidate(api, clock, "a").run(lead))
    assert lost.group_contains(LeaseLost)
    assert stopped


@pytest.mark.parametrize("release", [True, False])
def test_a_clean_stop_releases_where_told(release: bool) -> None:
    api, clock = OneLease(), Clock()

    async def act() -> None:
        leading = asyncio.Event()

        async def lead() -> None:
            leading.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(candidate(api, clock, "a", release=release).run(lead))
        await leading.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(act())
    assert api.spec["holderIdentity"] == ("" if release else "a")
