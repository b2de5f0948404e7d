"""What a program finds around it besides the network: a host with a name, and somebody who keeps what it writes.

Both are per process in life, and shared by all programs in one interpreter: replicas that tell themselves from each other by the name of
their host would take themselves for the same one, and what one writes would be everybody's.
"""

import contextlib
import platform
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TextIO

from seatrial.backends.simulation.boot import BOOT


def _named(outside: Callable[[], str]) -> Callable[[], str]:
    def name() -> str:
        boot = BOOT.get()
        return boot.site.name if boot is not None and boot.site is not None else outside()

    return name


NAMES: list[tuple[Any, str, Any]] = [
    (socket, "gethostname", _named(socket.gethostname)),
    (platform, "node", _named(platform.node)),
]


class Output:
    """A standard stream: what programs write there goes to their own logs."""

    def __init__(self, outside: TextIO) -> None:
        self._outside = outside

    def write(self, text: str) -> int:
        boot = BOOT.get()
        if boot is None or boot.quit is None:
            return self._outside.write(text)
        boot.write(text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._outside, name)


@contextlib.contextmanager
def output() -> Iterator[None]:
    """While the body runs, each program has standard streams of its own."""
    out: Any = Output(sys.stdout)
    err: Any = Output(sys.stderr)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield
