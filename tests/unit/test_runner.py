"""The runner: isolated from the user's pytest, fair to newcomers, and never green where something has no result."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from seatrial import assets, runner
from seatrial.harvest import FAIL_FAST, NOT_READY, Harvest
from seatrial.model.exits import Exit
from seatrial.model.verdicts import Verdict
from seatrial.report.outcomes import outcomes
from seatrial.report.repetition import doubtful
from seatrial.results import PROPERTY, UNTRIED, Result
from seatrial.wish import Wish
from unit.report.building import rule
from unit.test_cli import ENVIRONMENT, NOSY, descriptor, seatrial


def result(rule: str, verdict: Verdict, cause: str = "", node: str = "") -> Result:
    return Result(rule=rule, scenario="s", feature="f", node=node or f"f::{rule}", backend="simulation", verdict=verdict, cause=cause)


def report(found: Result | None, *, outcome: str = "passed") -> pytest.TestReport:
    properties = [(PROPERTY, found.as_json().decode())] if found else []
    made: dict[str, Any] = {"nodeid": "f::x", "location": ("f", 0, "x"), "keywords": {}, "when": "call"}
    return pytest.TestReport(**made, outcome=outcome, longrepr="worker gw0 crashed", user_properties=properties)  # type: ignore[arg-type]


class Stub:
    """As much of a session as is needed to be stopped."""

    shouldstop = ""

    def __init__(self) -> None:
        self.config = self
        self.pluginmanager = self

    def get_plugin(self, _: str) -> None:
        return None


def harvest(*found: Result, fatal: tuple[str, ...] = ()) -> Harvest:
    made = Harvest(fatal=frozenset(fatal))
    made.pytest_sessionstart(Stub())  # type: ignore[arg-type]
    for one in found:
        log(made, report(one))
    return made


def log(made: Harvest, one: pytest.TestReport) -> None:
    for _ in made.pytest_runtest_logreport(one):
        pass


@pytest.mark.parametrize(("wished", "scenarios", "workers"), [(None, 2, None), (0, 2, 0), (4, 2, 2), (4, 9, 4)])
def test_no_worker_comes_up_that_has_nothing_to_do(wished: int | None, scenarios: int, workers: int | None) -> None:
    wish = Wish(implementation="reference", backend="processes", workers=wished)

    assert wish.with_work_for(scenarios).workers == workers


def test_nothing_of_the_users_pytest_is_used() -> None:
    arguments = Wish(implementation="reference", rules=("COMM-05",), settings=("a=b",)).arguments()

    plugins = [following for option, following in pairwise(arguments) if option == "-p"]
    assert arguments[0] == "--disable-plugin-autoload"
    assert [p for p in plugins if not p.startswith("no:")] == ["pytest_bdd.plugin", "seatrial.plugin", "seatrial.lanes"]
    assert {"no:cacheprovider", "no:terminal"} <= set(plugins)
    assert {"-c", os.devnull, "--noconftest", "--rule=COMM-05", "--set=a=b"} <= set(arguments)


def test_a_result_travels_unchanged() -> None:
    found = result("COMM-05", Verdict.PASSED)

    assert harvest(found).results == {found.node: found}
    assert orjson.loads(found.as_json())["verdict"] == "passed"


def test_the_worse_result_of_a_scenario_stands() -> None:
    made = harvest(result("COMM-05", Verdict.PASSED), result("COMM-05", Verdict.HARNESS_FAULT))

    assert made.results["f::COMM-05"].verdict is Verdict.HARNESS_FAULT


def test_another_rule_that_a_scenario_shows_broken_is_kept_apart() -> None:
    found = result("ARCH-03", Verdict.PASSED)
    other = replace(found, rule="COMM-05", verdict=Verdict.FAILED, within="ARCH-03")
    made = harvest(found, other, fatal=("COMM-05",))

    assert (made.results, made.asides) == ({found.node: found}, [other])
    assert made.stopped == FAIL_FAST


def test_a_failure_without_a_result_is_trouble() -> None:
    made = harvest()
    log(made, report(None, outcome="failed"))

    assert made.trouble == ["f::x: worker gw0 crashed"]


def test_fail_fast_stops_at_what_counts() -> None:
    assert harvest(result("COMM-05", Verdict.FAILED), fatal=("COMM-05",)).stopped == FAIL_FAST
    assert harvest(result("COMM-05", Verdict.FAILED), fatal=("COMM-01",)).stopped == ""


def test_nobody_waits_for_what_is_never_ready() -> None:
    never = [result("COMM-05", Verdict.INCONCLUSIVE, "NotReady", node=f"f::{n}") for n in range(3)]

    assert harvest(*never).stopped == NOT_READY
    assert harvest(result("COMM-01", Verdict.PASSED), *never).stopped == ""


def test_the_plan_names_every_scenario_of_the_selected_rules() -> None:
    planned = runner.plan(Wish(implementation="reference", rules=("COMM-05",))).planned

    stated = re.findall(r"Scenario(?: Outline)?: (.+)", (assets.features() / "communication/store.feature").read_text())
    assert {(p.rule, p.feature) for p in planned} == {("COMM-05", "communication/store.feature")}
    assert {p.scenario for p in planned} == set(stated)
    assert len({p.node for p in planned}) == len(planned)


def test_foreign_options_are_out_of_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")

    assert runner.plan(Wish(implementation="reference", rules=("COMM-05",))).planned
    assert os.environ["PYTEST_ADDOPTS"] == "--no-such-option"


def nosy(folder: Path) -> Path:
    (folder / "nosy.py").write_text(NOSY)
    args = [f'"{a}"' for a in ("--kubeconfig=${kubeconfig}", "--leader-elect=true", "${host.address}", "${store}")]
    return descriptor(folder, "nosy", "components:", "  scheduler:", "    python: nosy:main", f"    args: [{', '.join(args)}]")


def test_what_the_base_does_wrong_too_is_3(tmp_path: Path) -> None:
    nosy(tmp_path)
    file = tmp_path / "mine.yaml"
    file.write_text(
        "apiVersion: seatrial/v1\nkind: Implementation\nmetadata: {name: mine}\nbasedOn: nosy.yaml\n"
        "components:\n  kubelet: {limits: {react_s: 2}}\n"
    )

    ended = seatrial("run", "-i", file, "--rule", "COMM-05")

    assert ended.returncode == 3, ended.stdout + ended.stderr
    assert "the bare nosy fails here too (scheduler-0: scheduler-0 -> etcd-0:2379), so nobody else is to blame" in ended.stdout


def test_whoever_ends_the_interpreter_that_all_share_cannot_be_judged_there(tmp_path: Path) -> None:
    (tmp_path / "bomb.py").write_text("import os\n\nasync def main(args, context):\n    os._exit(9)\n")
    file = descriptor(tmp_path, "bomb", "components:", "  scheduler: {python: 'bomb:main'}")

    ended = seatrial("run", "-i", file, "--rule", "STORE-13", "--backend", "simulation", "-n", "1")

    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "ended the process of the simulation with status 9: run it as processes" in ended.stdout


def test_what_the_descriptor_rules_out_is_not_run(tmp_path: Path) -> None:
    file = descriptor(tmp_path, "alone", "components:", "  scheduler: {replicas: {max: 1, election: {lease: kube-system/kube-scheduler}}}")

    ended = seatrial("run", "-i", file, "--rule", "HA-04", "--backend", "simulation", "-n", "1")

    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "scenarios of HA-04 (the scenario needs 3 instances of scheduler, and its descriptor allows 1)" in ended.stdout
    assert "1 rule not run (HA-04)" in ended.stdout.splitlines()[-1]


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["here", "workers"])
def test_an_interrupt_is_2_and_leaves_a_report_of_what_there_was(tmp_path: Path, workers: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "seatrial", "run", "--area", "requests", "-o", str(tmp_path), *workers]
    with subprocess.Popen(command, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stderr
        assert "10 %" in running.stderr.readline()
        running.send_signal(signal.SIGINT)
        said, _ = running.communicate(timeout=60)

    assert running.returncode == 2, said
    assert said.splitlines()[-1].startswith("interrupted: ")
    written = orjson.loads((tmp_path / "report.json").read_bytes())
    assert (written["interrupted"], written["exit"]) == (True, 2)
    assert {"passed", "inconclusive"} <= {s["verdict"] for r in written["rules"] for s in r["scenarios"]}


@pytest.mark.parametrize("where", [("simulation",), ("processes", "--once")], ids=lambda where: where[0])
def test_a_brief_run_tries_a_rule_no_further_once_it_has_failed(tmp_path: Path, where: tuple[str, ...]) -> None:
    options = ["--rule", "COMM-05", "--rule", "SCHED-05", "--brief", "-o", str(tmp_path / "reports")]
    ended = seatrial("run", "-i", nosy(tmp_path), "--backend", *where, *options)

    assert ended.returncode == 1
    assert ended.stdout.splitlines()[-1] == "not conformant: 1 rule failed (COMM-05), 1 passed"
    assert "INCONCLUSIVE" not in ended.stdout
    rules = {r["id"]: r for r in orjson.loads((tmp_path / "reports" / "report.json").read_bytes())["rules"]}
    assert [s["verdict"] for s in rules["COMM-05"]["scenarios"] if "within" not in s].count("failed") in (1, 2)  # two are under way
    assert {s["why"] for s in rules["COMM-05"]["scenarios"] if s["verdict"] == "inconclusive"} == {"not tried: the rule had failed already"}
    assert {s["verdict"] for s in rules["SCHED-05"]["scenarios"]} == {"passed"}


def test_what_was_not_tried_for_a_failure_that_did_not_last_is_no_pass() -> None:
    untried = result("COMM-05", Verdict.INCONCLUSIVE, UNTRIED, node="f::0")
    failed = result("COMM-05", Verdict.FAILED, node="f::1")

    assert doubtful([untried, failed], repeated=(), spared=()) == ["f::1"]
    settled = [untried, replace(failed, verdict=Verdict.PASSED, flaky="at first failed")]
    (outcome,) = outcomes([rule("COMM-05")], settled, deviations=(), today="")
    assert outcome.counts is Exit.BAD


def test_fail_fast_ends_the_run(tmp_path: Path) -> None:
    ended = seatrial("run", "-i", nosy(tmp_path), "--rule", "COMM-05", "--rule", "STORE-13", "--fail-fast", "-n", "1")

    assert ended.returncode == 1
    assert ended.stdout.splitlines()[-1] == "not conformant: 1 rule failed (COMM-05), 1 not run (STORE-13), 0 passed"


WORLDS = """
import gc, sys, pytest
from seatrial.world import World
class Worlds:
    def pytest_sessionfinish(self):
        gc.collect()
        print("worlds:", sum(type(found) is World for found in gc.get_objects()))
sys.exit(pytest.main(["-p", "seatrial.plugin", "--implementation", "reference", "--rule", "COMM-05", sys.argv[1]], plugins=[Worlds()]))
"""


def test_histories_are_not_kept_for_longer_than_their_scenarios() -> None:
    """pytest keeps its items to the end, and a run has hundreds; the last one may still be on a stack."""
    command = [sys.executable, "-c", WORLDS, str(assets.features())]
    ended = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=60)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "6 passed" in ended.stdout
    assert int(ended.stdout.partition("worlds: ")[2].splitlines()[0]) <= 1
