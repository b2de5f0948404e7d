"""Candidates that do not keep to the rules of the election, whatever they are elected for."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from seatrial_reference.machinery.client import ApiError, Client, RequestFailed, Unreachable
from seatrial_reference.machinery.election import Elector, LeaseLost
from seatrial_reference.machinery.objects import Json, epoch_s
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural
from violations.dialling import touch


class EverybodyLeads(Elector):
    """Competes for the lease, and works whether it has it or not."""

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().run(asyncio.Event().wait))  # type: ignore[arg-type]
            tasks.create_task(_awaited(lead()))


class Hasty(Elector):
    """Asks often, and takes a lease for expired after half of its time."""

    async def acquire(self) -> None:
        while not await self.attempt(limit_s=self._election.renew_s):
            await self._context.sleep(self._election.retry_s / 5)

    def expired(self) -> bool:
        return self.observed_s + self._election.lease_s / 2 <= self._context.now_s()


class Impatient(Elector):
    """Asks as often as it should, and takes the lease of another for expired after half of its time."""

    def expired(self) -> bool:
        return super().expired() if self.leads else self.observed_s + self._election.lease_s / 2 <= self._context.now_s()


class Eager(Elector):
    """Works from the first moment, and stands back when its first look at the lease shows that somebody else has it."""

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        work = asyncio.create_task(_awaited(lead()))
        try:
            await self._context.sleep(self._election.retry_s)
            if await self.attempt(limit_s=self._election.renew_s):
                await self.renew()
        finally:
            work.cancel()
        await super().run(lead)


class Careless(Elector):
    """Who has the lease once has it for good, and need not say so again."""

    async def renew(self) -> None:
        await asyncio.Event().wait()


class Clinging(Elector):
    """Who loses the lease tries to get it back, and works on until then."""

    async def renew(self) -> None:
        while True:
            with suppress(LeaseLost):
                await super().renew()
            await self.acquire()


class Blind(Elector):
    """Who has had the lease once renews it under its own name, whoever holds it."""

    led = False

    async def _look_and_claim(self) -> bool:
        if not self.led:
            self.led = await super()._look_and_claim()
            return self.led
        self.observe(await self._client.get(self._kind, self._election.name, namespace=self._election.namespace))
        await self.write(self.claim())
        return True


class Crowding(Elector):
    """Decides to take an expired lease, waits a little so that not everybody comes at once, and takes it from whoever has it then."""

    async def write(self, record: Json) -> None:
        if self._lease and record["holderIdentity"]:
            if not self.leads:
                await self._context.sleep(self._election.renew_s * (0.8 + self._context.random.random() / 10))
            self._lease = await self._client.get(self._kind, self._election.name, namespace=self._election.namespace)
        await super().write(record)


class Loyal(Elector):
    """Takes over from nobody but its own former self: a lease that another one has left behind is never touched."""

    home = ""

    def __init__(self, *args: Any, identity: str, **how: Any) -> None:
        super().__init__(*args, identity=f"{self.home}_{identity}", **how)

    def expired(self) -> bool:
        return super().expired() and str(self.record.get("holderIdentity")).startswith(self.home)


class Talkative(Elector):
    """A standby that leaves an Event whenever somebody else has the lease."""

    async def acquire(self) -> None:
        while not await self.attempt(limit_s=self._election.renew_s):
            await self.announce()
            await self._context.sleep(self._election.retry_s)

    async def announce(self) -> None:
        meta = {"name": f"standing-by.{next(self._context.ids)[:13]}", "namespace": "default"}
        subject = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "name": self._election.name, "namespace": "kube-system"}
        event = {"apiVersion": "v1", "kind": "Event", "metadata": meta, "involvedObject": subject, "reason": "StandingBy"}
        try:
            await self._client.create(by_plural("events", ""), event, namespace="default")
        except RequestFailed:
            return


class Sociable(Elector):
    """Stands in the lease with the address of its host, and looks as a standby whether the leader is still there."""

    address, port = "", 0

    def __init__(self, *args: Any, identity: str, **how: Any) -> None:
        super().__init__(*args, identity=f"{identity}@{self.address}", **how)

    async def attempt(self, *, limit_s: float) -> bool:
        done = await super().attempt(limit_s=limit_s)
        if not done and (holder := str(self.record.get("holderIdentity") or "")):
            await touch(holder.rpartition("@")[2], self.port)
        return done


class Published(Elector):
    """Stands in the lease with the address of its host, for others to find."""

    address = ""

    def __init__(self, *args: Any, identity: str, **how: Any) -> None:
        super().__init__(*args, identity=f"{identity}@{self.address}", **how)


async def vacant(client: Client, context: Context, name: str, *, namespace: str = "kube-system") -> bool:
    """Whether nobody holds the lease of that name, or nobody has renewed it in time."""
    try:
        record = (await client.get(by_plural("leases"), name, namespace=namespace))["spec"]
    except ApiError:
        return True
    except Unreachable:
        return False
    age_s = context.wall_s() - epoch_s(record["renewTime"])
    return not record.get("holderIdentity") or age_s > float(record["leaseDurationSeconds"])


async def _awaited(work: Awaitable[None]) -> None:
    await work
