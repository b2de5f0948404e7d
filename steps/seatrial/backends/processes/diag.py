"""Whether a TCP socket still exists, asked of the kernel through sock_diag.

The answer `no` may also mean that this kernel lacks the module, so it is confirmed in /proc/net/tcp; reading that takes milliseconds,
because the kernel walks the table of all namespaces, and would be too slow for every connection that is open.
"""

import socket
import struct
from pathlib import Path

NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, REQUEST, ERROR = 4, 20, 1, 2
TIME_WAIT, CLOSED, LISTEN = 6, 7, 10
ALL_STATES, ANY_COOKIE = 0xFFFFFFFF, 0xFFFFFFFF

Ends = tuple[str, int, str, int]


def exists(ends: Ends) -> bool:
    """Whether this thread's network namespace has the socket that dialled (address, port, address, port)."""
    return _found(ends) or _listed(ends)


def _found(ends: Ends) -> bool:
    source, sport, target, port = ends
    identity = struct.pack("!HH4s12x4s12x", sport, port, socket.inet_aton(source), socket.inet_aton(target))
    identity += struct.pack("=III", 0, ANY_COOKIE, ANY_COOKIE)
    body = struct.pack("=BBxxI", socket.AF_INET, socket.IPPROTO_TCP, ALL_STATES) + identity
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_SOCK_DIAG) as asked:
        asked.send(struct.pack("=IHHII", 16 + len(body), SOCK_DIAG_BY_FAMILY, REQUEST, 0, 0) + body)
        answer = asked.recv(4096)
    kind, state = struct.unpack_from("=4xH10xxB", answer)
    return kind != ERROR and state not in {TIME_WAIT, CLOSED, LISTEN}


def _listed(ends: Ends) -> bool:
    source, sport, target, port = ends
    wanted = [_printed(source, sport), _printed(target, port)]
    lines = Path("/proc/thread-self/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    return any(fields[1:3] == wanted and int(fields[3], 16) not in {TIME_WAIT, CLOSED} for fields in map(str.split, lines))


def _printed(address: str, port: int) -> str:
    return f"{int.from_bytes(socket.inet_aton(address), 'little'):08X}:{port:04X}"
