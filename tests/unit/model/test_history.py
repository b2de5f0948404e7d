"""A history survives being written and read, and the slice that explains a finding is small and holds its evidence."""

import orjson

from seatrial.model.excerpt import MOST, excerpt, sentence
from seatrial.model.history import History


def recorded(opens: int) -> History:
    history = History(lambda: 0.0)
    history.append("steps", "step", at_s=1.0, instance=None, data={"keyword": "When", "sentence": "ships sail"})
    for number in range(opens):
        history.append("flows", "open", at_s=2.0 + number, instance=None, data={"origin": "a", "target": "b", "port": number})
        history.append("cluster", "ready", at_s=2.0 + number, instance="a", data={})
    return history


def test_what_is_written_can_be_read() -> None:
    first, again = recorded(3), History(lambda: 0.0)
    first.append("odd", "seen", at_s=9.0, instance="a", data={"source": "of data", "kind": "too"})

    for line in first.as_lines():
        again.replay(orjson.loads(line))

    assert list(again) == list(first)
    assert list(again)[-1]["source"] == "of data"


def test_what_is_found_is_looked_for_again_only_after_something_new() -> None:
    history, asked = recorded(2), []

    def ports(there: History) -> list[int]:
        asked.append(len(there))
        return [e["port"] for e in there.of("open")]

    assert [history.find(ports), history.find(ports)] == [[0, 1], [0, 1]]
    assert len(asked) == 1
    history.append("flows", "open", at_s=9.0, instance=None, data={"origin": "a", "target": "b", "port": 2})
    assert history.find(ports) == [0, 1, 2]
    history.forget(lambda e: e["port"] == 0, late=lambda _: False)
    assert history.find(ports) == [1, 2]


def test_lines_are_of_what_is_there() -> None:
    history = recorded(1)
    before = list(history.as_lines())
    history.append("flows", "open", at_s=9.0, instance=None, data={"origin": "a", "target": "b", "port": 1})
    assert list(history.as_lines())[:-1] == before
    history.forget(lambda e: e.kind == "step", late=lambda _: False)
    assert [orjson.loads(line)["kind"] for line in history.as_lines()] == ["open", "ready", "open"]


def test_an_excerpt_is_the_evidence_its_neighbours_and_the_sentence() -> None:
    history = recorded(9)
    evidence = history.of("open", port=5)

    found = excerpt(history, evidence)

    assert [e["sentence"] or e["port"] for e in found] == ["ships sail", 3, 4, 5, 6]


def test_an_excerpt_is_small() -> None:
    history = recorded(100)

    assert len(excerpt(history, history.of("open"))) == MOST + 1


def scheduled() -> History:
    """Pods wait while their scheduler keeps its lease, and a node comes."""
    history = recorded(0)
    for revision, name in enumerate(["web", "other", "web", "other"]):
        seen = {"resource": "pods", "name": name, "uid": name, "type": "MODIFIED", "revision": revision, "object": {}}
        history.append("watch/operator/pods", "watched", at_s=2.0 + revision, instance=None, data=seen)
    history.append("steps", "step", at_s=10.0, instance=None, data={"keyword": "Then", "sentence": "ships arrive"})
    for number in range(4):
        asked = {"verb": "create", "resource": "events", "name": str(number)}
        history.append("tap/a", "request", at_s=11.0 + number, instance="scheduler-0", data=asked)
    history.append("tap/a", "request", at_s=16.0, instance="scheduler-0", data={"verb": "update", "resource": "leases", "name": "it"})
    history.append("tap/a", "delivered", at_s=17.0, instance="scheduler-0", data={"resource": "nodes", "name": "node-1"})
    history.append("tap/a", "delivered", at_s=18.0, instance="scheduler-0", data={"resource": "nodes", "name": None})
    return history


def test_of_a_watch_only_the_same_object_is_told_beside_the_evidence() -> None:
    history = scheduled()

    found = excerpt(history, history.of("watched", revision=2))

    assert [e["sentence"] or (e["name"], e["revision"]) for e in found] == ["ships sail", ("web", 0), ("web", 2)]


def test_where_the_evidence_does_not_show_the_culprit_its_last_doings_do() -> None:
    history = scheduled()

    found = excerpt(history, history.of("watched", revision=0)[:1], culprits=["scheduler-0"])

    told = [(e.kind, e["sentence"] or e["name"]) for e in found]
    assert told[-4:] == [("step", "ships arrive"), ("request", "2"), ("request", "3"), ("delivered", "node-1")]
    assert [e.instance for e in excerpt(history, history.of("request", name="0"), culprits=["scheduler-0"])].count("scheduler-0") == 2


def test_the_sentence_is_the_last_one_or_the_one_that_ran_then() -> None:
    history = scheduled()

    assert (sentence(history), sentence(history, until_s=5.0)) == ("Then ships arrive", "When ships sail")
    assert sentence(history, until_s=0.0) == ""
