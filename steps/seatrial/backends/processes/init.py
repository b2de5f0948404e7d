"""The first process of an instance: init of its PID namespace, child of the zygote, parent of the program.

The program itself cannot be the first process, because the kernel keeps signals without a handler from those. The runner speaks with
init over a socket of their own: it names a signal, init delivers that to every other process of the namespace at once, a fork in flight
included, and answers `done`: of a pause once nothing runs any more, for the kernel tells one thread of a process to stop the others, and
on a busy machine that thread has to wait for its turn. When the program ends, or the runner hangs up, init kills what is left, waits for
it, reports and ends.
"""

import asyncio
import contextlib
import importlib
import json
import logging
import os
import select
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from seatrial.backends import CANNOT_EXECUTE
from seatrial.backends.processes import kernel, seclusion
from seatrial_schemas.context import SystemContext

SIGNALS = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "pause": signal.SIGSTOP, "resume": signal.SIGCONT}
CANNOT_SECLUDE = 126
AT_REST = frozenset("TtZX")  # states of threads that are stopped, traced or dead, as proc(5) has them
STOP_MAX_S, STOP_POLL_S = 10.0, 0.001


def bell() -> int:
    """A descriptor that becomes readable when a child has ended."""
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    return reading


def reaped() -> Iterator[tuple[int, int]]:
    """Every child that has ended, orphans included, with its status."""
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            yield found[0], os.waitstatus_to_exitcode(found[1])


def end_all() -> None:
    """Kill every other process of this namespace; none is left when this returns."""
    signal_all(signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def signal_all(number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, number)


def stopped() -> bool:
    """Whether every other process of this namespace has come to rest, after a while at most."""
    end = time.monotonic() + STOP_MAX_S
    while not (still := _at_rest()) and time.monotonic() < end:
        select.select([], [], [], STOP_POLL_S)
    return still


def _at_rest() -> bool:
    try:
        return all(stat.read_text().rpartition(")")[2].split()[0] in AT_REST for each in _others() for stat in each.glob("task/*/stat"))
    except (FileNotFoundError, ProcessLookupError):  # one has ended meanwhile
        return False


def _others() -> Iterator[Path]:
    """The processes of this namespace but this one, even where /proc shows those of the machine."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # somebody else's, or gone
            if process.samefile("/proc/self") or not (process / "ns/pid").samefile("/proc/self/ns/pid"):
                continue
            yield process


def main(request: dict[str, Any], *, network: int, log: int, control: socket.socket) -> NoReturn:
    """Never returns into the zygote that this process is a copy of."""
    try:
        _become(hostname=request["host"], network=network, log=log, keep=control.fileno())
        status = _attend(request, control)
        end_all()
        control.send(json.dumps({"exited": status}).encode())
    except BaseException:  # noqa: BLE001 - the frames above belong to the zygote
        traceback.print_exc()
    os._exit(0)


def _become(*, hostname: str, network: int, log: int, keep: int) -> None:
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    kernel.setns(network)
    kernel.leave_machine(hostname=hostname)
    signal.set_wakeup_fd(-1)
    _close_all_but(0, 1, 2, keep)


def _close_all_but(*keep: int) -> None:
    """Descriptors that a fork inherited keep sockets and namespaces of others alive. (closerange may try a billion, one by one.)"""
    for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if descriptor not in keep:
            with contextlib.suppress(OSError):  # the one that listed them
                os.close(descriptor)


def _attend(request: dict[str, Any], control: socket.socket) -> int:
    ended = bell()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # the program gets it when it can handle it
    program = os.fork()
    if not program:
        _run(request)
    control.send(b'{"running": true}')
    poll = select.poll()
    poll.register(control, select.POLLIN)
    poll.register(ended, select.POLLIN)
    status = None
    while status is None:
        ready = dict(poll.poll())
        if ended in ready:
            os.read(ended, 4096)
        if control.fileno() in ready:
            _obey(control)
        status = dict(reaped()).get(program)
    return status


def _obey(control: socket.socket) -> None:
    with contextlib.suppress(ConnectionResetError):
        if what := control.recv(16):
            signal_all(SIGNALS[what.decode()])
            control.send(json.dumps({"done": what != b"pause" or stopped()}).encode())
            return
    signal_all(signal.SIGKILL)


def _run(request: dict[str, Any]) -> NoReturn:
    """The program's own process, from here to its end."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _close_all_but(0, 1, 2)
        status = _secluded(request["private"], Path(request["directory"])) or _start(request)
    except BaseException:  # noqa: BLE001 - the frames above belong to init and to the zygote
        traceback.print_exc()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _start(request: dict[str, Any]) -> int:
    """Whatever it leaves among temporary files goes with the cluster, however that ends."""
    os.environ["TMPDIR"] = tempfile.tempdir = request["directory"]
    return _python(**request) if request["python"] else _command([*request["command"], *request["args"]])


def _secluded(private: Sequence[str], directory: Path) -> int:
    room = seclusion.memory(directory) if private else directory
    for path in private:
        try:
            seclusion.cover(Path(path), room=room)
        except OSError as refusal:
            sys.stderr.write(f"no private copy of {path} is to be had: {refusal.strerror}\n")
            return CANNOT_SECLUDE
    return 0


def _command(words: list[str]) -> int:
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, programs expect not to
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    try:
        os.execvp(words[0], words)  # noqa: S606 - a command is words, not a line for a shell
    except OSError as refusal:
        sys.stderr.write(f"cannot execute {words[0]}: {refusal.strerror}\n")
    return CANNOT_EXECUTE


def _python(*, python: str, args: Sequence[str], path: Sequence[str], **_others: object) -> int:
    sys.path[:0] = path
    sys.argv = [python, *args]
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    module, _, name = python.partition(":")
    try:
        asyncio.run(_until_term(getattr(importlib.import_module(module), name)(args, SystemContext())))
    except SystemExit as leaving:
        if isinstance(leaving.code, int | None):
            return leaving.code or 0
        sys.stderr.write(f"{leaving.code}\n")
        return 1
    return 0


async def _until_term(component: Any) -> None:
    task = asyncio.ensure_future(component)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    with contextlib.suppress(asyncio.CancelledError):
        await task
