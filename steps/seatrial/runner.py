"""Runs scenarios with pytest inside this process, isolated from whatever pytest configuration the user's folder has, and concludes.

A small plugin in the controlling process collects the results, whether scenarios run here or in workers. What was planned and has no
result in the end is never green. What did not pass is repeated, and what fails in a mixed implementation is also tried on its bare base,
so that nobody is blamed for chance, or for ours.
"""

import datetime as dt
import os
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import pytest

from seatrial import assets, catalogue
from seatrial.adapters.descriptor import Implementation, load
from seatrial.backends.attached import Attached
from seatrial.cluster.stay import Stay
from seatrial.model.rules import Rule
from seatrial.model.verdicts import Verdict
from seatrial.opening import backend_name, on_trial
from seatrial.report.blame import blame
from seatrial.report.digests import digests
from seatrial.report.outcomes import INTERRUPTED, NEVER_READY, Outcome, Planned, complete, died, folded, outcomes
from seatrial.report.progress import Shows
from seatrial.report.repetition import doubtful, settled
from seatrial.report.summary import Report
from seatrial.results import Result, results_in
from seatrial.scenarios import RULE, scenario_of

FOREIGN = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")  # would bring the user's own plugins and options in
SPARED = (  # plugins of pytest that do nothing for scenarios, and would for each of them
    *("cacheprovider", "debugging", "doctest", "faulthandler", "junitxml", "legacypath", "logging", "monkeypatch", "pastebin", "recwarn"),
    *("setuponly", "setupplan", "stepwise", "subtests", "terminal", "threadexception", "tmpdir", "unittest", "unraisableexception"),
    "warnings",
)
FAIL_FAST, NOT_READY = "--fail-fast", "nothing ever became ready"
PATIENCE = 3  # scenarios that may end before anything was ready, until nobody waits for the others
BAD = (Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.HARNESS_FAULT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the user wants run. The implementation is a shipped name or an absolute path."""

    implementation: str
    backend: str | None = None
    rules: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()  # of scenarios, or words in them
    smoke: bool = False
    seed: int = 0
    settings: tuple[str, ...] = ()
    workers: int | None = None  # scenarios at a time; None: as many as suit the backend
    reports: Path | None = None
    fail_fast: bool = False
    brief: bool = False  # a rule is tried no further once it has failed
    once: bool = False  # what did not pass is not repeated, nor tried on the bare base

    def selected(self) -> list[Rule]:
        """The rules. Raises UsageError for a criterion that no rule has."""
        kinds: dict[str, Any] = {"ids": self.rules, "roles": self.roles, "profiles": self.profiles, "areas": self.areas}
        return catalogue.select(**kinds, titles=self.titles, smoke=self.smoke)

    @property
    def simulated(self) -> bool:
        return backend_name(self.backend, load(self.implementation)) == "simulation"

    @property
    def apart(self) -> int:
        """Workers with a pytest of their own, or none: simulated scenarios are forked."""
        return 0 if self.simulated else self.workers or 0

    def with_work_for(self, scenarios: int) -> Self:
        """The wish with no more workers than that: each takes seconds to come up."""
        return self if self.workers is None else replace(self, workers=min(self.workers, scenarios))

    @property
    def _side_by_side(self) -> tuple[list[str], list[str]]:
        """Plugins and options of pytest for several scenarios at a time."""
        if self.simulated:
            return ["seatrial.lanes"], [f"--lanes={len(os.sched_getaffinity(0)) if self.workers is None else self.workers}"]
        return (["xdist.plugin"], ["-n", str(self.apart), "--dist=worksteal"]) if self.apart else ([], [])

    def arguments(self, nodes: Sequence[str] = ()) -> list[str]:
        """The command line of pytest: nothing comes from files or plugins of the user's, and no feature is read without need."""
        features = assets.features()
        plugins = ["pytest_bdd.plugin", "seatrial.plugin", *self._side_by_side[0], *(f"no:{name}" for name in SPARED)]
        given = [f"--implementation={self.implementation}", f"--seed={self.seed}"]
        given += [f"--backend={self.backend}"] if self.backend else []
        given += [f"--reports={self.reports}"] if self.reports else []
        given += [f"--set={s}" for s in self.settings]
        given += ["--smoke"] if self.smoke else []
        given += ["--brief"] if self.brief else []
        criteria = {"rule": self.rules, "role": self.roles, "profile": self.profiles, "area": self.areas, "scenario": self.titles}
        given += [f"--{option}={value}" for option, values in criteria.items() for value in values]
        return [
            "--disable-plugin-autoload",
            *(part for name in plugins for part in ("-p", name)),
            *self._side_by_side[1],
            "--import-mode=importlib",
            "-c",
            os.devnull,
            f"--rootdir={features}",
            "--noconftest",
            *given,
            *(str(features / part) for part in nodes or dict.fromkeys(rule.feature for rule in self.selected())),
        ]


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
