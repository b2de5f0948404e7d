"""The wires of one cluster: hosts around the switch.

Every host hangs on a link of its own, knows one route, and has a gateway whose MAC it never needs to ask for: whatever it tries to reach,
existing or not, becomes a frame to the switch. All namespaces are new with each network, the operator's too, and so is what the switch
knows of it; therefore addresses are the same in each: 10.9.0.2 the operator, then in order of creation.
"""

import asyncio
import os
import shutil
import socket
from collections import Counter
from pathlib import Path

from seatrial.backends.interface import CANARY_PORTS, OPERATOR, Host, Program
from seatrial.backends.processes import diag, kernel
from seatrial.backends.processes.diag import Ends
from seatrial.backends.processes.flows import Flows
from seatrial.backends.processes.host import NamespaceHost, connected
from seatrial.backends.processes.spawn import ProcessInstance, Zygote
from seatrial.backends.processes.switch import GATEWAY, Switch
from seatrial.model.errors import HarnessFault, NotReady
from seatrial.model.history import Record
from seatrial.model.waiting import certain
from seatrial.wire.relay import Relay, Streams

SETTLE_S = 2.0
DISCARD = 9
BUFFERS = f"4096 65536 {256 * 1024}"  # of one stream: whoever does not read is noticed before megabytes are under way
PER_BLOCK = 250  # 10.9.0.1 to 10.9.0.250, 10.9.1.1 ...: no address that looks like a broadcast


class Wires:
    """See `interface.Network`."""

    def __init__(self, record: Record, *, directory: Path, switch: Switch, zygote: Zygote, machine: kernel.Machine) -> None:
        self.directory = directory
        self.closed = False
        self._switch, self._zygote, self._machine = switch, zygote, machine
        self._relays: list[Relay] = []
        self._hosts: dict[str, NamespaceHost] = {}
        self._by_address: dict[str, str] = {}
        self._by_link: dict[int, str] = {}
        self._instances: list[ProcessInstance] = []
        self._record = record
        self._flows = Flows(record, host_at=self._by_link.__getitem__, host_of=self._name)
        self._own = switch.segregate(self._flows)
        self._markers = 0
        self._losses_before = switch.losses()
        directory.mkdir()
        self._operator = self._make(OPERATOR)
        self.operator: Host = self._operator

    @property
    def namespace(self) -> int:
        """Where suite code runs: the operator's namespace."""
        return self._operator.fd

    async def host(self, name: str) -> NamespaceHost:
        return self._hosts.get(name) or self._make(name)

    async def boot(self, name: str, host: Host, program: Program) -> ProcessInstance:
        boot = sum(i.name == name for i in self._instances)
        log = self.directory / f"{name}-{boot}.log"
        network = self._hosts[host.name].fd
        instance = self._zygote.boot(program, name=name, host=host, boot=boot, network=network, log=log)
        self._instances.append(instance)
        await instance.running
        return instance

    async def relay(self, host: Host, *, port: int, target: str, target_port: int) -> None:
        async def dial() -> Streams:
            outside, where = self._machine.socket(target, target_port)
            return await asyncio.open_connection(sock=await connected(outside, where))

        try:
            _, writer = await dial()
        except OSError as refusal:
            raise NotReady(f"Nobody answers at {target}:{target_port} on the machine's network: {refusal.strerror or refusal}.") from None
        writer.close()
        relay = Relay(dial)
        self._relays.append(relay)
        await self._hosts[host.name].listen(relay.serve, port=port)

    async def cut(self, source: Host, target: Host) -> None:
        self._switch.cut(self._own, link=self._hosts[source.name].link, target=target.address)

    async def heal(self) -> None:
        self._switch.heal(self._own)

    async def settle(self) -> None:
        await self._flush()
        self._flows.prune(self._exists)
        counts = self._counts()
        pairs = sorted([self._by_link[link], self._name(target), count] for (link, target), count in counts.items() if count)
        self._record("frames", pairs=pairs)
        if lost := self._switch.losses() - self._losses_before:
            self._record("losses", count=lost)

    async def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        self._switch.forget(self._own)
        await asyncio.gather(*[i.signal("kill") for i in self._instances])
        await certain(asyncio.gather(*[i.exited for i in self._instances]), "not everybody who was killed has ended")
        for relay in self._relays:
            await relay.close()
        for host in self._hosts.values():
            host.close()
        shutil.rmtree(self.directory)

    def _make(self, name: str) -> NamespaceHost:
        block, rest = divmod(len(self._hosts) + 1, PER_BLOCK)
        address = f"10.9.{block}.{rest + 1}"
        fd = kernel.new_network()
        with kernel.inside(fd):
            kernel.sysctl("ipv4/ip_local_reserved_ports", f"{CANARY_PORTS.start}-{CANARY_PORTS.stop - 1}")
            for buffer in ("ipv4/tcp_rmem", "ipv4/tcp_wmem"):
                kernel.sysctl(buffer, BUFFERS, optional=True)
        link = self._switch.attach(self._own, fd=fd, address=address, mac=bytes([2, 0, *socket.inet_aton(address)]))
        self._by_address[address] = self._by_link[link] = name
        self._hosts[name] = NamespaceHost(name=name, address=address, fd=fd, link=link)
        return self._hosts[name]

    async def _flush(self) -> None:
        """Each processor delivers frames in order, but may be late: wait until a marker has come through from every one of them."""
        self._switch.read()  # a full ring has no room for markers
        self._markers += self._send_markers()
        try:
            async with asyncio.timeout(SETTLE_S):
                while self._switch.counted(self._operator.link, GATEWAY) < self._markers:  # noqa: ASYNC110 - no frame wakes the loop
                    await asyncio.sleep(0)
        except TimeoutError:
            if self._switch.losses() == self._losses_before:  # else the marker may be among them, and they will be reported
                raise HarnessFault(f"The packet capture did not see Seatrial's own frames within {SETTLE_S} s.") from None
        self._switch.read()

    def _send_markers(self) -> int:
        processors = os.sched_getaffinity(0)
        with self._operator.make_socket(socket.SOCK_DGRAM) as marker:
            try:
                for processor in processors:
                    os.sched_setaffinity(0, {processor})
                    marker.sendto(b"", (GATEWAY, DISCARD))
            finally:
                os.sched_setaffinity(0, processors)
        return len(processors)

    def _counts(self) -> Counter[tuple[int, str]]:
        counts = self._switch.pairs(self._own)
        counts[self._operator.link, GATEWAY] -= self._markers
        return counts

    def _exists(self, name: str, ends: Ends) -> bool:
        with kernel.inside(self._hosts[name].fd):
            return diag.exists(ends)

    def _name(self, address: str) -> str:
        return self._by_address.get(address, address)
