"""The pytest plugin: feature files become tests, one world each; what happened becomes a result with a verdict.

A scenario's result travels as a user property of its report, so that it arrives whether scenarios run here or in worker processes.
Nothing is active unless an implementation is given, so that the plugin does not disturb other people's tests.
"""

import importlib
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seatrial import catalogue
from seatrial.adapters.descriptor import documents, load
from seatrial.adapters.implementation import Implementation
from seatrial.backends.interface import Backend
from seatrial.bindings import MODULES, vocabulary
from seatrial.brief import Brief
from seatrial.checks.invariants import INVARIANTS, broken
from seatrial.model.errors import Inconclusive, Nonconformant, NotReady, NotRunnable, UsageError
from seatrial.model.rules import values
from seatrial.model.verdicts import Verdict
from seatrial.opening import backend_class, backend_name, on_trial, open_backend
from seatrial.prerequisites import beyond_guests, missing
from seatrial.results import PROPERTY, Result, aside, keep, witnessed
from seatrial.scenarios import RULE, FeatureModule, beginning_of, example_of, scenario_of, sentences_of, tags_of
from seatrial.world import Pool, Standing, World

WORLD = pytest.StashKey[World]()
PASSED = pytest.StashKey[bool]()
CHOSEN = pytest.StashKey[set[str]]()  # of the configuration: rules
TITLES = pytest.StashKey[set[str]]()  # of the configuration: of scenarios; empty for all of them
ON_TRIAL = pytest.StashKey[Implementation]()  # of the configuration
AHEAD = pytest.StashKey[World]()  # of the configuration: a world that has already come as far as some sentence
CRITERIA = ("role", "profile", "area")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("seatrial", "judge an implementation of Kubernetes' machinery by the feature files")
    group.addoption("--implementation", help="descriptor file, or the name of a shipped one; without it nothing is active")
    group.addoption("--backend", choices=("simulation", "processes", "attached"), help="where components run")
    group.addoption("--seed", type=int, default=0, help="decides everything that chance decides")
    group.addoption("--set", action="append", default=[], metavar="NAME=VALUE", dest="settings", help="fills ${set.NAME}")
    group.addoption("--rule", action="append", default=[], metavar="ID", help="only this rule (may be repeated)")
    group.addoption("--role", action="append", default=[], help="only rules that this role could break")
    group.addoption("--profile", action="append", default=[], help="only rules of this profile")
    group.addoption("--area", action="append", default=[], help="only rules of this area")
    group.addoption("--scenario", action="append", default=[], metavar="TITLE", help="only scenarios with this title, or these words in it")
    group.addoption("--smoke", action="store_true", help="only the rules that a quick look is content with")
    group.addoption("--brief", action="store_true", help="try a rule no further once it has failed")
    group.addoption("--patient", action="store_true", help="watch as long in real time as in virtual time")
    group.addoption("--reports", metavar="DIR", help="where histories go")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "seatrial_tag(name): a tag of a feature file")
    if config.getoption("implementation"):
        _understand(config)
        for name in MODULES:
            module = importlib.import_module(f"seatrial.bindings.{name}")
            config.pluginmanager.register(module, module.__name__)
        vocabulary.learn()
        if config.getoption("brief"):
            recorded = {d.id for d in implementation_of(config).deviations}  # of these, each finding must be the recorded one
            config.pluginmanager.register(Brief(config, spared=recorded), "seatrial-brief")


def _understand(config: pytest.Config) -> None:
    """What makes no sense is a usage error of pytest too."""
    try:
        catalogue.recognize(documents(load(config.getoption("implementation"))))
        given: dict[str, Any] = {f"{c}s": config.getoption(c) for c in CRITERIA}
        given |= {"ids": config.getoption("rule"), "titles": config.getoption("scenario"), "smoke": config.getoption("smoke")}
        config.stash[CHOSEN] = {rule.id for rule in catalogue.select(**given)}
        config.stash[TITLES] = catalogue.titled(given["titles"])
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None


