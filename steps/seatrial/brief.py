"""Brief runs: a rule is tried no further once it has failed, for its verdict stands. What was left out is inconclusive: should the failure
not last, nobody may take the rule for passed.

A pytest plugin. Each worker process goes by what it has found itself.
"""

from collections.abc import Collection

import pytest
from _pytest.outcomes import Skipped

from seatrial.model.verdicts import Verdict
from seatrial.results import results_in
from seatrial.scenarios import RULE

FAILED = pytest.StashKey[set[str]]()  # of the configuration: rules


class Untried(Skipped):
    """There is nothing left to find out."""


def settled(item: pytest.Item) -> bool:
    """Whether the rule of a scenario has failed, and the run is brief."""
    return RULE in item.stash and item.stash[RULE].id in item.config.stash.get(FAILED, ())


class Brief:
    """Remembers which rules have failed, but for those of `spared`, which are tried to the end."""

    def __init__(self, config: pytest.Config, *, spared: Collection[str]) -> None:
        self._failed = config.stash[FAILED] = set[str]()
        self._spared = spared

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        failed = {r.rule for r in results_in(report.user_properties) if r.verdict is Verdict.FAILED}
        self._failed |= failed.difference(self._spared)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if settled(item):
            raise Untried(f"{Verdict.INCONCLUSIVE}: not tried: the rule had failed already")
