"""A request that is held at a stage has not been answered; but whoever updates what has changed meanwhile begins anew."""

from typing import Any

import pytest

from seatrial.checks import judge
from seatrial.model.errors import Inconclusive
from seatrial.model.history import History
from seatrial.model.verdicts import Proof


def held_at(*codes: int, method: str = "PUT", held: bool = True) -> Proof:
    """alice writes to the pod `old`; some attempts are answered, the last one is held at validation."""
    made = History(lambda: 1.0)

    def happens(source: str, kind: str, instance: str | None = None, **data: Any) -> int:
        return made.append(source, kind, at_s=None, instance=instance, data=data).seq

    happens("cluster", "instance", "apiserver-0", roles=["apiserver"])
    request = {"user": "alice", "method": method, "path": "/api/v1/namespaces/trial/pods/old"}
    for code in codes:
        happens("people", "told", **request, asked=happens("people", "asked", **request, body={}), code=code, body={"kind": "Status"})
    happens("people", "asked", **request, body={})
    if held:
        happens("hooks", "review", stage="validation", user="alice", name="old", resource="pods", allowed=None)
    return judge(made, "pipeline.held_at", {"stage": "validation", "user": "alice", "name": "old"})


def test_who_has_read_too_early_is_not_held_but_begins_anew() -> None:
    assert not held_at(409).findings


@pytest.mark.parametrize(("code", "method"), [(200, "PUT"), (403, "PUT"), (409, "PATCH"), (409, "DELETE")])
def test_any_other_answer_means_that_nothing_was_held(code: int, method: str) -> None:
    (found,) = held_at(code, method=method).findings

    assert f"answered {code}" in found.observed


def test_who_is_only_told_of_conflicts_was_not_seen_at_the_stage() -> None:
    with pytest.raises(Inconclusive):
        held_at(409, held=False)
