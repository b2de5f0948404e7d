"""Every violation is caught by the rules that it breaks, and the right component is blamed; a rule that it does not touch still passes.

Only those rules are run here, by the scenarios that find it first, and the untouched one with the first violation that is made for each
rule. The whole matrix is computed by `make kill-matrix`; here its committed form is held to what it must show.
"""

import pytest

from seatrial import catalogue
from violations import found_by
from violations.matrix import BY_THE_WAY, MISBLAMED, TABLE, committed, judged, problems, table
from violations.trial import HERE, Expected, Trial, expected, rules, tried

ALL = expected()
WRONG = [each for each in ALL if each.breaks]
FIRST = {each.name for each in {each.breaks: each for each in reversed(WRONG)}.values()}
NULLS = [each for each in ALL if not each.breaks and not each.culprit]
DEAD = [each for each in ALL if not each.breaks and each.culprit]
CONTROLS = ("CHAIN-02", "STORE-07", "STORE-10", "KCM-01")  # of few scenarios, and no invariants
FOUND_BY = found_by.known()
FAILED, NOT_READY = 1, 6


def kept(violation: Expected) -> list[str]:
    """Rules that the violation leaves alone: where it is seen, and of the first for each rule another one, by the committed matrix."""
    touched = {*committed().get(violation.name, {}), *violation.rules}
    control = next(rule for rule in CONTROLS if rule not in touched) if violation.name in FIRST else ""
    return list(filter(None, [violation.seen_in, control]))


def scenarios(violation: Expected) -> list[str]:
    """Titles of those by which it is tried; none: all that its rules have."""
    first = FOUND_BY.get(violation.name, [])
    untouched = [title for rule in catalogue.rules() if rule.id in kept(violation) for title in rule.scenarios]
    return [*first, *untouched] if first else []


@pytest.mark.parametrize("violation", WRONG, ids=lambda v: v.name)
def test_it_is_caught_and_blamed(violation: Expected) -> None:
    due = dict.fromkeys(violation.rules, "failed") | dict.fromkeys(kept(violation), "passed")
    trial = tried(violation.file, tuple(due), "--brief", titles=scenarios(violation), backend=violation.backend)
    assert trial.verdicts == due, trial.words
    assert trial.exit == FAILED
    for rule in violation.rules:
        assert trial.blamed[rule]
        assert all(violation.culprit in roles for roles in trial.blamed[rule]), (rule, trial.words[rule])


@pytest.mark.parametrize("violation", NULLS, ids=lambda v: v.name)
def test_doing_nothing_passes_nothing(violation: Expected) -> None:
    trial = tried(violation.file, ())
    assert "passed" not in trial.verdicts.values(), trial.verdicts
    assert "harness-fault" not in trial.verdicts.values(), trial.words
    assert trial.exit == FAILED


@pytest.mark.parametrize("violation", DEAD, ids=lambda v: v.name)
def test_what_never_lives_is_not_judged(violation: Expected) -> None:
    trial = tried(violation.file, ("SCHED-02", "COMM-05", "API-02"))
    assert set(trial.verdicts.values()) == {violation.verdict}, trial.words
    assert trial.exit == NOT_READY


def test_every_rule_has_a_violation_that_is_made_to_break_it() -> None:
    assert {each.breaks for each in WRONG} == set(rules())


def test_every_violation_is_expected_and_every_expectation_has_its_violation() -> None:
    files = {file.stem for file in HERE.glob("*.yaml")} - {"expected"}
    assert files == {each.name for each in ALL}


def test_what_violations_are_found_by_first_is_said_of_those_that_there_are() -> None:
    assert list(FOUND_BY) == [violation.name for violation in ALL if violation.name in FOUND_BY and found_by.wanted(violation)]


def test_the_committed_matrix_shows_what_it_must() -> None:
    matrix = committed()
    assert problems(ALL, matrix, rules()) == []
    assert TABLE.read_text() == table(ALL, matrix, rules())


def test_what_fails_by_the_way_alone_is_told_apart() -> None:
    violation = Expected(name="wrong", breaks="API-02", culprit="apiserver")
    blamed = {"API-02": [["apiserver"]], "API-03": [["apiserver"]], "API-05": [["etcd"]]}
    trial = Trial(exit=FAILED, verdicts=dict.fromkeys(blamed, "failed"), blamed=blamed, by_the_way=frozenset({"API-03", "API-05"}))
    row = judged(violation, trial)
    assert row == {"API-02": "failed", "API-03": BY_THE_WAY, "API-05": MISBLAMED}
    assert problems([violation], {"wrong": row}, ["API-02"]) == [f"wrong: API-05 is {MISBLAMED}"]
