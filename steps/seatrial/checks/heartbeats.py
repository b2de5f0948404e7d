"""Nodes show that they are alive by a Lease that their kubelets renew. A renewal may fail, or come late; that none is tried any more while
nothing stands in its way is the end of it.
"""

from seatrial.checks.facts import instances, requests
from seatrial.checks.registry import fault
from seatrial.model.history import Event, History
from seatrial.model.verdicts import Finding

LAPSED = 1.5  # leases without any attempt to renew
OVER = frozenset({"start", "resume", "healed"})  # marks of faults that have come to their end,
FAULTS = OVER | {"term", "kill", "pause", "cut"}  # and of those that have begun


def ceased(history: History) -> tuple[Finding, ...]:
    """A kubelet has renewed its node's lease, and for longer than that lasts has not even tried to, though it and whoever it asks were
    there all the while. Leases whose length cannot be read, and kubelets that have ended, are not judged."""
    faults = [e for e in history.of("mark") if e["name"] in FAULTS]
    if faults and faults[-1]["name"] not in OVER:
        return ()
    turns = [e for kind in ("started", "exited") for e in history.of(kind)]
    calm_s = max((e.at_s for e in (*faults, *turns)), default=float("-inf"))
    now_s = max((e.at_s for e in history), default=0.0)
    for node in instances(history, "kubelet"):
        tries = requests(history, [node], resource="leases")
        lasts_s = next((said for r in reversed(tries) if (said := _lasts_s(r))), 0)
        silent_s = now_s - max(calm_s, tries[-1].at_s) if tries else 0.0
        if lasts_s and silent_s > LAPSED * lasts_s and not _ended(turns, node):
            expected = f"{node} goes on to renew its lease, which lasts {lasts_s} s"
            return (fault(node, expected, f"it has not tried to for {silent_s:.0f} s", tries[-1]),)
    return ()


def _lasts_s(request: Event) -> int:
    """How long the lease lasts that is written; 0 where that is not said, or cannot be read."""
    body = request["body"] if isinstance(request["body"], dict) else {}
    return int(body.get("spec", {}).get("leaseDurationSeconds") or 0)


def _ended(turns: list[Event], node: str) -> bool:
    mine = sorted((e for e in turns if e.instance == node), key=lambda e: e.seq)
    return bool(mine) and mine[-1].kind == "exited"
