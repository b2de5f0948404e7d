"""Pure: which instance of which component runs on which host, and to which API server it talks.

An instance has the name of its host. Replica i talks to API server i mod n. A node's host bears the node's name.
"""

from dataclasses import dataclass

from seatrial.adapters.implementation import Component, Implementation
from seatrial.model.errors import NotRunnable
from seatrial.model.topology import NODE_ROLE, ROLES, Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """One instance to be: its name (also its host's), and its place among its component's replicas."""

    name: str
    component: Component
    index: int
    node: str | None = None

    @property
    def roles(self) -> tuple[str, ...]:
        return self.component.roles

    def has(self, role: str) -> bool:
        return role in self.component.roles


def placements(implementation: Implementation, topology: Topology) -> list[Placement]:
    """All instances in the order in which they start: stores, API servers, the rest, nodes. Roles with a count of 0 are left out."""
    if implementation.at_endpoint and topology.count("etcd") != 1:
        raise NotRunnable("the store belongs to an API server that runs already: it cannot be left out")
    placed: list[Placement] = []
    for component in sorted(implementation.components.values(), key=lambda c: min(ROLES.index(r) for r in c.roles)):
        if component.within or component.roles == (NODE_ROLE,):
            continue
        placed += [Placement(name=f"{component.name}-{i}", component=component, index=i) for i in range(_count(component, topology))]
    kubelet = implementation.role(NODE_ROLE)
    if topology.nodes and kubelet is None:
        raise NotRunnable("the scenario needs nodes, and no component has the role kubelet")
    return placed + [node(kubelet, name, i) for i, name in enumerate(topology.nodes) if kubelet]


def node(kubelet: Component, name: str, index: int) -> Placement:
    """The kubelet of one node."""
    return Placement(name=name, component=kubelet, index=index, node=name)


def _count(component: Component, topology: Topology) -> int:
    """A process with several roles has as many replicas as the role of which most are wanted."""
    wanted = max(topology.count(role) for role in component.roles)
    if wanted > component.replicas_max and wanted > 1:
        raise NotRunnable(f"the scenario needs {wanted} instances of {component.name}, and its descriptor allows {component.replicas_max}")
    return wanted
