"""A process that stands at a moment, and copies of it that go on from there.

Booting a cluster costs more than most scenarios take. A simulated one is nothing but memory: a process boots it once, stops, and is forked
for every scenario that begins the same way. No copy knows of another one, and none needs to clean up: it ends. Files are not copied, so
what one changed in the given folder is put back after it.

A snapshot ends with its maker: it lives as long as the other end of its connection, and leads a process group of its own, so that
whatever was started in it can be ended with it.
"""

import contextlib
import os
import signal
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any, NoReturn, Self

Copy = Callable[[Any], Any]  # what a copy does with what it is told
CANNOT = "cannot"


class Snapshot:
    """The maker's side. `connection` becomes ready to be read when a copy has something to tell."""

    _made: "list[Snapshot]" = []  # noqa: RUF012 - whoever is forked must let go of all of them

    def __init__(self, connection: Connection, pid: int) -> None:
        self.connection = connection
        self._pid = pid
        self._made.append(self)

    @classmethod
    def take(cls, stand: Callable[[], tuple[Path, Copy] | None]) -> Self:
        """Fork a process in which `stand` brings about the moment: a folder to be kept as it is then, and what copies do. None: it
        cannot be brought about."""
        mine, other = Pipe()
        pid = _fork()
        if pid:
            other.close()
            return cls(mine, pid)
        mine.close()
        os.setpgid(0, 0)
        for snapshot in cls._made:
            snapshot.connection.close()
        _serve(other, stand)

    def tell(self, what: Any) -> None:
        """Let a new copy do it; there must be none at work."""
        self.connection.send(what)

    def told(self) -> tuple[Any, int | None]:
        """What the copy answered and None; or None and the status with which it ended without an answer; or CANNOT. Waits for it."""
        try:
            answer, status = self.connection.recv(), None
            if not isinstance(answer, int) and answer != CANNOT:
                status = self.connection.recv()
        except EOFError:
            return None, -1
        return (None, answer) if isinstance(answer, int) else (answer, None if status == 0 else status)

    def end(self) -> None:
        """It and whatever it started are gone when this returns."""
        self._made.remove(self)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        self.connection.close()


def _fork() -> int:
    """Threads do not come along, and need not: a simulation has none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _serve(connection: Connection, stand: Callable[[], tuple[Path, Copy] | None]) -> NoReturn:
    try:
        found = stand()
        if found is None:
            connection.recv()
            connection.send(CANNOT)
        else:
            _copies(connection, Folder(found[0]), found[1])
    except (EOFError, KeyboardInterrupt, BrokenPipeError):
        os._exit(0)
    finally:
        os._exit(1)


def _copies(connection: Connection, folder: "Folder", do: Copy) -> None:
    while True:
        told = connection.recv()
        pid = _fork()
        if not pid:
            _do(connection, do, told)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        folder.restore()
        connection.send(status)


def _do(connection: Connection, do: Copy, told: Any) -> NoReturn:
    status = 1
    try:
        connection.send(do(told))
        status = 0
    finally:
        os._exit(status)


class Folder:
    """What lies in a folder, to be put back."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files = {file: file.read_bytes() for file in self._found()}

    def restore(self) -> None:
        """Every file has its content again, and there is no other one."""
        for file in self._found():
            if file not in self._files:
                file.unlink()
        for file, content in self._files.items():
            if not file.exists() or file.read_bytes() != content:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)

    def _found(self) -> list[Path]:
        return [p for p in self._path.rglob("*") if p.is_file()]
