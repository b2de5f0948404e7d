"""Time, chance, ids and TLS of one incarnation, all from the seed, its name and its number."""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from uuid import UUID

from seatrial.backends.simulation.tls import carried_tls

EPOCH_S = 1_767_225_600.0  # 2026-01-01T00:00:00Z, where the wall clock of every simulation starts


class SimulatedContext:
    """seatrial_schemas.context.Context on a simulated loop."""

    def __init__(self, *, seed: int, name: str, boot: int, now_s: Callable[[], float]) -> None:
        self.random = Random(f"{seed}/{name}/{boot}")  # noqa: S311 - reproducible on purpose
        self.ids = _ids(Random(f"{seed}/{name}/{boot}/ids"))  # noqa: S311
        self._now_s = now_s

    def now_s(self) -> float:
        return self._now_s()

    def wall_s(self) -> float:
        return EPOCH_S + self._now_s()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def tls(self, *, server: bool, ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext:
        return carried_tls(server=server, ca=ca, cert=cert, key=key)


def _ids(random: Random) -> Iterator[str]:
    while True:
        yield str(UUID(int=random.getrandbits(128), version=4))
