"""The import contracts of pyproject.toml hold for a small tree of the same shape, and each of them breaks on the import that it forbids."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lint.reading import ROOT

MODULES = {
    "steps/seatrial/__init__.py": "",
    "steps/seatrial/cli.py": "import pytest\nfrom seatrial import plugin",
    "steps/seatrial/plugin.py": "import pytest_bdd\nfrom seatrial.bindings import pods",
    "steps/seatrial/report/__init__.py": "from seatrial.model import history",
    "steps/seatrial/bindings/__init__.py": "",
    "steps/seatrial/bindings/pods.py": "from pytest_bdd import given\nfrom seatrial import world",
    "steps/seatrial/world.py": "import asyncio\nfrom seatrial.checks import edges",
    "steps/seatrial/checks/__init__.py": "",
    "steps/seatrial/checks/edges.py": "from seatrial.model import history",
    "steps/seatrial/observe/__init__.py": "from seatrial import cluster",
    "steps/seatrial/cluster/__init__.py": "from seatrial import doubles\nfrom seatrial.backends import kernel",
    "steps/seatrial/backends/__init__.py": "",
    "steps/seatrial/backends/kernel.py": "import subprocess\nfrom seatrial_schemas import context",
    "steps/seatrial/doubles/__init__.py": "from seatrial import wire",
    "steps/seatrial/wire/__init__.py": "from seatrial.model import history",
    "steps/seatrial/model/__init__.py": "",
    "steps/seatrial/model/history.py": "import asyncio",
    "reference_impl/seatrial_reference/__init__.py": "",
    "reference_impl/seatrial_reference/__main__.py": "from seatrial_reference import etcd",
    "reference_impl/seatrial_reference/etcd/__init__.py": "from seatrial_reference import machinery",
    "reference_impl/seatrial_reference/scheduler/__init__.py": "from seatrial_schemas import context",
    "reference_impl/seatrial_reference/machinery/__init__.py": "",
    "schemas/seatrial_schemas/__init__.py": "",
    "schemas/seatrial_schemas/context.py": "import asyncio",
}


def verdict(folder: Path, modules: dict[str, str]) -> subprocess.CompletedProcess[str]:
    for path, text in modules.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(f"{text}\n", "utf-8")
    shutil.copy(ROOT / "pyproject.toml", folder)
    roots = os.pathsep.join(str(folder / root) for root in ("steps", "reference_impl", "schemas"))
    linter = Path(sys.executable).with_name("lint-imports")
    command = [str(linter), "--no-cache", "--config", "pyproject.toml"]
    return subprocess.run(command, cwd=folder, env=os.environ | {"PYTHONPATH": roots}, capture_output=True, text=True, check=False)


def test_a_good_tree_keeps_every_contract(tmp_path: Path) -> None:
    kept = verdict(tmp_path, MODULES)

    assert kept.returncode == 0, kept.stdout + kept.stderr


@pytest.mark.parametrize(
    ("path", "text", "broken"),
    [
        ("steps/seatrial/world.py", "import seatrial_reference", "never import each other"),
        ("schemas/seatrial_schemas/context.py", "from seatrial import model", "never import each other"),
        ("steps/seatrial/model/history.py", "from seatrial import world", "imports point one way"),
        ("steps/seatrial/report/__init__.py", "from seatrial import plugin", "imports point one way"),
        ("steps/seatrial/checks/edges.py", "from seatrial import observe", "imports point one way"),
        ("steps/seatrial/odds.py", "", "imports point one way"),
        ("reference_impl/seatrial_reference/etcd/__init__.py", "from seatrial_reference import scheduler", "meet on the wire only"),
        ("reference_impl/seatrial_reference/machinery/__init__.py", "from seatrial_reference import etcd", "meet on the wire only"),
        ("reference_impl/seatrial_reference/odds.py", "", "meet on the wire only"),
        ("steps/seatrial/checks/edges.py", "import asyncio", "functions of a history"),
        ("steps/seatrial/cluster/__init__.py", "import subprocess", "start programs"),
        ("reference_impl/seatrial_reference/etcd/__init__.py", "import subprocess", "start programs"),
        ("steps/seatrial/world.py", "import pytest", "pytest runs the scenarios"),
        ("steps/seatrial/checks/edges.py", "from pytest_bdd import given", "pytest runs the scenarios"),
    ],
)
def test_each_contract_bites(tmp_path: Path, path: str, text: str, broken: str) -> None:
    found = verdict(tmp_path, {**MODULES, path: text})

    assert found.returncode == 1, found.stderr
    assert re.search(rf"{broken}[^A-Z]* BROKEN", " ".join(found.stdout.split())), found.stdout
