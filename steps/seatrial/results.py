"""What became of one scenario, as plain data that travels from where it ran to where it is reported, as JSON.

The plugin writes it, in this process or in a worker; reports read it. Evidence travels as events, and a failure brings the slice of its
history along, so that it can be shown where no histories are kept.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from seatrial.model.excerpt import excerpt, sentence
from seatrial.model.history import History
from seatrial.model.rules import Rule
from seatrial.model.verdicts import Finding, Verdict

if TYPE_CHECKING:
    from seatrial.world import World  # reports read results without it

HISTORY_SCHEMA = "seatrial/v1/history"
HISTORIES = "histories"  # the folder of reports where they lie
UNTRIED = "Untried"  # the cause, an exception of brief runs, of what is inconclusive because its rule had failed already
PROPERTY = "seatrial"  # of the report of a test: there a result travels


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A finding, with the roles of its culprit."""

    culprit: str
    roles: tuple[str, ...]
    expected: str
    observed: str
    evidence: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One scenario, or one example of one."""

    rule: str
    scenario: str
    feature: str
    node: str
    backend: str
    verdict: Verdict
    example: Mapping[str, str] = field(default_factory=dict)
    step: str = ""  # the sentence that did not pass
    why: str = ""
    findings: tuple[Breach, ...] = ()
    slice: tuple[Mapping[str, Any], ...] = ()
    evidence: int = 0
    judged: int = 0
    events: int = 0
    digest: str = ""
    history: str | None = None
    unwritten: str = ""  # why its history could not be kept
    duration_s: float = 0.0
    watched_s: float = 0.0  # that of its windows, by the clock of the backend: virtual time in simulation
    flaky: str = ""  # how it ended at first, where it passed only when it was repeated
    cause: str = ""  # type of the error that ended it, where it is one of ours: NotReady, UsageError ...
    within: str = ""  # the rule whose scenario it is, where that is not the rule that was found broken in it
    others: int = 0  # so many scenarios more of other rules show the same
    backend_lacks: bool = False  # not run, for the backend cannot do what the scenario needs

    def as_json(self) -> bytes:
        return orjson.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> "Result":
        row: dict[str, Any] = orjson.loads(text)
        findings = tuple(Breach(**f | {"roles": tuple(f["roles"]), "evidence": tuple(f["evidence"])}) for f in row["findings"])
        return cls(**row | {"verdict": Verdict(row["verdict"]), "findings": findings, "slice": tuple(row["slice"])})

    def but(self, verdict: Verdict, why: str) -> "Result":
        """The same with another conclusion."""
        return replace(self, verdict=verdict, why=why)


def witnessed(world: "World | None", *, verdict: Verdict, lines: bytes) -> dict[str, Any]:
    """What the world of a scenario knows about it, as fields of its result."""
    if world is None:
        return {}
    return {
        **({} if verdict is Verdict.PASSED else _shown(world.history, world.findings) | {"step": sentence(world.history)}),
        "evidence": len(world.evidence),
        "judged": world.judged,
        "events": len(world.history),
        "watched_s": round(world.watched_s, 3),
        "digest": hashlib.sha256(lines).hexdigest()[:16],
    }


def aside(result: Result, rule: str, *, history: History, findings: Sequence[Finding]) -> Result:
    """That another rule was found broken in a scenario, and in which sentence that came about."""
    begun_s = min((e.at_s for f in findings for e in f.evidence), default=float("inf"))
    found = _shown(history, findings) | {"step": sentence(history, until_s=begun_s)}
    return replace(result, rule=rule, within=result.rule, verdict=Verdict.FAILED, why="", cause="", backend_lacks=False, **found)


def _shown(history: History, findings: Sequence[Finding]) -> dict[str, Any]:
    """Findings, and the slice of the history around them, as fields of a result."""
    culprits = dict.fromkeys(f.culprit for f in findings)
    excerpted = excerpt(history, [e for f in findings for e in f.evidence], culprits=culprits)
    return {"findings": tuple(_breach(history, f) for f in findings), "slice": tuple(e.as_json() for e in excerpted)}


def _breach(history: History, finding: Finding) -> Breach:
    return Breach(
        culprit=finding.culprit,
        roles=_roles(history, finding.culprit),
        expected=finding.expected,
        observed=finding.observed,
        evidence=tuple(e.as_json() for e in finding.evidence),
    )


def _roles(history: History, culprit: str) -> tuple[str, ...]:
    """Of an instance, from the history; a culprit that is no instance is a role."""
    placed = history.of("instance", instance=culprit)
    return tuple(placed[-1]["roles"]) if placed else (culprit,)


def keep(
    folder: str | None,
    rule: Rule,
    *,
    node: str,
    scenario: str,
    backend: str,
    tags: Iterable[str],
    others: Iterable[str],
    stopped: str,
    lines: bytes,
) -> dict[str, Any]:
    """Write the history of a scenario where reports go, all of it or nothing; its name there or why not, as a field of the result.
    `others`: the rules that it is looked at for besides; `stopped`: why it came to no verdict about its rule, if it did not."""
    if not folder or not lines:
        return {}
    name = f"{rule.id}-{hashlib.sha256((node + backend).encode()).hexdigest()[:8]}.jsonl"
    head = {
        "schema": HISTORY_SCHEMA,
        "rule": rule.id,
        "sentence": rule.sentence,
        "scenario": scenario,
        "node": node,
        "backend": backend,
        "tags": sorted(tags),
        "others": sorted(others),
        **({"why": stopped} if stopped else {}),
    }
    path = Path(folder) / HISTORIES / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, orjson.dumps(head) + b"\n" + lines)
    except OSError as error:
        return {"unwritten": str(error)}
    return {"history": f"{HISTORIES}/{name}"}


def write_whole(path: Path, content: bytes) -> None:
    """The file has all of the content or what it had before. Raises OSError."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def results_in(properties: Iterable[tuple[str, object]]) -> list[Result]:
    """What travels with a report of pytest's, by the properties of that."""
    return [Result.from_json(str(text)) for name, text in properties if name == PROPERTY]
