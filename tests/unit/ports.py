"""Ports that a test may listen on. They lie below those that systems hand out to whoever connects: none is taken between the moment in
which it is found free and the one in which it is used."""

import socket
from contextlib import suppress
from random import SystemRandom

LEAST, MOST = 20_000, 32_000


def free_port() -> int:
    """One of loopback's."""
    while True:
        port = SystemRandom().randrange(LEAST, MOST)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
