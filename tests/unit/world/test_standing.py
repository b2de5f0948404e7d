"""A cluster goes on to the next scenario only unharmed, and of the scenario before it nothing is left to conclude from."""

from dataclasses import dataclass, field
from typing import Any, cast

import orjson
import pytest

from seatrial.adapters.descriptor import load
from seatrial.checks import judge
from seatrial.checks.facts import accepted
from seatrial.cluster.cluster import Cluster
from seatrial.model.errors import Inconclusive
from seatrial.model.history import History
from seatrial.model.topology import Topology
from seatrial.opening import open_backend
from seatrial.world.standing import Over, Pool, Standing, unharmed
from seatrial.world.world import World

Row = tuple[str, str, str | None, dict[str, Any]]
POD = "/api/v1/namespaces/{}/pods"


def history(*events: Row) -> History:
    made = History(lambda: 1.0)
    write(made, *events)
    return made


def write(made: History, *events: Row) -> None:
    for source, kind, instance, data in events:
        made.append(source, kind, at_s=None, instance=instance, data=data)


UP = (
    ("cluster", "instance", "scheduler-0", {"roles": ["scheduler"]}),
    ("cluster", "started", "scheduler-0", {"boot": 1}),
    ("cluster", "ready", "scheduler-0", {}),
)


def bound(number: int, namespace: str) -> tuple[Row, Row]:
    facts = {"request": number, "verb": "create", "resource": "pods", "subresource": "binding", "namespace": namespace, "name": "web"}
    return ("tap/a", "request", "scheduler-0", facts), ("tap/a", "answer", "scheduler-0", {"request": number, "code": 201, "name": "web"})


def put(key: str, revision: int) -> Row:
    return "store", "put", None, {"key": key, "revision": revision}


def kinds(made: History) -> list[str]:
    return [e.kind for e in made]


def ended(*events: Row, namespace: str = "trial", watches: tuple[str, ...] = ("operator/pods", "operator/nodes")) -> History:
    made = history(*events)
    Over().end(made, namespaces=[namespace], watches=watches)
    return made


# -- what is forgotten


def test_the_next_scenario_cannot_rest_on_what_an_earlier_one_has_shown() -> None:
    made = history(*UP, *bound(1, "trial"))
    assert judge(made, "requests.scheduler_writes", {}).evidence

    Over().end(made, namespaces=["trial"], watches=())

    with pytest.raises(Inconclusive, match="no scheduler wrote anything"):
        judge(made, "requests.scheduler_writes", {})


def test_what_happened_to_the_components_stays() -> None:
    lease = {"request": 2, "verb": "update", "resource": "leases", "namespace": "kube-system", "name": "kube-scheduler"}
    made = ended(
        *UP,
        ("flows", "open", None, {"origin": "scheduler-0", "target": "a", "link": 1}),
        ("tap/a", "request", "scheduler-0", lease),
        ("tap/a", "answer", "scheduler-0", {"request": 2, "code": 200}),
        put("/registry/leases/kube-system/kube-scheduler", 7),
        ("watch/operator/nodes", "watched", None, {"resource": "nodes", "name": "node-1", "namespace": None}),
    )

    assert kinds(made) == ["instance", "started", "ready", "open", "request", "answer", "put", "watched"]


@pytest.mark.parametrize(
    "event",
    [
        put("/registry/pods/trial/web", 8),
        put("/registry/namespaces/trial", 8),
        ("store", "delete", None, {"key": "/registry/services/specs/trial/web", "revision": 9}),
        ("tap/a", "delivered", "scheduler-0", {"request": 3, "resource": "pods", "namespace": "trial", "name": "web"}),
        ("tap/a", "offered", "scheduler-0", {"request": 3, "resource": "namespaces", "namespace": "", "name": "trial"}),
        ("runtime/node-1", "cri", "node-1", {"method": "RunPodSandbox", "namespace": "trial", "pod": "web"}),
        ("watch/operator/pods", "watched", None, {"resource": "pods", "namespace": "trial", "name": "web"}),
        ("watch/alice/pods", "watching", None, {"watch": "alice/pods", "code": 200}),
        ("people", "told", None, {"user": "alice", "code": 201}),
        ("hooks", "review", "a", {"stage": "authentication", "user": "alice", "allowed": False}),
        ("steps", "mark", None, {"name": "begun", "revision": 4}),
        ("tap/a", "request", "operator", {"request": 4, "verb": "get", "resource": "nodes", "namespace": "", "name": "node-1"}),
    ],
)
def test_what_concerned_the_namespace_or_people_is_forgotten(event: Row) -> None:
    assert kinds(ended(*UP, event)) == ["instance", "started", "ready"]


def test_what_is_called_like_it_elsewhere_stays() -> None:
    others = ("/registry/pods/trial-2/web", "/registry/pods/trial-2/trial", "/registry/nodes/trial", "/registry/namespaces/trial-2")

    assert kinds(ended(*(put(key, 8) for key in others))) == ["put"] * len(others)


def test_what_comes_late_is_not_taken_and_neither_is_its_answer() -> None:
    made = ended(*UP)

    write(made, *bound(5, "trial"), *bound(6, "trial-2"), put("/registry/pods/trial/web", 9), put("/registry/pods/trial-2/web", 10))

    assert [r["namespace"] for r, _ in accepted(made)] == ["trial-2"]
    assert [e["key"] for e in made.of("put")] == ["/registry/pods/trial-2/web"]


