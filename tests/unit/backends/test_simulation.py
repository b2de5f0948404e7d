"""The simulated network carries real libraries, records every attempt, and breaks where it is told to."""

import asyncio
from collections.abc import Iterator

import aiohttp
import pytest
from grpclib.client import Channel

from seatrial.backends.interface import CANARY_PORTS, Host, Instance
from seatrial.model.history import History
from seatrial_schemas import etcd
from seatrial_schemas import etcd_pb2 as pb

from .trial import Trial


@pytest.fixture
def trial() -> Iterator[Trial]:
    trial = Trial()
    yield trial
    trial.backend.close()
    assert not trial.network.directory.exists()


def pairs(trial: Trial, kind: str = "open") -> list[tuple[str, str, int]]:
    return [(e["origin"], e["target"], e["port"]) for e in trial.history.of(kind)]


async def serving(trial: Trial, coroutine: str = "serve_http", port: int = 8080) -> Host:
    host = await trial.network.host("server")
    await trial.boot("server", coroutine, [host.address, port])
    await asyncio.sleep(0.1)
    return host


def test_http_and_flows(trial: Trial) -> None:
    async def act() -> None:
        host = await serving(trial)
        client = await trial.network.host("client")
        async with client.session() as session:
            async with session.post(f"http://{host.address}:8080/", data="x" * 100_000) as response:
                answer = await response.json()
            assert (answer["remote"], len(answer["body"])) == (client.address, 100_000)
            async with session.get(f"http://{host.address}:8080/stream") as response:
                before_s = trial.backend.now_s()
                assert (await response.read()).split() == [str(n).encode() for n in range(10)]
                assert trial.backend.now_s() - before_s == pytest.approx(10, abs=0.01)
            async with session.ws_connect(f"http://{host.address}:8080/socket") as socket:
                await socket.send_str("ahoy")
                assert (await socket.receive()).data == "AHOY"
        await asyncio.sleep(1)
        await trial.network.settle()

    trial.backend.run(act())
    assert set(pairs(trial)) == {("client", "server", 8080)}
    opened = [e["link"] for e in trial.history.of("open")]
    assert sorted(opened) == sorted(e["link"] for e in trial.history.of("close"))
    [frames] = trial.history.of("frames")
    assert [p[:2] for p in frames["pairs"]] == [["client", "server"], ["server", "client"]]
    assert not trial.history.of("losses")


def test_grpc_over_tcp(trial: Trial) -> None:
    async def act() -> int:
        host = await serving(trial, "serve_grpc", 2379)
        channel = Channel(host.address, 2379)
        reply = await etcd.RANGE.unary(channel)(pb.RangeRequest(key=b"abc"), timeout=5)
        channel.close()
        count: int = reply.count
        return count

    assert trial.backend.run(act()) == 3
    assert pairs(trial) == [("operator", "server", 2379)]


def test_path_sockets_are_shared_and_no_flow(trial: Trial) -> None:
    path = str(trial.network.directory / "cri.sock")

    async def act() -> None:
        instance = await trial.boot("server", "serve_grpc", [path])
        await asyncio.sleep(0.1)
        channel = Channel(path=path)
        assert (await etcd.RANGE.unary(channel)(pb.RangeRequest(key=b"abcd"))).count == 4
        channel.close()
        await instance.signal("kill")
        with pytest.raises(FileNotFoundError):
            await asyncio.open_unix_connection(path)

    trial.backend.run(act())
    assert len(trial.history) == 0


def test_loopback_is_per_host_and_no_flow(trial: Trial) -> None:
    async def act() -> None:
        one, two = await trial.network.host("one"), await trial.network.host("two")
        for host in (one, two):
            await trial.boot(host.name, "serve_http", ["127.0.0.1", 6443], host=host)
        await asyncio.sleep(0.1)
        for host in (one, two):
            async with host.session() as session, session.get("http://127.0.0.1:6443/") as response:
                assert response.status == 200
            _, writer = await host.dial("localhost", 6443)
            writer.close()
        with pytest.raises(ConnectionRefusedError):
            await one.dial(two.address, 6443)

    trial.backend.run(act())
    assert pairs(trial) == [("one", "two", 6443)]
    assert len(trial.history.of("close")) == 1


def test_datagrams_arrive_unless_cut_and_are_on_record_as_one_exchange(trial: Trial) -> None:
    async def act() -> Instance:
        server, client = await trial.network.host("server"), await trial.network.host("client")
        await trial.boot("server", "answer_datagrams", [server.address, 9])
        thrower = await trial.boot("client", "throw_datagrams", [server.address, 9])
        await asyncio.sleep(0.5)
        await trial.network.cut(client, server)
        await asyncio.sleep(1)
        await trial.network.heal()
        await asyncio.sleep(1)
        await trial.network.settle()
        return thrower

    thrower = trial.backend.run(act())
    assert pairs(trial) == [("client", "server", 9)]
    assert trial.history.of("frames")[-1]["pairs"] == [["client", "server", 3], ["server", "client", 2]]
    assert thrower.log_tail().count("got AHOY") == 2


