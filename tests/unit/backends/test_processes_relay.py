"""A relay is the one way from a cluster to the machine's own network, and it is closed with the cluster."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from seatrial.backends.interface import Outward
from seatrial.backends.processes import Processes
from seatrial.model.errors import NotReady

from .processes_trial import Trial

LOOPBACK = "127.0.0.1"


class Echo:
    """A server on the machine's loopback that sends back what comes, until its client has had enough. One client at a time."""

    def __init__(self) -> None:
        self.listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self.listener.getsockname()[1]
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def start(self) -> None:
        self._thread.start()

    def _serve(self) -> None:
        while (peer := self._accepted()) is not None:
            with peer:
                while data := peer.recv(1024):
                    peer.sendall(data)
                    self.ended.clear()
            self.ended.set()

    def _accepted(self) -> socket.socket | None:
        try:
            return self.listener.accept()[0]
        except OSError:
            return None

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self._thread.join()


@pytest.fixture(scope="module")
def outside() -> Iterator[Any]:
    """The backend opens first, for threads would be in its way without root; the listener is born before it, on the machine's network."""
    echo = Echo()
    backend = Processes()
    echo.start()
    yield echo, backend
    backend.close()
    echo.close()


def test_a_relay_leads_out_until_the_network_is_closed(outside: Any) -> None:
    echo, backend = outside
    trial = Trial(backend)

    async def act() -> None:
        host = await trial.network.host("server")
        await trial.network.relay(host, port=6443, target=LOOPBACK, target_port=echo.port)
        reader, writer = await host.dial(LOOPBACK, 6443)
        writer.write(b"ahoy")
        assert await reader.readexactly(4) == b"ahoy"
        assert not echo.ended.is_set()
        await trial.network.close()
        assert await reader.read() == b""
        writer.close()

    assert isinstance(trial.network, Outward)
    backend.run(act())
    assert echo.ended.wait(10)


def test_where_nobody_answers_is_said_at_once(outside: Any) -> None:
    _, backend = outside
    trial = Trial(backend)
    with socket.create_server((LOOPBACK, 0)) as taken:
        free = taken.getsockname()[1]

    async def act() -> None:
        with pytest.raises(NotReady, match=rf"Nobody answers at 127.0.0.1:{free} on the machine's network: .*"):
            await trial.network.relay(await trial.network.host("server"), port=6443, target=LOOPBACK, target_port=free)

    backend.run(act())
    backend.run(trial.network.close())
