"""What the container runtime of a node was asked to do, in the order of its calls."""

from seatrial.checks.registry import check, require
from seatrial.model.history import Event, History
from seatrial.model.verdicts import Finding, Proof

STEPS = ("RunPodSandbox", "CreateContainer", "StartContainer")


def calls(history: History, node: str) -> list[Event]:
    return [e for e in history.of("cri", instance=node) if e["method"] in STEPS]


@check
def ran(history: History, *, node: str, name: str) -> Proof:
    """The node's runtime was asked for a sandbox of the pod, then to create its container, then to start it."""
    mine = [e for e in calls(history, node) if e["pod"] == name]
    order = [next((i for i, e in enumerate(mine) if e["method"] == step), None) for step in STEPS]
    present = [i for i in order if i is not None]
    good = None not in order and present == sorted(present)
    finding = Finding(
        culprit=node,
        expected=f"{' -> '.join(STEPS)} for pod {name} on {node}",
        observed=" -> ".join(str(e["method"]) for e in mine) or "no call at all",
        evidence=tuple(mine),
    )
    return Proof(evidence=tuple(mine), findings=() if good else (finding,))


@check
def only(history: History, *, node: str, name: str) -> Proof:
    """The node's runtime was asked to run this pod and no other. One that somebody has bound to the node after all is no other's."""
    asked = [e for e in calls(history, node) if e["method"] == "RunPodSandbox"]
    here = {e["uid"] for e in history.of("watched", watch="operator/pods") if e["object"].get("spec", {}).get("nodeName") == node}
    wrong = [e for e in asked if e["pod"] != name and e["uid"] not in here]
    finding = Finding(
        culprit=node,
        expected=f"only {name} on {node}",
        observed=f"{node} ran {', '.join(sorted({str(e['pod']) for e in wrong}))}",
        evidence=tuple(wrong),
    )
    if not wrong:
        bound = sorted({str(e["pod"]) for e in asked if e["pod"] != name})
        require(not bound, f"{', '.join(bound)} was bound to {node}, and so it was right to run it")
        require(asked, f"{node} ran nothing at all, so what it did not run says nothing")
    return Proof(evidence=tuple(asked), findings=(finding,) if wrong else ())
