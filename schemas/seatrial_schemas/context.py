"""What a Python component is handed besides its arguments: time, chance, ids and TLS.

A component that takes these four from its `context`, and from nowhere else, runs unchanged on real time and in simulation, where one
seed decides everything. `SystemContext` is the one for an ordinary process.
"""

import asyncio
import random
import ssl
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol


class Context(Protocol):
    """The world as a component sees it. All times are seconds."""

    @property
    def random(self) -> random.Random:
        """Chance; the component's own generator, shared with nobody."""

    @property
    def ids(self) -> Iterator[str]:
        """Endless ids in the form of a UUID; no two instances ever get the same one."""

    def now_s(self) -> float:
        """Monotonic time: for intervals only."""

    def wall_s(self) -> float:
        """Time since the Unix epoch: for time stamps that others read."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`, not before."""

    def tls(self, *, server: bool, ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext:
        """A TLS configuration from PEM files.

        A server presents `cert`, and asks clients for a certificate of `ca` where `ca` is given (they may present none). A client
        verifies the server against `ca`, and presents `cert` where it is given. Always made by this method: in simulation the
        handshake only carries identities.
        """


class SystemContext:
    """Real time, the kernel's chance, real TLS."""

    def __init__(self) -> None:
        self.random: random.Random = random.SystemRandom()
        self.ids = iter(lambda: str(uuid.uuid4()), "")

    def now_s(self) -> float:
        return time.monotonic()

    def wall_s(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def tls(self, *, server: bool, ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        if ca is not None:
            context.load_verify_locations(ca)
            context.verify_mode = ssl.CERT_OPTIONAL if server else ssl.CERT_REQUIRED
        if cert is not None:
            context.load_cert_chain(cert, key)
        context.set_alpn_protocols(["http/1.1"])
        return context
