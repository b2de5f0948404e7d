"""One folder for everything that simulated clusters of this process write, gone when the process is, however it ends.

A child waits for the end of a pipe that only this process holds, and then removes the folder: kill -9 cannot prevent that.
"""

import atexit
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from seatrial.backends.simulation.context import SimulatedContext
from seatrial.wire.pki import Pki

_KEEPER = "import shutil, sys; sys.stdin.read(); shutil.rmtree(sys.argv[1], ignore_errors=True)"


@cache
def scratch() -> Path:
    """The folder of this process."""
    folder = tempfile.mkdtemp(prefix="seatrial-")
    keeper = subprocess.Popen([sys.executable, "-ISc", _KEEPER, folder], stdin=subprocess.PIPE, start_new_session=True)
    atexit.register(keeper.communicate)
    return Path(folder)


@cache
def certificates(seed: int) -> Pki:
    """The certificates of all clusters of one seed: addresses repeat, and signing costs more than a request."""
    return Pki(scratch() / f"pki-{seed}", context=SimulatedContext(seed=seed, name="certificates", boot=0, now_s=float))
