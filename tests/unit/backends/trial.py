"""A simulated cluster for tests."""

from collections.abc import Sequence
from pathlib import Path

from seatrial.backends.interface import Backend, Host, Instance, Network, Program
from seatrial.backends.simulation import Simulation
from seatrial.model.history import History

HERE = Path(__file__).parent


class Trial:
    """A simulation with one network, and its history."""

    def __init__(self, seed: int = 0) -> None:
        self.backend: Backend = Simulation(seed=seed)
        self.history = History(self.backend.now_s)
        self.network: Network = self.backend.run(self.backend.network(self.history.recorder("flows")))

    async def boot(self, name: str, coroutine: str, args: Sequence[object] = (), *, host: Host | None = None) -> Instance:
        program = Program(python=f"sample_programs:{coroutine}", args=[str(a) for a in args], path=[HERE])
        return await self.network.boot(name, host or await self.network.host(name), program)
