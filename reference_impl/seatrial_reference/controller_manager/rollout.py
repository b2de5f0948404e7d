"""The arithmetic of a rollout, and the name of a template. Pure (KCM-01, KCM-06).

At no time are there more pods than wanted plus maxSurge, nor fewer available ones than wanted minus maxUnavailable, as far as we can know:
pods of a ReplicaSet that has been told to grow count as there, and those that are not ready count as not available.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from seatrial_reference.machinery.objects import Json

HASH = "pod-template-hash"
_SAFE = "bcdfghjklmnpqrstvwxz2456789"  # no vowels: no words


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One ReplicaSet of a deployment: what it was told, and what it has."""

    name: str
    replicas: int
    present: int = 0
    available: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """Resolved against the wanted number. `recreate`: everything old goes before anything new comes."""

    surge: int
    unavailable: int
    recreate: bool = False


def strategy(spec: Json) -> Strategy:
    """A deployment's strategy; 25 % each unless it says otherwise. Surge is rounded up, unavailable down, and never both are nothing."""
    stated = spec.get("strategy") or {}
    if stated.get("type") == "Recreate":
        return Strategy(surge=0, unavailable=int(spec.get("replicas", 1)), recreate=True)
    rolling, wanted = stated.get("rollingUpdate") or {}, int(spec.get("replicas", 1))
    surge = math.ceil(_share(rolling.get("maxSurge", "25%"), wanted))
    unavailable = math.floor(_share(rolling.get("maxUnavailable", "25%"), wanted))
    return Strategy(surge=surge, unavailable=unavailable if surge or unavailable else 1)


def _share(value: int | str, wanted: int) -> float:
    return int(value[:-1]) * wanted / 100 if isinstance(value, str) and value.endswith("%") else float(value)


def plan(*, wanted: int, how: Strategy, new: Part, old: Sequence[Part]) -> Mapping[str, int]:
    """The next number of replicas of each part that must change; empty where nothing may or need be done now. `old` is oldest first."""
    if how.recreate and any(part.replicas or part.present for part in old):
        return {part.name: 0 for part in old if part.replicas}
    if new.replicas != wanted:
        room = wanted + how.surge - new.replicas - sum(part.replicas for part in old)
        grown = wanted if new.replicas > wanted else new.replicas + max(0, min(room, wanted - new.replicas))
        if grown != new.replicas:
            return {new.name: grown}
    return _shrink(wanted - how.unavailable, new=new, old=[part for part in old if part.replicas])


def _shrink(floor: int, *, new: Part, old: Sequence[Part]) -> dict[str, int]:
    """Take from the old parts what can be spared: first pods that serve nobody, then as many others as leave `floor` available."""
    spare = new.replicas + sum(part.replicas for part in old) - floor - max(0, new.replicas - new.available)
    told = {part.name: part.replicas for part in old}
    for part in old:
        idle = max(0, min(spare, part.replicas - part.available))
        told[part.name] -= idle
        spare -= idle
    spare = min(spare, new.available + sum(min(part.available, told[part.name]) for part in old) - floor)
    for part in old:
        taken = max(0, min(spare, told[part.name]))
        told[part.name] -= taken
        spare -= taken
    return {part.name: told[part.name] for part in old if told[part.name] != part.replicas}


def template_hash(template: Json, *, collisions: int = 0) -> str:
    """A short name for a template, the same whenever it is the same."""
    data = orjson.dumps([template, collisions], option=orjson.OPT_SORT_KEYS)
    number = int.from_bytes(hashlib.sha256(data).digest()[:6], "big")
    return "".join(_SAFE[number // len(_SAFE) ** place % len(_SAFE)] for place in range(9))


def same_template(one: Json, other: Json) -> bool:
    """Equal but for the label that we add."""
    return _plain(one) == _plain(other)


def _plain(template: Json) -> Json:
    meta = template.get("metadata") or {}
    labels = {k: v for k, v in (meta.get("labels") or {}).items() if k != HASH}
    return {k: v for k, v in template.items() if k != "metadata"} | {
        "metadata": {k: v for k, v in meta.items() if k not in {"labels", "creationTimestamp"}} | {"labels": labels}
    }
