"""In the processes of snapshots: a world that has come as far as some sentence, and scenarios that go on from there.

A pytest plugin of the runs that fork: it takes those sentences out of a scenario that are not to be said in this process.
"""

from dataclasses import dataclass
from typing import Any, Literal

import pytest
from _pytest.runner import call_and_report

from seatrial import plugin
from seatrial.bindings.phrases import ordered_topology
from seatrial.model.errors import HarnessFault, Inconclusive, NotReady, NotRunnable, UsageError
from seatrial.opening import open_backend
from seatrial.snapshots import Moment
from seatrial.ways import Sentences


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some sentences of the scenario with this number."""

    number: int
    sentences: slice


class Ahead:
    """What the scenarios of a session have in common comes true once."""

    def __init__(self, session: pytest.Session) -> None:
        self._session = session
        self._config = session.config
        self._sentences = slice(None)
        self._config.pluginmanager.register(self)

    def pytest_bdd_before_scenario(self, scenario: Any) -> None:
        """Of the scenario a part is said."""
        scenario.steps = scenario.steps[self._sentences]

    def stand(self, beginning: Sentences) -> Moment | None:
        """The cluster that a scenario begins with is there; None where it orders none, where it does not boot, or cannot be had."""
        (keyword, sentence), *_ = beginning
        topology = ordered_topology(sentence)
        if topology is None:
            return None
        try:
            backend = open_backend("simulation", plugin.implementation_of(self._config), seed=self._config.getoption("seed"))
            world = self._config.stash[plugin.AHEAD] = plugin.new_world(self._config, backend)
            world.step(keyword, sentence)
            world.boot(topology)
        except (NotReady, NotRunnable, Inconclusive, UsageError, HarnessFault):
            return None
        return self._moment()

    def _moment(self) -> Moment:
        world = self._config.stash[plugin.AHEAD]
        world.history.as_lines()  # what has happened so far is written once for all copies
        return Moment(folder=world.cluster.network.directory, do=self._reports, later=self._later)

    def _later(self, part: Part) -> Moment | None:
        """These sentences have come true; None where one does not."""
        item = self._about_to_say(part)
        if not (_succeeds(item, "setup") and _succeeds(item, "call")):
            return None
        self._config.hook.pytest_runtest_teardown(item=item, nextitem=None)
        item._initrequest()  # type: ignore[attr-defined]  # noqa: SLF001 - pytest would not run it again, and it may be the next one here
        return self._moment()

    def _reports(self, part: Part) -> list[Any]:
        """Run the scenario to its end, and let the report travel that matters. The process ends: nothing is torn down."""
        item = self._about_to_say(part)
        report = call_and_report(item, "setup", log=False)
        if report.passed:
            report = call_and_report(item, "call", log=False)
        return [self._config.hook.pytest_report_to_serializable(config=self._config, report=report)]

    def _about_to_say(self, part: Part) -> pytest.Item:
        self._sentences = part.sentences
        return self._session.items[part.number]


def _succeeds(item: pytest.Item, phase: Literal["setup", "call"]) -> bool:
    hook = {"setup": item.config.hook.pytest_runtest_setup, "call": item.config.hook.pytest_runtest_call}[phase]
    return pytest.CallInfo.from_call(lambda: hook(item=item), when=phase).excinfo is None
