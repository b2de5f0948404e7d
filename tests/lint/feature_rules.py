"""What a feature file must look like: the guide of the specification's language as functions.

Some of these are taste. Four are not, because something would be lost without a word: of two scenarios with one title pytest-bdd runs the
last only; tags of an Examples table reach nobody; a scenario outside of every rule proves nothing that anybody could claim; and one without
a Then proves nothing at all.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from pytest_bdd.gherkin_parser import Rule, Tag

from lint import vocabulary
from lint.reading import Complaint, FeatureFile, ids, kind_and_value, sentences, typed_steps, values

NORMATIVE = re.compile(r"\b(MUST|SHOULD|MAY|SHALL|REQUIRED|RECOMMENDED|OPTIONAL)\b")
IN_QUOTES = re.compile(r'"[^"]*"')
NOT_IN_STEPS = re.compile(r"\b(should|I)\b")

Complaints = Iterator[Complaint]


def titles_are_unique(file: FeatureFile) -> Complaints:
    """Two scenarios of one title: pytest-bdd keeps them by title, and only the last would run."""
    times = Counter(scenario.name for scenario in file.scenarios)
    for scenario in file.scenarios:
        if times[scenario.name] > 1 or not scenario.name:
            yield file.complaint(scenario.location.line, f"scenario title {scenario.name!r} is not unique in this file")


def scenarios_stand_under_rules(file: FeatureFile) -> Complaints:
    for scenario in file.stray_scenarios:
        yield file.complaint(scenario.location.line, "scenario outside of every Rule")
    for rule in file.rules:
        if not any(child.scenario for child in rule.children):
            yield file.complaint(rule.location.line, "rule without a scenario")


def rules_say_who_and_how_binding(file: FeatureFile) -> Complaints:
    for rule in file.rules:
        if len(values(rule.tags, "id")) != 1:
            yield file.complaint(rule.location.line, "a rule has exactly one @id")
        if len(levels(rule)) != 1:
            yield file.complaint(rule.location.line, "a rule has exactly one of @must and @should")
        if not values(rule.tags, "role"):
            yield file.complaint(rule.location.line, "a rule names at least one @role whose fault it could be")


def levels(rule: Rule) -> list[str]:
    return [kind for kind, _ in map(kind_and_value, rule.tags) if kind in {"must", "should"}]


def sentence_agrees_with_level(file: FeatureFile) -> Complaints:
    for rule in file.rules:
        words = NORMATIVE.findall(rule.name)
        if [word.lower() for word in words] != levels(rule)[:1]:
            yield file.complaint(rule.location.line, f"the sentence has one MUST or SHOULD, the one of its tag; it has {words}")


def features_say_where_they_belong(file: FeatureFile) -> Complaints:
    if values(file.feature.tags, "area") != [file.area]:
        yield file.complaint(file.feature.location.line, f"a feature has one @area, that of its folder: @area:{file.area}")
    if not values(file.feature.tags, "profile"):
        yield file.complaint(file.feature.location.line, "a feature names at least one @profile")
    if not file.feature.description.strip():
        yield file.complaint(file.feature.location.line, "a feature says what its mechanism promises, below its title")


def tags_are_known(file: FeatureFile) -> Complaints:
    yield from known(file, file.feature.tags, vocabulary.ON_FEATURE)
    for rule in file.rules:
        yield from known(file, rule.tags, vocabulary.ON_RULE)
    for scenario in file.scenarios:
        yield from known(file, scenario.tags, vocabulary.ON_SCENARIO)


def known(file: FeatureFile, tags: Sequence[Tag], allowed: Iterable[str]) -> Complaints:
    for name, times in Counter(tag.name for tag in tags).items():
        if times > 1:
            yield file.complaint(tags[0].location.line, f"{name} twice in one place")
    for tag in tags:
        kind, value = kind_and_value(tag)
        accepted = vocabulary.VALUES.get(kind, frozenset({""}))
        if kind not in allowed:
            yield file.complaint(tag.location.line, f"{tag.name} is not known here")
        elif accepted is not None and value not in accepted:
            yield file.complaint(tag.location.line, f"{tag.name} is none of {', '.join(sorted(accepted))}")


def needs_are_named(file: FeatureFile) -> Complaints:
    """Who lacks a hook is asked about all that does not go by it, and about nothing else."""
    for rule in file.rules:
        for scenario in (child.scenario for child in rule.children if child.scenario):
            said = "\n".join([sentence for _, sentence, _ in sentences(scenario)])
            needed = {need for words, need in vocabulary.NEEDED.items() if re.search(words, said)}
            named = {*values(rule.tags, "needs"), *values(scenario.tags, "needs")} & {*vocabulary.NEEDED.values()}
            if needed != named:
                yield file.complaint(scenario.location.line, f"by its words it needs {sorted(needed)}, by its tags {sorted(named)}")


def examples_are_untagged_and_named(file: FeatureFile) -> Complaints:
    for scenario in file.scenarios:
        for table in scenario.examples:
            if table.tags:
                yield file.complaint(table.location.line, "tags of an Examples table reach nobody; tag the scenario")
            if not table.name:
                yield file.complaint(table.location.line, "an Examples table has a name")
            if not table.table_body:
                yield file.complaint(table.location.line, "an Examples table has rows")


def sizes_are_small(file: FeatureFile) -> Complaints:
    for scenario in file.scenarios:
        if len(scenario.steps) > vocabulary.STEPS_MAX:
            yield file.complaint(scenario.location.line, f"more than {vocabulary.STEPS_MAX} steps")
    for background in file.backgrounds:
        if len(background.steps) > vocabulary.BACKGROUND_MAX:
            yield file.complaint(background.location.line, f"more than {vocabulary.BACKGROUND_MAX} steps in a background")


def steps_come_in_order(file: FeatureFile) -> Complaints:
    """A block starts with a type of its own, a background only gives, and a scenario says what is seen."""
    for block in file.step_blocks:
        if block.steps and block.steps[0].keyword not in {"Given", "When", "Then"}:
            yield file.complaint(block.steps[0].location.line, f"starts with {block.steps[0].keyword}, which goes on with nothing")
    for background in file.backgrounds:
        if any(kind != "given" for kind, _ in typed_steps(background.steps)):
            yield file.complaint(background.location.line, "a background has only Givens")
    for scenario in file.scenarios:
        if not any(kind == "then" for kind, _ in typed_steps(scenario.steps)):
            yield file.complaint(scenario.location.line, "a scenario without a Then proves nothing")


def wording_is_declarative(file: FeatureFile) -> Complaints:
    for block in file.step_blocks:
        for step in block.steps:
            if word := NOT_IN_STEPS.search(IN_QUOTES.sub("", step.text)):
                yield file.complaint(step.location.line, f"{word[0]!r} in a step: say what is seen, and who does it")


def there_are_no_comments(file: FeatureFile) -> Complaints:
    for comment in file.document.comments:
        yield file.complaint(comment.location.line, "a comment: descriptions are printed in reports, comments are lost")


ONE_FILE: tuple[Callable[[FeatureFile], Complaints], ...] = (
    titles_are_unique,
    scenarios_stand_under_rules,
    rules_say_who_and_how_binding,
    sentence_agrees_with_level,
    features_say_where_they_belong,
    tags_are_known,
    needs_are_named,
    examples_are_untagged_and_named,
    sizes_are_small,
    steps_come_in_order,
    wording_is_declarative,
    there_are_no_comments,
)


def ids_are_unique(files: Sequence[FeatureFile]) -> Complaints:
    owner = ids(reversed(files))
    seen: set[str] = set()
    for file in files:
        for rule in file.rules:
            for name in values(rule.tags, "id"):
                if name in seen:
                    yield file.complaint(rule.location.line, f"id {name} is taken, see features/{owner[name]}")
                seen.add(name)
