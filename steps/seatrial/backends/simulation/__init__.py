"""The simulation backend: a whole cluster on one event loop, with virtual time and an in-memory network.

`loop` is time and order, `sockets` is what asyncio asks of a network, `wires` and `streams` are the network, `boot` is who acts,
`backend`, `network`, `host` and `instance` are what the suite sees of it (backends.interface).
"""

from seatrial.backends.simulation.backend import Simulation

__all__ = ["Simulation"]
