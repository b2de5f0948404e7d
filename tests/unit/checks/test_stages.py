"""A request that is held at a stage has not been answered; but whoever updates what has changed meanwhile begins anew."""

from typing import Any

import pytest

from seatrial.checks import judge
from seatrial.checks.pipeline import overlooked
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


@pytest.mark.parametrize(("code", "method"), [(504, "PUT"), (504, "POST"), (0, "POST")])
def test_what_was_given_up_says_nothing(code: int, method: str) -> None:
    with pytest.raises(Inconclusive, match="given up"):
        held_at(code, method=method)


def test_who_is_only_told_of_conflicts_was_not_seen_at_the_stage() -> None:
    with pytest.raises(Inconclusive):
        held_at(409, held=False)


def admitted(*shown: str, verb: str = "patch", resource: str = "pods", sub: str = "status", at_s: float = 3.0) -> Proof:
    """The hooks have seen a canary and alice's pod; `shown`: the names under which they are asked about what a component writes then."""
    made = History(lambda: at_s)

    def happens(source: str, kind: str, instance: str | None = None, **data: Any) -> int:
        return made.append(source, kind, at_s=None, instance=instance, data=data).seq

    def review(user: str, name: str, *, verb: str, sub: str = "") -> None:
        for stage in ("mutation", "validation"):
            happens("hooks", "review", stage=stage, user=user, name=name, verb=verb, resource="pods", subresource=sub)

    canary = {"kind": "ConfigMap", "metadata": {"name": "canary", "namespace": "trial"}}
    made.append(
        "people", "told", at_s=2.0, instance=None, data={"user": "canary", "method": "POST", "asked": 0, "code": 201, "body": canary}
    )
    happens("people", "told", user="alice", method="POST", asked=0, code=201, body={"kind": "Pod", "metadata": {"name": "new"}})
    review("alice", "new", verb="create")
    about = {"request": 1, "verb": verb, "resource": resource, "subresource": sub, "namespace": "trial", "name": "web", "user": "kubelet"}
    happens("tap", "request", "node-1", **about)
    for name in shown:
        review("kubelet", name, verb="update", sub="status")
    happens("tap", "answer", "node-1", request=1, code=200, name="web", revision=5)
    return judge(made, "pipeline.admitted", {"user": "alice", "operation": "create"})


def test_what_components_write_is_admitted_as_well() -> None:
    assert not admitted("web").findings
    for shown in ((), ("another",)):
        (found,) = admitted(*shown).findings
        assert "validation was not asked about the patch of pods/web/status by kubelet" in found.observed


@pytest.mark.parametrize(
    "how", [{"resource": "events"}, {"verb": "delete"}, {"verb": "get"}, {"resource": "serviceaccounts", "sub": "token"}, {"at_s": 1.0}]
)
def test_hooks_need_not_have_been_asked_about_everything(how: dict[str, Any]) -> None:
    assert not admitted(**how).findings


@pytest.mark.parametrize(
    ("stages", "last_s", "expected"),
    [
        (("mutation", "validation"), 20.0, ""),
        (("mutation",), 20.0, "validation was not asked about /there, nor about anything before"),
        ((), 20.0, "mutation was not asked about /there, nor about anything before"),
        ((), 5.0, ""),  # they may not have taken effect yet
    ],
)
def test_webhooks_that_are_registered_are_asked_some_time(stages: tuple[str, ...], last_s: float, expected: str) -> None:
    made = History(lambda: 0.0)
    made.append("cluster", "instance", at_s=0.0, instance="apiserver-0", data={"roles": ["apiserver"]})
    made.append("steps", "mark", at_s=1.0, instance=None, data={"name": "registered"})
    for stage in stages:
        made.append("hooks", "review", at_s=1.1, instance="apiserver-0", data={"stage": stage, "user": "canary", "name": "canary-0"})
    for at_s in (1.1, last_s):
        made.append("people", "told", at_s=at_s, instance=None, data={"user": "canary", "path": "/there", "code": 201})

    assert [f.observed for f in overlooked(made)] == [expected] * bool(expected)
