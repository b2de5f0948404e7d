"""Sentences of the features against the definitions of the bindings.

pytest-bdd takes any one of several definitions that match, misses an undefined step only when it gets there, and never awaits a coroutine
(a scenario whose only Then is one passes). All three are seen here, before anything runs, and so is a definition that nobody uses.
"""

import importlib
import inspect
import pkgutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pytest_bdd import steps
from pytest_bdd.parsers import StepParser

from lint import vocabulary
from lint.reading import Complaint, FeatureFile, sentences


@dataclass(frozen=True)
class Definition:
    """One `@given`, `@when` or `@then`; `kind` is None for a generic `@step`, which serves all three."""

    kind: str | None
    parser: StepParser
    function: Callable[..., object]

    @property
    def name(self) -> str:
        return f"{self.kind or 'step'} {self.parser.name!r}"

    def matches(self, kind: str, sentence: str) -> bool:
        return self.kind in {None, kind} and self.parser.is_matching(sentence)

    def complaint(self, says: str) -> Complaint:
        code = inspect.unwrap(self.function).__code__
        return Complaint(path=self.function.__module__, line=code.co_firstlineno, says=f"{self.name} {says}")


def definitions_of(package: str) -> list[Definition]:
    """What the modules of a package define. pytest-bdd's own registry is the list of all definitions that have been imported."""
    root = importlib.import_module(package)
    for module in pkgutil.walk_packages(root.__path__, prefix=f"{package}."):
        importlib.import_module(module.name)
    contexts = list(steps.step_function_context_registry.values())
    return [
        Definition(context.type, context.parser, context.step_func)
        for context in contexts
        if f"{context.step_func.__module__}.".startswith(f"{package}.")
    ]


def each_step_has_one_definition(files: Sequence[FeatureFile], definitions: Sequence[Definition]) -> Iterator[Complaint]:
    for file in files:
        for block in file.step_blocks:
            for kind, sentence, line in dict.fromkeys(sentences(block)):
                found = [definition.name for definition in definitions if definition.matches(kind, sentence)]
                if not found:
                    yield file.complaint(line, f"undefined: {kind} {sentence}")
                if len(found) > 1:
                    yield file.complaint(line, f"ambiguous: {kind} {sentence} is {' and '.join(sorted(found))}")


def each_definition_is_used(files: Sequence[FeatureFile], definitions: Sequence[Definition]) -> Iterator[Complaint]:
    spoken = {(kind, sentence) for file in files for block in file.step_blocks for kind, sentence, _ in sentences(block)}
    for definition in definitions:
        if not any(definition.matches(kind, sentence) for kind, sentence in spoken):
            yield definition.complaint("is used by no feature")


def no_definition_is_a_coroutine(definitions: Sequence[Definition]) -> Iterator[Complaint]:
    for definition in definitions:
        function = inspect.unwrap(definition.function)
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            yield definition.complaint("is a coroutine: it would never be awaited, and pass")


def no_definition_is_there_twice(definitions: Sequence[Definition]) -> Iterator[Complaint]:
    times = Counter(definition.name for definition in definitions)
    for definition in definitions:
        if times[definition.name] > 1:
            yield definition.complaint("is defined twice")


def vocabulary_is_small(definitions: Sequence[Definition]) -> Iterator[Complaint]:
    """A sentence that serves as Given and as When is one sentence."""
    count = len({definition.parser.name for definition in definitions})
    if count > vocabulary.SENTENCES_MAX:
        yield Complaint(path="bindings", line=1, says=f"{count} sentences, more than {vocabulary.SENTENCES_MAX}: a missing idea")
