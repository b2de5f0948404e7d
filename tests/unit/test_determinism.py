"""The same seed gives the identical history in fresh processes, whatever the hash seed; another seed gives another one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seatrial import assets

RULES = tuple(f"--rule={rule}" for rule in ("COMM-05", "HA-05", "WATCH-03", "REQ-01"))


def run(folder: Path, *, seed: int, hash_seed: int) -> None:
    command = [sys.executable, "-m", "seatrial", "run", "--backend", "simulation", "--seed", str(seed), "-o", str(folder), *RULES]
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
    subprocess.run(command, check=True, capture_output=True, env=environment)


def digests(folder: Path) -> dict[str, str]:
    """By scenario, from the report."""
    report = json.loads((folder / "report.json").read_bytes())
    return {f"{s['scenario']}{s['example']}": s["digest"] for rule in report["rules"] for s in rule["scenarios"]}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of reports: one and another of the same seed, and one of a different seed."""
    folder = tmp_path_factory.mktemp("runs")
    for name, seed, hash_seed in (("one", 7, 1), ("other", 7, 4711), ("different", 2, 1)):
        run(folder / name, seed=seed, hash_seed=hash_seed)
    return {file.name: file for file in folder.iterdir()}


def test_one_seed_means_one_history(runs: dict[str, Path]) -> None:
    assert digests(runs["one"]) == digests(runs["other"])


def test_reports_of_one_seed_are_the_same_bytes(runs: dict[str, Path]) -> None:
    assert (runs["one"] / "report.json").read_bytes() == (runs["other"] / "report.json").read_bytes()


def test_another_seed_means_another_history(runs: dict[str, Path]) -> None:
    assert digests(runs["one"]) != digests(runs["different"])


def histories(folder: Path) -> list[bytes]:
    """All of them without their first line, which names the test."""
    return sorted(file.read_bytes().partition(b"\n")[2] for file in (folder / "histories").iterdir())


def test_a_forked_scenario_goes_as_one_that_booted_its_own_cluster(runs: dict[str, Path], tmp_path: Path) -> None:
    plugins = ["--disable-plugin-autoload", "-p", "pytest_bdd.plugin", "-p", "seatrial.plugin", "-p", "no:cacheprovider"]
    where = ["--implementation=reference", "--seed=7", f"--reports={tmp_path / 'booted'}", *RULES, str(assets.features())]
    subprocess.run([sys.executable, "-m", "pytest", "-q", *plugins, *where], check=True, capture_output=True)

    assert histories(tmp_path / "booted") == histories(runs["one"])
