"""Leader election by a Lease, as client-go does it (HA-04 to HA-08).

The record in the Lease names a holder and is renewed by it. Clocks are not compared: a candidate takes over when *it* has seen the record
unchanged for the length of the lease, on its own clock, or at once where the holder has given it up (no name). The holder renews every
retry period, and when one renewal has not succeeded within the renew deadline, which is shorter than the lease, it stops leading before
anybody else may begin. There is no fencing: a leader that was frozen may act for a moment after it thaws, until its next renewal fails.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Protocol

from seatrial_reference.machinery.client import ApiError, Client, RequestFailed, connected
from seatrial_reference.machinery.flags import Election, elected_parser
from seatrial_reference.machinery.objects import Json, micro_stamp
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural

log = logging.getLogger(__name__)

JITTER = 1.2  # candidates wait between one and 2.2 retry periods, so that they do not ask in step


class LeaseLost(Exception):
    """The lease could not be renewed in time; somebody else may soon lead."""


class Elector:
    """One candidate. `record` is the spec of the Lease as last observed, `observed_s` when it was first seen like this."""

    def __init__(self, client: Client, election: Election, *, context: Context, identity: str, release: bool) -> None:
        self.identity = identity
        self.record: Json = {}
        self.observed_s = -math.inf
        self._client = client
        self._election = election
        self._context = context
        self._release = release
        self._lease: Json = {}
        self._kind = by_plural("leases")

    @property
    def leads(self) -> bool:
        return bool(self.record.get("holderIdentity") == self.identity)

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Wait for the lease, then lead until cancelled. Raises LeaseLost, in an ExceptionGroup, when it is lost."""
        await self.acquire()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.renew())
                tasks.create_task(_awaited(lead()))
        except asyncio.CancelledError:
            if self._release:
                await self.release()
            raise

    async def acquire(self) -> None:
        """Return as the leader."""
        while not await self.attempt(limit_s=self._election.renew_s):
            await self._context.sleep(self._election.retry_s * (1 + JITTER * self._context.random.random()))

    async def renew(self) -> None:
        """Renew every retry period. Raises LeaseLost when a renewal has failed for the whole of the renew deadline."""
        while True:
            try:
                async with asyncio.timeout(self._election.renew_s):
                    while not await self.attempt(limit_s=self._election.renew_s / 2):
                        await self._context.sleep(self._election.retry_s)
            except TimeoutError as error:
                raise LeaseLost(f"{self._election.name}: not renewed within {self._election.renew_s} s") from error
            await self._context.sleep(self._election.retry_s)

    async def attempt(self, *, limit_s: float) -> bool:
        """Try once to get or renew the lease. Failures of the request are failures of the attempt."""
        try:
            async with asyncio.timeout(limit_s):
                return await self.try_acquire_or_renew()
        except (RequestFailed, TimeoutError) as failure:
            log.info("%s: %s", self._election.name, failure)
            return False

    async def try_acquire_or_renew(self) -> bool:
        if self.leads and not self.expired():
            try:
                await self.write(self.claim())
            except ApiError as error:
                log.info("%s: renewing in the dark failed, looking first: %s", self._election.name, error)
            else:
                return True
        return await self._look_and_claim()

    async def _look_and_claim(self) -> bool:
        try:
            lease = await self._client.get(self._kind, self._election.name, namespace=self._election.namespace)
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            self._lease = {}
        else:
            self.observe(lease)
            if self.record.get("holderIdentity") and not self.leads and not self.expired():
                return False
        await self.write(self.claim())
        return True

    def observe(self, lease: Json) -> None:
        """Remember the record; its age begins anew whenever it differs in any way."""
        record = lease.get("spec") or {}
        if record != self.record:
            self.record, self.observed_s = record, self._context.now_s()
        self._lease = lease

    def expired(self) -> bool:
        """Whether the record has been the same for the length of the lease, by our own clock."""
        return self.observed_s + self._election.lease_s <= self._context.now_s()

    def claim(self) -> Json:
        """The record by which we lead, or go on leading."""
        now = micro_stamp(self._context.wall_s())
        transitions = int(self.record.get("leaseTransitions") or 0)
        return {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": max(1, math.ceil(self._election.lease_s)),
            "acquireTime": self.record["acquireTime"] if self.leads else now,
            "renewTime": now,
            "leaseTransitions": transitions + 1 if self._lease and not self.leads else transitions,
        }

    async def write(self, record: Json) -> None:
        """Store the record, on condition that the Lease is as last seen."""
        if self._lease:
            lease = await self._client.replace(self._kind, self._lease | {"spec": record})
        else:
            meta = {"name": self._election.name, "namespace": self._election.namespace}
            body = {"apiVersion": self._kind.api_version, "kind": self._kind.kind, "metadata": meta, "spec": record}
            lease = await self._client.create(self._kind, body, namespace=self._election.namespace)
        self.observe(lease)

    async def release(self) -> None:
        """Give the lease up, so that a standby need not wait. Best effort: it expires anyhow."""
        if not self.leads:
            return
        now = micro_stamp(self._context.wall_s())
        record = self.record | {"holderIdentity": "", "leaseDurationSeconds": 1, "acquireTime": now, "renewTime": now}
        try:
            async with asyncio.timeout(self._election.renew_s):
                await self.write(record)
        except (RequestFailed, TimeoutError) as failure:
            log.info("%s: not released: %s", self._election.name, failure)


async def _awaited(work: Awaitable[None]) -> None:
    await work


class Part(Protocol):
    """What may be elected."""

    async def observe(self) -> None:
        """What it does whether it leads or not."""

    async def lead(self) -> None:
        """Work until cancelled."""


async def serve(
    args: Sequence[str],
    context: Context,
    *,
    program: str,
    part: Callable[[Client, Context], Part],
    elector: type[Elector],
    release: bool,
) -> None:
    """Lead, or stand by, until cancelled; where nobody is to be elected, lead at once. Raises SystemExit(1) when the lease is lost."""
    flags = elected_parser(program).parse_args(args)
    candidate = f"{program}_{next(context.ids)}"
    lost = False
    try:
        async with connected(flags.kubeconfig, context, agent=f"{program}/reference") as client, asyncio.TaskGroup() as tasks:
            served = part(client, context)
            election = elector(client, Election.of(flags), context=context, identity=candidate, release=release)
            tasks.create_task(served.observe())
            tasks.create_task(election.run(served.lead) if flags.leader_elect else served.lead())
    except* LeaseLost:
        lost = True
    if lost:
        raise SystemExit(1)
