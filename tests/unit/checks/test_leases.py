"""A lease passes on when it has expired or was given back, at every turn and not only at the first."""

import pytest

from seatrial.checks import judge
from seatrial.model.errors import Inconclusive
from seatrial.model.history import History

LIMITS = {"lease_s": 2.0, "react_s": 0.5}


def culprits(*writes: tuple[float, str, str | None], again: tuple[int, ...] = (), lasts_s: int | None = None) -> list[str]:
    """Who is found of these writes of the lease: when, by whom, for whom (None: it is deleted). The first holder is killed at 1 s. Those in
    `again` said what was there already; each says how long it is good for, where that is known."""
    history = History(lambda: 0.0)
    for number in range(3):
        about = {"roles": ["scheduler"], "lease": "kube-system/kube-scheduler", "limits": LIMITS}
        history.append("cluster", "instance", at_s=0, instance=f"scheduler-{number}", data=about)
    history.append("steps", "mark", at_s=1.0, instance=None, data={"name": "kill", "revision": None})
    for number, (at_s, who, holder) in enumerate(writes):
        verb = "delete" if holder is None else "update"
        about = {"request": number, "verb": verb, "resource": "leases", "namespace": "kube-system", "name": "kube-scheduler"}
        history.append(
            "tap",
            "request",
            at_s=at_s,
            instance=who,
            data=about | {"body": {"spec": {"holderIdentity": holder, "leaseDurationSeconds": lasts_s}}},
        )
        revision = number + 1 - (number in again)
        answered = {
            "request": number,
            "code": 200,
            "name": "kube-scheduler",
            "uid": "it",
            "revision": revision if holder is not None else None,
        }
        history.append("tap", "answer", at_s=at_s, instance=who, data=answered)
        if holder is None:  # of which the answer says no revision
            gone = {"resource": "leases", "type": "DELETED", "namespace": "kube-system", "name": "kube-scheduler", "uid": "it"}
            history.append("watch/operator/leases", "watched", at_s=at_s, instance=None, data=gone | {"revision": revision})
    return [f.culprit for f in judge(history, "leadership.takeover", {"role": "scheduler", "since": "kill"}).findings]


def test_one_takes_over_when_the_lease_has_expired() -> None:
    assert culprits((0.5, "scheduler-0", "a"), (2.6, "scheduler-1", "b"), (3.1, "scheduler-1", "b")) == []


def test_nobody_takes_it_before() -> None:
    assert culprits((0.5, "scheduler-0", "a"), (2.3, "scheduler-1", "b")) == ["scheduler-1"]


def test_nobody_takes_it_from_the_one_who_has_taken_over() -> None:
    assert culprits((0.5, "scheduler-0", "a"), (2.6, "scheduler-1", "b"), (2.7, "scheduler-2", "c")) == ["scheduler-2"]


def test_one_that_was_given_back_is_free() -> None:
    assert culprits((0.5, "scheduler-0", "a"), (0.9, "scheduler-0", ""), (1.1, "scheduler-1", "b")) == []


def test_one_that_was_deleted_is_free() -> None:
    assert culprits((0.5, "scheduler-0", "a"), (0.9, "scheduler-0", None), (1.1, "scheduler-1", "b")) == []
    assert culprits((0.5, "scheduler-0", "a"), (0.9, "scheduler-1", None), (1.1, "scheduler-1", "b")) != []


def test_who_says_the_same_again_has_renewed_nothing() -> None:
    late = ((0.5, "scheduler-0", "a"), (0.9, "scheduler-0", "a"), (2.6, "scheduler-1", "b"))

    assert culprits(*late) == ["scheduler-1"]
    assert culprits(*late, again=(1,)) == []


def test_a_lease_that_says_itself_how_long_it_is_good_for_is_believed() -> None:
    early = ((0.5, "scheduler-0", "a"), (1.6, "scheduler-1", "b"))

    assert culprits(*early) == culprits(*early, lasts_s=15) == ["scheduler-1"]
    assert culprits(*early, lasts_s=1) == []


def test_who_comes_back_and_takes_it_again_has_taken_it_from_its_successor() -> None:
    assert culprits((0.5, "scheduler-0", "a"), (2.6, "scheduler-1", "b"), (2.7, "scheduler-0", "a")) == ["scheduler-0"]


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        ("0 1 0 1", ["scheduler-0", "scheduler-1"]),
        ("0 1 2 0", ["scheduler-0", "scheduler-1", "scheduler-2"]),
        ("0 1 1 0 2", ["scheduler-0", "scheduler-1"]),
        ("0 0 1 1", None),  # one after the other: by another lease, perhaps
        ("0 0", None),
    ],
)
@pytest.mark.parametrize("check", ["leadership.only_leader_works", "leadership.standbys_idle"])
def test_where_nobody_takes_the_lease_nobody_works_beside_others(check: str, work: str, expected: list[str] | None) -> None:
    history = History(lambda: 0.0)
    for number in range(3):
        about = {"roles": ["scheduler"], "lease": "kube-system/kube-scheduler", "limits": LIMITS}
        history.append("cluster", "instance", at_s=0, instance=f"scheduler-{number}", data=about)
    for number, who in enumerate(work.split()):
        bound = {"request": number, "verb": "create", "resource": "pods", "subresource": "binding", "path": "/there"}
        history.append("tap", "request", at_s=float(number), instance=f"scheduler-{who}", data=bound)

    if expected is None:
        with pytest.raises(Inconclusive, match="was seen to take the lease"):
            judge(history, check, {"role": "scheduler"})
    else:
        assert [f.culprit for f in judge(history, check, {"role": "scheduler"}).findings] == expected


