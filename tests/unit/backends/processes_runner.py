"""A runner in a process of its own, for tests that end it: boots a small cluster, says `ready`, and waits for ever.

Arguments: `tidy` closes the backend at the end, `once` ends by itself as soon as it is ready, `thread` starts a thread first.
"""

import asyncio
import sys
import threading
from pathlib import Path

from seatrial.backends.interface import Program
from seatrial.backends.processes import Processes
from seatrial.model.history import History

HERE = Path(__file__).parent


async def cluster(backend: Processes) -> None:
    history = History(backend.now_s)
    network = await backend.network(history.recorder("flows"))
    server, client = await network.host("server"), await network.host("client")
    program = Program(python="processes_programs:family", args=[server.address, "7000"], path=[HERE])
    await network.boot("server", server, program)
    await network.boot("sleeper", client, Program(command=["sleep", "1000"]))
    while not history.of("open", port=7000):
        await client.touch(server.address, 7000)
        await network.settle()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    if "once" not in sys.argv:
        await asyncio.get_running_loop().create_future()


def main() -> None:
    ended = threading.Event()
    if "thread" in sys.argv:
        threading.Thread(target=ended.wait).start()
    try:
        backend = Processes(warm=["aiohttp.web"])
        try:
            backend.run(cluster(backend))
        finally:
            if "tidy" in sys.argv or "once" in sys.argv:
                backend.close()
    finally:
        ended.set()


if __name__ == "__main__":
    main()
