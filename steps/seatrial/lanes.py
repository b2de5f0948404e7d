"""How the command line runs simulated scenarios: side by side, each forked from a cluster that has come as far as others need it too.

A pytest plugin beside `seatrial.plugin`; plain pytest does without, one scenario after another in one process. What is concluded is the
same: a copy runs the scenario as pytest would, and only its reports come back. Whatever cannot be forked is run here: scenarios that lack
a prerequisite, that need not be tried any more, and those whose cluster does not come up.
"""

import contextlib
import gc
import importlib
import os
from collections import Counter, defaultdict, deque
from multiprocessing.connection import wait

import pytest

from seatrial import plugin
from seatrial.adapters.implementation import Implementation
from seatrial.ahead import Ahead
from seatrial.brief import settled
from seatrial.families import Family
from seatrial.model.errors import HarnessFault, Inconclusive
from seatrial.opening import modules
from seatrial.scenarios import sentences_of
from seatrial.snapshots import BROKE, Snapshot
from seatrial.ways import Sentences, Way, ways


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


class Lanes:
    """The scenarios of a session, `count` at a time."""

    def __init__(self, session: pytest.Session, count: int) -> None:
        self._session = session
        self._count = max(count, 1)
        self._ahead = Ahead(session)
        self._waiting: dict[Sentences, deque[Way]] = defaultdict(deque)  # by how they begin
        for way in ways(sentences_of(item) for item in session.items):
            self._waiting[way.beginning].append(way)
        self._wanted = Counter(moment for alike in self._waiting.values() for way in alike for moment in way.moments)
        self._idle: dict[Sentences, list[Family]] = defaultdict(list)  # by how their scenarios begin
        self._busy: dict[Snapshot, tuple[Family, Way]] = {}
        self._barren: set[Sentences] = set()  # moments that cannot be brought about

    def run(self) -> None:
        begin = {way.number for alike in self._waiting.values() for way in alike}
        for number, item in enumerate(self._session.items):
            if number not in begin:
                self._here(item)
                self._stop_if_told()
        while any(self._waiting.values()) or self._busy:
            while any(self._waiting.values()) and len(self._busy) < self._count:
                self._start(self._next())
                self._stop_if_told()
            for ready in wait([s.connection for s in self._busy]) if self._busy else ():
                self._finish(next(s for s in self._busy if s.connection is ready))
                self._stop_if_told()

    def close(self) -> None:
        for family in [*(f for f, _ in self._busy.values()), *(f for idle in self._idle.values() for f in idle)]:
            family.end()

    def _next(self) -> Sentences:
        """The first beginning for which no second cluster of the same kind would have to be booted, else the first."""
        begins = [beginning for beginning, alike in self._waiting.items() if alike]
        return next((b for b in begins if self._idle[b] or not self._at_work(b)), begins[0])

    def _at_work(self, beginning: Sentences) -> bool:
        return any(way.beginning == beginning for _, way in self._busy.values())

    def _start(self, beginning: Sentences) -> None:
        """A scenario that begins so. Whoever is not the first of a kind starts at the other end, where others do not stand yet."""
        idle, alike = self._idle[beginning], self._waiting[beginning]
        family = idle.pop() if idle else Family(self._ahead.stand, backward=self._at_work(beginning))
        way = alike.pop() if family.backward else alike.popleft()
        self._wanted.subtract(way.moments)
        item = self._session.items[way.number]
        if settled(item) or plugin.lacks(item)[0]:
            self._rest(family, beginning)
            self._here(item)
        else:
            self._busy[family.start(way, barren=self._barren)] = family, way

    def _rest(self, family: Family, beginning: Sentences) -> None:
        if family.keep(self._wanted):
            self._idle[beginning].append(family)

    def _finish(self, snapshot: Snapshot) -> None:
        family, way = self._busy.pop(snapshot)
        told = snapshot.told()
        gone = () if told.stands else family.forget(snapshot)
        self._rest(family, way.beginning)
        item, hook = self._session.items[way.number], self._session.config.hook
        if len(gone) > len(way.beginning):
            self._barren.add(gone)
            self._wanted.update(way.moments)
            self._waiting[way.beginning].appendleft(way)
        elif told.status is None:
            self._here(item)
        else:
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
