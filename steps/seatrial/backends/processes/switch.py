"""The switch: a namespace without any address in which all links end. It routes, cuts, and is listened to.

It forwards between the links of one network, swallows what belongs to no host of that, and drops what is cut by a rule of routing, which
acts after the capture. Nothing but IPv4 gets across. Each network has a routing table of its own, chosen by the link that a frame came
in by, and no link is ever used again: a late frame of an earlier cluster reaches nobody and is counted for nobody, although addresses
repeat. The switch lives as long as the backend, because opening and closing a capture costs 80 ms.
"""

import asyncio
import os
import time
from collections import Counter
from dataclasses import dataclass, field

from seatrial.backends.processes import kernel, netlink
from seatrial.backends.processes.flows import Flows
from seatrial.backends.processes.packets import Segments, Tally

GATEWAY, GATEWAY_MAC = "10.9.0.1", bytes.fromhex("020000000001")
OWN_LINK = 2  # a host's link in its own namespace; 1 is its loopback
TALLY_EVERY_S = 0.25
FIRST_TABLE = 1000


@dataclass(slots=True, kw_only=True)
class Segregated:
    """What the switch knows of one network: its table, who listens to its connections, and its rules."""

    table: int
    flows: Flows
    tables: list[bytes] = field(default_factory=list)
    cuts: set[bytes] = field(default_factory=set)


class Switch:
    """One per backend. Synchronous throughout: it speaks with the kernel only."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._networks: dict[int, Segregated] = {}  # by link
        self._links, self._tables = 1, FIRST_TABLE  # the last ones used; link 1 is the loopback
        self._fd = kernel.new_network()
        with kernel.inside(self._fd):
            kernel.sysctl("ipv4/ip_forward", "1")
            for which in ("all", "default"):
                kernel.sysctl(f"ipv4/conf/{which}/rp_filter", "0")
            self._netlink, self._segments, self._tally = netlink.Netlink(), Segments(), Tally()
        self._netlink.do(netlink.default_blackhole())
        loop.add_reader(self._segments.socket, self._hand_out)
        self._timer = loop.call_later(TALLY_EVERY_S, self._count)

    def segregate(self, flows: Flows) -> Segregated:
        """A network with no link as yet."""
        self._tables += 1
        return Segregated(table=self._tables, flows=flows)

    def attach(self, network: Segregated, *, fd: int, address: str, mac: bytes) -> int:
        """Join the host whose namespace is `fd`; returns the number of its link here."""
        self._links += 1
        link, name = self._links, _name(self._links)
        rule = netlink.table_rule(arriving_by=name, table=network.table)
        pair = netlink.veth(index=link, name=name, mac=GATEWAY_MAC, peer_network=fd, peer_index=OWN_LINK, peer_name="eth0", peer_mac=mac)
        self._netlink.do(pair, netlink.add_rule(rule))
        network.tables.append(rule)
        self._networks[link] = network
        with kernel.inside(fd), netlink.Netlink() as own:
            own.do(
                netlink.up(netlink.LOOPBACK),
                netlink.up(OWN_LINK),
                netlink.address(address, index=OWN_LINK),
                netlink.neighbour(GATEWAY, GATEWAY_MAC, index=OWN_LINK),
                netlink.default_route(gateway=GATEWAY, source=address, index=OWN_LINK),
            )
        self._netlink.do(
            netlink.carrier(link),
            netlink.route_to(address, index=link, table=network.table),
            netlink.neighbour(address, mac, index=link),
        )
        return link

    def cut(self, network: Segregated, *, link: int, target: str) -> None:
        rule = netlink.drop_rule(arriving_by=_name(link), target=target)
        if rule not in network.cuts:
            self._netlink.do(netlink.add_rule(rule))
            network.cuts.add(rule)

    def heal(self, network: Segregated) -> None:
        self._remove(sorted(network.cuts))
        network.cuts.clear()

    def forget(self, network: Segregated) -> None:
        """Its frames go nowhere and are nobody's; the links go when their hosts do."""
        self.heal(network)
        self._remove(network.tables)
        self._networks = {link: other for link, other in self._networks.items() if other is not network}

    def read(self) -> None:
        """Count frames, and hand every connection's opening and ending to the network that it belongs to."""
        self._tally.read()
        self._hand_out()

    def _hand_out(self) -> None:
        offset = time.time() - time.monotonic()
        for segment in self._segments.read():
            if network := self._networks.get(segment.ifindex):
                network.flows.segment(segment, segment.wall_s - offset)

    def counted(self, link: int, target: str) -> int:
        self._tally.read()
        return self._tally.count(link, target)

    def pairs(self, network: Segregated) -> Counter[tuple[int, str]]:
        """All frames of that network so far, by link and by address of their target."""
        self._tally.read()
        own = {link for link, other in self._networks.items() if other is network}
        return Counter({pair: count for pair, count in self._tally.pairs().items() if pair[0] in own})

    def losses(self) -> int:
        return self._segments.losses() + self._tally.losses()

    def close(self) -> None:
        self._timer.cancel()
        self._loop.remove_reader(self._segments.socket)
        for owned in (self._netlink, self._segments, self._tally):
            owned.close()
        os.close(self._fd)

    def _remove(self, rules: list[bytes]) -> None:
        if rules:
            self._netlink.do(*map(netlink.remove_rule, rules))

    def _count(self) -> None:
        self._tally.read()
        self._timer = self._loop.call_later(TALLY_EVERY_S, self._count)


def _name(link: int) -> str:
    return f"port{link}"
