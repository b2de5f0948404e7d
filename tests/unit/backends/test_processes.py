"""Instances live in namespaces of their own, end as they are told, and the suite acts from any host."""

import asyncio
import gc
import json
import threading
import weakref
from collections.abc import Iterator

import pytest
from aiohttp import web

from seatrial.backends.interface import CANARY_PORTS, Program
from seatrial.backends.processes import Processes

from .processes_trial import Trial, answers, descriptors, hung_up, namespace, reach, thread_states, trying


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
async def test_python_hears_term_at_once_and_ends_well(trial: Trial) -> None:
    instance = await trial.boot("waiter", "wait", "a", 1)
    await instance.signal("term")
    assert await instance.exited == 0
    assert instance.log_tail() == "up ['a', '1']\ncancelled"
    await instance.signal("kill")


@trying
async def test_temporary_files_lie_where_they_go_with_the_cluster(trial: Trial) -> None:
    instance = await trial.boot("one", "say_where")
    await instance.exited
    assert instance.log_tail() == f"{trial.network.directory} {trial.network.directory}"


def test_a_closed_network_is_not_kept(backend: Processes) -> None:
    """It knows its history, which is large; a run makes hundreds of them."""
    made = Trial(backend)
    backend.run(made.network.close())
    network, history = weakref.ref(made.network), weakref.ref(made.history)
    del made

    later = Trial(backend)
    backend.run(later.network.close())
    gc.collect()

    assert (network(), history()) == (None, None)


@trying
async def test_each_host_has_a_name(trial: Trial) -> None:
    instances = [await trial.boot(name, "introduce") for name in ("one", "two")]
    await asyncio.gather(*(i.exited for i in instances))
    assert ["on one" in i.log_tail() for i in instances] == [True, False]
    assert "on two" in instances[1].log_tail()


@pytest.mark.parametrize(("what", "args", "status", "last"), [("leave", [3], 3, ""), ("crash", [], 1, "ValueError: no good")])
def test_how_python_ends(trial: Trial, what: str, args: list[object], status: int, last: str) -> None:
    async def act() -> None:
        instance = await trial.boot("one", what, *args)
        assert await instance.exited == status
        assert instance.log_tail(1) == last
        assert what != "crash" or "INFO crash: about to" in instance.log_tail(80)

    trial.backend.run(act())


@pytest.mark.parametrize(
    ("command", "args", "status", "log"),
    [
        (["sh", "-c", 'echo "$0 $*"; exit 4'], ["a", "b c"], 4, "a b c"),
        (["sh", "-c", "kill -USR1 $$"], [], -10, ""),
        (["no-such-program"], ["x"], 127, "cannot execute no-such-program: No such file or directory"),
    ],
)
def test_how_a_command_ends(trial: Trial, command: list[str], args: list[str], status: int, log: str) -> None:
    async def act() -> None:
        host = await trial.network.host("one")
        instance = await trial.network.boot("one", host, Program(command=command, args=args))
        assert (await instance.exited, instance.log_tail()) == (status, log)

    trial.backend.run(act())


@trying
async def test_an_instance_is_alone(trial: Trial) -> None:
    found = []  # of both while both are alive: the kernel gives numbers of namespaces again
    for name in ("one", "two"):
        file = trial.network.directory / f"{name}.json"
        host = await trial.network.host(name)
        await trial.boot(name, "report", file, host.address, 7000)
        (await reach(trial.network.operator, host, 7000))[1].close()
        found.append(json.loads(file.read_text()))
    for kind in ("net", "mnt", "ipc", "pid"):
        assert len({namespace(kind), found[0]["namespaces"][kind], found[1]["namespaces"][kind]}) == 3, kind
    assert (found[0]["pid"], found[0]["pids"]) == (2, [1, 2])
    assert (found[0]["ipv6"], found[0]["reserved"]) == ("", f"{CANARY_PORTS.start}-{CANARY_PORTS.stop - 1}")
    assert found[0]["open"] < 10, "descriptors of others were inherited"