def test_a_port_for_datagrams_is_free_again_when_its_program_is_gone(trial: Trial) -> None:
    async def act() -> Instance:
        server = await trial.network.host("server")
        first = await trial.boot("server", "answer_datagrams", [server.address, 9])
        await asyncio.sleep(0.1)
        await first.signal("kill")
        second = await trial.boot("server", "answer_datagrams", [server.address, 9])
        await asyncio.sleep(0.1)
        return second

    assert not trial.backend.run(act()).exited.done()


def test_unknown_addresses_swallow(trial: Trial) -> None:
    async def act() -> None:
        async with trial.network.operator.session() as session:
            with pytest.raises(aiohttp.ConnectionTimeoutError):
                await session.get("http://192.0.2.1:80/", timeout=aiohttp.ClientTimeout(sock_connect=4))

    trial.backend.run(act())
    assert pairs(trial) == [("operator", "192.0.2.1", 80)]
    assert trial.backend.now_s() == pytest.approx(4, abs=1.1)


def test_touch_is_recorded_even_if_refused_or_swallowed(trial: Trial) -> None:
    async def act() -> list[int]:
        host = await serving(trial)
        suspect = await trial.network.host("suspect")
        return [await suspect.touch(*to) for to in ((host.address, 8080), (host.address, 1), ("192.0.2.1", 80))]

    ports = trial.backend.run(act())
    assert all(p in CANARY_PORTS for p in ports)
    assert [e["sport"] for e in trial.history.of("open") if e["origin"] == "suspect"] == ports


def test_kill_resets_peers_and_a_new_boot_serves_again(trial: Trial) -> None:
    async def act() -> None:
        host = await trial.network.host("server")
        first = await trial.boot("server", "serve_http", [host.address, 80])
        await asyncio.sleep(0.1)
        async with trial.network.operator.session() as session:
            hanging = asyncio.create_task(session.get(f"http://{host.address}/hang"))
            await asyncio.sleep(0.1)
            await first.signal("kill")
            with pytest.raises(aiohttp.ClientError):
                await hanging
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get(f"http://{host.address}/")
            second = await trial.boot("server", "serve_http", [host.address, 80])
            await asyncio.sleep(0.1)
            assert (await session.get(f"http://{host.address}/")).status == 200
        assert (await first.exited, first.boot, second.boot, second.exited.done()) == (-9, 0, 1, False)

    trial.backend.run(act())


def test_pause_queues_and_resume_answers(trial: Trial) -> None:
    async def act() -> None:
        host = await trial.network.host("server")
        instance = await trial.boot("server", "serve_http", [host.address, 80])
        await asyncio.sleep(0.1)
        await instance.signal("pause")
        _, writer = await host.dial(host.address, 80)  # the kernel still accepts
        writer.close()
        async with trial.network.operator.session() as session:
            asked = asyncio.create_task(session.get(f"http://{host.address}/"))
            await asyncio.sleep(30)
            assert not asked.done()
            await instance.signal("resume")
            assert (await asked).status == 200

    trial.backend.run(act())


@pytest.mark.parametrize("forward", [True, False])
def test_a_cut_holds_streams_and_attempts_until_it_heals(trial: Trial, forward: bool) -> None:
    async def act() -> None:
        host = await serving(trial)
        client = await trial.network.host("client")
        async with client.session() as session:
            assert (await session.get(f"http://{host.address}:8080/")).status == 200
            await trial.network.cut(*((client, host) if forward else (host, client)))
            established = asyncio.create_task(session.get(f"http://{host.address}:8080/"))
            attempt = asyncio.create_task(client.dial(host.address, 8080))
            await asyncio.sleep(20)
            assert not established.done()
            assert not attempt.done()
            await trial.network.heal()
            assert (await established).status == 200
            (await attempt)[1].close()

    trial.backend.run(act())
    assert len(pairs(trial)) == 2  # the attempt during the cut is recorded


def test_a_slow_reader_stops_its_writer(trial: Trial) -> None:
    async def act() -> None:
        host = await trial.network.host("server")

        async def stall(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(10)
            writer.close()

        await asyncio.start_server(stall, trial.network.operator.address, 7000, limit=1024)
        _, writer = await host.dial(trial.network.operator.address, 7000)
        writer.write(b"x" * 1_000_000)
        async with asyncio.timeout(5):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await writer.drain()
        writer.close()

    trial.backend.run(act())


def test_networks_start_clean(trial: Trial) -> None:
    later = History(trial.backend.now_s)

    async def act() -> None:
        host = await serving(trial)
        await trial.network.operator.dial(host.address, 8080)
        trial.network = await trial.backend.network(later.recorder("flows"))
        await asyncio.sleep(1)

    trial.backend.run(act())
    assert len(later) == 0


def test_ports_and_names_are_checked(trial: Trial) -> None:
    async def act() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(asyncio.Protocol, "0.0.0.0", 0)  # noqa: S104
        _, port = server.sockets[0].getsockname()
        with pytest.raises(OSError, match="already in use"):
            await loop.create_server(asyncio.Protocol, "127.0.0.1", port)
        with pytest.raises(OSError, match="not an address of operator"):
            await loop.create_server(asyncio.Protocol, "10.9.9.9", 80)
        with pytest.raises(OSError, match="no DNS"):
            await loop.create_connection(asyncio.Protocol, "example.org", 80)

    trial.backend.run(act())
