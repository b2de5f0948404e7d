"""Versions are numbers between dots, and a range of them is bounds that all hold: `>=1.35 <1.37`.

Missing numbers are zeros, so 1.35 is 1.35.0. What follows the numbers does not count: a release candidate of 1.36 is 1.36 already, for it
behaves like it.
"""

import operator
import re
from collections.abc import Callable, Mapping
from itertools import zip_longest

Numbers = tuple[int, ...]
_VERSION = re.compile(r"v?(\d+(?:\.\d+)*)")
_BOUND = re.compile(r"(>=|<=|==|!=|>|<)\s*(\d+(?:\.\d+)*)")
_HOLDS: Mapping[str, Callable[[Numbers, Numbers], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}


def numbers(version: str) -> Numbers:
    """The numbers that a version begins with; none where it begins with a word."""
    found = _VERSION.match(version)
    return tuple(int(n) for n in found[1].split(".")) if found else ()


def within(version: str, bounds: str) -> bool:
    """Whether every bound holds; of no bounds every version is."""
    return all(_HOLDS[how](*_even(numbers(version), numbers(limit))) for how, limit in _BOUND.findall(bounds))


def _even(one: Numbers, other: Numbers) -> tuple[Numbers, Numbers]:
    pairs = list(zip_longest(one, other, fillvalue=0))
    return tuple(a for a, _ in pairs), tuple(b for _, b in pairs)
