"""The one interface of all backends: hosts on a network, programs booted on them, faults, and a recorder that misses nothing.

A backend is handed `record` and has no other way up: it knows no rule, no descriptor, no topology. Suite code runs as the host
`operator`. Every event that a backend records has the source `flows`:

    standing  {origin, target, port, link}           a connection that existed when the record began
    open      {origin, target, port, sport, link}    somebody tries to connect: refused and swallowed attempts too; or the first datagram
                                                     of an exchange, which nothing closes
    close     {link}                                 that connection is over, whoever ended it
    frames    {pairs: [[origin, target, count]...]}  all frames so far, by pair of hosts, recorded by settle()
    losses    {count}                                frames that the recorder lost; recorded by settle() if not zero

`origin` and `target` are names of hosts, or an address that belongs to no host (whatever goes there ends in the sink). `link` names one
connection within one network. Traffic of a host with itself (loopback, path sockets) is no flow.
"""

import asyncio
import ssl
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

import aiohttp
from aiohttp.web_server import Server as HttpServer

from seatrial.model.history import Record
from seatrial.wire.pki import Pki
from seatrial_schemas.context import Context

T = TypeVar("T")
Signal = Literal["kill", "term", "pause", "resume"]
OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What runs on a host, every value filled in: `python` ("module:coroutine", called with (args, context)) or `command` (exec'd,
    args appended)."""

    python: str | None = None
    command: Sequence[str] = ()
    args: Sequence[str] = ()
    path: Sequence[Path] = field(default=())  # folders that `python` is imported from, besides sys.path
    private: Sequence[str] = ()  # files and folders of the machine to have copies of; in simulation nobody is to touch the machine's


class Host(Protocol):
    """A network identity: a name and an address that outlive what runs there."""

    name: str
    address: str

    def session(self, *, tls: ssl.SSLContext | None = None, **options: Any) -> aiohttp.ClientSession:
        """A client of the suite whose connections come from this host. No time limits unless `options` set some."""

    async def serve(self, server: HttpServer, *, port: int, tls: ssl.SSLContext | None = None) -> asyncio.AbstractServer:
        """Serve HTTP of the suite on this host's address."""

    async def dial(self, address: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A plain TCP stream of the suite from this host."""

    async def touch(self, address: str, port: int) -> int:
        """The canary: from inside this host, beside what runs there, try to connect once and hang up.

        Returns the source port, one of a range reserved for the suite (`CANARY_PORTS`), so that the attempt can be told from the
        suspect's own. Never raises for a refusal, and gives up by itself after 1 s where nobody answers.
        """


CANARY_PORTS = range(20000, 21000)  # never handed out to components


class Instance(Protocol):
    """One incarnation of a program. Its whole PID namespace is signalled, not only its first process."""

    name: str
    host: Host
    boot: int  # how many programs of this name were booted before
    exited: "asyncio.Future[int]"  # its status: exit code, CANNOT_EXECUTE included, or minus the signal

    async def signal(self, what: Signal) -> None:
        """Deliver at once; no error where it is already gone."""

    def log_tail(self, lines: int = 8) -> str:
        """The last lines that it wrote to stdout, stderr or logging."""


class Network(Protocol):
    """The wires of one cluster."""

    directory: Path  # for the cluster's files; gone after close()
    operator: Host

    async def host(self, name: str) -> Host:
        """The host of that name, made at the first call."""

    async def boot(self, name: str, host: Host, program: Program) -> Instance:
        """Start `program`; several may run on one host. Returns as soon as it runs, not when it is ready."""

    async def cut(self, source: Host, target: Host) -> None:
        """From now on nothing that `source` sends arrives at `target`; attempts are recorded all the same. One direction only."""

    async def heal(self) -> None:
        """Undo every cut."""

    async def settle(self) -> None:
        """Everything that happened on the wires before this call is recorded when it returns, with the counters."""

    async def close(self) -> None:
        """Kill what runs and remove what was made. Records nothing more."""


@runtime_checkable
class Outward(Protocol):
    """A network that can lead to the machine's own, where a relay has been declared, and nowhere else."""

    async def relay(self, host: Host, *, port: int, target: str, target_port: int) -> None:
        """From now on `port` of the host's loopback is that address on the machine's network, until close(). Raises NotReady where
        that is out of reach, or nobody answers there."""


class Backend(Protocol):
    """Runs clusters, one after another. Not safe for use from several threads."""

    name: str
    can: frozenset[str]  # what scenarios may @needs of a backend: kill, pause, cut, tls; and virtual-time

    def run(self, act: Coroutine[Any, Any, T], /) -> T:
        """Run to the end as the operator; an interrupt cancels and awaits `act`. Tasks it leaves behind go on in the next run."""

    def now_s(self) -> float:
        """The one clock of every history of this backend."""

    def context(self) -> Context:
        """Time, chance, ids and TLS for the suite itself."""

    def certificates(self, directory: Path) -> Pki:
        """The authorities for one cluster, which has `directory` for its files."""

    async def network(self, record: Record) -> Network:
        """New wires with nothing but the operator on them."""

    def close(self) -> None:
        """Leave nothing behind: no process, namespace, socket or directory."""
