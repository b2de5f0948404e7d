"""A recorded deviation excuses its own finding of its own rule, until its date, and nothing else."""

from seatrial.model.verdicts import Verdict
from seatrial.report.deviations import Standing, standing
from seatrial.results import Result

from .building import TODAY, breach, deviation, failed, result


def of(*results: Result, verdict: Verdict = Verdict.FAILED, whole: bool = True, **changed: str) -> Standing | None:
    return standing(deviation(**changed), verdict, results, whole=whole, today=TODAY)


def test_the_recorded_finding_is_expected() -> None:
    assert of(failed()) is Standing.EXPECTED


def test_a_code_means_its_words() -> None:
    assert of(failed(findings=(breach("ties are broken: Uneven ties, 9 of 10"),)), finding="uneven-ties") is Standing.EXPECTED


def test_a_part_of_a_word_is_not_the_word() -> None:
    assert of(failed(findings=(breach("scheduler-0 -> etcd-01"),)), finding="etcd-0") is Standing.OTHER


def test_another_finding_is_news() -> None:
    assert of(failed(findings=(breach(), breach("scheduler-0 -> node-1:10250")))) is Standing.OTHER


def test_a_failure_without_findings_is_news() -> None:
    assert of(failed(findings=())) is Standing.OTHER


def test_a_rule_that_passes_has_a_stale_deviation() -> None:
    assert of(result(), verdict=Verdict.PASSED) is Standing.STALE


def test_a_rule_that_passes_in_part_says_nothing_of_its_deviation() -> None:
    assert of(result(), verdict=Verdict.PASSED, whole=False) is None


def test_a_date_ends_it() -> None:
    assert of(failed(), until="2026-11-22") is Standing.EXPIRED
    assert of(failed(), until=TODAY) is Standing.EXPECTED


def test_what_was_not_decided_says_nothing() -> None:
    assert of(result(verdict=Verdict.INCONCLUSIVE), verdict=Verdict.INCONCLUSIVE) is None
    assert of(result(verdict=Verdict.NOT_RUN), verdict=Verdict.NOT_RUN) is None
