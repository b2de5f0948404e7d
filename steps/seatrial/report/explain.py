"""One rule in words: what it says, whom it concerns, how it is tried, and what that needs. And what descriptors may ask for."""

import textwrap
from collections.abc import Iterator
from typing import Any

from seatrial import assets, catalogue
from seatrial.adapters.values import VALUES
from seatrial.checks.invariants import INVARIANTS
from seatrial.model.rules import NEEDS, Rule

WIDTH = 100


def explain(id_: str) -> list[str]:
    """The lines. Raises UsageError where there is no such rule."""
    rule = catalogue.find(id_.upper())
    return [
        f"{rule.id}  {rule.sentence}",
        "",
        f"{rule.title}. {rule.feature}",
        *textwrap.wrap(rule.description, WIDTH),
        "",
        f"strength  {'MUST' if rule.must else 'SHOULD'}",
        f"profiles  {', '.join(rule.profiles)}",
        f"roles     {', '.join(rule.roles)}: whose fault it could be",
        *_needs(rule),
        *(["tried     here, and looked at in every scenario of other rules"] if rule.id in INVARIANTS else []),
        *_scenarios(rule),
        "",
        f"try: seatrial run --rule {rule.id}",
    ]


def values() -> list[str]:
    """The lines of the table of values."""
    more = {"set.NAME": "what --set NAME=VALUE says, else `settings`", "file.NAME": "path of the component's own file of that name"}
    return [f"{f'${{{name}}}':<30} {meaning}" for name, meaning in {**VALUES, **more}.items()]


def _needs(rule: Rule) -> list[str]:
    return [f"{'needs' if not i else '':<9} {need}: {NEEDS.get(need, '')}" for i, need in enumerate(rule.needs)]


def _scenarios(rule: Rule) -> Iterator[str]:
    feature = catalogue.parse(assets.features() / rule.feature)
    mine = next(c["rule"] for c in feature["children"] if "rule" in c and f"id:{rule.id}" in catalogue.tags(c["rule"]))
    for child in mine["children"]:
        if "scenario" in child:
            yield from _scenario(child["scenario"])


def _scenario(scenario: Any) -> Iterator[str]:
    tags = " ".join(sorted(f"@{t}" for t in catalogue.tags(scenario)))
    yield ""
    yield f"  {scenario['keyword'].strip()}: {scenario['name']}{f'  {tags}' if tags else ''}"
    for step in scenario["steps"]:
        yield f"    {step['keyword']}{step['text']}"
    for examples in scenario.get("examples", ()):
        header = examples.get("tableHeader")
        for row in [header, *examples.get("tableBody", ())] if header else ():
            yield "      | " + " | ".join(cell["value"] for cell in row["cells"]) + " |"
