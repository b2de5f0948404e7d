"""A process that stands at a moment, and copies of it that go on from there.

Booting a cluster costs more than most scenarios take. A simulated one is nothing but memory: a process boots it once, stops, and is forked
for every scenario that begins the same way. No copy knows of another one, and none needs to clean up: it ends. A copy can also go on to a
later moment, and stand there: a snapshot again. Files are not copied, so a folder that all of them share is as it was at that moment
whenever a copy of one begins; no two may be at work at a time.

A snapshot ends with its maker: it lives as long as the other end of its connection. The first one leads a process group, so that whatever
was started in it, later ones too, can be ended with it.
"""

import contextlib
import os
import signal
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, Pipe
from multiprocessing.reduction import recv_handle, send_handle
from pathlib import Path
from typing import Any, NoReturn, Self

BROKE = os.EX_SOFTWARE  # status of a copy that could not do it


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The answer of a copy, if it gave one, and the status with which it ended. `stands`: there may be further copies. Otherwise the
    process of the snapshot ended, with that status, or the moment could not be brought about, which has none."""

    answer: Any = None
    status: int | None = None
    stands: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What stands still: a folder that is to be as it is now, what copies do with what they are told, and how they get to a later moment;
    None where that cannot be brought about."""

    folder: Path
    do: Callable[[Any], Any]
    later: "Callable[[Any], Moment | None]" = lambda _: None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Later:
    """An order for a snapshot of a later moment; its end of a connection follows."""

    what: Any


class Snapshot:
    """The maker's side. `connection` becomes ready to be read when a copy has something to tell."""

    _made: "list[Snapshot]" = []  # noqa: RUF012 - whoever is forked must let go of all of them

    def __init__(self, connection: Connection, pid: int | None) -> None:
        self.connection = connection
        self._pid = pid  # None: it goes back to another one, whose child it is
        self._status: int | None = None
        self._made.append(self)

    @classmethod
    def take(cls, stand: Callable[[], Moment | None]) -> Self:
        """Fork a process in which `stand` brings about the moment. None: it cannot be brought about."""
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

    def later(self, what: Any) -> Self:
        """A snapshot of a later moment, to which a copy gets by `what` it is told; there must be none at work."""
        mine, other = Pipe()
        with other, contextlib.suppress(ConnectionError):  # it is gone: then so is the later one, which says so
            self.connection.send(_Later(what=what))
            send_handle(self.connection, other.fileno(), None)
        return type(self)(mine, None)

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
        """It and whatever it started are gone when this returns. One of a later moment goes as soon as it can, and with the first one."""
        self._made.remove(self)
        if self._pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._pid, signal.SIGKILL)
            self._ended()
        self.connection.close()

    def _ended(self) -> int | None:
        """Wait for its end. Whose status is fetched is not there any more: it is kept. Children of others have none for us."""
        if self._status is None and self._pid is not None:
            self._status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return self._status


def _fork() -> int:
    """Threads do not come along, and need not: a simulation has none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _serve(connection: Connection, stand: Callable[[], Moment | None]) -> NoReturn:
    try:
        moment = stand()
        if moment is None:
            connection.recv()
            connection.send(Told(stands=False))
        else:
            _copies(connection, moment)
    except (EOFError, KeyboardInterrupt, ConnectionError):
        os._exit(0)
    except Exception:  # noqa: BLE001 - nobody is left to whom it could be raised
        traceback.print_exc()
    finally:
        os._exit(1)


def _copies(connection: Connection, moment: Moment) -> None:
    folder = Folder(moment.folder)
    while True:
        told = connection.recv()
        folder.restore()
        if isinstance(told, _Later):
            _go_on(connection, moment, told.what)
            continue
        pid = _fork()
        if not pid:
            _do(connection, moment.do, told)
        connection.send(Told(status=os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))


def _go_on(connection: Connection, moment: Moment, what: Any) -> None:
    """Fork a process that stands later. Its connection says what becomes of it; nobody here waits for its end."""
    with Connection(recv_handle(connection)) as other:
        if not _fork():
            connection.close()
            _serve(other, lambda: moment.later(what))


def _do(connection: Connection, do: Callable[[Any], Any], told: Any) -> NoReturn:
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
