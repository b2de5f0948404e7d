"""The same seed gives the identical history in fresh processes, whatever the hash seed; another seed gives another one."""

import json
import os
import subprocess
import sys
from pathlib import Path

from seatrial import assets

RULES = tuple(f"--rule={rule}" for rule in ("COMM-05", "HA-05", "WATCH-03", "REQ-01"))


def digests(folder: Path, *, seed: int, hash_seed: int) -> dict[str, str]:
    command = [sys.executable, "-m", "seatrial", "run", "--backend", "simulation", "--seed", str(seed), "-o", str(folder), *RULES]
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    report = json.loads((folder / "report.json").read_bytes())
    return {f"{s['scenario']}{s['example']}": s["digest"] for rule in report["rules"] for s in rule["scenarios"]}


def test_one_seed_means_one_history(tmp_path: Path) -> None:
    one = digests(tmp_path / "one", seed=7, hash_seed=1)
    other = digests(tmp_path / "other", seed=7, hash_seed=4711)

    assert one == other


def test_reports_of_one_seed_are_the_same_bytes(tmp_path: Path) -> None:
    digests(tmp_path / "one", seed=7, hash_seed=1)
    digests(tmp_path / "other", seed=7, hash_seed=2)

    assert (tmp_path / "one" / "report.json").read_bytes() == (tmp_path / "other" / "report.json").read_bytes()


def test_another_seed_means_another_history(tmp_path: Path) -> None:
    assert digests(tmp_path / "one", seed=1, hash_seed=1) != digests(tmp_path / "other", seed=2, hash_seed=1)


def histories(folder: Path) -> list[bytes]:
    """All of them without their first line, which names the test."""
    return sorted(file.read_bytes().partition(b"\n")[2] for file in (folder / "histories").iterdir())


def test_a_forked_scenario_goes_as_one_that_booted_its_own_cluster(tmp_path: Path) -> None:
    digests(tmp_path / "forked", seed=7, hash_seed=1)
    plugins = ["--disable-plugin-autoload", "-p", "pytest_bdd.plugin", "-p", "seatrial.plugin", "-p", "no:cacheprovider"]
    where = ["--implementation=reference", "--seed=7", f"--reports={tmp_path / 'booted'}", *RULES, str(assets.features())]
    subprocess.run([sys.executable, "-m", "pytest", "-q", *plugins, *where], check=True, capture_output=True)

    assert histories(tmp_path / "booted") == histories(tmp_path / "forked")
