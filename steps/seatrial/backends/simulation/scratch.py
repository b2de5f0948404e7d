"""One folder for everything that simulated clusters of this process write, temporary files of components included."""

import atexit
import tempfile
from functools import cache
from pathlib import Path

from seatrial.backends.keeper import kept
from seatrial.backends.simulation.context import SimulatedContext
from seatrial.wire.pki import Pki


@cache
def scratch() -> Path:
    """The folder of this process; gone with it. Raises NotReady where none can be made."""
    folder, remove = kept()
    atexit.register(remove)
    tempfile.tempdir = str(folder)  # a copy of this process may be ended while a component has some
    return folder


@cache
def certificates(seed: int) -> Pki:
    """The certificates of all clusters of one seed: addresses repeat, and signing costs more than a request."""
    return Pki(scratch() / f"pki-{seed}", context=SimulatedContext(seed=seed, name="certificates", boot=0, now_s=float))
