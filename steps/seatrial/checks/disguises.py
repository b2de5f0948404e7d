"""What one component has for another and gives to the API server: a note on a lease that the other one renews, or a request that the API
server passes on to a kubelet. No frame goes between the two, and it is an exchange all the same.

Leases that are nobody's, or one's own, are for everybody to write; who disposes of what is left of others writes nothing to them.
"""

from collections import defaultdict
from collections.abc import Collection

from seatrial.checks.facts import instances, requests, roles_of
from seatrial.checks.leases import lease_of
from seatrial.model.errors import NotRunnable
from seatrial.model.history import Event, History
from seatrial.model.verdicts import Finding

NODE_LEASES = "kube-node-lease"
NOTES = frozenset({"create", "update", "patch"})
PASSED_ON = {("nodes", "proxy"), *(("pods", sub) for sub in ("attach", "exec", "log", "portforward", "proxy"))}
ELECTED = ("scheduler", "controller-manager")


def exchanges(history: History, first: Collection[str], second: Collection[str]) -> tuple[Finding, ...]:
    """What instances of either group had for the other one, the first of each; refused attempts count."""
    found = {f.culprit: f for f in (*addressed(history, second, first), *addressed(history, first, second))}
    return tuple(found.values())


def addressed(history: History, sources: Collection[str], targets: Collection[str]) -> tuple[Finding, ...]:
    """What `sources` asked the API server for that is meant for `targets`, the first of each."""
    owners = _owners(history)
    asked = [r for r in requests(history, sources) if _meant_for(history, r, owners) & set(targets) - {r.instance}]
    return tuple(
        Finding(
            culprit=str(r.instance),
            expected=f"nothing for {' or '.join(sorted(_meant_for(history, r, owners) & set(targets)))} by way of the API server",
            observed=f"{r.instance} asked to {r['verb']} {r['path']}",
            evidence=(r,),
        )
        for r in {r.instance: r for r in reversed(asked)}.values()
    )


def _owners(history: History) -> dict[tuple[str, str], set[str]]:
    """Whose each lease is, by its namespace and name: of those who compete for it, or of the kubelet of the node."""
    owners: dict[tuple[str, str], set[str]] = defaultdict(set)
    for role in ELECTED:
        try:
            owners[lease_of(history, role)] |= set(instances(history, role))
        except NotRunnable:  # it has none, or does not say which
            continue
    for kubelet in instances(history, "kubelet"):
        owners[NODE_LEASES, kubelet].add(kubelet)
    return owners


def _meant_for(history: History, request: Event, owners: dict[tuple[str, str], set[str]]) -> set[str]:
    """Whom a request reaches beside the API server; nobody where it is about what is one's own."""
    if request["verb"] == "proxy" or (request["resource"], request["subresource"]) in PASSED_ON:
        return set(instances(history, "kubelet")) if "kubelet" not in roles_of(history, str(request.instance)) else set()
    if request["resource"] != "leases" or request["verb"] not in NOTES:
        return set()
    name = request["name"] or ((request["body"] or {}).get("metadata") or {}).get("name")
    others = owners.get((str(request["namespace"]), str(name)), set())
    return others if request.instance not in others else set()
