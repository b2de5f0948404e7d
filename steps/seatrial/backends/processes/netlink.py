"""Just enough rtnetlink: links, addresses, routes, neighbours and rules, many requests in one write.

pyroute2 would do, but its import costs a quarter of a second and every request a millisecond; a cluster makes about a hundred.
"""

import errno
import os
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

NEWLINK, GETLINK, NEWADDR, NEWROUTE, NEWNEIGH, NEWRULE, DELRULE = 16, 18, 20, 24, 28, 32, 33
REQUEST_ACK, EXCL_CREATE = 0x01 | 0x04, 0x200 | 0x400
IFF_UP = 1
UNIVERSE, LINK = 0, 253
UNICAST, BLACKHOLE = 1, 6
TABLE_MAIN, PROTO_STATIC, ONLINK, PERMANENT = 254, 4, 4, 0x80
RULE_TABLE, RULE_BLACKHOLE, FIRST, SECOND = 1, 6, 1, 2  # what a rule does, and in which order
LOOPBACK = 1  # the index of `lo`, everywhere
CONTAINER, ERROR = 0x8000, 2


@dataclass(frozen=True, slots=True)
class Request:
    """One message; `flags` besides those of every request."""

    kind: int
    flags: int
    body: bytes


class Netlink:
    """A socket that configures the network namespace in which it was made."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def do(self, *requests: Request) -> None:
        """All of them in order; OSError for the first that the kernel refused."""
        self._socket.send(b"".join(_message(r, seq) for seq, r in enumerate(requests)))
        left, failed = len(requests), 0
        while left:
            for status in _acknowledgements(self._socket.recv(1 << 16)):
                left, failed = left - 1, failed or -status
        if failed:
            raise OSError(failed, f"netlink: {os.strerror(failed)} ({errno.errorcode.get(failed, '?')})")

    def close(self) -> None:
        self._socket.close()


def _message(request: Request, seq: int) -> bytes:
    return _aligned(struct.pack("=IHHII", 16 + len(request.body), request.kind, REQUEST_ACK | request.flags, seq, 0) + request.body)


def _acknowledgements(data: bytes) -> Sequence[int]:
    found, at = [], 0
    while at < len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        if kind == ERROR:
            found.append(struct.unpack_from("=i", data, at + 16)[0])
        at += length + -length % 4
    return found


def _aligned(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _attribute(kind: int, value: bytes) -> bytes:
    return _aligned(struct.pack("=HH", 4 + len(value), kind) + value)


def _int(kind: int, value: int) -> bytes:
    return _attribute(kind, struct.pack("=I", value))


def _link(index: int, flags: int = IFF_UP) -> bytes:
    return struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, flags, flags)


def veth(*, index: int, name: str, mac: bytes, peer_network: int, peer_index: int, peer_name: str, peer_mac: bytes) -> Request:
    """A pair of links, one here and up, and its peer in another network namespace, which cannot be up before the pair is complete."""
    peer = _link(peer_index, 0) + _named(peer_name, peer_mac) + _int(28, peer_network)
    data = _attribute(2 | CONTAINER, _attribute(1 | CONTAINER, peer))
    info = _attribute(18 | CONTAINER, _attribute(1, b"veth") + data)
    return Request(NEWLINK, EXCL_CREATE, _link(index) + _named(name, mac) + info)


def _named(name: str, mac: bytes) -> bytes:
    return _attribute(3, name.encode() + b"\0") + _attribute(1, mac)


def up(index: int) -> Request:
    return Request(NEWLINK, 0, _link(index))


def carrier(index: int) -> Request:
    """Until the kernel has noticed that a link's peer is up, it drops what is sent; asking for the link makes it notice."""
    return Request(GETLINK, 0, _link(index))


def address(own: str, *, index: int) -> Request:
    """`own` alone: no other address is on this link."""
    ip = socket.inet_aton(own)
    return Request(
        NEWADDR, EXCL_CREATE, struct.pack("=BBBBi", socket.AF_INET, 32, 0, UNIVERSE, index) + _attribute(2, ip) + _attribute(1, ip)
    )


def neighbour(ip: str, mac: bytes, *, index: int) -> Request:
    """Known for ever, never asked for."""
    head = struct.pack("=BxxxiHBB", socket.AF_INET, index, PERMANENT, 0, UNICAST)
    return Request(NEWNEIGH, EXCL_CREATE, head + _attribute(1, socket.inet_aton(ip)) + _attribute(2, mac))


def route_to(ip: str, *, index: int, table: int) -> Request:
    return _route(32, LINK, UNICAST, 0, _attribute(1, socket.inet_aton(ip)) + _int(4, index) + _int(15, table))


def default_route(*, gateway: str, source: str, index: int) -> Request:
    preferred = _attribute(7, socket.inet_aton(source))
    return _route(0, UNIVERSE, UNICAST, ONLINK, _attribute(5, socket.inet_aton(gateway)) + preferred + _int(4, index))


def default_blackhole() -> Request:
    """Whatever has no other route disappears without an answer."""
    return _route(0, UNIVERSE, BLACKHOLE, 0, b"")


def _route(length: int, scope: int, kind: int, flags: int, attributes: bytes) -> Request:
    head = struct.pack("=BBBBBBBBI", socket.AF_INET, length, 0, 0, TABLE_MAIN, PROTO_STATIC, scope, kind, flags)
    return Request(NEWROUTE, EXCL_CREATE, head + attributes)


def drop_rule(*, arriving_by: str, target: str) -> bytes:
    """Frames that enter by this link for that address disappear, before any route is looked up."""
    head = struct.pack("=BBBBBBBBI", socket.AF_INET, 32, 0, 0, 0, 0, 0, RULE_BLACKHOLE, 0)
    return head + _attribute(1, socket.inet_aton(target)) + _attribute(3, arriving_by.encode() + b"\0") + _int(6, FIRST)


def table_rule(*, arriving_by: str, table: int) -> bytes:
    """Frames that enter by this link find their routes in that table."""
    head = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, 0, 0, 0, RULE_TABLE, 0)
    return head + _attribute(3, arriving_by.encode() + b"\0") + _int(6, SECOND) + _int(15, table)


def add_rule(rule: bytes) -> Request:
    return Request(NEWRULE, EXCL_CREATE, rule)


def remove_rule(rule: bytes) -> Request:
    return Request(DELRULE, 0, rule)
