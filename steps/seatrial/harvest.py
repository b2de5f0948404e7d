"""What comes of one run of pytest: a small plugin in the controlling process collects the results, whether scenarios run here or in
workers, and ends the run where going on would tell nobody anything."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from seatrial.model.verdicts import Verdict
from seatrial.report.outcomes import Planned
from seatrial.report.progress import Shows
from seatrial.results import Result, results_in
from seatrial.scenarios import RULE, scenario_of

FAIL_FAST, NOT_READY = "--fail-fast", "nothing ever became ready"
PATIENCE = 3  # scenarios that may end before anything was ready, until nobody waits for the others
BAD = (Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.HARNESS_FAULT)


@dataclass
class Harvest:
    """What came of one run of pytest: its plan, its results by node, and what went wrong around them."""

    shows: Shows | None = None
    fatal: frozenset[str] = frozenset()  # rules of which the first bad result ends the run
    planned: list[Planned] = field(default_factory=list)
    results: dict[str, Result] = field(default_factory=dict)
    asides: list[Result] = field(default_factory=list)  # of other rules, found broken in a scenario
    trouble: list[str] = field(default_factory=list)
    interrupted: bool = False
    stopped: str = ""  # why the run was ended early
    _session: pytest.Session | None = None

    def pytest_configure(self, config: pytest.Config) -> None:
        config.option.tbstyle = "native"  # the others parse whole modules, for each bad scenario, to show what nobody is shown

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self._session = session

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if session.items:
            self.planned = [_planned(item) for item in session.items if RULE in item.stash]
            self._begin()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """With workers there is nothing to collect here: the plan came with us."""
        if not session.items:
            self._begin()

    def _begin(self) -> None:
        if self.shows:
            self.shows.begin(len(self.planned))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Iterator[None]:
        yield
        found = results_in(report.user_properties)
        for result in found:
            self._take(result)
        if not found and report.failed:
            self.trouble.append(f"{report.nodeid}: {report.longreprtext}")

    def _take(self, result: Result) -> None:
        if result.within:
            self.asides.append(result)
            self._heed(result)
            return
        before = self.results.get(result.node)
        if before is None or result.verdict.rank > before.verdict.rank:
            self.results[result.node] = result
        if self.shows and before is None:
            self.shows.done(result.verdict, f"{result.rule} {result.scenario}")
        self._heed(result)
        if len(self.results) >= PATIENCE and all(r.cause == "NotReady" for r in self.results.values()):
            self._stop(NOT_READY)

    def _heed(self, result: Result) -> None:
        if result.rule in self.fatal and result.verdict in BAD:
            self._stop(FAIL_FAST)

    def _stop(self, why: str) -> None:
        """End the run, in this process or in workers."""
        if self._session:
            self.stopped = self._session.shouldstop = why
            workers: Any = self._session.config.pluginmanager.get_plugin("dsession")
            if workers:
                workers.shouldstop = why

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self.interrupted = excinfo.type is KeyboardInterrupt

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.trouble.append(report.longreprtext)

    def pytest_internalerror(self, excrepr: object) -> None:
        self.trouble.append(str(excrepr))


def _planned(item: pytest.Item) -> Planned:
    rule = item.stash[RULE]
    return Planned(rule=rule.id, scenario=scenario_of(item), feature=rule.feature, node=item.nodeid)
