"""aiohttp and grpclib run unmodified, but a few names in their modules reach outside: clocks, chance, and sets ordered by address.

While a simulation runs those names mean the simulated thing. Sessions and channels are remembered, so that those whose owner lost its
power can be closed at the end; nobody else is left to do it.
"""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, MutableSet
from contextlib import contextmanager
from random import Random
from types import SimpleNamespace
from typing import Any

import aiohttp
import aiohttp.client
import aiohttp.connector
import aiohttp.cookiejar
import aiohttp.helpers
import grpclib.client
import grpclib.metadata
import grpclib.protocol
import grpclib.server

from seatrial.backends.simulation import presence
from seatrial.backends.simulation.escapes import Escapes
from seatrial.backends.simulation.http2 import CarriedHTTP2


class OrderedSet(MutableSet[Any]):
    """A set in order of insertion."""

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self._items = dict.fromkeys(items)

    def __contains__(self, item: object) -> bool:
        return item in self._items

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def add(self, value: Any) -> None:
        self._items[value] = None

    def discard(self, value: Any) -> None:
        self._items.pop(value, None)


class NumberedHandler(grpclib.server.Handler):
    """grpclib keeps the connections of a server in a set."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._number = next(_numbers)

    def __hash__(self) -> int:
        return self._number


_numbers = itertools.count()
PRUNE_MIN = 64


class Libraries:
    """The names that one simulation replaces."""

    def __init__(self, *, monotonic: Callable[[], float], wall: Callable[[], float], random: Random, escapes: Escapes) -> None:
        clock = SimpleNamespace(monotonic=monotonic, time=wall, gmtime=time.gmtime, strftime=time.strftime)
        self._born: list[Any] = []
        self._prune_at = PRUNE_MIN
        self._names: list[tuple[Any, str, Any]] = [
            (aiohttp.connector, "monotonic", monotonic),
            (aiohttp.connector, "random", random),
            (aiohttp.connector, "set", OrderedSet),
            (aiohttp.helpers, "time", clock),
            (aiohttp.cookiejar, "time", clock),
            (aiohttp.client, "os", SimpleNamespace(urandom=random.randbytes)),
            *((module, "time", clock) for module in (grpclib.client, grpclib.metadata, grpclib.protocol, grpclib.server)),
            (grpclib.server, "Handler", NumberedHandler),
            (grpclib.protocol, "H2Connection", CarriedHTTP2),
            (aiohttp.ClientSession, "__init__", self._remembered(aiohttp.ClientSession.__init__)),
            (grpclib.client.Channel, "__init__", self._remembered(grpclib.client.Channel.__init__)),
            *escapes.names,
            *presence.NAMES,
        ]
        self._before = [(owner, name, getattr(owner, name, _numbers)) for owner, name, _ in self._names]

    @contextmanager
    def replaced(self) -> Iterator[None]:
        """While the body runs."""
        try:
            for owner, name, value in self._names:
                setattr(owner, name, value)
            yield
        finally:
            for owner, name, value in self._before:
                if value is _numbers:  # it was a builtin
                    delattr(owner, name)
                else:
                    setattr(owner, name, value)

    async def close(self) -> None:
        """Close the sessions and channels that nobody closed, oldest first."""
        for client in self._born:
            if isinstance(client, grpclib.client.Channel):
                client.close()
            elif not client.closed:
                await client.close()
        self._born.clear()

    def _remembered(self, init: Callable[..., None]) -> Callable[..., None]:
        def remember(client: Any, *args: Any, **options: Any) -> None:
            self._born.append(client)
            init(client, *args, **options)
            self._prune()

        return remember

    def _prune(self) -> None:
        if len(self._born) > self._prune_at:
            self._born = [c for c in self._born if not getattr(c, "closed", False)]
            self._prune_at = max(PRUNE_MIN, 2 * len(self._born))
