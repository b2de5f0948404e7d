"""The feature files obey the guide of the specification's language, and every lint that says so is seen to complain."""

from collections.abc import Callable, Iterator

import pytest
from pytest_bdd import parsers

from lint import feature_rules, step_rules, vocabulary
from lint.form import form
from lint.reading import Complaint, FeatureFile, read_features, there_are_none

FILES = read_features()
LINTS = (*feature_rules.ONE_FILE, form)

GOOD = """\
@area:store @profile:store-layout
Feature: Keys
  Where things lie.

  Background:
    Given a cluster

  @id:STORE-10 @must @role:apiserver @needs:store
  Rule: The key of a pod MUST name its namespace and its name

    @disruptive
    Scenario: a pod is created
      When "alice" creates a pod "I should"
      And these are created:
        | kind | name  |
        | Pod  | later |
      Then key "/registry/pods/default/web" exists

    Scenario Outline: a name is unusual
      When "alice" creates a pod "<name>"
      Then key "/registry/pods/default/<name>" exists

      Examples: names
        | name |
        | a.b  |
"""


def complaints_of(lint: Callable[[FeatureFile], Iterator[Complaint]], text: str) -> list[str]:
    return [str(complaint) for complaint in lint(FeatureFile("store/keys.feature", text))]


@pytest.mark.parametrize("lint", LINTS, ids=lambda lint: lint.__name__)
def test_every_feature_obeys(lint: Callable[[FeatureFile], Iterator[Complaint]]) -> None:
    there_are_none(complaint for file in FILES for complaint in lint(file))


def test_ids_are_unique_overall() -> None:
    there_are_none(feature_rules.ids_are_unique(FILES))


@pytest.mark.parametrize("lint", LINTS, ids=lambda lint: lint.__name__)
def test_no_lint_minds_a_good_feature(lint: Callable[[FeatureFile], Iterator[Complaint]]) -> None:
    assert complaints_of(lint, GOOD) == []


BAD = [
    (feature_rules.titles_are_unique, "Scenario Outline: a name is unusual", "Scenario Outline: a pod is created", "not unique"),
    (
        feature_rules.scenarios_stand_under_rules,
        "  Rule: The key of a pod MUST name its namespace and its name\n",
        "  Scenario: x\n",
        "outside",
    ),
    (feature_rules.rules_say_who_and_how_binding, "@id:STORE-10 ", "", "exactly one @id"),
    (feature_rules.rules_say_who_and_how_binding, "@must", "@must @should", "exactly one of"),
    (feature_rules.rules_say_who_and_how_binding, "@role:apiserver ", "", "at least one @role"),
    (feature_rules.sentence_agrees_with_level, "@must", "@should", "the one of its tag"),
    (feature_rules.sentence_agrees_with_level, "MUST name", "must name", "one MUST or SHOULD"),
    (feature_rules.sentence_agrees_with_level, "namespace and", "namespace and SHOULD name", "one MUST or SHOULD"),
    (feature_rules.features_say_where_they_belong, "@area:store", "@area:api", "@area:store"),
    (feature_rules.features_say_where_they_belong, " @profile:store-layout", "", "@profile"),
    (feature_rules.features_say_where_they_belong, "  Where things lie.\n", "", "promises"),
    (feature_rules.tags_are_known, "@needs:store", "@needs:luck", "none of"),
    (feature_rules.tags_are_known, "@disruptive", "@wip", "not known here"),
    (feature_rules.tags_are_known, "@disruptive", "@id:STORE-11", "not known here"),
    (feature_rules.tags_are_known, "@needs:store", "@needs:store @needs:store", "twice"),
    (feature_rules.tags_are_known, "@must", "@must:not", "none of"),
    (feature_rules.needs_are_named, 'key "/registry/pods/default/web" exists', "the request is refused by admission", "['admission']"),
    (feature_rules.needs_are_named, "@needs:store", "@needs:admission", "by its words it needs []"),
    (feature_rules.examples_are_untagged_and_named, "      Examples:", "      @parity\n      Examples:", "reach nobody"),
    (feature_rules.examples_are_untagged_and_named, "Examples: names", "Examples:", "has a name"),
    (
        feature_rules.sizes_are_small,
        "      And these are created:\n",
        "      And x\n" * 11 + "      And these are created:\n",
        "more than 10",
    ),
    (feature_rules.sizes_are_small, "    Given a cluster\n", "    Given a cluster\n" * 4, "background"),
    (
        feature_rules.steps_come_in_order,
        '      When "alice" creates a pod "I',
        '      And "alice" creates a pod "I',
        "goes on with nothing",
    ),
    (feature_rules.steps_come_in_order, "    Given a cluster\n", "    When a cluster\n", "only Givens"),
    (feature_rules.steps_come_in_order, "Then key", "And key", "proves nothing"),
    (feature_rules.wording_is_declarative, 'When "alice" creates a pod "I', 'When I create a pod "I', "'I' in a step"),
    (feature_rules.wording_is_declarative, '/web" exists', '/web" should exist', "'should' in a step"),
    (feature_rules.there_are_no_comments, "  Background:", "  # see below\n  Background:", "a comment"),
    (form, "    Given a cluster", "     Given a cluster", "stands 4 blanks in"),
    (form, "    Scenario: a pod", "   Scenario: a pod", "stands 4 blanks in"),
    (form, "| Pod  |", "| Pod |", "below each other"),
    (form, "\n\n    @disruptive", "\n    @disruptive", "blank line goes before"),
    (form, "Where things lie.", "Where things lie. ", "blanks at the end"),
    (form, "\n\n  Background", "\n\n\n  Background", "two blank lines"),
    (form, "  Where things lie.", "Where things lie.", "stands 2 blanks in"),
    (form, "| a.b  |\n", "| a.b  |", "one line break"),
]


