"""Programs live and end in simulation as they would as processes, and the same seed gives the same history."""

import asyncio
import gc
import hashlib
import logging
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from seatrial.backends.interface import Program
from seatrial.backends.simulation import Simulation, watchdog
from seatrial.backends.simulation.loop import SimulatedLoop
from seatrial.model.errors import HarnessFault, Inconclusive, UsageError
from seatrial.model.history import History

from .trial import Trial

ROOT = Path(__file__).parents[3]


@pytest.fixture
def trial() -> Iterator[Trial]:
    trial = Trial()
    yield trial
    trial.backend.close()
    assert not trial.network.directory.exists()


@pytest.mark.parametrize(
    ("how", "status", "said"),
    [
        ("return", 0, "about to leave"),
        ("raise", 1, "ValueError: no way on"),
        ("exit", 3, ""),
        ("exit in a task", 4, ""),
        ("say why", 1, "lost the lease"),
    ],
)
def test_exit_status(trial: Trial, how: str, status: int, said: str) -> None:
    async def act() -> tuple[int, str]:
        instance = await trial.boot("one", "leave", [how])
        return await instance.exited, instance.log_tail()

    seen, tail = trial.backend.run(act())
    assert seen == status
    assert said in tail


def test_term_cancels_main(trial: Trial) -> None:
    async def act() -> int:
        host = await trial.network.host("one")
        instance = await trial.boot("one", "serve_http", [host.address, 80])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await instance.exited
        await instance.signal("pause")
        await instance.signal("term")
        await asyncio.sleep(1)
        assert not instance.exited.done()  # a stopped process gets its signal when it goes on
        await instance.signal("resume")
        status = await instance.exited
        with pytest.raises(ConnectionRefusedError):
            await trial.network.operator.dial(host.address, 80)
        return status

    assert trial.backend.run(act()) == 0


def test_a_program_that_ignores_cancellation_can_be_killed(trial: Trial) -> None:
    async def act() -> int:
        instance = await trial.boot("one", "stubborn")
        await asyncio.sleep(1)
        await instance.signal("term")
        await asyncio.sleep(10)
        assert not instance.exited.done()
        await instance.signal("kill")
        await instance.signal("resume")
        return await instance.exited

    assert trial.backend.run(act()) == -9


def test_term_before_the_first_step(trial: Trial) -> None:
    async def act() -> int:
        instance = await trial.boot("one", "stubborn")
        await instance.signal("term")
        return await instance.exited

    assert trial.backend.run(act()) == -15


def test_an_interrupt_cancels_and_awaits(trial: Trial) -> None:
    cleaned = []

    async def act() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.1)
            cleaned.append(trial.backend.now_s())

    with pytest.raises(KeyboardInterrupt):
        trial.backend.run(act())
    assert len(cleaned) == 1
    assert cleaned[0] < 1


def test_tasks_do_not_reach_beyond_their_program(trial: Trial) -> None:
    async def act() -> str:
        instance = await trial.boot("one", "fail_aside")
        await asyncio.sleep(5)
        assert not instance.exited.done()
        return instance.log_tail()

    assert "ValueError('aside')" in trial.backend.run(act())


def test_a_command_is_refused(trial: Trial) -> None:
    async def act() -> None:
        await trial.network.boot("etcd", await trial.network.host("etcd"), Program(command=["etcd"]))

    with pytest.raises(UsageError, match="etcd needs `python:"):
        trial.backend.run(act())


def test_context_depends_on_seed_name_and_boot(trial: Trial) -> None:
    async def act() -> list[str]:
        instances = [await trial.boot(name, "tell") for name in ("one", "one", "two")]
        for instance in instances:
            await instance.exited
        return [i.log_tail() for i in instances]

    tails = trial.backend.run(act())
    assert len(set(tails)) == 3
    assert all(" 1767225600.00" in t for t in tails)


def test_runs_go_on_where_they_stopped(trial: Trial) -> None:
    async def start() -> "asyncio.Task[None]":
        return asyncio.create_task(asyncio.sleep(1))

    async def look(task: "asyncio.Task[None]") -> float:
        await task
        return trial.backend.now_s()

    task = trial.backend.run(start())
    assert trial.backend.run(look(task)) == pytest.approx(1, abs=0.01)
    before_s = trial.backend.now_s()
    trial.backend.run(asyncio.sleep(0))
    assert 0.001 <= trial.backend.now_s() - before_s <= 0.005


def test_deadlock_names_who_waits(trial: Trial) -> None:
    async def act() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(HarnessFault, match=r"operator: Task-\d+ .*test_simulation_programs.py"):
        trial.backend.run(act())
    trial.backend.run(asyncio.sleep(1))


