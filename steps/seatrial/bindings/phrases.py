"""Parts of sentences: who is meant, which kind, how many. A phrase is a regular expression with a named group and what it means."""

import re

from seatrial.cluster.identities import ROLE_USERS
from seatrial.cluster.instances import Supervised
from seatrial.model.errors import HarnessFault, NotRunnable
from seatrial.model.topology import Topology
from seatrial.world import World, faults

PERSON = r'(?P<person>"[\w-]+"|somebody with an? [\w ]+?)'
KIND = (
    r"(?P<kind>pod|configmap|secret|deployment|replicaset|serviceaccount|lease|namespace|node|service|endpoints|ingress"
    r"|replicationcontroller|statefulset|daemonset|job|cronjob|rolebinding|role|clusterrolebinding|clusterrole|networkpolicy"
    r"|persistentvolumeclaim|persistentvolume|poddisruptionbudget|endpointslice|storageclass|priorityclass|limitrange|resourcequota"
    r"|podtemplate|event)"
)
NAME = r'"(?P<name>[^"]+)"'
ROLE_PHRASES = {
    "the scheduler": "scheduler",
    "the controller manager": "controller-manager",
    "the API server": "apiserver",
    "etcd": "etcd",
    "every kubelet": "kubelet",
    "the kubelets": "kubelet",
}
WHO = (
    r"(?P<who>"
    + "|".join(ROLE_PHRASES)
    + r'|every component|no component|everybody but etcd and the API server|everybody|the kubelet of "[\w-]+"'
    + r"|the active (?:scheduler|controller manager))"
)
COMPONENTS = {
    "scheduler": "scheduler",
    "schedulers": "scheduler",
    "controller manager": "controller-manager",
    "controller managers": "controller-manager",
}


def unquoted(person: str) -> str:
    """`"alice"` is alice; `somebody with ...` stays a phrase."""
    return person.strip('"')


def who(world: World, phrase: str) -> list[Supervised]:
    """The instances that a phrase means. Raises NotRunnable for a role that cannot be told from others."""
    if phrase in ROLE_PHRASES:
        if phrase != "the API server":
            alone(world, ROLE_PHRASES[phrase])
        return world.cluster.of_role(ROLE_PHRASES[phrase])
    if match := re.fullmatch(r'the kubelet of "([\w-]+)"', phrase):
        return [i for i in world.cluster.of_role("kubelet") if i.placement.node == match[1]]
    if match := re.fullmatch(r"the active ([\w ]+)", phrase):
        return [faults.leader(world, COMPONENTS[match[1]])]
    aside = {"etcd", "apiserver"}
    if phrase in ("every component", "no component", "everybody but etcd and the API server", "everybody"):
        return [i for i in world.cluster.instances.values() if not aside & set(i.placement.roles)]
    raise HarnessFault(f"nobody is called {phrase!r}")


def acting(world: World, phrase: str) -> tuple[list[Supervised], str | None]:
    """The instances that a phrase means; and, where it means one of several roles of a process that each ask under a user of their own,
    that user: then a role can be watched alone, though it cannot be stopped alone."""
    role = ROLE_PHRASES.get(phrase, "")
    component = world.implementation.role(role)
    if component is None or len(component.roles) == 1 or not set(component.roles) <= ROLE_USERS.keys() - {"etcd", "apiserver"}:
        return who(world, phrase), None
    instances = world.cluster.of_role(role)
    seen = [{r["user"] for r in world.history.of("request", instance=i.name)} for i in instances]
    apart = all(ROLE_USERS[r] in users for r in component.roles for users in seen)
    return (instances, ROLE_USERS[role]) if apart else (who(world, phrase), None)


def alone(world: World, *roles: str) -> None:
    """Each of the roles has instances of its own. Raises NotRunnable: what others in the process do would be taken for its doings."""
    for component in (world.implementation.role(r) for r in roles):
        if component and component.within:
            raise NotRunnable(f"{component.name} lives within {component.within}: there is no process to look at")
        if component and len(component.roles) > 1:
            shared = ", ".join(component.roles)
            raise NotRunnable(f"{component.name} is {shared} in one process: none of them can be observed or stopped alone")


CLUSTER = r"a(?: fresh)? cluster(?P<parts>(?: with(?:out)? .+)?)"


def ordered_topology(sentence: str) -> Topology | None:
    """What a sentence orders; None where it orders no cluster."""
    match = re.fullmatch(CLUSTER, sentence)
    return topology(match["parts"]) if match else None


def topology(parts: str) -> Topology:
    """`2 nodes and 3 schedulers`, `nodes "a" and "b"`, `without nodes`, or nothing at all."""
    named = re.findall(r'"([\w-]+)"', parts)
    counts = {what: int(number) for number, what in re.findall(r"(\d+) (nodes?|schedulers?|controller managers?)", parts)}
    nodes = counts.get("nodes", counts.get("node", 0))
    replicas = {COMPONENTS[what]: number for what, number in counts.items() if what in COMPONENTS}
    return Topology(nodes=tuple(named or (f"node-{i}" for i in range(1, nodes + 1))), replicas=replicas)
