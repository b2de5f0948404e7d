"""One folder for everything that simulated clusters of this process write, gone when the process is, however it ends.

A child makes it, waits for the end of a pipe that only this process and its copies hold, and then removes it: neither kill -9 nor an
interrupt at any moment can prevent that.
"""

import atexit
import subprocess
import sys
from functools import cache
from pathlib import Path

from seatrial.backends.simulation.context import SimulatedContext
from seatrial.model.errors import NotReady
from seatrial.wire.pki import Pki

_KEEPER = """
import shutil, sys, tempfile
folder = tempfile.mkdtemp(prefix="seatrial-")
print(folder, flush=True)
sys.stdin.read()
shutil.rmtree(folder, ignore_errors=True)
"""


@cache
def scratch() -> Path:
    """The folder of this process. Raises NotReady where none can be made."""
    keeper = subprocess.Popen(
        [sys.executable, "-ISc", _KEEPER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, text=True
    )
    atexit.register(keeper.communicate)
    folder = keeper.stdout.readline().rstrip("\n") if keeper.stdout else ""
    if not folder:
        raise NotReady("No folder is to be had for what simulated clusters write; standard error says why.")
    return Path(folder)


@cache
def certificates(seed: int) -> Pki:
    """The certificates of all clusters of one seed: addresses repeat, and signing costs more than a request."""
    return Pki(scratch() / f"pki-{seed}", context=SimulatedContext(seed=seed, name="certificates", boot=0, now_s=float))