def test_an_answer_to_what_was_asked_before_the_end_is_not_taken_either() -> None:
    request, answer = bound(5, "trial")
    made = ended(*UP, request)

    write(made, answer)

    assert "answer" not in kinds(made)


def test_a_namespace_of_the_same_name_that_is_made_anew_is_another_one() -> None:
    made = ended(*UP, namespace="harbour")
    creation = ("people", "asked", None, {"method": "POST", "path": "/api/v1/namespaces", "body": {"metadata": {"name": "harbour"}}})

    write(made, put("/registry/pods/harbour/web", 9), creation, put("/registry/pods/harbour/web", 10))

    assert [e["revision"] for e in made.of("put")] == [10]


def test_what_is_left_keeps_its_numbers_when_it_is_saved() -> None:
    made = ended(("people", "asked", None, {"user": "alice"}), ("people", "told", None, {"asked": 0}))
    write(made, ("people", "asked", None, {"user": "bob"}), ("people", "told", None, {"asked": 2}))

    again = History(lambda: 0.0)
    for line in made.as_lines():
        again.replay(orjson.loads(line))

    assert [e.seq for e in again] == [2, 3]
    assert list(again) == list(made)


# -- who goes on


@dataclass
class Placed:
    node: str | None = None


@dataclass
class Somebody:
    placement: Placed = field(default_factory=Placed)


@dataclass
class Ordered:
    topology: Topology


@dataclass
class Fake:
    """As much of a cluster as is asked about it."""

    order: Ordered
    instances: dict[str, Somebody] = field(default_factory=lambda: {"scheduler-0": Somebody()})
    stopped: int = 0

    async def stop(self) -> None:
        self.stopped += 1


def fake(*nodes: str) -> Cluster:
    return cast("Cluster", Fake(order=Ordered(topology=Topology(nodes=nodes))))


def asked(path: str, code: int = 201, method: str = "POST", body: Any = None) -> tuple[Row, Row]:
    """The only request of a history."""
    return (
        ("people", "asked", None, {"user": "alice", "method": method, "path": path, "body": body}),
        ("people", "told", None, {"user": "alice", "method": method, "code": code, "asked": 0}),
    )


@pytest.mark.parametrize(
    "events",
    [
        (),
        asked(POD.format("trial")),
        asked("/api/v1/namespaces", body={"metadata": {"name": "trial"}}),
        asked("/api/v1/namespaces", body={"metadata": {"name": "harbour"}}),
        [("cluster", kind, None, {}) for kind in ("hold", "release")],
        asked("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", body={"metadata": {"name": "seatrial"}}),
        asked("/api/v1/nodes", code=403),
        asked("/api/v1/nodes", code=200, method="GET"),
    ],
)
def test_a_cluster_goes_on(events: tuple[Row, ...]) -> None:
    assert unharmed(history(*UP, *events), fake(), namespace="trial")


@pytest.mark.parametrize(
    "events",
    [
        [("cluster", kind, "scheduler-0", {})]
        for kind in ("exited", "started", "paused", "resumed", "cut", "healed", "hung-up", "canary", "overdue")
    ]
    + [
        [("flows", "losses", None, {"count": 3})],
        asked(POD.format("trial-2")),
        asked(POD.format("other")),
        asked("/api/v1/nodes"),
        asked("/api/v1/nodes", code=0),
        asked("/api/v1/nodes/node-1", code=200, method="PATCH"),
    ],
)
def test_whatever_else_was_done_to_it_is_its_end(events: list[Row]) -> None:
    assert not unharmed(history(*UP, *events), fake(), namespace="trial")


def test_a_node_that_joined_is_its_end() -> None:
    cluster = fake("node-1")
    cast("Fake", cluster).instances = {f"node-{i}": Somebody(Placed(f"node-{i}")) for i in (1, 2)}
    up = [("cluster", kind, f"node-{i}", {}) for i in (1, 2) for kind in ("instance", "started", "ready")]

    assert not unharmed(history(*up), cluster, namespace="trial")


def standing(cluster: Cluster, scenarios: int = 1) -> Standing:
    return Standing(cluster=cluster, history=history(), store=None, audits=(), watchers={}, over=Over(), scenarios=scenarios)


def run(act: Any) -> None:
    with pytest.raises(StopIteration):
        act.send(None)


@pytest.mark.parametrize(
    ("ordered", "scenarios", "taken"),
    [(Topology(), 1, True), (Topology(nodes=("node-1",)), 1, False), (None, 1, False), (Topology(), 25, False)],
)
def test_who_orders_something_else_gets_a_new_cluster_and_the_old_one_goes(ordered: Topology | None, scenarios: int, taken: bool) -> None:
    pool, cluster = Pool(run), fake()
    pool.keep(standing(cluster, scenarios))

    found = pool.take(ordered)

    assert (found is not None) is taken
    assert cast("Fake", cluster).stopped == (0 if taken else 1)
    assert pool.take(ordered) is None


def test_a_scenario_that_ends_before_its_first_sentence_takes_down_what_was_left_to_it() -> None:
    cluster, implementation = fake(), load("reference")
    backend = open_backend("simulation", implementation, seed=0)
    try:
        World(backend=backend, implementation=implementation, seed=0, settings={}, standing=standing(cluster)).close()
    finally:
        backend.close()

    assert cast("Fake", cluster).stopped == 1
