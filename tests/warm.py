"""`seatrial` in copies of an interpreter that has imported everything: hundreds of runs need not begin with that.

A copy is a process of its own, and what it does is what the command does.
"""

import multiprocessing
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seatrial.adapters.descriptor import load
from seatrial.bindings import MODULES
from seatrial.opening import modules

NEEDED = ["warm_rules", "pytest_bdd.plugin", "seatrial.backends.simulation", "seatrial.cli", "seatrial.lanes", "seatrial.runner"]
BINDINGS = [f"seatrial.bindings.{name}" for name in MODULES]
_COPIES = multiprocessing.get_context("forkserver")
_COPIES.set_forkserver_preload([*NEEDED, *BINDINGS, *modules(load("reference"))])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended, and everything that it said."""

    exit: int
    said: str


def seatrial(*arguments: str, within_s: float) -> Ended:
    """Run the command. Raises TimeoutError when it has not ended in time."""
    with tempfile.NamedTemporaryFile("r", encoding="utf-8", errors="replace") as output:
        process = _COPIES.Process(target=_command, args=(arguments, output.name))
        process.start()
        process.join(within_s)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise TimeoutError(f"seatrial {' '.join(arguments)} has not ended within {within_s:g} s: {output.read()[-2000:]}")
        return Ended(exit=process.exitcode, said=output.read())


def _command(arguments: Sequence[str], output: str) -> None:
    from seatrial import cli  # noqa: PLC0415 - there already, where this runs

    with Path(output).open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    raise SystemExit(cli.main(arguments))
