"""Every exit code is provoked, and each comes before those that would hide it."""

from dataclasses import replace

import pytest

from seatrial.model.exits import Exit
from seatrial.model.verdicts import Verdict
from seatrial.report.outcomes import INTERRUPTED, NEVER_READY, Planned, complete, died, folded, outcomes
from seatrial.report.summary import Report

from .building import TODAY, breach, deviation, failed, report, result, rule

BROKEN = result("COMM-01", Verdict.HARNESS_FAULT)
NOT_READY = result(verdict=Verdict.INCONCLUSIVE, cause="NotReady", why="etcd-0 ended before it was ready")
ELSEWHERE = result(verdict=Verdict.NOT_RUN, backend_lacks=True, why="the backend simulation cannot tls")

CASES = {
    "all passed": (report(result()), Exit.GOOD),
    "not applicable": (report(result(verdict=Verdict.NOT_APPLICABLE)), Exit.GOOD),
    "failed as recorded": (report(failed(), deviations=(deviation(),)), Exit.GOOD),
    "a SHOULD failed": (report(failed(), rules=[rule(must=False)]), Exit.GOOD),
    "not run for the backend cannot": (report(ELSEWHERE), Exit.GOOD),
    "failed": (report(failed(), result("COMM-01")), Exit.BAD),
    "inconclusive": (report(result(verdict=Verdict.INCONCLUSIVE), result("COMM-01")), Exit.BAD),
    "not run for the descriptor rules it out": (report(result(verdict=Verdict.NOT_RUN)), Exit.BAD),
    "a selected rule without any scenario": (report(rules=[rule()]), Exit.BAD),
    "failed otherwise than recorded": (report(failed(findings=(breach("worse"),)), deviations=(deviation(),)), Exit.BAD),
    "failed past the date": (report(failed(), deviations=(deviation(until="2026-01-01"),)), Exit.BAD),
    "failed, and a stale deviation": (report(failed("COMM-01"), result(), deviations=(deviation(),)), Exit.BAD),
    "interrupted": (report(failed(), BROKEN, interrupted=True), Exit.INTERRUPTED),
    "harness fault": (report(failed(), BROKEN), Exit.HARNESS_FAULT),
    "trouble around the scenarios": (report(result(), trouble="INTERNALERROR"), Exit.HARNESS_FAULT),
    "a value is missing": (report(result(verdict=Verdict.HARNESS_FAULT, cause="UsageError", why="give it with --set")), Exit.USAGE),
    "nothing selected": (report(rules=[]), Exit.NOTHING),
    "never ready": (report(NOT_READY, result("COMM-01", Verdict.NOT_RUN)), Exit.NOT_READY),
    "some were ready": (report(NOT_READY, result("COMM-01")), Exit.BAD),
    "a SHOULD failed otherwise than recorded": (
        report(failed(findings=(breach("worse"),)), deviations=(deviation(),), rules=[rule(must=False)]),
        Exit.STALE,
    ),
    "a SHOULD failed past the date": (report(failed(), deviations=(deviation(until="2026-01-01"),), rules=[rule(must=False)]), Exit.STALE),
    "a flaky verdict": (report(result(flaky="at first failed (x)")), Exit.STALE),
    "a flaky verdict beside a failure": (report(result(flaky="at first failed (x)"), failed("COMM-01")), Exit.BAD),
    "a stale deviation": (report(result(), deviations=(deviation(),)), Exit.STALE),
}


@pytest.mark.parametrize(("given", "code"), CASES.values(), ids=list(CASES))
def test_exit_code(given: Report, code: Exit) -> None:
    assert given.exit is code


def test_every_code_is_provoked() -> None:
    assert {code for _, code in CASES.values()} == set(Exit)


def test_a_rule_partly_not_run_has_passed_if_another_scenario_ran() -> None:
    assert report(result(node="a"), result(node="b", verdict=Verdict.NOT_RUN)).exit is Exit.GOOD


PLAN = [Planned(rule="COMM-05", scenario="s", feature="f", node=f"store.feature::{id_}") for id_ in ("COMM-05", "COMM-01")]


def test_what_has_no_result_is_never_green() -> None:
    found = complete(PLAN, [result()], backend="simulation", missing=died("worker gw0 crashed"))

    assert [r.verdict for r in found] == [Verdict.PASSED, Verdict.HARNESS_FAULT]
    assert found[1].why == "it ended without a result: worker gw0 crashed"


def test_an_interrupt_leaves_the_rest_inconclusive() -> None:
    found = complete(PLAN, [result()], backend="simulation", missing=INTERRUPTED)

    assert [r.verdict for r in found] == [Verdict.PASSED, Verdict.INCONCLUSIVE]


def test_who_was_never_ready_is_not_waited_for_and_says_why() -> None:
    found = complete(PLAN, [NOT_READY], backend="simulation", missing=NEVER_READY)

    assert report(*found).not_ready == "etcd-0 ended before it was ready"


def test_not_run_is_excused_where_the_run_is_confined_to_what_a_cluster_allows() -> None:
    (outcome,) = outcomes([rule()], [result(verdict=Verdict.NOT_RUN)], deviations=(), today=TODAY, confined=True)

    assert outcome.counts is Exit.GOOD


def test_what_many_scenarios_show_by_the_way_is_told_once() -> None:
    first, second = failed(node="a", within="ARCH-01"), failed(node="b", within="ARCH-03")
    other = failed(node="b", within="ARCH-03", findings=(breach(culprit="node-1"),))

    assert folded([second, other, first, first], order=["a", "b"]) == [replace(first, others=1), other]
