"""The backend itself: the operator's loop, the zygote, and one network after another.

There is no thread for the loop: `run` lends it the calling thread, which is inside the operator's namespace meanwhile, so that every
socket that suite code makes, by whatever library, belongs to the operator. Outside of `run` the thread is back where it came from.
"""

import asyncio
import contextlib
import itertools
import os
import random
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from seatrial.backends.processes import kernel
from seatrial.backends.processes.network import Wires
from seatrial.backends.processes.spawn import Zygote
from seatrial.backends.processes.switch import Switch
from seatrial.model.errors import NotReady
from seatrial.model.history import Record
from seatrial.wire.pki import Pki
from seatrial_schemas.context import Context, SystemContext

T = TypeVar("T")


class Processes:
    """See `interface.Backend`. `warm` names the modules that the zygote imports in advance. Raises NotReady where the kernel refuses."""

    name = "processes"
    can = frozenset({"kill", "pause", "cut", "tls"})

    def __init__(self, *, seed: int = 0, warm: Sequence[str] = ()) -> None:
        self._machine = kernel.Machine()  # before this process has left it
        kernel.prepare()
        self._networks: list[Wires] = []  # but for closed ones: each holds a history
        self._numbers = itertools.count()
        self._context = SystemContext()
        self._context.random = random.Random(seed)  # noqa: S311 - reproducible on purpose
        with contextlib.ExitStack() as undo:
            undo.callback(self._machine.close)
            try:
                self._open(undo, warm)
            except OSError as refusal:
                raise NotReady(
                    f"The kernel refuses the namespaces that the processes backend needs ({refusal}). {kernel.ADVICE}"
                ) from refusal
            self._undo = undo.pop_all()

    def _open(self, undo: contextlib.ExitStack, warm: Sequence[str]) -> None:
        self._zygote = Zygote(warm)  # first, for it needs longest
        undo.callback(self._zygote.close)
        self._home = kernel.new_network()
        undo.callback(os.close, self._home)
        self._runner = asyncio.Runner()
        undo.callback(self._runner.close)
        self._switch = Switch(self._runner.get_loop())
        undo.callback(self._switch.close)
        undo.callback(self._zygote.hang_up)
        undo.callback(lambda: self.run(self._close_networks()))

    def run(self, act: Coroutine[Any, Any, T], /) -> T:
        open_ones = [n.namespace for n in self._networks if not n.closed]
        with kernel.inside(open_ones[-1] if open_ones else self._home):
            return self._runner.run(act)

    def now_s(self) -> float:
        return time.monotonic()

    def context(self) -> Context:
        return self._context

    def certificates(self, directory: Path) -> Pki:
        return Pki(directory / "pki", context=self._context)

    async def network(self, record: Record) -> Wires:
        self._networks = [n for n in self._networks if not n.closed]
        directory = self._zygote.directory / f"network-{next(self._numbers)}"
        network = Wires(record, directory=directory, switch=self._switch, zygote=self._zygote, machine=self._machine)
        self._networks.append(network)
        kernel.setns(network.namespace)  # `run` leads back home when the act is over
        return network

    def close(self) -> None:
        self._undo.close()

    async def _close_networks(self) -> None:
        for network in self._networks:
            await network.close()
