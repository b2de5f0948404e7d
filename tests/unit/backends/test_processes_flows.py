"""Every attempt is on record, every frame is counted, and cuts act on one direction of one pair of hosts."""

import asyncio
import socket
import sys
from collections.abc import Iterator

import pytest

from seatrial.backends.interface import CANARY_PORTS, Program
from seatrial.backends.processes import Processes, kernel

from .processes_trial import Trial, answers, trying


@pytest.fixture(scope="module")
def backend() -> Iterator[Processes]:
    backend = Processes(seed=7)
    directory = backend._zygote.directory
    yield backend
    backend.close()
    backend.close()
    assert not directory.exists()


@pytest.fixture
def trial(backend: Processes) -> Iterator[Trial]:
    trial = Trial(backend)
    yield trial
    backend.run(trial.network.close())
    assert not trial.network.directory.exists()


@trying
async def test_two_programs_share_a_host_by_loopback(trial: Trial) -> None:
    host = await trial.network.host("both")
    await trial.boot("both", "echo", "127.0.0.1", 7000)
    while True:
        try:
            stream = await host.dial("127.0.0.1", 7000)
            break
        except ConnectionRefusedError:
            await asyncio.sleep(0.01)
    assert stream[1].get_extra_info("sockname")[0] == "127.0.0.1"
    assert await answers(stream)
    stream[1].close()
    await trial.network.settle()
    assert not trial.history.of("open")
    assert trial.frames() == {}


@trying
async def test_any_socket_of_the_suite_is_the_operators(trial: Trial) -> None:
    host = await trial.serving("server")
    _, writer = await asyncio.open_connection(host.address, 7000)
    assert writer.get_extra_info("sockname")[0] == trial.network.operator.address
    writer.close()
    await trial.network.settle()
    assert trial.opened("operator", "server")[-1]["sport"] == writer.get_extra_info("sockname")[1]


@trying
async def test_the_canary_is_told_by_its_port(trial: Trial) -> None:
    suspect, server = await trial.network.host("suspect"), await trial.serving("server")
    nobody = "10.9.200.1"
    began = trial.backend.now_s()
    ports = [await suspect.touch(*to) for to in ((server.address, 7000), (server.address, 1), (nobody, 80))]
    assert 1 <= trial.backend.now_s() - began < 2
    await trial.network.settle()
    assert len(set(ports)) == 3
    assert set(ports) <= set(CANARY_PORTS)
    found = {e["sport"]: e for e in trial.history.of("open") if e.data["origin"] == "suspect"}
    assert [(found[p]["target"], found[p]["port"]) for p in ports] == [("server", 7000), ("server", 1), (nobody, 80)]
    assert all(len(trial.closed(found[p])) == 1 for p in ports), "an attempt that was given up is over as well"
    assert all(began <= e.at_s <= trial.backend.now_s() for e in found.values())


@trying
async def test_a_cut_is_one_way_and_heals(trial: Trial) -> None:
    server, client = await trial.serving("server"), await trial.network.host("client")
    stream = await client.dial(server.address, 7000)
    assert await answers(stream)
    await trial.network.cut(client, server)
    await trial.network.cut(client, server)
    assert not await answers(stream, within_s=0.1)
    await client.touch(server.address, 7000)  # 1 s: the kernel repeats the SYN meanwhile or not
    other = await trial.network.operator.dial(server.address, 7000)
    assert await answers(other)
    other[1].close()
    await trial.network.settle()
    assert len(trial.opened("client", "server")) == 2
    await trial.network.heal()
    assert await stream[0].read(1), "the established connection goes on"
    stream[1].close()
    (await client.dial(server.address, 7000))[1].close()


@trying
async def test_the_other_direction_is_cut_as_well(trial: Trial) -> None:
    server, client = await trial.serving("server"), await trial.network.host("client")
    await trial.network.cut(server, client)
    await client.touch(server.address, 7000)
    await trial.network.settle()
    [link] = trial.opened("client", "server")
    assert trial.frames()["server", "client"] >= 1, "the answer was sent, and swallowed"
    assert len(trial.closed(link)) == 1


