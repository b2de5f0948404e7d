"""What did not pass is looked at twice: chance ends in 7, a violation in 1 as ever, and an implementation that rolls dice in nothing."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

from unit.test_cli import descriptor, seatrial

PROGRAM = """
import asyncio
import os
import uuid
from pathlib import Path

from seatrial_reference import scheduler


async def main(args, context):
    *args, where, store = args
    host, port = store.removeprefix("http://").split(":")
    if {condition}:
        await asyncio.open_connection(host, int(port))
    await scheduler.main(args, context)


def first(where):
    try:
        os.close(os.open(Path(where) / "has-been-here", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True
"""


def wrong(folder: Path, condition: str) -> Path:
    """A scheduler that dials the store where the condition holds."""
    (folder / "dialling.py").write_text(PROGRAM.format(condition=condition))
    args = [f'"{a}"' for a in ("--kubeconfig=${kubeconfig}", "--leader-elect=true", "${here}", "${store}")]
    return descriptor(folder, "mine", "components:", f"  scheduler: {{python: 'dialling:main', args: [{', '.join(args)}]}}")


def test_what_happens_once_is_flaky_and_7(tmp_path: Path) -> None:
    file = wrong(tmp_path, "first(where)")

    ended = seatrial("run", "-i", file, "--rule", "COMM-05", "--backend", "processes", "-o", tmp_path / "reports")

    assert ended.returncode == 7, ended.stdout + ended.stderr
    assert ended.stdout.splitlines()[-1] == "flaky: COMM-05 passed only when repeated"
    (rule,) = json.loads((tmp_path / "reports" / "report.json").read_bytes())["rules"]
    assert (rule["verdict"], rule["flaky"]) == ("passed", "at first failed (scheduler-0: scheduler-0 -> etcd-0:2379)")
    cases = ET.parse(tmp_path / "reports" / "junit.xml").findall(".//property[@name='flaky']")  # noqa: S314 - our own file
    assert [p.get("value") for p in cases] == [rule["flaky"]]


def test_a_violation_as_processes_is_1(tmp_path: Path) -> None:
    ended = seatrial("run", "-i", wrong(tmp_path, "True"), "--rule", "COMM-05", "--backend", "processes")

    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert ended.stdout.splitlines()[-1] == "not conformant: 1 rule failed (COMM-05), 0 passed"


def test_a_hurry_takes_no_second_look(tmp_path: Path) -> None:
    file = wrong(tmp_path, "first(where)")

    ended = seatrial("run", "-i", file, "--rule", "COMM-05", "--backend", "processes", "--fail-fast")

    assert ended.returncode == 1, ended.stdout + ended.stderr


def test_dice_of_its_own_make_a_simulated_verdict_worthless(tmp_path: Path) -> None:
    file = wrong(tmp_path, "[await context.sleep(uuid.uuid4().int % 997 / 1e4)] and True")

    ended = seatrial("run", "-i", file, "--rule", "COMM-05")

    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "because   nondeterministic: one seed, two histories; at first failed (scheduler-0: " in ended.stdout
