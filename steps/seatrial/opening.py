"""Which backend, and how one is opened: imports only the one that is wanted."""

from seatrial.adapters.descriptor import Implementation
from seatrial.backends.interface import Backend


def backend_name(asked: str | None, implementation: Implementation) -> str:
    """The backend asked for; simulation where every component is Python, else processes."""
    return asked or ("simulation" if implementation.simulable else "processes")


def open_backend(name: str, implementation: Implementation, *, seed: int) -> Backend:
    """Ready for use; to be closed. Raises NotReady where the machine does not permit it."""
    if name == "processes":
        from seatrial.backends.processes import Processes  # noqa: PLC0415 - Linux only

        warm = sorted({c.python.partition(":")[0] for c in implementation.components.values() if c.python and not c.path})
        return Processes(seed=seed, warm=["seatrial.doubles.tap", *warm])
    from seatrial.backends.simulation import Simulation  # noqa: PLC0415

    return Simulation(seed=seed)