@pytest.mark.parametrize(("how", "said"), [("block", "blocked the event loop"), ("spin", "without letting time pass")])
def test_watchdog(trial: Trial, monkeypatch: pytest.MonkeyPatch, how: str, said: str) -> None:
    monkeypatch.setattr(watchdog, "LOOK_EVERY_S", 0.02)

    async def act() -> None:
        await trial.boot("one", "leave", [how])
        await asyncio.sleep(1)

    with pytest.raises(Inconclusive, match=f"one#0 .*{said}"):
        trial.backend.run(act())
    trial.backend.run(asyncio.sleep(1))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("dial", r"one#0 tried .* socket\.connect"),
        ("dial in a thread", r"a component tried .* socket\.connect"),
        ("call", r"one#0 tried .* Popen\.__init__"),
    ],
)
def test_what_happens_outside_cannot_be_told(trial: Trial, how: str, said: str) -> None:
    async def act() -> None:
        await trial.boot("one", "leave", [how])
        await asyncio.sleep(1)

    with pytest.raises(Inconclusive, match=f"{said}.*: run it as processes"):
        trial.backend.run(act())
    trial.backend.run(asyncio.sleep(1))


def test_nobody_waits_for_a_cluster_that_never_rests(trial: Trial) -> None:
    """Time passes, but in such small steps that the scenario would never be over."""

    async def act() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulatedLoop)
        loop.tired_at = loop.steps + 500
        for _ in range(1000):
            await asyncio.sleep(0.001)

    with pytest.raises(Inconclusive, match="never rests"):
        trial.backend.run(act())
    trial.backend.run(asyncio.sleep(1))


def globals_of_the_process() -> tuple[object, ...]:
    clock = aiohttp.connector.__dict__.get("set"), aiohttp.connector.__dict__["monotonic"], aiohttp.ClientSession.__init__
    return (*clock, list(logging.getLogger().handlers), gc.isenabled(), list(sys.path), signal.getsignal(signal.SIGALRM))


def leave_a_mess() -> None:
    """Close a simulation whose programs are running, paused, dead and stubborn, with sessions that nobody closed."""
    trial = Trial()

    async def act() -> None:
        server = await trial.network.host("server")
        await trial.boot("server", "serve_http", [server.address, 80])
        clients = [await trial.boot(f"client-{i}", "poll_http", [f"http://{server.address}/"]) for i in range(4)]
        await trial.boot("stubborn", "stubborn")
        await asyncio.sleep(3)
        for instance in clients[:2]:
            await instance.signal("kill")
        await clients[2].signal("pause")

    trial.backend.run(act())
    trial.backend.close()


def test_close_leaves_nothing_behind() -> None:
    before = globals_of_the_process()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        leave_a_mess()
        gc.collect()
    assert before == globals_of_the_process()


def test_an_exception_leaves_the_backend_usable(trial: Trial) -> None:
    async def act() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        trial.backend.run(act())
    assert trial.backend.context().now_s() == trial.backend.now_s()


def digest(seed: int) -> str:
    """Of the history of a busy cluster with every fault."""
    trial = Trial(seed)

    async def act() -> None:
        server, store = await trial.network.host("server"), await trial.network.host("store")
        await trial.boot("store", "serve_grpc", [store.address, 2379])
        instance = await trial.boot("server", "serve_http", [server.address, 80])
        for i in range(4):
            await trial.boot(f"http-{i}", "poll_http", [f"http://{server.address}/"])
            await trial.boot(f"grpc-{i}", "poll_grpc", [store.address, 2379])
        await asyncio.sleep(5)
        await instance.signal("pause")
        await trial.network.cut(await trial.network.host("grpc-1"), store)
        await asyncio.sleep(5)
        await instance.signal("resume")
        await trial.network.heal()
        await asyncio.sleep(5)
        await instance.signal("kill")
        await trial.boot("server", "serve_http", [server.address, 80])
        await asyncio.sleep(5)
        await trial.network.settle()

    trial.backend.run(act())
    lines = b"".join(trial.history.as_lines())
    trial.backend.close()
    return f"{len(trial.history)} {hashlib.sha256(lines).hexdigest()}"


def test_same_seed_same_history_in_every_process() -> None:
    program = "from tests.unit.backends.test_simulation_programs import digest; print(digest(7))"
    path = os.pathsep.join([str(ROOT), *(str(ROOT / p) for p in ("steps", "reference_impl", "schemas"))])
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    printed = [run.communicate(timeout=60)[0].strip() for run in runs]
    assert printed[0] == printed[1] == digest(7)
    assert digest(8) != printed[0]


def test_a_backend_can_be_made_and_closed_without_a_network() -> None:
    backend = Simulation()
    assert History(backend.now_s).append("x", "y", at_s=None, instance=None, data={}).at_s == 0
    backend.close()
    backend.close()


def test_each_host_has_a_name_and_each_program_its_own_output(trial: Trial, capfd: pytest.CaptureFixture[str]) -> None:
    async def act() -> list[str]:
        instances = [await trial.boot(name, "introduce") for name in ("one", "two")]
        await asyncio.gather(*(i.exited for i in instances))
        return [i.log_tail() for i in instances]

    assert trial.backend.run(act()) == ["I am on one", "I am on two"]
    assert capfd.readouterr() == ("", "")