# -- feature files become tests


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> FeatureModule | None:
    if file_path.suffix == ".feature" and parent.config.getoption("implementation"):
        return FeatureModule.from_parent(parent, path=file_path)
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_bdd_apply_tag(tag: str, function: Callable[..., object]) -> bool:
    pytest.mark.seatrial_tag(tag)(function)
    return True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("implementation"):
        return
    by_id = {r.id: r for r in catalogue.rules()}
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        ids = values(tags_of(item), "id")
        if ids:
            item.stash[RULE] = by_id[ids[0]]
        (kept if not ids or _chosen(config, item, ids[0]) else left).append(item)
    items[:] = sorted(kept, key=_cluster) if reuses(config) else kept
    config.hook.pytest_deselected(items=left)


def _chosen(config: pytest.Config, item: pytest.Item, rule: str) -> bool:
    titles = config.stash[TITLES]
    return rule in config.stash[CHOSEN] and (not titles or scenario_of(item) in titles)


def _cluster(item: pytest.Item) -> tuple[str, bool]:
    """What may have the same cluster runs in a row, and what wants a fresh one before the others."""
    beginning = beginning_of(item)
    return (repr(beginning.topology), not beginning.fresh) if beginning else ("", False)


# -- one world for each scenario


def implementation_of(config: pytest.Config) -> Implementation:
    """What is on trial."""
    if ON_TRIAL not in config.stash:
        config.stash[ON_TRIAL] = on_trial(config.getoption("implementation"), config.getoption("backend"))
    return config.stash[ON_TRIAL]


def new_world(config: pytest.Config, backend: Backend, standing: Standing | None = None) -> World:
    """The world of one scenario, as the options have it; in the cluster that stands, where one does."""
    settings = dict(pair.partition("=")[::2] for pair in config.getoption("settings"))
    known: Any = {"implementation": implementation_of(config), "seed": config.getoption("seed"), "settings": settings}
    return World(backend=backend, standing=standing, patient=config.getoption("patient"), **known)


@pytest.fixture(scope="session")
def lasting_backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """One for all scenarios: the zygote of processes is worth keeping warm, and a guest arrives once."""
    opened = open_backend(backend_of(request.config), implementation_of(request.config), seed=request.config.getoption("seed"))
    yield opened
    opened.close()


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """Simulation: a new one for each scenario, so that one seed means one history."""
    if backend_of(request.config) != "simulation":
        yield request.getfixturevalue("lasting_backend")
        return
    opened = open_backend("simulation", implementation_of(request.config), seed=request.config.getoption("seed"))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def pool(lasting_backend: Backend) -> Iterator[Pool]:
    """Clusters that serve several scenarios, one after the other."""
    made = Pool(lasting_backend.run)
    yield made
    made.close()


def reuses(config: pytest.Config) -> bool:
    """Whether scenarios of this run may have a cluster one after the other."""
    implementation = implementation_of(config)
    return implementation.reuse and not implementation.at_endpoint and backend_of(config) == "processes"


def backend_of(config: pytest.Config) -> str:
    return backend_name(config.getoption("backend"), implementation_of(config))


def lacks(item: pytest.Item) -> tuple[Verdict | None, str]:
    """The prerequisite of a scenario that is missing."""
    rule, implementation = item.stash[RULE], implementation_of(item.config)
    if implementation.guest:
        return beyond_guests(tags_of(item), sentences_of(item)[0][1], rule=rule)
    return missing(tags_of(item), rule=rule, implementation=implementation, backend=backend_class(backend_of(item.config)))


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """The memory of this scenario."""
    if ahead := request.config.stash.get(AHEAD, None):  # in a process of its own, which ends with the scenario
        request.node.stash[WORLD] = ahead
        yield ahead
        return
    verdict, why = lacks(request.node)
    if verdict:
        pytest.skip(f"{verdict}: {why}")
    backend, pool = request.getfixturevalue("backend"), request.getfixturevalue("pool") if reuses(request.config) else None
    beginning = beginning_of(request.node)
    standing = pool.take(beginning.topology if beginning and not beginning.fresh else None) if pool else None
    made = request.node.stash[WORLD] = new_world(request.config, backend, standing)
    yield made
    if pool and request.node.stash.get(PASSED, False):
        pool.keep(made.stand())
    else:
        made.close()


