"""python -m seatrial_reference ROLE[,ROLE...] FLAGS: one or several components as one process, until SIGTERM.

Several roles share one list of flags: each takes those that it knows, and a flag that none knows is an error.
"""

import argparse
import asyncio
import importlib
import logging
import signal
import sys
from collections.abc import Coroutine, Sequence
from types import ModuleType
from typing import Any

from seatrial_schemas.context import SystemContext

ROLES = {
    "etcd": "etcd",
    "apiserver": "apiserver",
    "kube-apiserver": "apiserver",
    "scheduler": "scheduler",
    "kube-scheduler": "scheduler",
    "controller-manager": "controller_manager",
    "kube-controller-manager": "controller_manager",
    "kubelet": "kubelet",
}


def share(modules: Sequence[ModuleType], flags: Sequence[str]) -> list[list[str]]:
    """The flags of each role. Raises SystemExit for a flag that nobody knows."""
    if len(modules) == 1:
        return [list(flags)]
    shares = [[flag for flag in flags if _known(module.parser(), flag)] for module in modules]
    unknown = [flag for flag in flags if not any(flag in each for each in shares)]
    if unknown:
        raise SystemExit(f"no role knows {' '.join(unknown)} (several roles take --name=value only)")
    return shares


def _known(parser: argparse.ArgumentParser, flag: str) -> bool:
    name = flag.partition("=")[0]
    return any(name in action.option_strings for action in parser._actions)  # noqa: SLF001 - argparse has no other way to ask


async def run(parts: Sequence[Coroutine[Any, Any, None]]) -> None:
    """All parts, until one of them ends or a signal asks all to."""
    task = asyncio.ensure_future(_together(parts))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return


async def _together(parts: Sequence[Coroutine[Any, Any, None]]) -> None:
    async with asyncio.TaskGroup() as tasks:
        for part in parts:
            tasks.create_task(part)


def main(argv: Sequence[str]) -> None:
    names = argv[0].split(",") if argv else [""]
    if not all(name in ROLES for name in names):
        raise SystemExit(f"usage: python -m seatrial_reference ROLE[,ROLE...] FLAGS; roles: {' '.join(ROLES)}")
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    modules = [importlib.import_module(f"seatrial_reference.{ROLES[name]}") for name in names]
    shares = share(modules, argv[1:])
    asyncio.run(run([module.main(flags, SystemContext()) for module, flags in zip(modules, shares, strict=True)]))


if __name__ == "__main__":
    main(sys.argv[1:])
