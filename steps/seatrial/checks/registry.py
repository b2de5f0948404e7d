"""Checks by name, so that a judgement can be written down and repeated; and the words in which they conclude."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from seatrial.model.errors import HarnessFault, Inconclusive, UsageError
from seatrial.model.history import Event, History
from seatrial.model.verdicts import Finding, Proof

Check = Callable[..., Proof]
C = TypeVar("C", bound=Check)
_CHECKS: dict[str, Check] = {}


def check(function: C) -> C:
    """Register a check under `module.function`."""
    _CHECKS[f"{function.__module__.rpartition('.')[2]}.{function.__name__}"] = function
    return function


def judge(history: History, name: str, arguments: dict[str, Any]) -> Proof:
    """Run one check. Raises Inconclusive where the evidence is incomplete, HarnessFault for a conclusion that rests on nothing."""
    if name not in _CHECKS:
        raise UsageError(f"There is no check {name!r}: the history was written by another version.")
    try:
        inspect.signature(_CHECKS[name]).bind(history, **arguments)
    except TypeError as error:
        raise UsageError(f"The check {name} is asked something else ({error}): the history was written by another version.") from None
    proof = _CHECKS[name](history, **arguments)
    if not proof.evidence and not proof.findings:
        raise HarnessFault(f"{name} concluded something from no evidence at all")
    return proof


def fault(culprit: str | None, expected: str, observed: str, *evidence: Event) -> Finding:
    """One breach, by whom, and the events that show it."""
    return Finding(culprit=str(culprit), expected=expected, observed=observed, evidence=evidence)


def proof(evidence: Iterable[Event], *found: Finding | None) -> Proof:
    """What has been looked at, and the breaches that were seen: those that are there."""
    return Proof(evidence=tuple(evidence), findings=tuple(f for f in found if f is not None))


def require(condition: object, why: str) -> None:
    """Evidence that must be there before anything may be concluded."""
    if not condition:
        raise Inconclusive(why)
