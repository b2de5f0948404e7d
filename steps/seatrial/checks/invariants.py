"""Rules that hold whatever happens: every scenario's history is looked at for breaches of them, whichever rule it was made for.

A breach is one wherever it is seen, and needs no canary. That nothing was seen proves nothing here: these rules pass by their own
scenarios.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial

from seatrial.checks import edges, requests
from seatrial.model.errors import Inconclusive
from seatrial.model.history import History
from seatrial.model.verdicts import Finding, Proof

INVARIANTS: Mapping[str, Callable[[History], Proof]] = {
    "COMM-01": partial(edges.only_through, hub="apiserver"),
    "COMM-05": partial(edges.only, allowed=["apiserver"], target="etcd"),
    "COMM-07": edges.opened_by_components,
    "COMM-12": partial(edges.never, sources=["apiserver"], targets=["kubelet"]),  # no scenario asks for exec, attach or logs
    "SCHED-04": partial(edges.never, sources=["scheduler"], targets=["kubelet"]),
    "SCHED-05": requests.scheduler_writes,
}


def broken(history: History, rules: Collection[str]) -> Iterator[tuple[str, tuple[Finding, ...]]]:
    """Those of the rules that are broken in the history, with what shows it."""
    if any(len(e["roles"]) > 1 for e in history.of("instance")):
        return  # which of the roles in one process did something cannot be told
    for rule, look in INVARIANTS.items():
        if rule in rules and (found := _findings(history, look)):
            yield rule, found


def _findings(history: History, look: Callable[[History], Proof]) -> tuple[Finding, ...]:
    try:
        return look(history).findings
    except Inconclusive:  # nobody is there whom the rule is about, or nothing shows that it was kept
        return ()
