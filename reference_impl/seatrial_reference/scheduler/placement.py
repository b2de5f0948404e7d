"""Where a pod goes: filter, score, pick. Pure functions of a pod and the nodes as the scheduler knows them (SCHED-07 to SCHED-11).

Filtering asks every node for its reasons why not. Scoring ranks what is left: free capacity, and for replicas of one controller as few
neighbours of their own kind as possible. Among equal best scores nodes are taken in turn, in the order of their names.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from seatrial_reference.machinery.objects import Json, condition, controller_of
from seatrial_reference.machinery.quantity import quantity

DEFAULT_REQUESTS: Mapping[str, Decimal] = {"cpu": Decimal("0.1"), "memory": Decimal(200 * 2**20)}  # for scoring only
ZERO = Decimal(0)
SPREADING = 2  # weight of spreading replicas against 1 for free capacity
_REPELS = frozenset({"NoSchedule", "NoExecute"})


@dataclass(frozen=True, kw_only=True)
class Place:
    """A node with the pods that are on it, those included that were just sent there. What follows from them is counted once."""

    node: Json
    pods: Sequence[Json] = field(default=())

    @cached_property
    def name(self) -> str:
        return str(self.node["metadata"]["name"])

    @cached_property
    def allocatable(self) -> Mapping[str, Decimal]:
        status = self.node.get("status", {})
        return {name: quantity(str(text)) for name, text in (status.get("allocatable") or status.get("capacity") or {}).items()}

    @cached_property
    def used(self) -> Mapping[str, Decimal]:
        """What the pods have asked for."""
        return _total(requests(pod) for pod in self.pods)

    @cached_property
    def weight(self) -> Mapping[str, Decimal]:
        """The same for scoring: pods that ask for nothing count a little all the same."""
        return _total(requests(pod, default=DEFAULT_REQUESTS) for pod in self.pods)

    @cached_property
    def siblings(self) -> Counter[str]:
        """How many of the pods belong to the controller of that uid."""
        return Counter(str((controller_of(pod) or {}).get("uid")) for pod in self.pods)


def reasons_against(pod: Json, place: Place) -> list[str]:
    """Why the node cannot host the pod; empty where it can."""
    node, spec = place.node, place.node.get("spec", {})
    reasons = []
    if condition(node, "Ready").get("status") != "True":
        reasons.append("node(s) were not ready")
    if spec.get("unschedulable"):
        reasons.append("node(s) were unschedulable")
    reasons += [f"node(s) had untolerated taint {{{t['key']}: {t.get('value', '')}}}" for t in _untolerated(pod, spec.get("taints") or ())]
    if not _selected(pod, node):
        reasons.append("node(s) didn't match Pod's node affinity/selector")
    return reasons + _lacking(pod, place)


def filter_places(pod: Json, places: Iterable[Place]) -> tuple[list[Place], Counter[str]]:
    """The places that can host the pod, and how many of the others were ruled out by which reason."""
    feasible: list[Place] = []
    against: Counter[str] = Counter()
    for place in places:
        reasons = reasons_against(pod, place)
        against.update(reasons)
        if not reasons:
            feasible.append(place)
    return feasible, against


def score(pod: Json, places: Sequence[Place]) -> list[tuple[Place, int]]:
    """How good each of the places is, 0 to 300."""
    owner = str((controller_of(pod) or {"uid": ""})["uid"])  # a pod without a controller has no siblings
    most = max(place.siblings[owner] for place in places) if owner else 0
    return [
        (place, _least_allocated(pod, place) + SPREADING * (100 * (most - place.siblings[owner]) // most if most else 0))
        for place in places
    ]


def pick(scored: Sequence[tuple[Place, int]], *, after: str) -> Place:
    """The best place; among equals the next one after the node named `after`, round and round."""
    best = max(points for _, points in scored)
    ties = sorted((place for place, points in scored if points == best), key=lambda place: place.name)
    return next((place for place in ties if place.name > after), ties[0])


def requests(pod: Json, *, default: Mapping[str, Decimal] | None = None) -> dict[str, Decimal]:
    """What the pod asks for: its containers together, or its greediest init container."""
    total = _sum(pod["spec"].get("containers") or (), default or {})
    for container in pod["spec"].get("initContainers") or ():
        for name, amount in _sum([container], default or {}).items():
            total[name] = max(total.get(name, ZERO), amount)
    return total


def _sum(containers: Iterable[Json], default: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return _total(_container(container, default) for container in containers)


def _container(container: Json, default: Mapping[str, Decimal]) -> dict[str, Decimal]:
    resources = container.get("resources") or {}
    asked = (resources.get("limits") or {}) | (resources.get("requests") or {})
    return dict(default) | {name: quantity(str(text)) for name, text in asked.items()}


def _total(amounts: Iterable[Mapping[str, Decimal]]) -> dict[str, Decimal]:
    total: dict[str, Decimal] = {}
    for each in amounts:
        for name, amount in each.items():
            total[name] = total.get(name, ZERO) + amount
    return total


def _lacking(pod: Json, place: Place) -> list[str]:
    reasons = ["Too many pods"] if len(place.pods) + 1 > place.allocatable.get("pods", ZERO) else []
    for name, amount in requests(pod).items():
        if amount and place.used.get(name, ZERO) + amount > place.allocatable.get(name, ZERO):
            reasons.append(f"Insufficient {name}")
    return reasons


def _selected(pod: Json, node: Json) -> bool:
    labels = node["metadata"].get("labels") or {}
    return all(labels.get(key) == value for key, value in (pod["spec"].get("nodeSelector") or {}).items())


def _untolerated(pod: Json, taints: Iterable[Json]) -> list[Json]:
    tolerations = pod["spec"].get("tolerations") or ()
    return [t for t in taints if t["effect"] in _REPELS and not any(_tolerates(toleration, t) for toleration in tolerations)]


def _tolerates(toleration: Json, taint: Json) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if not toleration.get("key"):
        return bool(toleration.get("operator") == "Exists")
    if toleration["key"] != taint["key"]:
        return False
    return toleration.get("operator") == "Exists" or toleration.get("value", "") == taint.get("value", "")


def _least_allocated(pod: Json, place: Place) -> int:
    """0 to 100: the part of CPU and memory that is free after placing the pod."""
    asked, free = requests(pod, default=DEFAULT_REQUESTS), ZERO
    for name in DEFAULT_REQUESTS:
        capacity, used = place.allocatable.get(name, ZERO), place.weight.get(name, ZERO) + asked[name]
        free += (capacity - used) * 100 / capacity if capacity > used else ZERO
    return int(free / len(DEFAULT_REQUESTS))
