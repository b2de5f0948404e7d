"""The ledger tells the truth about the features, forgets no sentence and no id, and each of these lints is seen to complain."""

from pathlib import Path

import pytest

from lint import ledger
from lint.reading import FeatureFile, read_features, there_are_none

FILES = [
    FeatureFile(
        "communication/store-access.feature",
        "Feature: x\n\n  @id:COMM-05\n  Rule: Only the API server MUST open connections to etcd\n",
    ),
]


@pytest.fixture
def text() -> str:
    """The committed ledger, as it would be if FILES were all features."""
    return ledger.rendered(ledger.with_states_of(ledger.parse(ledger.LEDGER.read_text("utf-8")), FILES))


def says(text: str) -> str:
    return "\n".join(map(str, ledger.complaints(text, FILES)))


def test_the_ledger_agrees_with_the_features() -> None:
    there_are_none(ledger.complaints(ledger.LEDGER.read_text("utf-8"), read_features()))


def test_the_ledger_is_kept_in_its_form() -> None:
    text = ledger.LEDGER.read_text("utf-8")

    assert ledger.rendered(ledger.parse(text)) == text


def test_a_true_ledger_gives_no_complaint(text: str) -> None:
    assert says(text) == ""


@pytest.mark.parametrize(
    ("good", "bad", "complaint"),
    [
        ("  P-DUR-1: {sentences: [], state: planned}\n", "", "P-DUR-1 is missing in the ledger"),
        ("  P-DUR-1:", "  P-DUR-2: {sentences: [], state: planned}\n  P-DUR-1:", "P-DUR-2 is missing in the catalogue"),
        ("\n  6-9:", "\n  6-8:", "each once, in order"),
        ("[COMM-01..14]", "[COMM-01..15]", "COMM-15, which the ledger does not have"),
        ("[COMM-01..14]", "[COMM-01..13]", "sentence 6-9 and rule COMM-14 do not name each other"),
        ("[CS-01..04]", "[]", "leads to no rule"),
        ("COMM-06: {sentences: [6-9, 17-22]", "COMM-06: {sentences: [6-9]", "sentence 17-22 and rule COMM-06"),
        ("state: done, feature: communication/store-access.feature", "state: planned", "make ledger"),
        ("store-access.feature", "elsewhere.feature", "make ledger"),
        (
            "COMM-06: {sentences: [6-9, 17-22], state: planned",
            "COMM-06: {sentences: [6-9, 17-22], state: done, feature: a/b.feature",
            "make ledger",
        ),
        ("P-DUR-1: {sentences: [], state: planned", "P-DUR-1: {sentences: [], state: retired", "retired goes with reason"),
        ("P-DUR-1: {sentences: [], state: planned", "P-DUR-1: {sentences: [], state: soon", "the state is one of"),
    ],
)
def test_each_lint_bites(text: str, good: str, bad: str, complaint: str) -> None:
    assert good in text
    assert complaint in says(text.replace(good, bad))


def test_a_rule_that_the_ledger_does_not_know_is_seen(text: str) -> None:
    stranger = FeatureFile("api/x.feature", "Feature: x\n\n  @id:LUCK-01\n  Rule: y\n")

    found = ledger.complaints(text, [*FILES, stranger])

    assert [complaint.says for complaint in found] == ["api/x.feature has LUCK-01, which the ledger does not know"]


def test_ranges_keep_their_leading_zeros() -> None:
    assert ledger.expand("COMM-09..11") == ["COMM-09", "COMM-10", "COMM-11"]
    assert ledger.expand("P-RV-9..10") == ["P-RV-9", "P-RV-10"]
    assert ledger.expand("6-8") == ["6", "7", "8"]
    assert ledger.expand("COMM-05") == ["COMM-05"]
    assert ledger.expand(10) == ["10"]


def test_writing_brings_the_states_up_to_date_and_keeps_reasons(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ledger.yaml"
    reason = "P-DUR-1: {sentences: [], state: retired, reason: P-AU-1 says it}"
    path.write_text(text.replace("P-DUR-1: {sentences: [], state: planned}", reason), "utf-8")

    ledger.main(["--write"], path)

    assert reason in path.read_text("utf-8")
    assert "state: done" not in path.read_text("utf-8")
