"""Brief runs: a rule is tried no further once it has failed, for its verdict stands. What is left out has no result of its own.

A pytest plugin. Each worker process goes by what it has found itself.
"""

from collections.abc import Collection

import pytest

from seatrial.model.verdicts import Verdict
from seatrial.results import results_in
from seatrial.scenarios import RULE

SETTLED = pytest.StashKey[set[str]]()  # of the configuration: rules that have failed


def settled(item: pytest.Item) -> bool:
    """Whether there is nothing left to find out, for its rule has failed and the run is brief."""
    return RULE in item.stash and item.stash[RULE].id in item.config.stash.get(SETTLED, ())


class Brief:
    """Remembers which rules have failed, but for those of `spared`, which are tried to the end."""

    def __init__(self, config: pytest.Config, *, spared: Collection[str]) -> None:
        self._settled = config.stash[SETTLED] = set[str]()
        self._spared = spared

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        failed = {r.rule for r in results_in(report.user_properties) if r.verdict is Verdict.FAILED}
        self._settled |= failed.difference(self._spared)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        return True if settled(item) else None
