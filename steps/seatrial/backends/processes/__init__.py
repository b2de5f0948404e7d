"""Real processes under a real kernel: every instance in namespaces of its own, all traffic through one observed switch.

    backend   `Processes`: opens, runs, closes; starts the zygote
    zygote    init of the run's PID namespace: forks instances, and takes everything with it when the runner is gone
    init      the first process of one instance: signals all others, reaps, reports how the program ended
    network   the wires of one cluster: a switch that routes, cuts and is listened to
    packets   the capture; flows makes connections out of its frames
    kernel    the calls that Python 3.11 lacks; netlink configures links, addresses, routes and rules

The zygote imports parts of this package and must start fast, so `Processes` and what it needs are imported at first use.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seatrial.backends.processes.backend import Processes
    from seatrial.backends.processes.kernel import prepare

__all__ = ["Processes", "prepare"]


def __getattr__(name: str) -> Any:
    if name == "Processes":
        from seatrial.backends.processes.backend import Processes  # noqa: PLC0415

        return Processes
    if name == "prepare":
        from seatrial.backends.processes.kernel import prepare  # noqa: PLC0415

        return prepare
    raise AttributeError(name)
