"""Pure: who lives, since when, and what they have watched in this life and in earlier ones, as the history has it."""

from collections.abc import Mapping, Sequence
from math import inf

from seatrial.checks import facts
from seatrial.model.history import Event, History

WORKED_ON = frozenset({"pods", "deployments", "replicasets"})  # what streams are held for, and watched again before anything is done


def began(history: History, names: Sequence[str]) -> Mapping[str | None, float]:
    """When each began for the last time: who begins anew has forgotten what it watched. Whoever has ended has not begun yet."""
    return {name: last_start(history, name) for name in names}


def last_start(history: History, name: str) -> float:
    """In seconds; before everything for who was never started, and after everything for who has ended."""
    turns = sorted((e for kind in ("started", "exited") for e in history.of(kind, instance=name)), key=lambda e: e.seq)
    return -inf if not turns else inf if turns[-1].kind == "exited" else turns[-1].at_s


def times_started(history: History, name: str) -> int:
    return len(history.of("started", instance=name))


def anybody_cut_off(history: History) -> bool:
    """Whether somebody is cut off just now."""
    turns = [e for kind in ("cut", "healed") for e in history.of(kind)]
    return bool(turns) and max(turns, key=lambda e: e.seq).kind == "cut"


def alive(history: History, name: str) -> bool:
    return last_start(history, name) < inf


def watched_before(history: History, name: str) -> set[str]:
    """Resources that it was granted a watch of in earlier lives; leases and the like aside."""
    began_s = last_start(history, name)
    return {r["resource"] for r in _watches(history, [name]) if r.at_s < began_s}


def watched_now(history: History, names: Sequence[str]) -> set[str]:
    """Likewise what any of them watches in its present life."""
    since_s = began(history, names)
    return {r["resource"] for r in _watches(history, names) if r.at_s >= since_s[r.instance]}


def _watches(history: History, names: Sequence[str]) -> list[Event]:
    return [r for r, _ in facts.accepted(history, names, verb="watch") if not facts.background(r)]
