"""One violation before the rules, by the command that anybody would use; what came of it, rule by rule."""

import json
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from warm import seatrial

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LIMIT_S = 1800
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a violation is made for. `culprit` is a role; without `breaks` it passes nothing, whatever it is asked. `backend`: where
    it shows; `seen_in`: the rule, kept itself, in whose scenarios alone."""

    name: str
    breaks: str = ""
    also: tuple[str, ...] = ()
    culprit: str = ""
    verdict: str = "failed"
    backend: str = "simulation"
    seen_in: str = ""

    @property
    def file(self) -> Path:
        return HERE / f"{self.name}.yaml"

    @property
    def rules(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.breaks, *self.also)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The exit code of a run, the verdict of each rule, and the roles that each failed rule blames. `by_the_way`: the rules that fail
    in scenarios of other rules alone; `failed_in`: their own scenarios in which rules fail, in their order."""

    exit: int
    verdicts: Mapping[str, str]
    blamed: Mapping[str, Sequence[Sequence[str]]]
    by_the_way: frozenset[str] = frozenset()
    failed_in: Mapping[str, Sequence[str]] = field(default_factory=dict)
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)


def expected() -> list[Expected]:
    """The table, in its order."""
    rows: dict[str, Any] = yaml.safe_load((HERE / "expected.yaml").read_text())
    return [_row(name, row) for name, row in rows.items()]


def _row(name: str, row: Mapping[str, Any]) -> Expected:
    known = {k: row[k] for k in ("breaks", "culprit", "verdict", "backend") if k in row}
    return Expected(name=name, also=tuple(row.get("alsoBreaks", ())), seen_in=row.get("seenIn", ""), **known)


def rules() -> list[str]:
    """The ids of all rules, in the order of the features."""
    texts = [file.read_text() for file in sorted((ROOT / "features").rglob("*.feature"))]
    return [id_ for text in texts for id_ in re.findall(r"@id:([A-Z]+-\d+)", text)]


def tried(file: Path, rules: Sequence[str], *options: str, titles: Sequence[str] = (), backend: str = "simulation") -> Trial:
    """Run the violation against the rules and scenarios; all of them where none is named. Raises RuntimeError where there is no report."""
    with tempfile.TemporaryDirectory() as folder:
        chosen = [part for rule in rules for part in ("--rule", rule)] + [part for title in titles for part in ("--scenario", title)]
        ended = seatrial(
            "run", "-i", str(file), "--backend", backend, "-n", "1", "--once", "-o", folder, *chosen, *options, within_s=LIMIT_S
        )
        report = Path(folder) / "report.json"
        if not report.is_file():
            raise RuntimeError(f"{file.name}: no report; exit {ended.exit}\n{ended.said[-4000:]}")
        return _read(ended.exit, json.loads(report.read_text())["rules"])


def side_by_side(work: Callable[[Expected], T], violations: Iterable[Expected], *, jobs: int) -> Iterator[tuple[str, T]]:
    """What comes of each violation, as soon as it is there; nothing is begun any more once one has failed."""
    pool = ThreadPoolExecutor(jobs)
    try:
        names = {pool.submit(work, violation): violation.name for violation in violations}
        for ready in as_completed(names):
            yield names[ready], ready.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _read(code: int, rules: Sequence[Mapping[str, Any]]) -> Trial:
    scenarios = {rule["id"]: rule["scenarios"] for rule in rules}
    return Trial(
        exit=code,
        verdicts={rule["id"]: rule["verdict"] for rule in rules},
        blamed={id_: [f["roles"] for s in found for f in s["findings"]] for id_, found in scenarios.items()},
        by_the_way=frozenset(id_ for id_, found in scenarios.items() if _elsewhere(found)),
        failed_in={id_: [s["scenario"] for s in _failed(found) if s.get("within", id_) == id_] for id_, found in scenarios.items()},
        words={id_: [_said(s) for s in found if s["verdict"] != "passed"] for id_, found in scenarios.items()},
    )


def _failed(scenarios: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [scenario for scenario in scenarios if scenario["verdict"] == "failed"]


def _elsewhere(scenarios: Sequence[Mapping[str, Any]]) -> bool:
    failed = _failed(scenarios)
    return bool(failed) and all(scenario.get("within") for scenario in failed)


def _said(scenario: Mapping[str, Any]) -> str:
    """One scenario that did not pass, in a line."""
    findings = [f"{f['culprit']}: expected {f['expected']}; observed {f['observed']}" for f in scenario["findings"]]
    return f"{scenario['verdict']}: {scenario['scenario']} {list(scenario['example'].values())}: {'; '.join(findings) or scenario['why']}"
