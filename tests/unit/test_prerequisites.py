"""What a guest in a cluster that exists leaves to others, and why."""

from dataclasses import replace

import pytest

from seatrial import catalogue
from seatrial.adapters.descriptor import load
from seatrial.backends.simulation import Simulation
from seatrial.model.rules import NEEDS
from seatrial.model.verdicts import Verdict
from seatrial.prerequisites import BEYOND_GUESTS, GUESTS, beyond_guests, missing

SEEN = catalogue.find("CTRL-04")
UNSEEN = catalogue.find("COMM-01")


def test_a_scenario_that_needs_nothing_more_than_a_cluster_is_run() -> None:
    assert beyond_guests({"must"}, "a cluster with 2 nodes", rule=SEEN) == (None, "")


@pytest.mark.parametrize(
    ("tags", "beginning", "why"),
    [
        ({"needs:store"}, "a cluster", "the store cannot be seen from outside"),
        ({"needs:kill", "needs:store"}, "a cluster", "in a cluster that exists nobody is stopped; the store cannot be seen from outside"),
        (set(), "a fresh cluster with 2 nodes", "connections cannot be seen from outside, and others have theirs"),
        (set(), "a cluster without nodes", "a cluster that exists has the nodes that it has"),
        (set(), 'a cluster with nodes "node-1" and "node-10"', "a cluster that exists has the nodes that it has"),
    ],
)
def test_what_a_guest_cannot_have_is_named(tags: set[str], beginning: str, why: str) -> None:
    assert beyond_guests(tags, beginning, rule=SEEN) == (Verdict.NOT_RUN, why)


def test_a_rule_that_is_none_of_a_guests_is_never_run() -> None:
    assert beyond_guests(set(), "a cluster", rule=UNSEEN) == (Verdict.NOT_RUN, "clients of the API cannot see it")


def test_every_need_has_its_reason() -> None:
    assert BEYOND_GUESTS.keys() == NEEDS.keys()


def test_of_each_rule_for_guests_something_can_be_run() -> None:
    assert [r.id for r in catalogue.rules() if GUESTS in r.profiles and r.needs] == []


ALIKE = "everybody shows what the operator shows: there is no hook of authentication, and no identity.mint"


@pytest.mark.parametrize(
    ("asked", "mint", "why"),
    [
        ({"authentication", "admission"}, False, None),
        ({"authentication"}, False, "the descriptor rules out hooks of admission (hooks)"),
        ({"admission"}, False, ALIKE),
        ({"admission"}, True, None),
    ],
)
def test_a_hook_is_needed_and_people_whom_it_can_tell_apart(asked: set[str], mint: bool, why: str | None) -> None:
    reference = load("reference")
    hooks = {stage: "webhook" if stage in asked else "none" for stage in reference.hooks}
    own = {"admin": "FILE"} | ({"mint": ["COMMAND"]} if mint else {})
    implementation = replace(reference, hooks=hooks, identity=own if mint else reference.identity)

    found = missing({"needs:admission"}, rule=catalogue.find("REQ-11"), implementation=implementation, backend=Simulation)

    assert found == ((Verdict.NOT_RUN, why) if why else (None, ""))
