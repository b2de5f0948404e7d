"""A leader that cannot reach its lease, and finds it again when somebody else has it.

What it asks about the lease waits at the tap; everything else flows. When it could not renew for so long as its limits say it gives up, and
what it does then, such as giving the lease back, is let through as soon as the lease has expired and is somebody else's. Afterwards one of
those that compete for it has it again.
"""

import datetime as dt
from collections.abc import Sequence

from seatrial.checks.facts import WRITES, accepted
from seatrial.checks.leases import lease_writes, released
from seatrial.cluster.instances import Supervised
from seatrial.model.errors import Inconclusive, NotRunnable
from seatrial.model.history import Event, History
from seatrial.wire.kubernetes import Answer
from seatrial.world.world import World
from seatrial_schemas.kinds import by_plural

RIVAL = "seatrial-rival"
ELECTED = frozenset({"scheduler", "controller-manager"})


async def keep_from_lease(world: World, instances: Sequence[Supervised]) -> None:
    """One after the other; Inconclusive where the lease does not say whose it is, or cannot be had, or nobody has it again."""
    for instance in instances:
        await _keep(world, instance)


async def _keep(world: World, instance: Supervised) -> None:
    limits = instance.placement.component.limits
    namespace, _, name = (instance.placement.component.lease or "").partition("/")
    if not name:
        raise NotRunnable(f"{instance.name} does not say what its lease is (replicas.election)")
    path = by_plural("leases").path(namespace=namespace, name=name)
    world.mark("cut")
    await world.cluster.faults.hold("request", instance=instance.name, resource="leases", name=name)
    holder = _holder(await world.operator.request("GET", path))
    renewed_s = max((r.at_s for r in _renewals(world.history, instance.name, name)), default=world.backend.now_s())
    expires_s = renewed_s + limits.lease_s
    gives_up_s = renewed_s + limits.retry_s + limits.renew_s
    await world.wait(lambda h: _asks_since(h, instance.name, gives_up_s), within_s=expires_s + 2 * limits.retry_s - world.backend.now_s())
    await world.pause(max(0.0, expires_s - world.backend.now_s()))
    await _pass_on(world, path, holder)
    await world.cluster.faults.release()
    healed = world.mark("healed")
    again = world.timing().recovery
    await world.seen(lambda h: _held_since(h, instance, healed), within_s=again, what=f"one of them has the lease {name} again")


def _renewals(history: History, instance: str, name: str) -> list[Event]:
    writes = accepted(history, [instance], resource="leases")
    return [r for r, a in writes if r["verb"] in WRITES and name in (r["name"], a["name"])]


def _asks_since(history: History, instance: str, at_s: float) -> list[Event]:
    """What it asked when it must have given up, and waits for."""
    return [e for e in history.of("held", instance=instance, what="request") if e.at_s >= at_s]


def _held_since(history: History, instance: Supervised, mark: Event) -> list[Event]:
    roles = [role for role in instance.placement.roles if role in ELECTED]
    writes = [write for role in roles for write in lease_writes(history, role) if not released(history, *write)]
    return [request for request, _ in writes if request.at_s >= mark.at_s]


async def _pass_on(world: World, path: str, holder: str) -> None:
    """The operator takes the lease, where it is still the holder's, and says when, for there are those who go by that. Whoever is quicker
    has it as well."""
    found = await world.operator.request("GET", path)
    if _holder(found) == holder:
        spec = found.body["spec"]
        now = dt.datetime.fromtimestamp(world.backend.context().wall_s(), dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        since = {"acquireTime": now, "renewTime": now, "leaseTransitions": int(spec.get("leaseTransitions") or 0) + 1}
        taken = spec | {"holderIdentity": RIVAL, **since}
        found = await world.operator.request("PUT", path, body=found.body | {"spec": taken})
    if found.reason != "Conflict" and _holder(found) == holder:
        raise Inconclusive(f"blocked: nobody else could take the lease at {path}: {found.code} {found.body.get('message')}")


def _holder(lease: Answer) -> str:
    """Inconclusive where the lease does not say whose it is."""
    holder = (lease.body.get("spec") or {}).get("holderIdentity")
    if not lease.ok or not holder:
        raise Inconclusive(f"blocked: a lease does not say whose it is: {lease.code} {lease.body}")
    return str(holder)
