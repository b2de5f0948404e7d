"""What did not pass is looked at twice: chance ends in 7, a violation in 1 as ever, and an implementation that rolls dice in nothing."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from unit.test_cli import descriptor, seatrial

RULE = ("--rule", "SCHED-05")  # one scenario
PROGRAM = """
import os
import uuid
from contextlib import suppress
from pathlib import Path

from seatrial_reference import scheduler
from seatrial_reference.machinery.client import ApiError
from seatrial_schemas.kinds import by_plural


async def main(args, context):
    *args, where = args
    wrong = {condition}

    class Part(scheduler.Scheduler):
        async def bind(self, pod, node):
            if wrong:
                with suppress(ApiError):
                    await self.client.replace(by_plural("pods"), pod | {{"spec": pod["spec"] | {{"nodeName": node}}}})
            await super().bind(pod, node)

    await scheduler.main(args, context, part=Part)


def first(where):
    try:
        os.close(os.open(Path(where) / "has-been-here", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True
"""


def wrong(folder: Path, condition: str) -> Path:
    """A scheduler that tries to update pods where the condition holds."""
    (folder / "writing.py").write_text(PROGRAM.format(condition=condition))
    args = [f'"{a}"' for a in ("--kubeconfig=${kubeconfig}", "--leader-elect=true", "${here}")]
    return descriptor(folder, "mine", "components:", f"  scheduler: {{python: 'writing:main', args: [{', '.join(args)}]}}")


def test_what_happens_once_is_flaky_and_7(tmp_path: Path) -> None:
    file = wrong(tmp_path, "first(where)")

    ended = seatrial("run", "-i", file, *RULE, "--backend", "processes", "-o", tmp_path / "reports")

    assert ended.returncode == 7, ended.stdout + ended.stderr
    assert ended.stdout.splitlines()[-1] == "flaky: SCHED-05 passed only when repeated"
    (rule,) = json.loads((tmp_path / "reports" / "report.json").read_bytes())["rules"]
    assert rule["verdict"] == "passed"
    assert rule["flaky"].startswith("at first failed (scheduler-0: update /api/v1/namespaces/trial/pods/web-")
    cases = ET.parse(tmp_path / "reports" / "junit.xml").findall(".//property[@name='flaky']")  # noqa: S314 - our own file
    assert [p.get("value") for p in cases] == [rule["flaky"]]


def test_a_violation_as_processes_is_1(tmp_path: Path) -> None:
    ended = seatrial("run", "-i", wrong(tmp_path, "True"), *RULE, "--backend", "processes")

    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert ended.stdout.splitlines()[-1] == "not conformant: 1 rule failed (SCHED-05), 0 passed"


@pytest.mark.parametrize("hurry", ["--fail-fast", "--once"])
def test_a_hurry_takes_no_second_look(tmp_path: Path, hurry: str) -> None:
    file = wrong(tmp_path, "first(where)")

    ended = seatrial("run", "-i", file, *RULE, "--backend", "processes", hurry)

    assert ended.returncode == 1, ended.stdout + ended.stderr


def test_dice_of_its_own_make_a_simulated_verdict_worthless(tmp_path: Path) -> None:
    file = wrong(tmp_path, "[await context.sleep(uuid.uuid4().int % 997 / 1e4)] and True")

    ended = seatrial("run", "-i", file, *RULE)

    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "because   nondeterministic: one seed, two histories; at first failed (scheduler-0: " in ended.stdout
