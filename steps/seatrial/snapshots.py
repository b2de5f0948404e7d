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
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any, NoReturn, Self

Copy = Callable[[Any], Any]  # what a copy does with what it is told
BROKE = os.EX_SOFTWARE  # status of a copy that could not do it


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The answer of a copy, if it gave one, and the status with which it ended. `stands`: there may be further copies. Otherwise the
    process of the snapshot ended, with that status, or the moment could not be brought about, which has none."""

    answer: Any = None
    status: int | None = None
    stands: bool = True


class Snapshot:
    """The maker's side. `connection` becomes ready to be read when a copy has something to tell."""

    _made: "list[Snapshot]" = []  # noqa: RUF012 - whoever is forked must let go of all of them

    def __init__(self, connection: Connection, pid: int) -> None:
        self.connection = connection
        self._pid = pid
        self._status: int | None = None
        self._made.append(self)

    @classmethod
    def take(cls, stand: Callable[[], tuple[Path, Copy] | None]) -> Self:
        """Fork a process in which `stand` brings about the moment: a folder to be kept as it is then, and what copies do. None: it
        cannot be brought about."""
        mine, other = Pipe()
        pid = _fork()
        if not pid:
            os.setpgid(0, 0)
            for connection in (mine, *(snapshot.connection for snapshot in cls._made)):
                connection.close()
            _serve(other, stand)
        other.close()
        with contextlib.suppress(OSError):  # it does so too: whoever is first, nobody ends it before
            os.setpgid(pid, pid)
        return cls(mine, pid)

    def tell(self, what: Any) -> None:
        """Let a new copy do it; there must be none at work."""
        with contextlib.suppress(ConnectionError):  # it is gone: `told` says so
            self.connection.send(what)

    def told(self) -> Told:
        """What came of it. Waits for it."""
        try:
            told: Told = self.connection.recv()
            return told if told.answer is None else replace(told, status=self.connection.recv().status)
        except (EOFError, ConnectionError):
            return Told(status=self._ended(), stands=False)

    def end(self) -> None:
        """It and whatever it started are gone when this returns."""
        self._made.remove(self)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)
        self._ended()
        self.connection.close()

    def _ended(self) -> int:
        """Wait for its end. Whose status is fetched is not there any more: it is kept."""
        if self._status is None:
            self._status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return self._status


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
            connection.send(Told(stands=False))
        else:
            _copies(connection, Folder(found[0]), found[1])
    except (EOFError, KeyboardInterrupt, ConnectionError):
        os._exit(0)
    except Exception:  # noqa: BLE001 - nobody is left to whom it could be raised
        traceback.print_exc()
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
        connection.send(Told(status=status))


def _do(connection: Connection, do: Copy, told: Any) -> NoReturn:
    status = BROKE
    try:
        connection.send(Told(answer=do(told)))
        status = 0
    except (KeyboardInterrupt, ConnectionError):  # nobody wants to know any more
        os._exit(status)
    except Exception:  # noqa: BLE001 - nobody is left to whom it could be raised
        traceback.print_exc()
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
