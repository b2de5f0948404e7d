"""Scenarios as tests: a feature file is a module of them. Each says of itself what rule it tries, how it begins, and by which example."""

import types
from dataclasses import dataclass

import pytest
from pytest_bdd import scenario as bdd_scenario
from pytest_bdd.feature import get_feature

from seatrial.bindings.phrases import ordered_topology
from seatrial.model.rules import Rule
from seatrial.model.topology import Topology

RULE = pytest.StashKey[Rule]()


class FeatureModule(pytest.Module):
    """A feature file as a module of tests, one for each scenario or example."""

    def _getobj(self) -> types.ModuleType:
        module = types.ModuleType(self.path.stem)
        feature = get_feature(str(self.path.parent), self.path.name)
        for number, title in enumerate(feature.scenarios):

            @bdd_scenario(str(self.path), title, features_base_dir=str(self.path.parent))
            def test() -> None:
                """The steps are the test."""

            test.__scenario__ = feature.scenarios[title]  # type: ignore[attr-defined]
            words = "".join(c if c.isalnum() else "_" for c in title)
            setattr(module, f"test_{number:02}_{words}", test)
        return module


def tags_of(item: pytest.Item) -> set[str]:
    """All tags of a scenario: its own, its rule's and its feature's."""
    scenario = getattr(getattr(item, "obj", None), "__scenario__", None)
    if scenario is None:
        return set()
    rule = scenario.rule.tags if scenario.rule else set()
    return set(scenario.tags) | set(rule) | set(scenario.feature.tags)


def scenario_of(item: pytest.Item) -> str:
    """Its title."""
    return str(item.obj.__scenario__.name)  # type: ignore[attr-defined]


def example_of(item: pytest.Item) -> dict[str, str]:
    """The row of its Examples, by column; empty where there are none."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    return {k: str(v) for k, v in parameters.get("_pytest_bdd_example", {}).items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """The first sentence of a scenario, where it orders a cluster: what begins alike can begin from one boot."""

    keyword: str
    sentence: str
    topology: Topology

    @property
    def fresh(self) -> bool:
        """Whether it must have been seen from its first connection on, by this scenario alone."""
        return self.sentence.startswith("a fresh ")

    def __hash__(self) -> int:
        return hash(self.sentence)


def beginning_of(item: pytest.Item) -> Beginning | None:
    """How a scenario begins; None where it does not begin with a cluster."""
    template = getattr(getattr(item, "obj", None), "__scenario__", None)
    first = next(iter(template.render(example_of(item)).steps), None) if template else None
    ordered = ordered_topology(first.name) if first else None
    return Beginning(keyword=first.keyword.strip(), sentence=first.name, topology=ordered) if first and ordered else None


def first_sentence(item: pytest.Item) -> str:
    """How a scenario begins, in words."""
    template = item.obj.__scenario__  # type: ignore[attr-defined]
    return str(next(iter(template.render(example_of(item)).steps)).name)
