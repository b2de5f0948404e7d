"""Rules, results and reports to write tests with: everything passes unless said otherwise."""

from pathlib import Path
from typing import Any

from seatrial.adapters.descriptor import load
from seatrial.adapters.implementation import Deviation, Implementation
from seatrial.model.rules import Rule
from seatrial.model.verdicts import Verdict
from seatrial.report.outcomes import outcomes
from seatrial.report.summary import Report
from seatrial.results import Breach, Result

TODAY = "2026-11-23"
DIGEST = "sha256:" + 64 * "0"


def rule(id_: str = "COMM-05", **changed: Any) -> Rule:
    stated: dict[str, Any] = {
        "sentence": "Only the API server MUST open connections to etcd",
        "must": True,
        "roles": ("kubelet", "scheduler"),
        "profiles": ("communication",),
        "area": "communication",
        "feature": "communication/store.feature",
        "title": "Who may talk to the store",
        "description": "",
    }
    return Rule(**{"id": id_} | stated | changed)


def result(id_: str = "COMM-05", verdict: Verdict = Verdict.PASSED, **changed: Any) -> Result:
    stated: dict[str, Any] = {
        "scenario": "a deployment is rolled out",
        "feature": "communication/store.feature",
        "node": f"store.feature::{id_}",
        "backend": "simulation",
        "evidence": 1,
    }
    return Result(**{"rule": id_, "verdict": verdict} | stated | changed)


def breach(observed: str = "scheduler-0 -> etcd-0:2379", **changed: Any) -> Breach:
    stated: dict[str, Any] = {"culprit": "scheduler-0", "roles": ("scheduler",), "expected": "only apiserver connected to etcd"}
    return Breach(**stated | {"observed": observed} | changed)


def failed(id_: str = "COMM-05", **changed: Any) -> Result:
    return result(id_, Verdict.FAILED, **{"findings": (breach(),)} | changed)


def deviation(id_: str = "COMM-05", **changed: Any) -> Deviation:
    return Deviation(**{"id": id_, "finding": "scheduler-0 -> etcd-0", "because": "it caches"} | changed)


def report(
    *results: Result,
    rules: list[Rule] | None = None,
    deviations: tuple[Deviation, ...] = (),
    confined: bool = False,
    **changed: Any,
) -> Report:
    """Of the rules of the results, or of the given ones."""
    chosen = rules if rules is not None else [rule(id_) for id_ in dict.fromkeys(r.rule for r in results)]
    stated: dict[str, Any] = {
        "implementation": load("reference"),
        "backend": "simulation",
        "seed": 0,
        "catalogue": chosen,
        "outcomes": outcomes(chosen, results, deviations=deviations, today=TODAY, confined=confined),
        "digests": {"suite": DIGEST, "descriptor": DIGEST, "limits": DIGEST},
        "reproduce": "seatrial run -i reference",
    }
    return Report(**stated | changed)


def mixed(folder: Path) -> Implementation:
    """A scheduler of somebody's on the reference."""
    file = folder / "mine.yaml"
    file.write_text(
        "apiVersion: seatrial/v1\nkind: Implementation\nmetadata: {name: mine}\nbasedOn: reference\n"
        "components:\n  scheduler: {command: [mine]}\n"
    )
    return load(str(file))
