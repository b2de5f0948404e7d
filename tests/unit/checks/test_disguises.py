"""What one component has for another is an exchange though the API server passes it on; what is one's own, or nobody's, is none."""

from typing import Any

import pytest

from seatrial.checks import judge
from seatrial.model.history import History

LEASES = {"scheduler": "kube-system/kube-scheduler", "controller-manager": "kube-system/kube-controller-manager"}
ROLES = {"scheduler": 2, "controller-manager": 1, "kubelet": 2}
NO_FRAMES = {"between": ["kubelet"], "and_": ["scheduler"], "until": "counted"}
LEASE = {"resource": "leases", "verb": "update", "namespace": "kube-node-lease", "name": "kubelet-1"}
CREATED = LEASE | {"verb": "create", "name": "", "body": {"metadata": {"name": "kubelet-1"}}}
LOG = {"resource": "pods", "subresource": "log", "verb": "get", "namespace": "trial", "name": "web"}
PROXY = {"resource": "nodes", "subresource": "proxy", "verb": "connect", "name": "kubelet-1"}
OWN = LEASE | {"namespace": "kube-system", "name": "kube-scheduler"}
NOBODYS = OWN | {"name": "kube-scheduler-notes"}


def culprits(check: str, arguments: dict[str, Any], who: str, **asked: Any) -> list[str]:
    """Who is found when `who` has asked for that, in a cluster in which nothing else has happened."""
    history = History(lambda: 0.0)
    for role, number in ROLES.items():
        for each in range(number):
            about = {"roles": [role], "lease": LEASES.get(role)}
            history.append("cluster", "instance", at_s=None, instance=f"{role}-{each}", data=about)
    hosts = [f"{role}-{each}" for role, number in ROLES.items() for each in range(number)]
    history.append("frames", "frames", at_s=1.0, instance=None, data={"pairs": []})
    history.append("steps", "mark", at_s=2.0, instance=None, data={"name": "counted", "revision": None})
    history.append("frames", "frames", at_s=3.0, instance=None, data={"pairs": [(a, b, 1) for a in hosts for b in hosts]})
    for number, name in enumerate(hosts):
        blank = {"request": number, "verb": "get", "resource": "nodes", "subresource": "", "namespace": "", "name": "", "body": None}
        history.append("tap", "request", at_s=1.0, instance=name, data=blank | {"path": "/"} | (asked if name == who else {}))
    return [f.culprit for f in judge(history, check, arguments).findings]


@pytest.mark.parametrize(
    ("who", "asked", "fault"),
    [
        ("scheduler-0", LEASE, True),
        ("scheduler-0", CREATED, True),
        ("scheduler-0", LOG, True),
        ("scheduler-0", PROXY, True),
        ("scheduler-0", LEASE | {"verb": "get"}, False),
        ("scheduler-0", LEASE | {"verb": "delete"}, False),
        ("scheduler-0", LEASE | {"name": "elsewhere"}, False),
        ("scheduler-1", OWN, False),
        ("scheduler-0", NOBODYS, False),
        ("kubelet-0", OWN, True),
        ("kubelet-0", LEASE, False),
        ("kubelet-1", LEASE, False),
        ("kubelet-0", LOG, False),
    ],
)
def test_what_a_scheduler_and_a_kubelet_have_for_each_other_counts(who: str, asked: dict[str, Any], *, fault: bool) -> None:
    assert culprits("edges.no_frames", NO_FRAMES, who, **asked) == [who] * fault


@pytest.mark.parametrize(("who", "fault"), [("kubelet-0", True), ("kubelet-1", False)])
def test_a_kubelet_renews_no_lease_but_its_own(who: str, *, fault: bool) -> None:
    assert culprits("edges.no_frames", NO_FRAMES | {"and_": ["kubelet"]}, who, **LEASE) == [who] * fault