ROBBED = "keeps the lease until it has expired, or gives it back itself"


Moments = tuple[tuple[float, str], ...]


def leads(*turns: tuple[float, str, str], meant: str = "1", work: Moments = (), begun: Moments = ()) -> list[tuple[str, str]]:
    """Who is found, and what was expected, of these writes of the lease, each under the next revision, and of what was asked for besides.
    The second write says which revision it was `meant` for. Some have `begun` anew."""
    history = History(lambda: 0.0)
    history.append("cluster", "instance", at_s=0, instance="apiserver-0", data={"roles": ["apiserver"]})
    for number in range(3):
        about = {"roles": ["scheduler"], "lease": "kube-system/kube-scheduler", "limits": LIMITS}
        history.append("cluster", "instance", at_s=0, instance=f"scheduler-{number}", data=about)
    for at_s, who in begun:
        history.append("cluster", "started", at_s=at_s, instance=who, data={})
    lease = {"verb": "update", "resource": "leases", "namespace": "kube-system", "name": "kube-scheduler"}
    binding = {"verb": "create", "resource": "pods", "subresource": "binding", "path": "/there"}
    events = [
        (at_s, who, lease | {"body": {"metadata": {"resourceVersion": meant}, "spec": {"holderIdentity": name}}})
        for at_s, who, name in turns
    ]
    revision = 0
    for number, (at_s, who, about) in enumerate(sorted([*events, *((at_s, who, binding) for at_s, who in work)], key=lambda e: e[0])):
        revision += "body" in about
        history.append("tap", "request", at_s=at_s, instance=who, data={"request": number, **about})
        answer = {"request": number, "code": 200, "name": about.get("name"), "uid": "it", "revision": revision}
        history.append("tap", "answer", at_s=at_s, instance=who, data=answer)
    for number in range(3):
        history.append("tap", "request", at_s=9.0, instance=f"scheduler-{number}", data={"request": 90 + number, "verb": "get"})
    return [(f.culprit, f.expected) for f in judge(history, "leadership.only_leader_works", {"role": "scheduler"}).findings]


@pytest.mark.parametrize(("meant", "blamed"), [("1", "scheduler-0"), ("7", "apiserver-0")])
def test_nobody_gives_back_what_another_one_holds(meant: str, blamed: str) -> None:
    turns = ((0.5, "scheduler-1", "b"), (1.0, "scheduler-0", ""), (1.2, "scheduler-2", "c"))

    assert leads(*turns, meant=meant, work=((0.6, "scheduler-1"),)) == [(blamed, f"scheduler-1 {ROBBED}")]


def test_who_was_robbed_may_go_on_until_the_lease_would_have_expired() -> None:
    turns = ((0.5, "scheduler-1", "b"), (1.0, "scheduler-0", ""), (1.2, "scheduler-2", "c"))
    robbed = [("scheduler-0", f"scheduler-1 {ROBBED}")]

    assert leads(*turns, work=((1.4, "scheduler-1"), (1.5, "scheduler-2"))) == robbed
    assert leads(*turns, work=((2.9, "scheduler-1"),)) == [("scheduler-1", "work by scheduler-2, who holds the lease"), *robbed]


def test_who_begins_anew_has_to_take_its_lease_anew() -> None:
    turns, begun = ((0.5, "scheduler-1", "b"), (1.5, "scheduler-1", "c")), ((0.8, "scheduler-1"),)

    assert leads(*turns, begun=begun, meant="1", work=((0.6, "scheduler-1"), (1.6, "scheduler-1"))) == []
    assert leads(*turns, begun=begun, meant="1", work=((1.1, "scheduler-1"),)) == [
        ("scheduler-1", "work by nobody, for nobody holds the lease")
    ]


def test_who_begins_anew_under_the_same_name_finds_its_lease_its_own_until_it_expires() -> None:
    turns, begun = ((0.5, "scheduler-1", "b"), (2.8, "scheduler-1", "b")), ((0.8, "scheduler-1"),)

    assert leads(*turns, begun=begun, work=((1.1, "scheduler-1"), (2.9, "scheduler-1"))) == []
    assert leads(*turns, begun=begun, work=((2.6, "scheduler-1"),)) == [("scheduler-1", "work by nobody, for nobody holds the lease")]


def test_who_gives_the_lease_back_ends_its_work_with_it() -> None:
    turns = ((0.5, "scheduler-1", "b"), (1.0, "scheduler-1", ""), (3.0, "scheduler-2", "c"))

    assert leads(*turns, work=((0.9, "scheduler-1"), (1.4, "scheduler-1"), (3.1, "scheduler-2"))) == []
    assert leads(*turns, work=((1.6, "scheduler-1"),)) == [("scheduler-1", "work by nobody, for nobody holds the lease")]


def test_people_hold_a_lease_like_others() -> None:
    held = (1.0, "operator", "somebody")

    assert leads((0.5, "scheduler-1", ""), held, (3.1, "scheduler-2", "c"), work=((3.2, "scheduler-2"),)) == []
    assert leads((0.5, "scheduler-1", ""), held, (1.2, "scheduler-2", ""), meant="2", work=((0.6, "scheduler-1"),))[-1] == (
        "scheduler-2",
        f"operator {ROBBED}",
    )
    assert leads((0.5, "scheduler-1", ""), held, (1.2, "scheduler-2", "c"), meant="2", work=((1.3, "scheduler-2"),)) == [
        ("scheduler-2", "operator keeps the lease for 2 s after it has renewed it")
    ]
