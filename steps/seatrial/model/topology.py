"""How many of what: instances of each role, nodes by name, roles left out."""

from dataclasses import dataclass, field

CONTROL_PLANE = ("etcd", "apiserver", "scheduler", "controller-manager")
NODE_ROLE = "kubelet"
ROLES = (*CONTROL_PLANE, NODE_ROLE, "kube-proxy", "runtime", "dns", "ingress", "dashboard")


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """What a scenario asks for. One instance of each role of the control plane unless said otherwise."""

    nodes: tuple[str, ...] = ()
    replicas: dict[str, int] = field(default_factory=dict)

    def count(self, role: str) -> int:
        """How many instances of the role are wanted."""
        return self.replicas.get(role, 1)
