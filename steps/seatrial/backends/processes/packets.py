"""Packet capture on the switch: every frame, as it leaves its host and before any cut acts on it.

Two rings that the kernel fills and this process reads without a call. `Segments` holds the few frames that open or end a TCP connection,
or are none of TCP's, and wakes the loop. `Tally` holds the first bytes of every frame, wakes nobody, and is read now and then only to be
counted: at 0.6 us a frame, where a wake-up for each would cost thirty. Frames that found a ring full are counted by the kernel and
reported. Both are made while the namespace is still empty, so they miss nothing; what the switch sends on is not seen a second time.
"""

import ctypes
import mmap
import socket
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

SOL_PACKET, PACKET_RX_RING, PACKET_STATISTICS, PACKET_VERSION, PACKET_IGNORE_OUTGOING = 263, 5, 6, 10, 23
SO_ATTACH_FILTER = 26
TPACKET_V2, ETH_P_ALL = 1, 3
BLOCK = 1 << 16
KERNEL, OURS = bytes(4), 1  # who owns a slot of the ring
FIN, SYN, RST, ACK = 1, 2, 4, 16
IPV4, IPV6, ARP = b"\x08\x00", b"\x86\xdd", b"\x08\x06"

TCP, UDP, ICMP, ECHO = 6, 17, 1, 8

# Classic BPF: IPv4, and of TCP either FIN, RST or a SYN without ACK.
SEGMENTS_ONLY = (
    (0x28, 0, 0, 12),  # A = ethertype
    (0x15, 0, 7, 0x0800),  # IPv4, or drop
    (0x30, 0, 0, 23),  # A = protocol
    (0x15, 0, 6, TCP),  # else keep
    (0xB1, 0, 0, 14),  # X = length of the IP header
    (0x50, 0, 0, 27),  # A = TCP flags
    (0x45, 3, 0, FIN | RST),
    (0x54, 0, 0, SYN | ACK),
    (0x15, 1, 0, SYN),
    (6, 0, 0, 0),
    (6, 0, 0, 0x40000),
)

# struct tpacket2_hdr, struct sockaddr_ll, then the frame, so that its network header starts at 80.
FRAME = 66
SLOT = struct.Struct("=I10xHII12xi")  # status, (lengths, mac), net, seconds, nanoseconds, (vlan, family, protocol), ifindex
HEAD = struct.Struct("=I30x2si56x4s")  # status, protocol, ifindex, and where IPv4 has its target


@dataclass(frozen=True, slots=True)
class Segment:
    """The head of a TCP segment, or of what is none: without ports where its protocol has none, and ICMP's type in place of the flags.
    `wall_s` is the kernel's time stamp."""

    wall_s: float
    ifindex: int
    source: str
    sport: int
    target: str
    port: int
    sequence: int
    flags: int
    protocol: int = TCP


class Ring:
    """A capture socket in this thread's network namespace, and its ring of slots in shared memory."""

    def __init__(self, *, slot: int, slots: int, program: tuple[tuple[int, int, int, int], ...] = ()) -> None:
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        if program:
            _attach(self.socket, program)
        self.socket.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V2)
        self.socket.setsockopt(SOL_PACKET, PACKET_RX_RING, struct.pack("=IIII", BLOCK, slot * slots // BLOCK, slot, slots))
        self.memory = mmap.mmap(self.socket.fileno(), slot * slots)
        self.slot, self.size, self.at = slot, slot * slots, 0
        self._losses = 0

    def losses(self) -> int:
        """Frames that found no free slot, since the beginning."""
        self._losses += struct.unpack("=II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
        return self._losses

    def close(self) -> None:
        self.memory.close()
        self.socket.close()


class Segments(Ring):
    """Openings and endings of TCP connections, and all that is not TCP."""

    def __init__(self) -> None:
        super().__init__(slot=256, slots=8192, program=SEGMENTS_ONLY)

    def read(self) -> Iterator[Segment]:
        while True:
            status, net, seconds, nanoseconds, ifindex = SLOT.unpack_from(self.memory, self.at)
            if not status & OURS:
                return
            frame = self.memory[self.at + net : self.at + self.slot]
            self.memory[self.at : self.at + 4] = KERNEL
            self.at = (self.at + self.slot) % self.size
            yield _segment(frame, seconds + nanoseconds / 1e9, ifindex)


class Tally(Ring):
    """All frames, counted by the link that they came from and the address that they were meant for."""

    def __init__(self) -> None:
        super().__init__(slot=128, slots=32768)
        self._counts: Counter[tuple[bytes, int, bytes]] = Counter()

    def read(self) -> None:
        memory, at, slot, size, counts = self.memory, self.at, self.slot, self.size, self._counts
        while True:
            status, protocol, ifindex, target = HEAD.unpack_from(memory, at)
            if not status & OURS:
                break
            if protocol != IPV4:
                target = _target(protocol, memory[at + FRAME : at + slot])
            counts[protocol, ifindex, target] += 1
            memory[at : at + 4] = KERNEL
            at += slot
            if at == size:
                at = 0
        self.at = at

    def count(self, ifindex: int, target: str) -> int:
        """IPv4 frames from that link to that address so far."""
        return self._counts[IPV4, ifindex, socket.inet_aton(target)]

    def pairs(self) -> Counter[tuple[int, str]]:
        """All frames so far by link of origin and address of the target, whatever their protocol."""
        found: Counter[tuple[int, str]] = Counter()
        for (_, ifindex, target), count in self._counts.items():
            found[ifindex, _printed(target)] += count
        return found


def _attach(capture: socket.socket, program: tuple[tuple[int, int, int, int], ...]) -> None:
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in program))
    capture.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HL", len(program), ctypes.addressof(code)))


def _segment(packet: bytes, wall_s: float, ifindex: int) -> Segment:
    start, protocol = (packet[0] & 15) * 4, packet[9]
    sport, port, sequence, flags = struct.unpack_from("!HHI5xB", packet, start)
    source, target = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
    if protocol not in (TCP, UDP):
        sport, port, flags = 0, 0, packet[start]
    return Segment(wall_s, ifindex, source, sport, target, port, sequence, flags, protocol)


def _target(protocol: bytes, frame: bytes) -> bytes:
    """What a frame that is not IPv4 is meant for: an IPv6 address, the address that ARP asks for, or a MAC."""
    if protocol == IPV6:
        return frame[38:54]
    return frame[38:42] if protocol == ARP else frame[:6]


def _printed(target: bytes) -> str:
    if len(target) == 6:
        return target.hex(":")
    return socket.inet_ntop(socket.AF_INET if len(target) == 4 else socket.AF_INET6, target)
