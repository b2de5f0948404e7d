"""Runs an implementation through `seatrial run`, as anybody would, and reads the verdicts from the report."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seatrial.adapters.descriptor import load
from seatrial.opening import backend_name

WORKERS = 3  # of processes: such scenarios spend their time waiting, and other tests run beside this one. Simulated ones do not


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What came of a run. `shown` is what the console said, for whoever has to find out why; `flaky` are rules that passed only when they
    were repeated, `deviating` those that failed as it is recorded."""

    backend: str
    rules: dict[str, str]
    reasons: dict[str, list[str]]
    shown: str
    flaky: frozenset[str] = frozenset()
    deviating: frozenset[str] = frozenset()

    def explain(self, rules: Sequence[str]) -> str:
        """Why these rules got their verdicts."""
        return "\n".join(f"{rule} {self.rules.get(rule)}: {'; '.join(self.reasons.get(rule, []))}" for rule in rules)


def judge(implementation: str | Path, *options: str, folder: Path, backend: str | None = None) -> Judgement:
    """The verdicts of all selected rules, on a backend or on the one that Seatrial takes by itself."""
    taken = backend_name(backend, load(str(implementation)))
    workers = ["-n", str(WORKERS)] if taken == "processes" else []
    where = ["-i", str(implementation), "--backend", taken, "-o", str(folder)]
    command = [sys.executable, "-m", "seatrial", "run", *where, *workers, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    report = folder / "report.json"
    assert report.exists(), done.stdout + done.stderr
    found = json.loads(report.read_bytes())
    return Judgement(
        backend=found["backend"],
        rules={rule["id"]: rule["verdict"] for rule in found["rules"]},
        reasons={rule["id"]: sorted({s["why"] for s in rule["scenarios"] if s["why"]}) for rule in found["rules"]},
        shown=done.stdout,
        flaky=frozenset(rule["id"] for rule in found["rules"] if rule.get("flaky")),
        deviating=frozenset(rule["id"] for rule in found["rules"] if rule.get("deviation", {}).get("standing") == "expected"),
    )
