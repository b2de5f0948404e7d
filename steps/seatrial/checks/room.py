"""Room on nodes: a scheduler puts no more on a node than it says that it has, by what pods ask for and by what it has put there itself.

Only CPU is counted. What others have put on the node does not count, as a scheduler may not have heard of it yet; what is to go has left.
"""

from collections import defaultdict
from typing import Any

from seatrial.checks.facts import accepted, ended, instances
from seatrial.checks.registry import fault
from seatrial.model.history import Event, History
from seatrial.model.verdicts import Finding


def overfilled(history: History) -> tuple[Finding, ...]:
    """A scheduler bound a pod to a node that had no room for it beside those that it had bound there before."""
    binders = {(r["namespace"], r["name"]): r for r, _ in accepted(history, instances(history, "scheduler"), subresource="binding")}
    most: dict[str, int] = {}
    for event in history.of("watched", watch="operator/nodes"):
        most[event["name"]] = max(most.get(event["name"], 0), _has(event["object"]))
    there: dict[str, dict[str, int]] = defaultdict(dict)
    waited: set[str] = set()
    for event in sorted(history.of("watched", watch="operator/pods"), key=lambda e: e["revision"]):
        request, node = binders.get((event["namespace"], event["name"])), event["object"].get("spec", {}).get("nodeName")
        if not node:
            waited.add(event["uid"])
        if request is None or not node or event["uid"] not in waited:
            continue
        new = event["uid"] not in there[node]
        there[node][event["uid"]] = 0 if _leaves(event) else _asks(event["object"])
        if new and most.get(node) and sum(there[node].values()) > most[node]:
            expected = f"pods on {node} that ask for {most[node]}m CPU at most"
            observed = f"{sum(there[node].values())}m with {event['name']}"
            return (fault(request.instance or "scheduler", expected, observed, request, event),)
    return ()


def _leaves(pod: Event) -> bool:
    return pod["type"] == "DELETED" or ended(pod["object"]) or "deletionTimestamp" in pod["object"]["metadata"]


def _has(node: dict[str, Any]) -> int:
    return _milli(node.get("status", {}).get("allocatable", {}).get("cpu", ""))


def _asks(pod: dict[str, Any]) -> int:
    """What its containers ask for together; init containers come and go."""
    return sum(_milli(c.get("resources", {}).get("requests", {}).get("cpu", "")) for c in pod["spec"].get("containers", ()))


def _milli(cpu: object) -> int:
    """In thousandths of cores; 0 for what is not said, or in other words."""
    text = str(cpu)
    try:
        return int(text.removesuffix("m")) if text.endswith("m") else int(float(text) * 1000)
    except ValueError:
        return 0