def pytest_bdd_before_step_call(request: pytest.FixtureRequest, step: Any, step_func: Callable[..., object]) -> None:
    if inspect.iscoroutinefunction(step_func):
        raise TypeError(f"a coroutine step would never be awaited: {step.name}")
    request.node.stash[WORLD].step(step.keyword.strip(), step.name)


# -- what happened becomes a result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report: pytest.TestReport = yield  # type: ignore[assignment]
    if RULE in item.stash and (call.when == "call" or call.excinfo is not None):
        result = _result(item, call)
        asides = _asides(item, result)
        item.stash[PASSED] = result.verdict is Verdict.PASSED and not asides
        report.user_properties += [(PROPERTY, r.as_json().decode()) for r in (*asides, result)]
    if call.when == "teardown" and WORLD in item.stash:
        del item.stash[WORLD]  # pytest keeps its items to the end; nobody needs all histories at once
    return report  # type: ignore[return-value]


def _result(item: pytest.Item, call: pytest.CallInfo[None]) -> Result:
    rule, world, backend = item.stash[RULE], item.stash.get(WORLD, None), backend_of(item.config)
    verdict, why = _verdict(call, world)
    lines = b"".join(world.history.as_lines()) if world else b""
    known: dict[str, Any] = {"scenario": scenario_of(item), "node": item.nodeid, "backend": backend}
    stopped = "" if verdict in (Verdict.PASSED, Verdict.FAILED) else why
    reports = item.config.getoption("reports")
    return Result(
        rule=rule.id,
        feature=rule.feature,
        example=example_of(item),
        verdict=verdict,
        why=why,
        cause=type(call.excinfo.value).__name__ if call.excinfo else "",
        backend_lacks=verdict is Verdict.NOT_RUN and why.startswith(f"the backend {backend} cannot"),
        duration_s=round(call.duration, 3),
        **known,
        **witnessed(world, verdict=verdict, lines=lines),
        **keep(reports, rule, tags=tags_of(item), others=_others(item, verdict), stopped=stopped, lines=lines, **known),
    )


def _asides(item: pytest.Item, result: Result) -> list[Result]:
    """Rules that the history shows broken, whatever the scenario itself came to."""
    world = item.stash.get(WORLD, None)
    if world is None or result.verdict is Verdict.HARNESS_FAULT:
        return []
    found = broken(world.history, _others(item, result.verdict))
    return [aside(result, rule, history=world.history, findings=findings) for rule, findings in found]


def _others(item: pytest.Item, verdict: Verdict) -> set[str]:
    """The invariants that were selected and are claimed, but for the rule that the scenario itself has shown broken."""
    config = item.config
    about: dict[str, Any] = {"implementation": implementation_of(config), "backend": backend_class(backend_of(config))}
    told = {item.stash[RULE].id} if verdict is Verdict.FAILED else set()
    chosen = config.stash[CHOSEN] & INVARIANTS.keys() - told
    return {r.id for r in catalogue.rules() if r.id in chosen and missing((), rule=r, **about)[0] is None}


def _verdict(call: pytest.CallInfo[None], world: World | None) -> tuple[Verdict, str]:
    """Three kinds of bad news, and what is not one."""
    if call.excinfo is None:
        if world is None or not world.judged or not world.evidence:
            return Verdict.HARNESS_FAULT, "the scenario ended without any evidence"
        return Verdict.PASSED, ""
    error = call.excinfo.value
    if isinstance(error, pytest.skip.Exception):
        verdict, _, why = str(error.msg).partition(": ")
        return Verdict(verdict), why
    for kind, verdict in VERDICTS.items():
        if isinstance(error, kind):
            return verdict, "\n".join([str(error), *(world.deaths if world and kind is Inconclusive else ())])
    ours = [e for e in call.excinfo.traceback if "seatrial" in str(e.path)] or [call.excinfo.traceback[-1]]
    return Verdict.HARNESS_FAULT, f"{call.excinfo.exconly()} (at {Path(ours[-1].path).name}:{ours[-1].lineno + 1})"


VERDICTS: dict[type[BaseException], Verdict] = {
    Nonconformant: Verdict.FAILED,
    Inconclusive: Verdict.INCONCLUSIVE,
    NotReady: Verdict.INCONCLUSIVE,
    NotRunnable: Verdict.NOT_RUN,
    UsageError: Verdict.HARNESS_FAULT,
}
