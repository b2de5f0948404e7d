"""Connections of the suite end with their network, even where the other end does not say good-bye to TLS: it may be paused, or cut off."""

import asyncio
from collections.abc import Iterator

import pytest

from seatrial.backends.processes import Processes

from .processes_trial import Trial


@pytest.fixture
def trial() -> Iterator[Trial]:
    backend = Processes()
    yield Trial(backend)
    backend.close()


def test_a_connection_that_waits_for_a_good_bye_is_closed(trial: Trial) -> None:
    context, network = trial.backend.context(), trial.network
    pki = trial.backend.certificates(network.directory)
    mute: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
        await writer.drain()
        writer.transport.pause_reading()
        mute.append(writer)

    async def act() -> list[int]:
        host = await network.host("server")
        pair = pki.serving("server", names=[host.address])
        tls = context.tls(server=True, ca=None, cert=pair.cert, key=pair.key)
        server = await asyncio.start_server(serve, sock=host._bound(host.address, 6443), ssl=tls)
        session = network.operator.session(tls=context.tls(server=False, ca=pki.ca, cert=None, key=None))
        answer = await session.get(f"https://{host.address}:6443/")
        answer.close()
        sockets = list(network._operator.made)
        await session.close()
        await network.close()
        for _ in range(4):
            await asyncio.sleep(0)
        server.close()
        for writer in mute:
            writer.transport.abort()
        return [s.fileno() for s in sockets]

    assert trial.backend.run(act()) == [-1]
