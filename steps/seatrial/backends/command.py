"""A command of the machine that is asked something and ends: outside any cluster, with nobody watching."""

import subprocess
from collections.abc import Sequence


def said(command: Sequence[str], *, within_s: float) -> str:
    """All that it wrote, whatever its exit code. Raises OSError where it cannot be started, and TimeoutError."""
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=within_s,
            text=True,
            errors="replace",
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    return done.stdout
