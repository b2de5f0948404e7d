"""Pure functions history -> proof. Nothing here acts or waits; a saved history can be judged again.

Every Then of a scenario is one `judge` event in the history: the name of a check and its arguments. `judge` runs it.
"""

from seatrial.checks import (
    answers,
    chain,
    edges,
    holds,
    leadership,
    pipeline,
    replicasets,
    requests,
    runtime,
    statuses,
    storage,
    watching,
    workloads,
)
from seatrial.checks.registry import judge

REGISTERED = (answers, chain, edges, holds, leadership, pipeline, replicasets, requests, runtime, statuses, storage, watching, workloads)
__all__ = ["REGISTERED", "judge"]
