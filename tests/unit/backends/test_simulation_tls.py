"""Simulated TLS shows and verifies the same identities as real TLS, and refuses what real TLS refuses."""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from seatrial.backends.simulation.tls import carried_tls, described, must_carry
from seatrial.model.errors import UsageError
from seatrial.wire.pki import Pki
from seatrial_schemas.context import SystemContext

from .trial import Trial

PORT = 6443


@pytest.fixture
def trial() -> Iterator[Trial]:
    trial = Trial()
    yield trial
    trial.backend.close()


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("stranger"))


def real_handshake(server: ssl.SSLContext, client: ssl.SSLContext, hostname: str) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (server.wrap_bio(to_server, to_client, server_side=True), client.wrap_bio(to_client, to_server, server_hostname=hostname))
    for _ in range(4):
        for end in reversed(ends):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return ends


def test_peercert_is_what_openssl_says(pki: Pki) -> None:
    server, client = pki.serving("server", names=["10.9.0.3"]), pki.client("system:node:node-1", groups=["system:nodes"])
    make = SystemContext().tls
    ends = real_handshake(
        make(server=True, ca=pki.ca, cert=server.cert, key=server.key),
        make(server=False, ca=pki.ca, cert=client.cert, key=client.key),
        "10.9.0.3",
    )
    carried = [must_carry(carried_tls(server=False, ca=None, cert=pair.cert, key=pair.key)).chain[0] for pair in (client, server)]
    assert [end.getpeercert() for end in ends] == [described(c) for c in carried]


async def serve(trial: Trial, pki: Pki, *, ca: Path | None = None) -> Any:
    host = await trial.network.host("server")
    pair = pki.serving("server", names=[host.address])
    files = (ca or pki.ca, pair.cert, pair.key)
    await trial.boot("server", "serve_http", [host.address, PORT, *files], host=host)
    await asyncio.sleep(0.1)
    return host


def test_mutual_tls(trial: Trial, pki: Pki) -> None:
    async def act() -> None:
        host = await serve(trial, pki)
        for pair in (pki.client("system:node:node-1", groups=["system:nodes"]), None):
            tls = trial.backend.context().tls(server=False, ca=pki.ca, cert=pair.cert if pair else None, key=pair.key if pair else None)
            async with trial.network.operator.session(tls=tls) as session:
                async with session.post(f"https://{host.address}:{PORT}/", data=b"x" * 10_000) as response:
                    answer = await response.json()
                assert answer["scheme"] == "https"
                subject = [["organizationName", "system:nodes"]], [["commonName", "system:node:node-1"]]
                assert answer["peer"] is None if pair is None else answer["peer"]["subject"] == list(subject)

    trial.backend.run(act())
    assert [e["port"] for e in trial.history.of("open")] == [PORT, PORT]


def test_who_is_refused(trial: Trial, pki: Pki, stranger: Pki) -> None:
    async def act() -> None:
        host = await serve(trial, pki)
        make = trial.backend.context().tls
        wrong_purpose = pki.serving("admin", names=["10.9.9.9"])
        theirs = stranger.client("system:admin", groups=["system:masters"])
        untrusting = make(server=False, ca=stranger.ca, cert=None, key=None)
        forged = make(server=False, ca=pki.ca, cert=theirs.cert, key=theirs.key)
        misused = make(server=False, ca=pki.ca, cert=wrong_purpose.cert, key=wrong_purpose.key)
        refused = aiohttp.ClientConnectorSSLError
        for tls, error in ((untrusting, aiohttp.ClientConnectorCertificateError), (forged, refused), (misused, refused)):
            async with trial.network.operator.session(tls=tls) as session:
                with pytest.raises(error):
                    await session.get(f"https://{host.address}:{PORT}/")

    trial.backend.run(act())
    assert len(trial.history.of("close")) == 3


def test_the_name_must_fit(trial: Trial, pki: Pki) -> None:
    async def act() -> None:
        host = await trial.network.host("server")
        pair = pki.serving("server", names=["10.9.9.9"])
        make = trial.backend.context().tls
        await asyncio.get_running_loop().create_server(
            asyncio.Protocol, trial.network.operator.address, PORT, ssl=make(server=True, ca=None, cert=pair.cert, key=pair.key)
        )
        tls = make(server=False, ca=pki.ca, cert=None, key=None)
        async with host.session(tls=tls) as session:
            with pytest.raises(aiohttp.ClientConnectorCertificateError, match="Hostname mismatch"):
                await session.get(f"https://{trial.network.operator.address}:{PORT}/")

    trial.backend.run(act())


def test_plain_and_tls_do_not_mix(trial: Trial, pki: Pki) -> None:
    async def act() -> None:
        host = await serve(trial, pki)
        await trial.boot("plain", "serve_http", [host.address, 80], host=host)
        tls = trial.backend.context().tls(server=False, ca=pki.ca, cert=None, key=None)
        async with trial.network.operator.session(tls=tls) as session:
            with pytest.raises(aiohttp.ClientConnectionError):
                await session.get(f"http://{host.address}:{PORT}/")
            with pytest.raises(aiohttp.ClientConnectionError):
                await session.get(f"https://{host.address}:80/")
        await host.touch(host.address, PORT)

    trial.backend.run(act())


def test_a_paused_server_does_not_shake_hands(trial: Trial, pki: Pki) -> None:
    async def act() -> None:
        host = await trial.network.host("server")
        pair = pki.serving("server", names=[host.address])
        instance = await trial.boot("server", "serve_http", [host.address, PORT, pki.ca, pair.cert, pair.key])
        await asyncio.sleep(0.1)
        await instance.signal("pause")
        tls = trial.backend.context().tls(server=False, ca=pki.ca, cert=None, key=None)
        async with trial.network.operator.session(tls=tls, timeout=aiohttp.ClientTimeout(sock_connect=5)) as session:
            with pytest.raises(aiohttp.ServerTimeoutError):
                await session.get(f"https://{host.address}:{PORT}/")

    trial.backend.run(act())


def test_foreign_contexts_and_wrong_keys_are_refused(trial: Trial, pki: Pki, stranger: Pki) -> None:
    async def act() -> None:
        host = await serve(trial, pki)
        async with trial.network.operator.session() as session:
            with pytest.raises(UsageError, match=r"context\.tls"):
                await session.get(f"https://{host.address}:{PORT}/")

    trial.backend.run(act())
    ours, theirs = pki.serving("server", names=["10.9.0.3"]), stranger.serving("server", names=["10.9.0.3"])
    with pytest.raises(ssl.SSLError, match="KEY_VALUES_MISMATCH"):
        carried_tls(server=True, ca=None, cert=ours.cert, key=theirs.key)
