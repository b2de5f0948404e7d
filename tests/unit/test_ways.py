"""Where scenarios part, and in what order they go together longest."""

from hypothesis import given
from hypothesis import strategies as st

from seatrial.ways import MANY, Sentences, ways

CLUSTER = ("Given", "a cluster")


def scenario(*words: str) -> Sentences:
    return CLUSTER, *(("And", word) for word in words)


def test_where_many_part_is_a_moment_to_stand_at() -> None:
    scenarios = [scenario("hooks", "pod", f"end {number}") for number in range(MANY)]

    assert all(way.moments == ((CLUSTER,), scenario("hooks", "pod")) for way in ways(scenarios))


def test_where_few_part_is_none() -> None:
    scenarios = [scenario("hooks", "pod", f"end {number}") for number in range(MANY - 1)]

    assert all(way.moments == ((CLUSTER,),) for way in ways(scenarios))


def test_before_the_last_sentence_of_a_scenario_nobody_else_stands_for_it() -> None:
    """It says what others begin with: from there it would have nothing left to say."""
    whole, *others = ways([scenario("hooks"), *(scenario("hooks", f"end {number}") for number in range(MANY))])

    assert whole.moments == ((CLUSTER,),)
    assert {way.moments for way in others} == {((CLUSTER,), scenario("hooks"))}


def test_keywords_are_on_record_and_tell_sentences_apart() -> None:
    scenarios = [(CLUSTER, (keyword, "hooks"), ("Then", f"end {number}")) for number in range(MANY - 1) for keyword in ("And", "When")]

    assert all(len(way.moments) == 1 for way in ways(scenarios))


def test_what_does_not_begin_with_a_cluster_has_no_way() -> None:
    scenarios: list[Sentences] = [(), (("Given", "a person"), ("Then", "nothing")), scenario("pod")]

    assert [way.number for way in ways(scenarios)] == [2]


SCENARIOS = st.lists(st.lists(st.sampled_from("abc"), max_size=4).map(lambda words: scenario(*words)), max_size=30)


@given(SCENARIOS)
def test_those_that_go_together_follow_each_other(scenarios: list[Sentences]) -> None:
    """Of all that have said the same so far, none comes before or after somebody who has not."""
    ordered = [scenarios[way.number] for way in ways(scenarios)]

    for begun in {said[:length] for said in ordered for length in range(1, len(said) + 1)}:
        places = [place for place, said in enumerate(ordered) if said[: len(begun)] == begun]
        assert places == list(range(places[0], places[-1] + 1))


@given(SCENARIOS)
def test_each_moment_is_on_the_way_and_leads_to_the_next(scenarios: list[Sentences]) -> None:
    found = ways(scenarios)

    assert sorted(way.number for way in found) == list(range(len(scenarios)))
    for way in found:
        lengths = [len(moment) for moment in way.moments]
        assert lengths == sorted(set(lengths))
        assert all(moment == scenarios[way.number][: len(moment)] for moment in way.moments)
        assert lengths[0] == 1
        assert len(lengths) == 1 or lengths[-1] < len(scenarios[way.number])
