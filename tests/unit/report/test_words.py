"""The last line: conformant is said of whole profiles only."""

from dataclasses import replace

import pytest

from seatrial.model.exits import Exit
from seatrial.model.verdicts import Verdict
from seatrial.report.summary import Report
from seatrial.report.words import verdict_line
from seatrial.results import Result

from .building import deviation, failed, report, result, rule

TWO = [rule(), rule("COMM-01")]
API = rule("REQ-03", profiles=("api",))
HOME = "(simulation, seed 0)"


def line(*results: object, **changed: object) -> str:
    return verdict_line(report(*results, **changed))  # type: ignore[arg-type]


def test_a_whole_profile_is_conformant() -> None:
    assert line(result(), result("COMM-01")) == f"conformant: reference passes all 2 MUST rules of 1 profile {HOME}"


def test_a_part_of_a_profile_is_not() -> None:
    assert line(result(), catalogue=TWO) == f"passed: 1 rule of reference {HOME}; no whole profile was selected"


def test_a_failure_is_named() -> None:
    assert line(failed(), result("COMM-01")) == "not conformant: 1 rule failed (COMM-05), 1 passed"


def test_what_is_not_known_is_not_said_to_be_wrong() -> None:
    said = line(result(verdict=Verdict.INCONCLUSIVE), result("COMM-01", Verdict.NOT_RUN))

    assert said == "not shown to be conformant: 1 rule inconclusive (COMM-05), 1 not run (COMM-01), 0 passed"


def test_what_another_backend_must_judge_is_missing() -> None:
    elsewhere = result("REQ-03", Verdict.NOT_RUN, backend_lacks=True)

    said = line(result(), elsewhere, rules=[rule(), API])

    assert said == f"conformant: reference passes all 1 MUST rule of 1 profile {HOME}; not api, for REQ-03 (not run here)"


def test_a_recorded_deviation_is_counted_and_costs_the_claim() -> None:
    said = line(failed(), result("COMM-01"), deviations=(deviation(),))

    reason = "not communication, for COMM-05 (recorded deviation)"
    assert said == f"passed: 1 rule of reference {HOME}; {reason}; 1 recorded deviation (COMM-05)"


def test_a_rule_that_is_judged_by_some_of_its_scenarios_is_a_footnote() -> None:
    said = line(result(), result(verdict=Verdict.NOT_RUN, node="other"), rules=[rule()])

    assert said == f"conformant: reference passes all 1 MUST rule of 1 profile {HOME}; 1 rule judged in part (COMM-05)"


def test_scenarios_that_were_chosen_make_no_profile() -> None:
    said = line(result(), rules=[replace(rule(), scenarios=(result().scenario, "another"))])

    assert said == f"passed: 1 rule of reference {HOME}; no whole profile was selected"


def test_a_warning_is_a_footnote() -> None:
    said = line(result(), failed("COMM-01"), rules=[rule(), rule("COMM-01", must=False)])

    assert said == f"conformant: reference passes all 1 MUST rule of 1 profile {HOME}; 1 SHOULD rule failed (COMM-01)"


def test_nothing_judged_is_not_conformant() -> None:
    assert line(result(verdict=Verdict.NOT_APPLICABLE)) == f"nothing judged: 1 rule not applicable to reference {HOME}"


@pytest.mark.parametrize(
    ("changed", "begins"),
    [
        ({"interrupted": True}, "interrupted: 1 of 1 scenario had a result"),
        ({"trouble": "oops"}, "harness fault: Seatrial itself went wrong around the scenarios"),
        ({"deviations": (deviation(),)}, "stale: COMM-05 passes, though reference.yaml records a deviation"),
    ],
)
def test_other_ends(changed: dict[str, object], begins: str) -> None:
    assert line(result(), **changed).startswith(begins)


def test_many_ids_are_not_all_listed() -> None:
    assert "(COMM-10, COMM-11, COMM-12, COMM-13, COMM-14, COMM-15, COMM-16, COMM-17 and 2 more)" in line(
        *(failed(f"COMM-{n}") for n in range(10, 20))
    )


def guest(*results: Result) -> Report:
    """Of a cluster that exists: COMM-05 can be seen there, the others not."""
    rules = [rule(profiles=("communication", "observable")), rule("COMM-01"), API]
    return report(*results, rules=rules, confined=True, backend="attached")


def test_of_a_cluster_that_exists_only_what_can_be_seen_is_claimed() -> None:
    found = guest(result(), result("COMM-01", Verdict.NOT_RUN), result("REQ-03", Verdict.NOT_RUN))

    assert found.exit == Exit.GOOD
    told = "reference passes all 1 MUST rule of 1 profile (attached, seed 0); 2 rules not run here"
    assert verdict_line(found) == f"conformant: {told}"


def test_a_cluster_in_which_nothing_could_be_judged_is_not_good() -> None:
    found = guest(*(result(id_, Verdict.NOT_RUN) for id_ in ("COMM-05", "COMM-01", "REQ-03")))

    assert found.exit == Exit.NOTHING
    assert verdict_line(found) == "nothing judged: 3 rules could not be run on reference (attached)"
