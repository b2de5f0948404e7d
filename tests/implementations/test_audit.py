"""Requests that are known from an audit log alone: the guilty are still found by name, and a log that is not written proves nothing.

What the reference itself is found to do in its own words stands among the strangers, in the table of `audited`.
"""

from pathlib import Path

from verdicts import judge

TESTS = Path(__file__).parents[1]
AUDITED = """\
apiVersion: seatrial/v1
kind: Implementation
metadata: {{name: mine}}
basedOn: reference
observe: {{requests: {{audit: "${{data}}/audit.log"}}}}
components:
  apiserver:
    command: ["${{python}}", -m, seatrial_reference, apiserver, "--audit-log-path=${{data}}/{written}"]
"""
TALKATIVE = f"""\
  controller-manager:
    python: violations.controllers:main_talkative
    path: [{TESTS}]
"""


def descriptor(folder: Path, *more: str, written: str = "audit.log") -> Path:
    file = folder / "mine.yaml"
    file.write_text("".join([AUDITED.format(written=written), *more]))
    return file


def test_a_standby_that_works_is_found(tmp_path: Path) -> None:
    found = judge(descriptor(tmp_path, TALKATIVE), "--rule=HA-06", folder=tmp_path)

    assert found.rules == {"HA-06": "failed"}, found.shown
    assert "culprit   controller-manager-" in found.shown


def test_a_log_that_is_not_written_proves_nothing(tmp_path: Path) -> None:
    found = judge(descriptor(tmp_path, written="elsewhere"), "--rule=API-05", "--rule=COMM-05", folder=tmp_path)

    assert set(found.rules.values()) == {"inconclusive"}, found.shown
    assert "does not show what the operator asked" in found.shown
