"""A second look settles what did not pass; it is spent where it can change something."""

from seatrial.model.verdicts import Verdict
from seatrial.report.repetition import doubtful, settled

from .building import failed, result

PROCESSES = {"backend": "processes"}


def test_one_bad_scenario_of_each_rule_is_repeated() -> None:
    results = [result(node="a"), failed(node="b"), failed(node="c"), failed("COMM-01", node="d"), failed("COMM-02", node="e")]

    assert doubtful(results, repeated=(), spared={"COMM-02"}) == ["b", "d"]


def test_what_is_bad_twice_settles_its_rule() -> None:
    assert not doubtful([failed(node="b"), failed(node="c")], repeated={"b"}, spared=())


def test_where_the_first_passes_the_next_one_is_repeated() -> None:
    assert doubtful([result(node="b"), failed(node="c")], repeated={"b"}, spared=()) == ["c"]


def test_what_passes_at_the_second_attempt_is_flaky_and_says_how_it_failed() -> None:
    found = settled(failed(**PROCESSES, history="histories/first.jsonl"), result(**PROCESSES))

    assert (found.verdict, found.history) == (Verdict.PASSED, "histories/first.jsonl")
    assert found.flaky == "at first failed (scheduler-0: scheduler-0 -> etcd-0:2379)"


def test_a_failure_stands_that_only_becomes_inconclusive() -> None:
    first = failed(**PROCESSES)

    assert settled(first, result(verdict=Verdict.INCONCLUSIVE, **PROCESSES)) == first


def test_one_seed_with_two_histories_is_inconclusive() -> None:
    first = failed(digest="one")

    assert settled(first, failed(digest="one")) == first
    found = settled(first, result(digest="other"))
    assert (found.verdict, found.why.startswith("nondeterministic: ")) == (Verdict.INCONCLUSIVE, True)


def test_last_words_are_part_of_how_an_attempt_ended() -> None:
    first = result(**PROCESSES, verdict=Verdict.INCONCLUSIVE, why="node-1 ended. Its last words:\n| out of\n| inodes")

    assert "Its last words: | out of | inodes" in settled(first, result(**PROCESSES)).flaky
