"""Scenarios as tests: a feature file is a module of them. Each says of itself what rule it tries, how it begins, and by which example."""

import types
from dataclasses import dataclass

import pytest
from pytest_bdd import scenario as bdd_scenario
from pytest_bdd.feature import get_feature
from pytest_bdd.parser import Step

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
    """The first sentence of a scenario, where it orders a cluster: what begins alike may have the same one."""

    sentence: str
    topology: Topology

    @property
    def fresh(self) -> bool:
        """Whether it must have been seen from its first connection on, by this scenario alone."""
        return self.sentence.startswith("a fresh ")


def beginning_of(item: pytest.Item) -> Beginning | None:
    """How a scenario begins; None where it does not begin with a cluster."""
    _, sentence = next(iter(sentences_of(item)), ("", ""))
    ordered = ordered_topology(sentence)
    return Beginning(sentence=sentence, topology=ordered) if ordered else None


def sentences_of(item: pytest.Item) -> tuple[tuple[str, str], ...]:
    """What a scenario says: keyword and words of each sentence, with what stands beneath it. Nothing, where it is none."""
    template = getattr(getattr(item, "obj", None), "__scenario__", None)
    steps = template.render(example_of(item)).steps if template else ()
    return tuple((step.keyword.strip(), _words(step)) for step in steps)


def _words(step: Step) -> str:
    beneath = (step.docstring, step.datatable and step.datatable.raw())
    return "\n".join([step.name, *(repr(something) for something in beneath if something)])
