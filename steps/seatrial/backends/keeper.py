"""A folder that is gone when this process is, however it ends.

A child makes it, waits for the end of a pipe that only this process and its copies hold, and then removes it: neither kill -9 nor an
interrupt at any moment can prevent that.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from seatrial.model.errors import NotReady

_KEEPER = """
import shutil, sys, tempfile
folder = tempfile.mkdtemp(prefix="seatrial-")
try:
    print(folder, flush=True)  # unless nobody is there any more who would read it
    sys.stdin.read()
finally:
    shutil.rmtree(folder, ignore_errors=True)
"""


def kept() -> tuple[Path, Callable[[], object]]:
    """The folder, and what removes it before this process ends. Raises NotReady where none can be made."""
    keeper = subprocess.Popen(
        [sys.executable, "-ISc", _KEEPER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, text=True
    )
    folder = keeper.stdout.readline().rstrip("\n") if keeper.stdout else ""
    if not folder:
        keeper.communicate()
        raise NotReady("No folder is to be had for the files of a run; standard error says why.")
    return Path(folder), keeper.communicate
