"""Ways out of a simulation: sockets of the operating system, and processes of their own. Nothing that is done there is seen, or takes
place at all; whoever tries is told that there is no way, and the simulation says that it cannot tell.

A thread that a component has begun is on nobody's behalf, so that its tries have no name. The operator, who stands on no host, may leave.
"""

import errno
import socket
import subprocess
from collections.abc import Callable
from typing import Any

from seatrial.backends.simulation.boot import BOOT

WAYS = ((socket.socket, "connect"), (socket.socket, "connect_ex"), (socket.socket, "sendto"), (subprocess.Popen, "__init__"))


class Escapes:
    """What a simulation has been tried to be left by, since it was asked last."""

    def __init__(self) -> None:
        self._tried = ""

    @property
    def names(self) -> list[tuple[Any, str, Any]]:
        """What each way is to mean while a simulation runs: an owner, a name, and a value."""
        return [(owner, name, self._closed(f"{owner.__qualname__}.{name}", getattr(owner, name))) for owner, name in WAYS]

    def tried(self) -> str:
        """Who has tried which way; empty where nobody has."""
        tried, self._tried = self._tried, ""
        return tried

    def _closed(self, way: str, outside: Callable[..., Any]) -> Callable[..., Any]:
        def leave(*args: Any, **options: Any) -> Any:
            boot = BOOT.get()
            if boot is not None and boot.site is None:
                return outside(*args, **options)
            self._tried = self._tried or f"{boot.name if boot else 'a component'} tried to leave the simulation by {way}"
            raise OSError(errno.ENETUNREACH, f"{way} does not work in simulation")

        return leave
