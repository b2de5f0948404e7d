"""The runner's side of the zygote and of its instances.

One socket leads to the zygote (requests to fork) and one to the init of each instance (signals, and how it ended).
"""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from seatrial.backends.interface import Host, Program, Signal
from seatrial.backends.processes import kernel, zygote
from seatrial.model.errors import HarnessFault, Inconclusive

KILLED = -9
TAIL_BYTES = 1 << 14


class ProcessInstance:
    """One incarnation, see `interface.Instance`."""

    def __init__(self, *, name: str, host: Host, boot: int, log: Path, control: socket.socket) -> None:
        self.name, self.host, self.boot = name, host, boot
        self._log, self._control = log, control
        self._loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[int] = self._loop.create_future()
        self.running: asyncio.Future[bool] = self._loop.create_future()
        self._asked: deque[asyncio.Future[bool]] = deque()
        control.setblocking(False)
        self._loop.add_reader(control, self._heard)

    async def signal(self, what: Signal) -> None:
        if self.exited.done():
            return
        done = self._loop.create_future()
        self._asked.append(done)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # gone meanwhile, and `_heard` will hear of it
            self._control.send(what.encode())
        if not await done:
            raise Inconclusive(f"{self.name} does not stop when it is to pause: a part of it waits in the kernel")

    def log_tail(self, lines: int = 8) -> str:
        with contextlib.suppress(FileNotFoundError), self._log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - TAIL_BYTES))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
        return ""

    def _heard(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while not self.exited.done():
                self._understand(self._receive())

    def _receive(self) -> dict[str, int]:
        try:
            data = self._control.recv(64)
        except ConnectionResetError:
            data = b""
        return json.loads(data) if data else {"exited": KILLED}  # init was killed, and the kernel killed the rest

    def _understand(self, message: dict[str, int]) -> None:
        if "done" in message:
            _set(self._asked.popleft(), bool(message["done"]))
        if "running" in message or "exited" in message:
            _set(self.running)
        if "exited" in message:
            self._over(message["exited"])

    def _over(self, status: int) -> None:
        self._loop.remove_reader(self._control)
        self._control.close()
        self.exited.set_result(status)
        for future in self._asked:
            _set(future)


def _set(future: "asyncio.Future[bool]", value: bool = True) -> None:
    if not future.done():  # its waiter may have been cancelled
        future.set_result(value)


class Zygote:
    """The process that forks the others. `directory` waits for it."""

    def __init__(self, warm: Sequence[str]) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._directory: Path | None = None
        runner = os.pidfd_open(os.getpid())
        config = {"path": [os.path.abspath(p) for p in sys.path], "warm": list(warm), "runner": runner}  # noqa: PTH100 - "" is a folder
        failed: list[OSError] = []

        def start() -> None:
            # For this thread's children only; as the thread ends, nothing needs to be undone.
            try:
                kernel.unshare(kernel.NEWPID)
                self._process = subprocess.Popen(
                    zygote.command(config), stdin=theirs.fileno(), stdout=subprocess.DEVNULL, pass_fds=[runner], start_new_session=True
                )
            except OSError as refusal:
                failed.append(refusal)

        thread = threading.Thread(target=start)
        thread.start()
        thread.join()
        theirs.close()
        os.close(runner)
        if failed:
            self._control.close()
            raise failed[0]

    @property
    def directory(self) -> Path:
        """The folder of the run: made and removed by the zygote."""
        if self._directory is None:
            data = self._control.recv(4096)
            if not data:
                raise HarnessFault("The zygote ended before it began; its standard error says why.")
            self._directory = Path(json.loads(data)["directory"])
        return self._directory

    def boot(self, program: Program, *, name: str, host: Host, boot: int, network: int, log: Path) -> ProcessInstance:
        """Ask for it; `running` says when the program's process exists."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        request = {
            "python": program.python,
            "command": list(program.command),
            "args": list(program.args),
            "path": [str(p) for p in program.path],
            "private": list(program.private),
            "directory": str(log.parent),
            "host": host.name,
        }
        with theirs, log.open("ab") as out:
            try:
                socket.send_fds(self._control, [json.dumps(request).encode()], [network, out.fileno(), theirs.fileno()])
            except (BrokenPipeError, ConnectionResetError) as gone:
                ours.close()
                raise HarnessFault("The zygote is gone, and everything with it; its standard error says why.") from gone
        return ProcessInstance(name=name, host=host, boot=boot, log=log, control=ours)

    def hang_up(self) -> None:
        """Let it begin to end everything."""
        self._control.close()

    def close(self) -> None:
        """Everything that it started has ended when this returns, and the folder is gone."""
        self.hang_up()
        self._process.wait()
        if self._directory is not None:  # only where somebody killed the zygote
            shutil.rmtree(self._directory, ignore_errors=True)
