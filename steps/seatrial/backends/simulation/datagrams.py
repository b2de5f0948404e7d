"""Datagrams: each one flies by itself, to whoever has its port when it arrives, and what a cut swallows is gone.

They have no opening of their own. For the record the first one between two addresses and ports opens their exchange, and the other
side's are answers.
"""

import asyncio
import contextvars
from typing import TYPE_CHECKING, Any

from seatrial.backends.simulation.boot import Boot

if TYPE_CHECKING:
    from seatrial.backends.simulation.wires import Wires

Address = tuple[str, int]


class Datagrams(asyncio.DatagramTransport):
    """A socket for datagrams; connected where it has a `remote`."""

    def __init__(self, *, wires: "Wires", boot: Boot, protocol: Any, local: Address, remote: Address | None) -> None:
        super().__init__({"sockname": local, "peername": remote})
        self.boot = boot
        self.local = local
        self._wires = wires
        self._remote = remote
        self._protocol = protocol
        self._context = contextvars.copy_context()
        wires.datagrams[local] = self
        boot.listeners[self] = None
        protocol.connection_made(self)

    def sendto(self, data: Any, addr: Any = None) -> None:
        if not self.is_closing():
            self._wires.throw(self, bytes(data), addr or self._remote or self.local)

    def arrive(self, data: bytes, sender: Address) -> None:
        """Later, and in the name of whoever listens."""
        loop = self._wires.loop
        loop.call_soon(self._take, data, sender, context=self._context)

    def _take(self, data: bytes, sender: Address) -> None:
        if not self.is_closing() and self._remote in (None, sender):
            self._protocol.datagram_received(data, sender)

    def is_closing(self) -> bool:
        return self._wires.datagrams.get(self.local) is not self

    def close(self) -> None:
        if not self.is_closing():
            del self._wires.datagrams[self.local]
            self.boot.listeners.pop(self)
            self._wires.loop.call_soon(self._protocol.connection_lost, None, context=self._context)

    def abort(self) -> None:
        self.close()