@pytest.mark.parametrize(("lint", "good", "bad", "says"), BAD, ids=lambda value: getattr(value, "__name__", None))
def test_each_lint_bites(lint: Callable[[FeatureFile], Iterator[Complaint]], good: str, bad: str, says: str) -> None:
    assert good in GOOD
    assert any(says in complaint for complaint in complaints_of(lint, GOOD.replace(good, bad)))


def test_every_lint_is_among_the_proven() -> None:
    assert {lint for lint, *_ in BAD} == set(LINTS)


def test_one_id_in_two_features_is_seen() -> None:
    files = [FeatureFile("store/keys.feature", GOOD), FeatureFile("store/other.feature", GOOD)]
    assert [str(complaint) for complaint in feature_rules.ids_are_unique(files)] == [
        "features/store/other.feature:9: id STORE-10 is taken, see features/store/keys.feature",
    ]


def step(*_: object) -> None:
    """What a definition does is of no interest here."""


async def coroutine() -> None:
    """What would never be awaited."""


FITTING = [
    step_rules.Definition("given", parsers.get_parser("a cluster"), step),
    step_rules.Definition("when", parsers.parse('"{who}" creates a pod "{name}"'), step),
    step_rules.Definition("when", parsers.get_parser("these are created:"), step),
    step_rules.Definition("then", parsers.re(r'key "(?P<key>[^"]*)" exists'), step),
]
STEPS = [FeatureFile("store/keys.feature", GOOD)]


def test_steps_and_definitions_fit() -> None:
    definitions = step_rules.definitions_of("seatrial.bindings")
    there_are_none(
        [
            *step_rules.each_step_has_one_definition(FILES, definitions),
            *step_rules.each_definition_is_used(FILES, definitions),
            *step_rules.no_definition_is_a_coroutine(definitions),
            *step_rules.no_definition_is_there_twice(definitions),
            *step_rules.vocabulary_is_small(definitions),
        ],
    )


def test_fitting_definitions_give_no_complaint() -> None:
    assert list(step_rules.each_step_has_one_definition(STEPS, FITTING)) == []
    assert list(step_rules.each_definition_is_used(STEPS, FITTING)) == []
    assert list(step_rules.no_definition_is_a_coroutine(FITTING)) == []
    assert list(step_rules.no_definition_is_there_twice(FITTING)) == []
    assert list(step_rules.vocabulary_is_small(FITTING)) == []


def test_an_undefined_step_is_seen_although_another_type_defines_it() -> None:
    definitions = [*FITTING[:3], step_rules.Definition("given", FITTING[3].parser, step)]
    assert "undefined: then" in str(next(step_rules.each_step_has_one_definition(STEPS, definitions)))


def test_an_ambiguous_step_is_seen() -> None:
    definitions = [*FITTING, step_rules.Definition("when", parsers.parse('"{who}" creates a {kind} "{name}"'), step)]
    assert "ambiguous: when" in str(next(step_rules.each_step_has_one_definition(STEPS, definitions)))


def test_an_unused_definition_is_seen() -> None:
    unused = step_rules.Definition("when", parsers.get_parser("nothing happens"), step)
    assert "used by no feature" in str(next(step_rules.each_definition_is_used(STEPS, [*FITTING, unused])))


def test_a_coroutine_step_is_seen() -> None:
    definitions = [step_rules.Definition("then", parsers.get_parser("all is well"), coroutine)]
    assert "never be awaited" in str(next(step_rules.no_definition_is_a_coroutine(definitions)))


def test_a_definition_that_is_there_twice_is_seen() -> None:
    assert "twice" in str(next(step_rules.no_definition_is_there_twice([*FITTING, FITTING[0]])))


def test_a_large_vocabulary_is_seen() -> None:
    definitions = [
        step_rules.Definition("when", parsers.get_parser(f"event {number}"), step) for number in range(vocabulary.SENTENCES_MAX + 1)
    ]
    assert "a missing idea" in str(next(step_rules.vocabulary_is_small(definitions)))
