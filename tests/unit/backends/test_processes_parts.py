"""The parts of the processes backend that need no cluster: connections out of segments, and questions to the kernel."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from seatrial.backends.processes import diag, kernel, netlink
from seatrial.backends.processes.flows import Flows
from seatrial.backends.processes.packets import ACK, ECHO, FIN, ICMP, RST, SYN, UDP, Segment
from seatrial.model.history import History

A, B = ("10.9.0.3", 40000), ("10.9.0.4", 80)


def segment(flags: int, *, source: tuple[str, int] = A, target: tuple[str, int] = B, sequence: int = 1) -> Segment:
    return Segment(0.0, 3, *source, *target, sequence, flags)


@pytest.fixture
def history() -> History:
    return History(lambda: 99.0)


@pytest.fixture
def flows(history: History) -> Flows:
    return Flows(history.recorder("flows"), host_at={3: "a", 4: "b"}.__getitem__, host_of=lambda address: address)


def told(history: History) -> list[tuple[str, int, float]]:
    return [(e.kind, e["link"], e.at_s) for e in history]


def test_a_connection_opens_and_closes_once(history: History, flows: Flows) -> None:
    for at_s, flags in enumerate((SYN, SYN, FIN | ACK, FIN | ACK, RST)):
        flows.segment(segment(flags), at_s)
    assert told(history) == [("open", 1, 0), ("close", 1, 2)]
    assert dict(history.of("open")[0].data) == {"origin": "a", "target": B[0], "port": 80, "sport": 40000, "link": 1}


@pytest.mark.parametrize("flags", [RST, RST | ACK, FIN | ACK])
def test_the_other_side_closes(history: History, flows: Flows, flags: int) -> None:
    flows.segment(segment(SYN), 0)
    flows.segment(segment(flags, source=B, target=A), 1)
    assert told(history) == [("open", 1, 0), ("close", 1, 1)]


def test_the_same_port_again_is_another_connection(history: History, flows: Flows) -> None:
    flows.segment(segment(SYN, sequence=1), 0)
    flows.segment(segment(SYN, sequence=2), 1)
    assert told(history) == [("open", 1, 0), ("close", 1, 1), ("open", 2, 1)]


def test_datagrams_make_one_exchange_whoever_answers(history: History, flows: Flows) -> None:
    for source, target in ((A, B), (B, A), (A, B)):
        flows.segment(Segment(0.0, 3, *source, *target, 0, 0, UDP), 0)
    assert told(history) == [("open", 1, 0)]


@pytest.mark.parametrize(("type_", "opens"), [(ECHO, 1), (0, 0), (3, 0)], ids=["question", "answer", "unreachable"])
def test_of_icmp_only_the_question_opens_anything(history: History, flows: Flows, type_: int, opens: int) -> None:
    flows.segment(Segment(0.0, 3, A[0], 0, B[0], 0, 0, type_, ICMP), 0)
    assert len(told(history)) == opens


def test_what_has_no_socket_is_pruned(history: History, flows: Flows) -> None:
    flows.segment(segment(SYN), 0)
    flows.segment(segment(SYN, source=("10.9.0.3", 40001)), 0)
    flows.prune(lambda name, ends: (name, ends) == ("a", (*A, *B)))
    assert told(history)[2:] == [("close", 2, 99.0)]


@pytest.mark.parametrize("ask", [diag._found, diag._listed, diag.exists])
def test_the_kernel_knows_who_dialled(ask: Callable[[diag.Ends], bool]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        ends = (*client.getsockname(), *server.getsockname())
        assert ask(ends)
        listening = (*server.getsockname(), "127.0.0.1", 1)
        assert not ask(listening), "a listener is no connection"
        with server.accept()[0]:
            client.close()
        assert not ask(ends)


def test_the_kernel_says_what_it_refused() -> None:
    with netlink.Netlink() as own, pytest.raises(OSError, match="ENODEV"):
        own.do(netlink.up(netlink.LOOPBACK), netlink.up(999999))


def test_a_new_network_has_only_a_loopback() -> None:
    fd = kernel.new_network()
    with kernel.inside(fd):
        links = [line.split(":")[0].strip() for line in Path("/proc/thread-self/net/dev").read_text().splitlines()[2:]]
    os.close(fd)
    assert "lo" in links
    assert not any(link.startswith("eth") for link in links)
