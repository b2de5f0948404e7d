"""A history survives being written and read, and the slice that explains a finding is small and holds its evidence."""

import orjson

from seatrial.model.excerpt import MOST, excerpt
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


def test_an_excerpt_is_the_evidence_its_neighbours_and_the_sentence() -> None:
    history = recorded(9)
    evidence = history.of("open", port=5)

    found = excerpt(history, evidence)

    assert [e["sentence"] or e["port"] for e in found] == ["ships sail", 3, 4, 5, 6]


def test_an_excerpt_is_small() -> None:
    history = recorded(100)

    assert len(excerpt(history, history.of("open"))) == MOST + 1


def test_without_evidence_the_last_sentence_remains() -> None:
    assert [e["sentence"] for e in excerpt(recorded(2), [])] == ["ships sail"]
