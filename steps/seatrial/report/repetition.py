"""A second look at what did not pass: whether it is so, or so now and then.

As processes, what passes at the second attempt is flaky: passed, but never simply so. Simulated, one seed means one history, so that
another history at the second attempt makes the verdict worthless. One bad scenario that is bad again settles its rule: the others are
not repeated.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace

from seatrial.model.verdicts import Verdict
from seatrial.results import UNTRIED, Result

DOUBTED = (Verdict.FAILED, Verdict.INCONCLUSIVE)


def doubtful(results: Iterable[Result], *, repeated: Collection[str], spared: Collection[str]) -> list[str]:
    """The node to repeat of each rule that is bad and has not been found so twice; none of the spared rules."""
    bad: dict[str, list[str]] = {}
    for result in results:
        if result.verdict in DOUBTED and result.cause != UNTRIED and result.rule not in spared:
            bad.setdefault(result.rule, []).append(result.node)
    return [nodes[0] for nodes in bad.values() if not set(nodes) & set(repeated)]


def settled(first: Result, second: Result) -> Result:
    """What two attempts at one scenario say together."""
    if first.backend == "simulation":
        differs = first.digest != second.digest
        return first.but(Verdict.INCONCLUSIVE, f"nondeterministic: one seed, two histories; at first {ended(first)}") if differs else first
    return replace(second, flaky=f"at first {ended(first)}", history=first.history) if second.verdict is Verdict.PASSED else first


def ended(result: Result) -> str:
    """How an attempt ended, in a line."""
    what = "; ".join(f"{f.culprit}: {f.observed}" for f in result.findings) or " ".join(result.why.split())  # last words included
    return f"{result.verdict.value} ({what})"
