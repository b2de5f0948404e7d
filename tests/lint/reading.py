"""Feature files as values: the text, and what the parser that pytest-bdd itself uses makes of it.

Every lint is a function from such a file to complaints, so that a test can feed it a bad text and see it complain.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
from gherkin.parser import Parser
from pytest_bdd.gherkin_parser import Background, Feature, GherkinDocument, Rule, Scenario, Step, Tag
from pytest_bdd.parser import render_string

ROOT = Path(__file__).resolve().parents[2]
FEATURES = ROOT / "features"


@dataclass(frozen=True, order=True)
class Complaint:
    path: str
    line: int
    says: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.says}"


def there_are_none(complaints: Iterable[Complaint]) -> None:
    """Fail with all complaints, one a line: each is a place to go to."""
    if found := sorted(complaints):
        pytest.fail("\n".join(map(str, found)), pytrace=False)


@dataclass(frozen=True)
class FeatureFile:
    """`path` is relative to the features folder, as in `communication/store-access.feature`."""

    path: str
    text: str

    @cached_property
    def document(self) -> GherkinDocument:
        return GherkinDocument.from_dict(Parser().parse(self.text))

    @property
    def feature(self) -> Feature:
        return self.document.feature

    @property
    def area(self) -> str:
        return self.path.split("/", maxsplit=1)[0]

    @property
    def rules(self) -> Iterator[Rule]:
        return (child.rule for child in self.feature.children if child.rule)

    @property
    def stray_scenarios(self) -> Iterator[Scenario]:
        """Those that stand outside of every rule."""
        return (child.scenario for child in self.feature.children if child.scenario)

    @property
    def scenarios(self) -> Iterator[Scenario]:
        yield from self.stray_scenarios
        for rule in self.rules:
            yield from (child.scenario for child in rule.children if child.scenario)

    @property
    def backgrounds(self) -> Iterator[Background]:
        owners: list[Feature | Rule] = [self.feature, *self.rules]
        yield from (child.background for owner in owners for child in owner.children if child.background)

    @property
    def step_blocks(self) -> Iterator[Background | Scenario]:
        yield from self.backgrounds
        yield from self.scenarios

    def complaint(self, line: int, says: str) -> Complaint:
        return Complaint(path=f"features/{self.path}", line=line, says=says)


def read_features(folder: Path = FEATURES) -> list[FeatureFile]:
    return [FeatureFile(str(file.relative_to(folder)), file.read_text("utf-8")) for file in sorted(folder.rglob("*.feature"))]


def kind_and_value(tag: Tag) -> tuple[str, str]:
    """`@role:kubelet` is ("role", "kubelet"), `@must` is ("must", "")."""
    kind, _, value = tag.name.removeprefix("@").partition(":")
    return kind, value


def values(tags: Iterable[Tag], kind: str) -> list[str]:
    return [value for known, value in map(kind_and_value, tags) if known == kind]


def ids(files: Iterable[FeatureFile]) -> dict[str, str]:
    """Rule id -> path of the feature that has it. That no id occurs twice is a lint of its own."""
    return {name: file.path for file in files for rule in file.rules for name in values(rule.tags, "id")}


STEP_TYPES: Mapping[str, str] = {"Context": "given", "Action": "when", "Outcome": "then"}


def typed_steps(steps: Sequence[Step]) -> Iterator[tuple[str, Step]]:
    """(given | when | then, step): an And goes on with the type before it."""
    current = ""
    for step in steps:
        current = STEP_TYPES.get(step.keyword_type, current)
        yield current, step


def rows(scenario: Scenario) -> list[dict[str, str]]:
    """The examples of an outline; one empty row where there is none."""
    found = [
        dict(zip((cell.value for cell in table.table_header.cells), (cell.value for cell in row.cells), strict=True))
        for table in scenario.examples
        if table.table_header
        for row in table.table_body or ()
    ]
    return found or [{}]


def sentences(block: Background | Scenario) -> Iterator[tuple[str, str, int]]:
    """(type, sentence as pytest-bdd will look it up, line)."""
    for row in rows(block) if isinstance(block, Scenario) else [{}]:
        for kind, step in typed_steps(block.steps):
            yield kind, render_string(step.text, row), step.location.line
