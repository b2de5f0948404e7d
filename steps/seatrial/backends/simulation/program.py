"""Finding the coroutine that a Python program names.

Several programs share one interpreter, and two of them may bring modules of the same name: a module that was imported from elsewhere
than the program's own folders is imported anew.
"""

import importlib
import sys
from collections.abc import Callable, Coroutine, Sequence
from importlib.machinery import PathFinder
from typing import Any

from seatrial.backends.interface import Program
from seatrial.model.errors import UsageError
from seatrial_schemas.context import Context

Main = Callable[[Sequence[str], Context], Coroutine[Any, Any, None]]


def must_be_python(name: str, program: Program) -> None:
    """Raise UsageError for a program that only a process can run."""
    if program.python is None:
        command = " ".join(program.command) or "nothing"
        raise UsageError(f'{name} needs `python: "module:coroutine"` to run in simulation; it only has a command ({command})')


def load(program: Program) -> Main:
    """Import the program's coroutine. Raises what importing it raises."""
    module_name, _, attribute = (program.python or "").partition(":")
    folders = [str(folder) for folder in program.path]
    if folders:
        _forget_namesake(module_name.partition(".")[0], folders)
    added = [folder for folder in folders if folder not in sys.path]
    sys.path[:0] = added
    try:
        main: Main = getattr(importlib.import_module(module_name), attribute or "main")
    finally:
        for folder in added:
            sys.path.remove(folder)
    return main


def _forget_namesake(top: str, folders: list[str]) -> None:
    importlib.invalidate_caches()
    spec = PathFinder.find_spec(top, folders)
    loaded = getattr(sys.modules.get(top), "__spec__", None)
    if spec is not None and loaded is not None and loaded.origin != spec.origin:
        for name in [n for n in sys.modules if n == top or n.startswith(top + ".")]:
            del sys.modules[name]
