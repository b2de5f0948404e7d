"""How the command line runs simulated scenarios: side by side, each forked from a cluster that was booted for all that begin alike.

A pytest plugin beside `seatrial.plugin`; plain pytest does without, one scenario after another in one process. What is concluded is the
same: a copy runs the scenario as pytest would, and only its reports come back. Whatever cannot be forked is run here: scenarios that lack
a prerequisite, that need not be tried any more, and those whose cluster does not come up.
"""

import contextlib
import gc
import importlib
import os
from collections import deque
from collections.abc import Callable
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import call_and_report

from seatrial import plugin
from seatrial.adapters.implementation import Implementation
from seatrial.brief import settled
from seatrial.model.errors import HarnessFault, Inconclusive, NotReady, NotRunnable, UsageError
from seatrial.opening import modules, open_backend
from seatrial.scenarios import Beginning, beginning_of
from seatrial.snapshots import BROKE, Snapshot
from seatrial.world import World


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("seatrial").addoption("--lanes", type=int, default=1, help="how many simulated scenarios run at a time")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Take over where scenarios are simulated."""
    config = session.config
    if config.option.collectonly or not session.items or plugin.backend_of(config) != "simulation" or not hasattr(os, "fork"):
        return None
    _warm(plugin.implementation_of(config))
    lanes = Lanes(session, config.getoption("lanes"))
    try:
        lanes.run()
    finally:
        lanes.close()
    return True


def _warm(implementation: Implementation) -> None:
    """Import what all clusters need: it is there for all copies, and the collector leaves it alone."""
    for module in modules(implementation):
        with contextlib.suppress(ImportError):  # whoever starts it will say so
            importlib.import_module(module)
    gc.collect()
    gc.freeze()


def _stand(config: pytest.Config, beginning: Beginning) -> World | None:
    """A world that has come as far as its first sentence; None where its cluster does not boot, or cannot be had."""
    try:
        backend = open_backend("simulation", plugin.implementation_of(config), seed=config.getoption("seed"))
        world = plugin.new_world(config, backend)
        world.begin(beginning.keyword, beginning.sentence, beginning.topology)
    except (NotReady, NotRunnable, Inconclusive, UsageError, HarnessFault):
        return None
    return world


class Lanes:
    """The scenarios of a session, `count` at a time."""

    def __init__(self, session: pytest.Session, count: int) -> None:
        self._session = session
        self._count = max(count, 1)
        self._idle: dict[Beginning, list[Snapshot]] = {}
        self._busy: dict[Snapshot, tuple[Beginning, pytest.Item]] = {}

    def run(self) -> None:
        waiting = deque(self._session.items)
        while waiting or self._busy:
            while waiting and len(self._busy) < self._count:
                self._start(self._next(waiting))
                self._stop_if_told()
            for ready in wait([s.connection for s in self._busy]) if self._busy else ():
                self._finish(next(s for s in self._busy if s.connection is ready))
                self._stop_if_told()

    def close(self) -> None:
        for snapshot in [*self._busy, *(s for idle in self._idle.values() for s in idle)]:
            snapshot.end()

    def _next(self, waiting: deque[pytest.Item]) -> pytest.Item:
        """The first for which no second cluster of the same kind would have to be booted, else the first."""
        taken = {beginning for beginning, _ in self._busy.values()}
        free = (i for i in waiting if (b := beginning_of(i)) not in taken or self._idle.get(b) if b)
        item = next(free, waiting[0])
        waiting.remove(item)
        return item

    def _start(self, item: pytest.Item) -> None:
        beginning = beginning_of(item)
        if beginning is None or settled(item) or plugin.lacks(item)[0]:
            self._here(item)
            return
        idle = self._idle.setdefault(beginning, [])
        snapshot = idle.pop() if idle else Snapshot.take(lambda: self._taken(beginning))
        self._busy[snapshot] = beginning, item
        snapshot.tell(self._session.items.index(item))

    def _taken(self, beginning: Beginning) -> tuple[Path, Callable[[int], Any]] | None:
        """In the process of the snapshot."""
        config = self._session.config
        world = _stand(config, beginning)
        if world is None:
            return None
        config.stash[plugin.AHEAD] = world
        return world.cluster.network.directory, self._reports

    def _reports(self, number: int) -> list[Any]:
        """In the process of a copy: run the scenario, and let the report travel that matters. The process ends: nothing is torn down."""
        item = self._session.items[number]
        report = call_and_report(item, "setup", log=False)
        if report.passed:
            report = call_and_report(item, "call", log=False)
        return [item.config.hook.pytest_report_to_serializable(config=item.config, report=report)]

    def _finish(self, snapshot: Snapshot) -> None:
        beginning, item = self._busy.pop(snapshot)
        told = snapshot.told()
        if told.stands:
            self._idle[beginning].append(snapshot)
        else:
            snapshot.end()
        if told.status is None:
            self._here(item)
            return
        hook = item.config.hook
        found = [hook.pytest_report_from_serializable(config=item.config, data=r) for r in told.answer or ()]
        self._log(item, found or [_died(item, told.status)])

    def _log(self, item: pytest.Item, reports: list[pytest.TestReport]) -> None:
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)

    def _here(self, item: pytest.Item) -> None:
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)

    def _stop_if_told(self) -> None:
        session = self._session
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)


def _died(item: pytest.Item, status: int | None) -> pytest.TestReport:
    """The interpreter that all simulated components share was ended by one of them, or our own part in it broke."""

    def fail() -> None:
        if status == BROKE:
            raise HarnessFault("the copy of the cluster broke down; standard error says how")
        raise Inconclusive(f"a component ended the process of the simulation with status {status}: run it as processes")

    call = pytest.CallInfo.from_call(fail, when="call")
    report: pytest.TestReport = item.ihook.pytest_runtest_makereport(item=item, call=call)
    return report
