"""Which backend, and how one is opened: imports only the one that is wanted.

Where clusters would have no room for their files, components would fail in ways that look like their own fault: better said before.
"""

import shutil
import tempfile
from importlib.util import find_spec

from seatrial.adapters.descriptor import load
from seatrial.adapters.implementation import Component, Implementation
from seatrial.backends.interface import Backend
from seatrial.model.errors import NotReady, UsageError

SCRATCH_MIB = 16


def backend_name(asked: str | None, implementation: Implementation) -> str:
    """The backend asked for; simulation where every component is Python, else processes; a cluster that exists is not run by any. Raises
    UsageError where one of these is asked for what is the other."""
    if implementation.guest and asked not in (None, "attached"):
        raise UsageError(f"{implementation.name} is a cluster that runs already, and visited: --backend can be left out.")
    if asked == "attached" and not implementation.guest:
        raise UsageError(f"{implementation.name} is started by Seatrial: --backend simulation or processes. Visited is -i kubeconfig:PATH.")
    return "attached" if implementation.guest else asked or ("simulation" if implementation.simulable else "processes")


def must_suit(asked: str | None, implementation: Implementation) -> None:
    """Raises UsageError where the backend asked for cannot run a component, or the kubeconfig of a cluster to visit not be read."""
    backend_name(asked, implementation)
    if asked == "simulation" and not implementation.simulable:
        cannot = next((f"components.{c.name}" for c in implementation.components.values() if not (c.python or c.within)), "identity.mint")
        raise UsageError(f"{implementation.file}: {cannot} is no Python, which is all that can be simulated. Leave --backend out.")
    try:
        if implementation.guest:
            implementation.guest.open().close()
    except OSError as error:
        raise UsageError(f"The kubeconfig {implementation.guest} cannot be read: {error.strerror}.") from None


def backend_class(name: str) -> type[Backend]:
    """What a backend is called and what it can, without opening it."""
    if name == "processes":
        from seatrial.backends.processes import Processes  # noqa: PLC0415 - Linux only

        return Processes
    if name == "attached":
        from seatrial.backends.attached import Attached  # noqa: PLC0415

        return Attached
    from seatrial.backends.simulation import Simulation  # noqa: PLC0415

    return Simulation


def on_trial(name: str, asked: str | None) -> Implementation:
    """The implementation of a descriptor, with the limits that it has on its backend. Raises UsageError."""
    backend = backend_class(backend_name(asked, load(name)))
    return load(name, virtual="virtual-time" in backend.can)


def open_backend(name: str, implementation: Implementation, *, seed: int) -> Backend:
    """Ready for use; to be closed. Raises NotReady where the machine does not permit it."""
    _room()
    if name == "processes":
        from seatrial.backends.processes import Processes  # noqa: PLC0415 - Linux only

        return Processes(seed=seed, warm=modules(implementation))
    if implementation.guest:
        from seatrial.backends.attached import Attached  # noqa: PLC0415

        return Attached(kubeconfig=implementation.guest, context=implementation.context, seed=seed)
    from seatrial.backends.simulation import Simulation  # noqa: PLC0415

    return Simulation(seed=seed)


def modules(implementation: Implementation) -> list[str]:
    """What every cluster of it imports: whoever starts many may do so in advance."""
    warm = {module for c in implementation.components.values() if (module := _installed(c))}
    return ["seatrial.doubles.tap", *sorted(warm)]


def _room() -> None:
    """Raises NotReady where there is no folder for scratch, or none with room."""
    try:
        folder = tempfile.gettempdir()
        free_mib = shutil.disk_usage(folder).free / (1 << 20)
    except OSError as error:
        raise NotReady(f"There is no folder for temporary files: {error.strerror or error}. Set TMPDIR to one.") from None
    if free_mib < SCRATCH_MIB:
        raise NotReady(f"Only {free_mib:.1f} MiB are free in {folder}, and a cluster needs {SCRATCH_MIB}. Set TMPDIR to another folder.")


def _installed(component: Component) -> str:
    """The component's module, where it is none of the descriptor's own folder: then every instance may have it in advance."""
    module = (component.python or "").partition(":")[0]
    top = module.partition(".")[0]
    beside = any((folder / top).exists() or (folder / f"{top}.py").exists() for folder in component.path)
    return module if top and not beside and find_spec(top) else ""
