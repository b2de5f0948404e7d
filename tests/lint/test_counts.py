"""Whatever README and changelog say of how many rules, invariants and scenarios there are is true, and a number that is not is told."""

import re
from collections.abc import Iterator, Mapping

import pytest

from lint.reading import ROOT, Complaint, kind_and_value, read_features, rows, there_are_none
from seatrial.checks.invariants import INVARIANTS

FEATURES = read_features()
RULES = [rule for file in FEATURES for rule in file.rules]
TRUTH: Mapping[str, int] = {
    "rules": len(RULES),
    "MUST rules": sum(any(kind_and_value(tag) == ("must", "") for tag in rule.tags) for rule in RULES),
    "invariants": len(INVARIANTS),
    "scenarios": sum(len(rows(scenario)) for file in FEATURES for scenario in file.scenarios),
}
SAID = re.compile(r"\b(?P<number>\d+) (?P<what>(?:MUST )?rules|invariants|scenarios)\b(?! of [A-Z])")  # not those of one rule
PROGRESS = re.compile(r"(?P<percent>\d+) %  (?P<done>\d+) of (?P<scenarios>\d+): (?P<tally>.*)")
MENDING = "`make conformance` prints the excerpt anew"


def stale(path: str, text: str) -> Iterator[Complaint]:
    for number, line in enumerate(text.splitlines(), start=1):
        for said in SAID.finditer(line):
            if int(said["number"]) != (true := TRUTH[said["what"]]):
                yield Complaint(path, number, f"there are {true} {said['what']}: write {true} for {said['number']}; {MENDING}")
        if (progress := PROGRESS.search(line)) and (wrong := _miscounted(progress)):
            yield Complaint(path, number, f"{wrong}; {MENDING}")


def _miscounted(line: re.Match[str]) -> str:
    """Whether the excerpt's line about a tenth could be printed of so many scenarios."""
    total = TRUTH["scenarios"]
    done = -(-total * int(line["percent"]) // 100)
    if (int(line["done"]), int(line["scenarios"])) != (done, total):
        return f"write {done} of {total} for {line['done']} of {line['scenarios']}"
    counted = sum(map(int, re.findall(r"\d+", line["tally"])))
    return f"the verdicts are {counted}, of {done}" if counted != done else ""


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md"])
def test_numbers_are_true(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")

    assert {"rules", "invariants", "scenarios"} <= {said["what"] for said in SAID.finditer(text)}, "nothing is said of how many there are"
    there_are_none(stale(name, text))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("7 scenarios", f"there are {TRUTH['scenarios']} scenarios: write {TRUTH['scenarios']} for 7"),
        ("all 7 MUST rules of 8 profiles", f"there are {TRUTH['MUST rules']} MUST rules: write {TRUTH['MUST rules']} for 7"),
        ("7 invariants", f"there are {TRUTH['invariants']} invariants: write {TRUTH['invariants']} for 7"),
        ("100 %  7 of 7: 7 passed", f"write {TRUTH['scenarios']} of {TRUTH['scenarios']} for 7 of 7"),
        (f"100 %  {TRUTH['scenarios']} of {TRUTH['scenarios']}: 6 passed, 1 not-run", f"the verdicts are 7, of {TRUTH['scenarios']}"),
    ],
)
def test_a_number_that_is_not_true_is_told(line: str, says: str) -> None:
    (complaint,) = stale("README.md", line)

    assert complaint.says.startswith(says)
