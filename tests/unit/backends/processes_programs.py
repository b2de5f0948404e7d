"""Small programs that the tests of the processes backend boot."""

import asyncio
import hashlib
import json
import logging
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from seatrial_schemas.context import Context


async def wait(args: Sequence[str], context: Context) -> None:
    sys.stdout.write(f"up {args}\n")
    try:
        await context.sleep(3600)
    finally:
        sys.stdout.write("cancelled\n")


async def leave(args: Sequence[str], context: Context) -> None:
    sys.exit(int(args[0]))


async def say_where(args: Sequence[str], context: Context) -> None:
    """Where temporary files go, by Python's account and by everybody's."""
    sys.stdout.write(f"{tempfile.gettempdir()} {os.environ['TMPDIR']}\n")


async def crash(args: Sequence[str], context: Context) -> None:
    logging.getLogger("crash").info("about to")
    raise ValueError("no good")


async def report(args: Sequence[str], context: Context) -> None:
    """[file, address, port]: where this process finds itself; from then on it serves."""
    describe(Path(args[0]))
    await echo(args[1:], context)


def describe(file: Path) -> None:
    proc = Path("/proc")
    ipv6 = proc / "thread-self/net/if_inet6"
    found = {
        "pid": os.getpid(),
        "pids": sorted(int(p.name) for p in proc.iterdir() if p.name.isdigit()),
        "namespaces": {n: str((proc / "self/ns" / n).readlink()) for n in ("net", "mnt", "ipc", "pid")},
        "reserved": (proc / "sys/net/ipv4/ip_local_reserved_ports").read_text().strip(),
        "ipv6": ipv6.read_text() if ipv6.exists() else "",
        "open": len(list((proc / "self/fd").iterdir())),
    }
    file.write_text(json.dumps(found))


async def echo(args: Sequence[str], context: Context) -> None:
    """[address, port]"""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    async with await asyncio.start_server(answer, args[0], int(args[1])) as server:
        await server.serve_forever()


async def family(args: Sequence[str], context: Context) -> None:
    """[address, port]: a daemon, in a session of its own and deaf to TERM, serves the port; this one only waits."""
    daemon(args)
    await wait(args, context)


def daemon(args: Sequence[str]) -> None:
    imports = "import asyncio, processes_programs as p, signal, sys"
    code = f"{imports}; signal.signal(signal.SIGTERM, signal.SIG_IGN); asyncio.run(p.echo(sys.argv[1:], None))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    subprocess.Popen([sys.executable, "-c", code, *args], start_new_session=True, env=environment)


async def crowd(args: Sequence[str], context: Context) -> None:
    """[address, port]: six threads and a child process that are always busy, while the main thread serves."""
    block = bytes(1 << 16)

    def work() -> None:
        while True:
            hashlib.sha256(block)  # without the interpreter's lock

    for _ in range(6):
        threading.Thread(target=work, daemon=True).start()
    if not os.fork():
        work()
    await echo(args, context)


async def introduce(args: Sequence[str], context: Context) -> None:
    """What everybody says who wants to be told from others."""
    sys.stdout.write("I am ")
    sys.stderr.write(f"on {socket.gethostname()}\n")
