"""Runs scenarios with pytest inside this process, isolated from whatever pytest configuration the user's folder has, and concludes.

What was planned and has no result in the end is never green. What did not pass is repeated, and what fails in a mixed implementation is
also tried on its bare base, so that nobody is blamed for chance, or for ours.
"""

import datetime as dt
import os
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seatrial import assets, catalogue
from seatrial.adapters.implementation import Implementation
from seatrial.backends.attached import Attached
from seatrial.cluster.stay import Stay
from seatrial.harvest import FAIL_FAST, Harvest
from seatrial.model.rules import Rule
from seatrial.model.verdicts import Verdict
from seatrial.opening import backend_name, on_trial
from seatrial.report.blame import blame
from seatrial.report.digests import digests
from seatrial.report.outcomes import INTERRUPTED, NEVER_READY, Outcome, complete, died, folded, outcomes
from seatrial.report.progress import Shows
from seatrial.report.repetition import doubtful, settled
from seatrial.report.summary import Report
from seatrial.results import Result
from seatrial.wish import Wish

FOREIGN = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")  # would bring the user's own plugins and options in


def plan(wish: Wish) -> Harvest:
    """What would be run; nothing is."""
    return _pytest(replace(wish, workers=0), Harvest(), extra=["--collect-only"])


def run(wish: Wish, shows: Shows, *, command: str) -> Report:
    """Run what is wished, and conclude. `command` is what the user typed, as far as the implementation."""
    _find_temporary_folder()
    implementation, rules = on_trial(wish.implementation, wish.backend), wish.selected()
    if implementation.at_endpoint or implementation.guest:  # scenarios share the one cluster that there is
        wish = replace(wish, workers=0)
    implementation = _met(implementation, shows) if implementation.guest else implementation
    fatal = {r.id for r in rules if r.must} - {d.id for d in implementation.deviations} if wish.fail_fast else ()
    harvest = _reaped(wish, shows, frozenset(fatal))
    backend = backend_name(wish.backend, implementation)
    report = Report(
        implementation=implementation,
        backend=backend,
        seed=wish.seed,
        catalogue=catalogue.rules(),
        outcomes=_outcomes(implementation, rules, _results(harvest, backend)),
        digests=digests(implementation, assets.features()),
        reproduce=command,
        interrupted=harvest.interrupted,
        trouble="\n".join(harvest.trouble),
    )
    for look in () if wish.once else (_again, _fair):
        report = report if report.interrupted else look(wish, report, rules)
    return report


def _find_temporary_folder() -> None:
    """Python finds it by putting a file there: an interrupt in that moment would leave it behind. Whether there is one is seen later."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with suppress(OSError):
            tempfile.gettempdir()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _met(implementation: Implementation, shows: Shows) -> Implementation:
    """A guest says first where it is, as whom, and what earlier guests have forgotten there. Raises NotReady where nobody answers."""
    backend = Attached(kubeconfig=implementation.guest or Path(), context=implementation.context)
    try:
        stay = Stay.of(backend)
        met = backend.run(stay.meet())
        shows.note(
            f"{backend.access.server}, context {backend.access.context}: {met.version}, as {met.user or 'somebody'}; run {stay.run_id}"
        )
        for left in backend.run(stay.leftovers()):
            shows.note(f"left behind, unless another run is still at work: {left}")
    finally:
        backend.close()
    return replace(implementation, version=met.version)


def _reaped(wish: Wish, shows: Shows, fatal: frozenset[str]) -> Harvest:
    """What comes of the wish, the first time. Workers are told apart from the plan, and so many come up as have something to do."""
    harvest = Harvest(shows=shows, fatal=fatal, planned=plan(wish).planned if wish.apart else [])
    try:
        return _pytest(wish.with_work_for(len(harvest.planned)) if wish.apart else wish, harvest)
    finally:
        shows.end()


def _results(harvest: Harvest, backend: str) -> list[Result]:
    """What was planned, asides included; what has no result is said to have none, unless the run was to end at the first bad one."""
    why = harvest.trouble[0].strip().splitlines()[-1] if harvest.trouble else ""
    missing = INTERRUPTED if harvest.interrupted else NEVER_READY if harvest.stopped else died(why)
    results = harvest.results.values()
    found = results if harvest.stopped == FAIL_FAST else complete(harvest.planned, results, backend=backend, missing=missing)
    return [*found, *folded(harvest.asides, order=[p.node for p in harvest.planned])]


def _outcomes(implementation: Implementation, rules: Sequence[Rule], results: Sequence[Result]) -> list[Outcome]:
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    confined = bool(implementation.guest) or implementation.profiles == ("observable",)
    return outcomes(rules, results, deviations=implementation.deviations, today=today, confined=confined)


def _again(wish: Wish, report: Report, rules: Sequence[Rule]) -> Report:
    """Repeat what did not pass, in a process of its own and with the same seed, unless the user wants to know soon."""
    if wish.fail_fast or report.not_ready or report.trouble:
        return report
    found = [r for o in report.outcomes for r in o.results]
    results, asides = {r.node: r for r in found if not r.within}, [r for r in found if r.within]
    spared = {o.rule.id for o in report.outcomes if o.expected}
    repeated: set[str] = set()
    interrupted = False
    while not interrupted and (nodes := doubtful(results.values(), repeated=repeated, spared=spared)):
        repeated |= set(nodes)
        apart = 0 if report.implementation.guest else max(wish.workers or 0, 1)
        again = _pytest(_only(wish, workers=apart).with_work_for(len(nodes)), Harvest(), nodes=nodes)
        results |= {node: settled(results[node], second) for node, second in again.results.items()}
        interrupted = again.interrupted
    return replace(report, outcomes=_outcomes(report.implementation, rules, [*results.values(), *asides]), interrupted=interrupted)


def _only(wish: Wish, **changed: Any) -> Wish:
    """The wish without what selects scenarios or leaves some out, and without reports: the first histories stand."""
    return replace(wish, reports=None, rules=(), roles=(), profiles=(), areas=(), titles=(), smoke=False, brief=False, **changed)


def _fair(wish: Wish, report: Report, rules: Sequence[Rule]) -> Report:
    """Repeat on the bare base what failed in a mixed implementation."""
    implementation = report.implementation
    results = [r for o in report.outcomes for r in o.results]
    suspect = [r.node for o in report.outcomes for r in o.results if r.verdict is Verdict.FAILED and not o.expected]
    if not implementation.base or not suspect or implementation.guest:
        return report
    base = _base(implementation)
    bare = _only(wish, implementation=base, backend=report.backend).with_work_for(len(suspect))
    repeated = _pytest(bare, Harvest(), nodes=suspect)
    blamed = blame(results, [*repeated.results.values(), *repeated.asides], implementation=implementation, base=Path(base).stem)
    return replace(report, outcomes=_outcomes(implementation, rules, blamed), interrupted=repeated.interrupted)


def _base(implementation: Implementation) -> str:
    """The base of a mixed implementation, as `load` wants it."""
    beside = implementation.file.parent / str(implementation.base)
    return str(beside if beside.is_file() else implementation.base)


def _pytest(wish: Wish, harvest: Harvest, *, nodes: Sequence[str] = (), extra: Sequence[str] = ()) -> Harvest:
    with _without(FOREIGN):
        ended = pytest.main([*extra, *wish.arguments(nodes)], plugins=[harvest])
    if ended in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR) and not harvest.trouble:
        harvest.trouble.append(f"pytest ended with {int(ended)}")
    return harvest


@contextmanager
def _without(names: Sequence[str]) -> Iterator[None]:
    kept = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)