@trying
async def test_kill_reaches_everything_and_a_restart_keeps_the_host(trial: Trial) -> None:
    host = await trial.network.host("parent")
    first = await trial.boot("parent", "family", host.address, 7000)
    stream = await reach(trial.network.operator, host, 7000)
    await first.signal("kill")
    assert await first.exited == -9
    assert await hung_up(stream), "the daemon is gone too"
    second = await trial.boot("parent", "echo", host.address, 7000)
    assert (first.boot, second.boot, second.host) == (0, 1, host)
    stream = await reach(trial.network.operator, host, 7000)
    assert await answers(stream)
    stream[1].close()


@trying
async def test_the_end_of_the_program_is_the_end_of_its_children(trial: Trial) -> None:
    host = await trial.network.host("parent")
    parent = await trial.boot("parent", "family", host.address, 7000)
    stream = await reach(trial.network.operator, host, 7000)
    await parent.signal("term")  # the daemon ignores it, the program does not
    assert await parent.exited == 0
    assert await hung_up(stream)


@trying
async def test_pause_stops_everything_and_resume_lets_it_go_on(trial: Trial) -> None:
    host = await trial.network.host("parent")
    instance = await trial.boot("parent", "family", host.address, 7000)
    stream = await reach(trial.network.operator, host, 7000)
    assert await answers(stream)
    await instance.signal("pause")
    assert not await answers(stream, within_s=0.1)
    await instance.signal("resume")
    assert await stream[0].read(1)
    stream[1].close()


@trying
async def test_nothing_of_a_paused_instance_still_runs(trial: Trial) -> None:
    host = await trial.network.host("crowd")
    instance = await trial.boot("crowd", "crowd", host.address, 7000)
    (await reach(trial.network.operator, host, 7000))[1].close()
    for _ in range(10):
        await instance.signal("pause")
        states = thread_states(host)
        assert len(states) == 8
        assert set(states) == {"T"}
        await instance.signal("resume")


@trying
async def test_a_paused_instance_can_be_killed(trial: Trial) -> None:
    instance = await trial.boot("waiter", "wait")
    await instance.signal("pause")
    await instance.signal("kill")
    assert await instance.exited == -9


@trying
async def test_the_suite_serves_and_asks_from_hosts(trial: Trial) -> None:
    async def hello(request: web.BaseRequest) -> web.Response:
        return web.json_response({"remote": request.remote})

    server, client = await trial.network.host("server"), await trial.network.host("client")
    await server.serve(web.Server(hello), port=8080)
    async with client.session() as session, session.get(f"http://{server.address}:8080/") as answer:
        assert await answer.json() == {"remote": client.address}
    _, writer = await client.dial(server.address, 8080)
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await client.dial(server.address, 1)
    await trial.network.settle()
    assert [e["port"] for e in trial.opened("client", "server")] == [8080, 8080, 1]


def test_outside_of_run_the_thread_is_at_home(trial: Trial) -> None:
    before = namespace("net")
    inside = trial.backend.run(asyncio.to_thread(lambda: None)) or namespace("net")
    assert inside == before


def test_tasks_go_on_in_the_next_run(trial: Trial) -> None:
    async def start() -> "asyncio.Task[int]":
        return asyncio.create_task(asyncio.sleep(0.01, 5))

    task = trial.backend.run(start())

    async def wait() -> int:
        return await task

    assert trial.backend.run(wait()) == 5


def test_what_the_backend_says_of_itself(backend: Processes) -> None:
    assert backend.can == {"kill", "pause", "cut", "tls"}
    other = Processes(seed=7)
    try:
        assert backend.context().random.random() == other.context().random.random()
    finally:
        other.close()


def test_nothing_of_it_stays_open() -> None:
    before = descriptors(), threading.active_count()
    backend = Processes()
    Trial(backend)
    backend.close()
    assert (descriptors(), threading.active_count()) == before