@trying
async def test_links_close_once_and_repeated_syns_are_one_attempt(trial: Trial) -> None:
    server, client = await trial.serving("server"), await trial.network.host("client")
    await trial.network.cut(client, server)
    attempt = asyncio.create_task(client.dial(server.address, 7000))
    await asyncio.sleep(1.3)  # the kernel repeats a SYN after 1 s
    await trial.network.settle()
    assert trial.frames()["client", "server"] >= 2
    [link] = trial.opened("client", "server")
    assert not trial.closed(link)
    await trial.network.heal()
    writer = (await attempt)[1]
    writer.close()
    await writer.wait_closed()
    await trial.network.settle()
    assert trial.opened("client", "server") == [link]
    assert len(trial.closed(link)) == 1


@trying
async def test_every_frame_counts(trial: Trial) -> None:
    one, two = await trial.network.host("one"), await trial.network.host("two")
    with one.make_socket(socket.SOCK_DGRAM) as udp:
        for target in (two.address, two.address, "10.9.77.7", "192.0.2.1"):
            udp.sendto(b"x", (target, 9))
    with kernel.inside(one.fd):
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    arp = b"\x00\x01\x08\x00\x06\x04\x00\x01" + bytes(6) + socket.inet_aton(one.address) + bytes(6) + socket.inet_aton(two.address)
    ipv6 = b"\x60" + bytes(23) + socket.inet_pton(socket.AF_INET6, "ff02::1")
    with raw:
        raw.bind(("eth0", 0))
        for kind, packet in ((b"\x08\x06", arp), (b"\x86\xdd", ipv6), (b"\x88\xb5", bytes(50))):
            raw.send(b"\xff" * 6 + bytes(6) + kind + packet)
    await trial.network.settle()
    frames = trial.frames()
    assert frames.pop(("two", "one")) == 2  # ICMP: nobody listens there
    assert frames == {
        ("one", "two"): 3,
        ("one", "10.9.77.7"): 1,
        ("one", "192.0.2.1"): 1,
        ("one", "ff02::1"): 1,
        ("one", "ff:ff:ff:ff:ff:ff"): 1,
    }
    assert not trial.history.of("losses")


@trying
async def test_losses_are_reported(trial: Trial) -> None:
    one = await trial.network.host("one")
    with one.make_socket(socket.SOCK_DGRAM) as udp:
        udp.setblocking(True)
        for _ in range(40000):  # more than the ring holds, while nobody reads it
            udp.sendto(b"", ("10.9.77.7", 9))
    await trial.network.settle()
    [lost] = trial.history.of("losses")
    counted = trial.frames()["one", "10.9.77.7"]
    assert counted + lost["count"] >= 40000, "of openings and of counts: a frame may be lost to both"


@trying
async def test_datagrams_are_on_record_as_exchanges(trial: Trial) -> None:
    one, other = await trial.network.host("one"), await trial.network.host("other")
    with one.make_socket(socket.SOCK_DGRAM) as udp, other.make_socket(socket.SOCK_DGRAM) as answering:
        answering.bind((other.address, 7000))
        udp.connect((other.address, 7000))
        udp.send(b"question")
        udp.send(b"question")
        answering.setblocking(True)
        answering.sendto(b"answer", answering.recvfrom(100)[1])
        udp.sendto(b"", (other.address, 7001))  # the kernel answers that nobody is there
    await trial.network.settle()
    assert [e["port"] for e in trial.opened("one", "other")] == [7000, 7001]
    assert trial.opened("other", "one") == []
    assert trial.frames()["one", "other"] == 3


def test_clusters_one_after_another_do_not_mix(backend: Processes) -> None:
    first = Trial(backend)
    addresses = []
    for trial in (first, Trial(backend)):

        async def act(trial: Trial = trial) -> None:
            server = await trial.network.host("server")
            addresses.append((server.address, trial.network.operator.address))
            await server.touch("10.9.0.2", 80)
            if trial is first:
                await trial.network.close()

        backend.run(act())
    backend.run(trial.network.settle())
    assert addresses == [("10.9.0.3", "10.9.0.2")] * 2
    assert len(trial.opened("server", "operator")) == 1
    assert len(first.opened("server", "operator")) == 1
    backend.run(trial.network.close())


def test_a_program_that_is_not_python_finds_no_foreign_dns(trial: Trial) -> None:
    async def act() -> None:
        host = await trial.network.host("one")
        code = "import socket; socket.getfqdn('seatrial.example')"
        instance = await trial.network.boot("one", host, Program(command=[sys.executable, "-c", code]))
        assert await instance.exited == 0
        await trial.network.settle()
        assert trial.frames() == {}

    trial.backend.run(act())
