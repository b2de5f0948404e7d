"""Init of the run's PID namespace: makes the directory, forks the instances, and ends everything when the runner is gone.

It is started by the runner as a fresh interpreter, imports in advance what Python components need, and stays single-threaded so that a
fork is sound. The kernel kills a PID namespace together with its init: whatever happens to this process, no other outlives it. It waits
for the runner in two ways, the socket between them and the runner itself, since a careless child of the runner may hold on to the socket.
"""

import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
from typing import Any

BOOTSTRAP = "import sys,json; config=json.loads(sys.argv[1]); sys.path[:]=config.pop('path'); from {0} import main; main(**config)"
LIMIT = 1 << 17  # of one request, in bytes


def main(*, runner: int, warm: list[str]) -> None:
    """Standard input is the socket to the runner, `runner` a pidfd."""
    control = socket.socket(fileno=os.dup(0))
    directory = tempfile.mkdtemp(prefix="seatrial-")
    try:
        control.send(json.dumps({"directory": directory}).encode())
        for module in ("seatrial.backends.processes.init", *warm):
            importlib.import_module(module)
        gc.collect()
        gc.freeze()  # keeps the pages of what was imported shared
        _serve(control, runner)
    except (ConnectionResetError, BrokenPipeError):
        pass  # the runner died with messages unread
    finally:
        _end(directory)


def _serve(control: socket.socket, runner: int) -> None:
    from seatrial.backends.processes import init  # noqa: PLC0415 - importing it first would delay the directory

    ended = init.bell()
    poll = select.poll()
    for source in (control.fileno(), runner, ended):
        poll.register(source, select.POLLIN)
    while runner not in (ready := dict(poll.poll())):
        if ended in ready:
            os.read(ended, 4096)
        list(init.reaped())
        if control.fileno() in ready:
            data, descriptors, _, _ = socket.recv_fds(control, LIMIT, 3)
            if not data:
                return
            _fork(json.loads(data), *descriptors)


def _fork(request: dict[str, Any], network: int, log: int, control: int) -> None:
    from seatrial.backends.processes import init, kernel  # noqa: PLC0415

    with kernel.children_apart():
        if not os.fork():
            init.main(request, network=network, log=log, control=socket.socket(fileno=control))
    for descriptor in (network, log, control):
        os.close(descriptor)


def _end(directory: str) -> None:
    from seatrial.backends.processes import init  # noqa: PLC0415

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    init.end_all()
    shutil.rmtree(directory, ignore_errors=True)
    sys.stderr.flush()


def command(config: dict[str, Any]) -> list[str]:
    """The command line that starts this module in a fresh interpreter."""
    return [sys.executable, "-c", BOOTSTRAP.format(__name__), json.dumps(config)]
