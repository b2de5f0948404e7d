"""The form of a feature file, which no parser minds: two spaces a level, one blank line before a block, cells in columns.

A block is told by its first word; what stands deeper is held to the block it belongs to.
"""

import re
from collections.abc import Iterator, Sequence

from pytest_bdd.gherkin_parser import Background, Child, Row, Rule, Scenario, Tag

from lint.reading import Complaint, FeatureFile

INDENT = 2


def form(file: FeatureFile) -> Iterator[Complaint]:
    yield from plain_text(file)
    yield from blocks(file)


def plain_text(file: FeatureFile) -> Iterator[Complaint]:
    for number, line in enumerate(file.text.split("\n"), start=1):
        if line != line.rstrip() or "\t" in line:
            yield file.complaint(number, "a tab, or blanks at the end of the line")
    if not file.text.endswith("\n") or file.text.endswith("\n\n"):
        yield file.complaint(file.text.count("\n"), "the file ends with one line break")
    if blank := re.search(r"\n\n\n", file.text):
        yield file.complaint(file.text[: blank.start()].count("\n") + 2, "two blank lines in a row")


def blocks(file: FeatureFile) -> Iterator[Complaint]:
    feature = file.feature
    yield from headline(file, feature.location.line, feature.tags, depth=0, first=True)
    yield from described(file, feature.location.line, feature.description, depth=1)
    for child in feature.children:
        yield from inner(file, block_of(child), depth=1)


def block_of(child: Child) -> Background | Rule | Scenario:
    """The parser fills exactly one of the three."""
    return next(block for block in (child.background, child.rule, child.scenario) if block)


def inner(file: FeatureFile, block: Background | Rule | Scenario, *, depth: int) -> Iterator[Complaint]:
    yield from headline(file, block.location.line, getattr(block, "tags", []), depth=depth)
    yield from described(file, block.location.line, block.description, depth=depth + 1)
    if isinstance(block, Rule):
        for child in block.children:
            yield from inner(file, block_of(child), depth=depth + 1)
        return
    for step in block.steps:
        yield from at(file, step.location.line, depth + 1)
        if step.datatable:
            yield from aligned(file, step.datatable.rows, depth=depth + 2)
        if step.docstring:
            yield from at(file, step.docstring.location.line, depth + 2)
    for examples in getattr(block, "examples", []):
        yield from headline(file, examples.location.line, examples.tags, depth=depth + 1)
        yield from aligned(file, [examples.table_header, *(examples.table_body or [])], depth=depth + 2)


def headline(file: FeatureFile, line: int, tags: list[Tag], *, depth: int, first: bool = False) -> Iterator[Complaint]:
    """Tags stand at the depth of what they tag; a blank line stands before the first of these lines."""
    lines = sorted({tag.location.line for tag in tags} | {line})
    for number in lines:
        yield from at(file, number, depth)
    if not first and text_at(file, lines[0] - 1):
        yield file.complaint(lines[0], "a blank line goes before this")
    if lines != list(range(lines[0], line + 1)):
        yield file.complaint(line, "tags stand right above what they tag")


def described(file: FeatureFile, line: int, description: str, *, depth: int) -> Iterator[Complaint]:
    for offset, text in enumerate(description.split("\n"), start=1) if description else ():
        if text:
            yield from at(file, line + offset, depth)


def aligned(file: FeatureFile, rows: Sequence[Row | None], *, depth: int) -> Iterator[Complaint]:
    lines = [row.location.line for row in rows if row]
    for line in lines:
        yield from at(file, line, depth)
    if len({tuple(match.start() for match in re.finditer(r"(?<!\\)\|", text_at(file, line))) for line in lines}) > 1:
        yield file.complaint(lines[0], "the | of a table stand below each other")


def at(file: FeatureFile, line: int, depth: int) -> Iterator[Complaint]:
    text = text_at(file, line)
    if len(text) - len(text.lstrip(" ")) != depth * INDENT:
        yield file.complaint(line, f"stands {depth * INDENT} blanks in")


def text_at(file: FeatureFile, line: int) -> str:
    return file.text.split("\n")[line - 1]
