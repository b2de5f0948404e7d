"""Leaders, standbys and their leases."""

from pytest_bdd import parsers, then

from seatrial.bindings.phrases import COMPONENTS
from seatrial.checks import facts
from seatrial.checks.leases import lease_writes
from seatrial.world import World, windows

SEVERAL = r"(?P<components>schedulers|controller managers)"


@then(parsers.re(r"all work of the " + SEVERAL + r" was asked for by the one that holds the lease"))
def leader_works(world: World, components: str) -> None:
    """Refused attempts count. The holder is whoever wrote the lease last before, in the order of the tap. A lease that is not renewed has
    time to pass to somebody else."""
    role = COMPONENTS[components]
    limits = world.cluster.limits(role)
    windows.quiet(world, at_least_s=limits.lease_s + 3 * limits.retry_s)
    world.judge("leadership.only_leader_works", role=role)


@then(parsers.re(r"the standby " + SEVERAL + r" wrote nothing but leases and reviews"))
def standbys_idle(world: World, components: str) -> None:
    """Those that never held the lease; events count as writes."""
    windows.quiet(world)
    world.judge("leadership.standbys_idle", role=COMPONENTS[components])


@then(
    parsers.re(r"another (?P<component>scheduler|controller manager) takes the lease, and not before it has expired(?: or been released)?")
)
def takes_over(world: World, component: str) -> None:
    """Counted from the last renewal that was accepted."""
    role = COMPONENTS[component]
    since = next((what for what in ("kill", "cut", "pause") if world.history.of("mark", name=what)), "term")
    gone = facts.mark(world.history, since)
    old = [r.instance for r, _ in lease_writes(world.history, role) if r.at_s <= gone.at_s][-1:]
    within_s = world.timing(role).recovery
    world.run(
        world.wait(lambda h: [r for r, _ in lease_writes(h, role) if r.instance not in old and r.at_s > gone.at_s], within_s=within_s)
    )
    world.judge("leadership.takeover", role=role, since=since)
