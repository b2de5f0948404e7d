"""Whoever is told nothing of a change, though the API server had time for it and was there, is found; whoever was hindered is not."""

from typing import Any

import pytest

from seatrial.checks.invariants import broken
from seatrial.model.history import History

POD: dict[str, Any] = {"kind": "Pod", "metadata": {"name": "web", "namespace": "trial"}, "spec": {"nodeName": "node-1"}}
ON_NODE = {"resourceVersion": "1", "fieldSelector": "spec.nodeName=node-1"}


class Told:
    """A history with one change at 2 s, of which a watch is told or not; the API server answers others until 20 s, and reacts in one."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.history = History(lambda: self.now_s)
        limits = {"react_s": 1.0}
        self.add("cluster", "instance", instance="apiserver-0", roles=["apiserver"], limits=limits)
        self.add("cluster", "instance", instance="node-1", roles=["kubelet"], limits=limits)
        self.add("steps", "mark", name="ready", revision=1)

    def add(self, source: str, kind: str, *, at_s: float = 0.0, instance: str | None = None, **data: Any) -> None:
        self.history.append(source, kind, at_s=at_s, instance=instance, data=data)

    def change(self, spec: dict[str, Any] | None = None) -> None:
        value = POD | {"spec": POD["spec"] if spec is None else spec}
        self.add("store", "put", at_s=2.0, key="/registry/pods/trial/web", revision=2, created=2, value=value)

    def own_watch(self) -> None:
        self.add("operator", "watching", watch="operator/pods", resource="pods", revision=1, code=200)

    def tapped_watch(self, query: dict[str, str]) -> None:
        about = {"request": 7, "verb": "watch", "resource": "pods", "group": "", "namespace": "", "name": "", "query": query}
        self.add("tap/apiserver-0", "request", instance="node-1", **about)
        self.add("tap/apiserver-0", "answer", instance="node-1", request=7, code=200)

    def judged(self, *, answers_s: float = 20.0) -> list[str]:
        self.add("tap/apiserver-0", "answer", at_s=answers_s, instance="node-1", request=8, code=200)
        self.add("steps", "mark", at_s=answers_s, name="in-vain", revision=2)
        return [f.culprit for _, findings in broken(self.history, ["WATCH-03"]) for f in findings]


@pytest.mark.parametrize(("answers_s", "blamed"), [(20.0, ["apiserver-0"]), (6.0, [])])
def test_who_is_told_nothing_for_long_is_told_nothing(answers_s: float, blamed: list[str]) -> None:
    made = Told()
    made.own_watch()
    made.change()

    assert made.judged(answers_s=answers_s) == blamed


@pytest.mark.parametrize(
    ("query", "spec", "blamed"),
    [
        ({"resourceVersion": "1"}, {}, ["apiserver-0"]),
        (ON_NODE, {"nodeName": "node-1"}, ["apiserver-0"]),
        (ON_NODE, {"nodeName": "node-2"}, []),
        ({"resourceVersion": "1", "labelSelector": "app=web"}, {}, []),
    ],
)
def test_components_are_told_what_they_ask_for(query: dict[str, str], spec: dict[str, str], blamed: list[str]) -> None:
    made = Told()
    made.tapped_watch(query)
    made.change(spec)

    assert made.judged() == blamed


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("offered", {"request": 7, "type": "ADDED", "name": "web", "revision": 2}),
        ("held", {"request": 7, "what": "stream"}),
        ("stream-end", {"request": 7, "who": "server"}),
        ("paused", {}),
        ("cut", {"other": "apiserver-0", "both": True}),
        ("started", {"boot": 1}),
    ],
)
def test_who_was_told_or_hindered_is_no_evidence(kind: str, data: dict[str, Any]) -> None:
    made = Told()
    made.tapped_watch({"resourceVersion": "1"})
    made.change()
    made.add("tap/apiserver-0", kind, at_s=3.0, instance="node-1", **data)

    assert made.judged() == []


@pytest.mark.parametrize(("instance", "blamed"), [("node-2", ["apiserver-0"]), ("apiserver-0", [])])
def test_what_befalls_others_hinders_nobody(instance: str, blamed: list[str]) -> None:
    made = Told()
    made.own_watch()
    made.add("cluster", "paused", at_s=1.0, instance=instance)
    made.change()

    assert made.judged() == blamed
