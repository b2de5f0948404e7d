"""Pods of a workload may be made by one controller manager after the other, each while it holds the lease, and by nobody else."""

import pytest

from seatrial.checks.registry import judge
from seatrial.model.history import History

ONE, OTHER = "controller-manager-0", "controller-manager-1"


def found(*deeds: tuple[str, str], alone: bool = False, **how: int) -> list[str]:
    """Who is found where instances take the lease or make a pod, in this order; and so many are wanted, or as many as are made. Who is
    `alone` names no lease."""
    history, pods = History(lambda: 0.0), 0
    for name in (ONE, OTHER):
        about = {"roles": ["controller-manager"], "lease": "kube-system/kube-controller-manager"}
        about = {"roles": ["controller-manager" if name == ONE else "scheduler"], "lease": ""} if alone else about
        history.append("cluster", "instance", at_s=0, instance=name, data=about)
    for number, (who, what) in enumerate(deeds):
        about = {"request": number, "verb": "update", "resource": "leases", "namespace": "kube-system", "name": "kube-controller-manager"}
        answer = {"request": number, "code": 200, "name": "kube-controller-manager", "revision": number}
        if what == "makes":
            pods += 1
            meta = {"name": f"web-{pods}", "labels": {"app": "web"}}
            about = {"request": number, "verb": "create", "resource": "pods", "subresource": "", "body": {"metadata": meta}}
            answer = {"request": number, "code": 201, "name": meta["name"], "revision": number}
            seen = {"watch": "operator/pods", "type": "ADDED", "name": meta["name"], "uid": meta["name"], "object": {"metadata": meta}}
        history.append("tap/apiserver-0", "request", at_s=number, instance=who, data=about)
        history.append("tap/apiserver-0", "answer", at_s=number, instance=who, data=answer)
        if what == "makes":
            history.append("watch/operator/pods", "watched", at_s=number, instance=None, data=seen | {"revision": number})
    return [f.culprit for f in judge(history, "workloads.ever_created", {"name": "web", "number": pods} | how).findings]


@pytest.mark.parametrize(
    ("deeds", "culprits"),
    [
        ([(ONE, "leads"), (ONE, "makes"), (ONE, "makes")], []),
        ([(ONE, "leads"), (ONE, "makes"), (OTHER, "leads"), (OTHER, "makes")], []),
        ([(ONE, "leads"), (ONE, "makes"), (OTHER, "makes")], [OTHER]),
        ([(ONE, "leads"), (ONE, "makes"), (OTHER, "makes"), (OTHER, "leads"), (OTHER, "makes")], [OTHER]),
        ([(ONE, "leads"), (ONE, "makes"), (OTHER, "leads"), (OTHER, "makes"), (ONE, "makes")], [ONE]),
    ],
)
def test_who_makes_pods_must_hold_the_lease_when_there_are_several(deeds: list[tuple[str, str]], culprits: list[str]) -> None:
    assert found(*deeds) == culprits


@pytest.mark.parametrize(("number", "at_most", "fault"), [(2, False, False), (3, False, True), (3, True, False), (1, True, True)])
def test_at_most_so_many_may_be_made(number: int, *, at_most: bool, fault: bool) -> None:
    made = found((ONE, "leads"), (ONE, "makes"), (ONE, "makes"), number=number, at_most=at_most)

    assert made == ([ONE] if fault else [])


@pytest.mark.parametrize(
    ("deeds", "pods", "culprits"),
    [([(ONE, "makes")], 1, []), ([(ONE, "makes")], 2, [ONE]), ([(ONE, "makes"), (OTHER, "makes")], 2, [OTHER])],
)
def test_who_is_alone_needs_no_lease(deeds: list[tuple[str, str]], pods: int, culprits: list[str]) -> None:
    assert found(*deeds, alone=True, number=pods) == culprits
