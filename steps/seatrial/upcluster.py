"""A cluster as processes that stays until Ctrl-C, for kubectl and for curiosity.

The cluster lives in namespaces of its own; the only thing on the machine's network is one listener on its loopback, a relay to the API
server's tap. That socket belongs to the machine because it is born before the backend opens: an unprivileged user leaves the machine's
network by opening it. Nothing is judged, so nothing is remembered for long.
"""

import asyncio
import base64
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from seatrial.adapters.descriptor import load
from seatrial.backends.interface import Network
from seatrial.cluster.cluster import Cluster, Order
from seatrial.cluster.filling import API_PORT
from seatrial.model.errors import NotReady, UsageError
from seatrial.model.history import Event, History
from seatrial.model.topology import Topology
from seatrial.observe.watches import Watch
from seatrial.opening import open_backend
from seatrial.versions import verify
from seatrial.wire.kubeconfig import kubeconfig, write_kubeconfig
from seatrial.wire.relay import Relay
from seatrial_schemas.kinds import by_plural

LOOPBACK = "127.0.0.1"
REMEMBERED = 20_000  # events
WATCHED = ("leases", "nodes")  # what readiness is read from
NAME = "seatrial"
NEWCOMER = "newcomer"  # the second context of the kubeconfig: who may do nothing until RBAC says so
Say = Callable[[str], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the user asked for."""

    implementation: str
    kubeconfig: Path
    settings: Mapping[str, str]
    nodes: int = 1
    port: int = 0


class Fleeting(History):
    """Forgets everything now and then: the cluster may stay up for days."""

    def append(self, source: str, kind: str, *, at_s: float | None, instance: str | None, data: Mapping[str, Any]) -> Event:
        if len(self) >= REMEMBERED:
            self.forget(lambda _: True, late=lambda _: False)
        return super().append(source, kind, at_s=at_s, instance=instance, data=data)


def up(wanted: Wanted, *, say: Say) -> None:
    """Returns when the user has had enough. Raises UsageError, and NotReady where the cluster does not come up."""
    implementation = load(wanted.implementation)
    if implementation.guest:
        raise UsageError(f"The cluster of {implementation.guest} runs already: there is nothing to start.")
    _free(wanted.kubeconfig)
    verify(implementation, wanted.settings)
    with _listener(wanted.port) as listener:
        port = listener.getsockname()[1]
        backend = open_backend("processes", implementation, seed=0)
        try:
            history = Fleeting(backend.now_s)
            order = Order(
                implementation=implementation, topology=_topology(wanted.nodes), settings=dict(wanted.settings), people=(NEWCOMER,)
            )
            with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
                backend.run(_stay(Booted(order=order, backend=backend, history=history), listener, wanted, say))
        finally:
            if _names(wanted.kubeconfig, port):
                wanted.kubeconfig.unlink()
            backend.close()


def _topology(nodes: int) -> Topology:
    return Topology(nodes=tuple(f"node-{i}" for i in range(1, nodes + 1)))


def _listener(port: int) -> socket.socket:
    try:
        listener = socket.create_server((LOOPBACK, port))
    except OSError as error:
        advice = "Choose another with --port, or leave it out."
        raise NotReady(f"Port {port} of {LOOPBACK} is not to be had: {os.strerror(error.errno or 0)}. {advice}") from None
    listener.setblocking(False)
    return listener


def _free(path: Path) -> None:
    """A kubeconfig of somebody else's is not overwritten, nor one of ours that leads to a cluster."""
    if not path.exists():
        return
    server = urlsplit(_server(path))
    if not server.port:
        raise UsageError(f"{path} exists and is not one of ours. Choose another file with --kubeconfig.")
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, server.port), timeout=1):
        raise UsageError(f"{path} leads to a cluster that is up. Choose another file with --kubeconfig.")


def _names(path: Path, port: int) -> bool:
    """Whether the file leads to the cluster at this port."""
    return _server(path) == _url(port)


def _server(path: Path) -> str:
    """Where a kubeconfig of ours leads; empty where it is not one."""
    try:
        config = yaml.safe_load(path.read_text())
        return str(config["clusters"][0]["cluster"]["server"]) if config["current-context"] == NAME else ""
    except (OSError, ValueError, LookupError, TypeError, yaml.YAMLError):
        return ""


def _url(port: int) -> str:
    return f"https://{LOOPBACK}:{port}"


class Booted:
    """A cluster from its boot to its end, with the two watches that readiness needs."""

    def __init__(self, *, order: Order, backend: Any, history: History) -> None:
        self._order = order
        self._backend = backend
        self._history = history
        self._watches: list[Watch] = []

    async def __aenter__(self) -> Cluster:
        network: Network = await self._backend.network(self._history.recorder("flows"))
        self.cluster = Cluster(order=self._order, backend=self._backend, network=network, history=self._history)
        try:
            await self.cluster.start(stores_up=_nothing, servers_up=self._watch)
        except BaseException:
            await self.__aexit__()
            raise
        return self.cluster

    async def __aexit__(self, *_: object) -> None:
        for watch in self._watches:
            await watch.stop()
        await self.cluster.stop()

    async def _watch(self) -> None:
        for plural in WATCHED:
            kind = by_plural(plural)
            watch = Watch(
                history=self._history, client=self.cluster.client(), kind=kind, name=f"operator/{plural}", context=self._backend.context()
            )
            await watch.start()
            self._watches.append(watch)


async def _nothing() -> None:
    """Nobody watches the store."""


def _end_at_signals() -> None:
    """Also where Ctrl-C is ignored by inheritance, as behind `&` in a script; not where the end of a terminal is, as under nohup."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    kept = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    for number in (signal.SIGINT, signal.SIGTERM, *(() if kept else (signal.SIGHUP,))):
        loop.add_signal_handler(number, lambda: task.cancel() if task else None)


async def _stay(booted: Booted, listener: socket.socket, wanted: Wanted, say: Say) -> None:
    _end_at_signals()
    async with booted as cluster:
        relay = Relay(lambda: cluster.network.operator.dial(cluster.around.servers[0], API_PORT))
        async with await asyncio.start_server(relay.serve, sock=listener):
            port = listener.getsockname()[1]
            _write(wanted.kubeconfig, cluster, port)
            say(f"{cluster.implementation.name} is up with {wanted.nodes} node{'' if wanted.nodes == 1 else 's'}: {_url(port)}")
            say(f"  kubectl --kubeconfig {wanted.kubeconfig} get nodes,pods -A")
            say("Ctrl-C takes everything down.")
            await asyncio.get_running_loop().create_future()


def _write(path: Path, cluster: Cluster, port: int) -> None:
    """The CA stands in the file itself: the cluster's own files are out of sight."""
    identities = cluster.identities
    config = kubeconfig(server=_url(port), ca=identities.pki.ca, token=identities.admin.token, name=NAME)
    server = config["clusters"][0]["cluster"]
    del server["certificate-authority"]
    server["certificate-authority-data"] = base64.b64encode(identities.pki.ca.read_bytes()).decode()
    config["users"].append({"name": NEWCOMER, "user": {"token": identities.person(NEWCOMER).token}})
    config["contexts"].append({"name": NEWCOMER, "context": {"cluster": NAME, "user": NEWCOMER}})
    try:
        write_kubeconfig(path, config)
    except OSError as error:
        raise NotReady(f"The kubeconfig cannot be written to {path}: {error.strerror}.") from None
