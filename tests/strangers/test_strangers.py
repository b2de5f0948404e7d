"""Rules are fair: components that share nothing with ours get the verdicts that they deserve.

A correct stranger that fails a rule is a defect of the suite. What is rightly said of each stands in its table, and is committed.
"""

import ast
import sys
from pathlib import Path

import pytest

from strangers.tables import EMULATORS, HERE, judged, names, table
from verdicts import judge

GOOD = {"passed", "not-run", "not-applicable"}
FOREIGN: dict[str, set[str]] = {  # program: what it imports beyond the standard library
    "stdlib_scheduler.py": set(),
    "all_in_one.py": {"all_in_one_api", "all_in_one_scheduling", "cryptography"},
    "all_in_one_scheduling.py": {"all_in_one_api"},
    "all_in_one_api.py": set(),
    "kmock_server.py": {"aiohttp", "kmock"},
}


@pytest.mark.parametrize("name", names())
def test_gets_the_verdicts_of_its_table(name: str, tmp_path: Path) -> None:
    found, expected = judged(name, tmp_path), table(name)
    differing = [rule for rule in sorted(found.rules | expected) if found.rules.get(rule) != expected.get(rule)]

    assert not differing, f"{name} differs from its table: {found.explain(differing)}\n{found.shown}"


@pytest.mark.parametrize("name", names())
def test_its_table_is_just(name: str) -> None:
    verdicts = set(table(name).values())

    assert "harness-fault" not in verdicts
    assert name in EMULATORS or ("passed" in verdicts and verdicts <= GOOD)


def test_nobody_is_blamed_for_the_company_that_they_are_in(tmp_path: Path) -> None:
    """An API server that tells its scheduler nothing right is the one to blame for what the scheduler then does not do."""
    file = tmp_path / "kmock.yaml"
    text = (HERE / "kmock.yaml").read_text().replace("profiles: [api]\n", "").replace("${here}", str(HERE))
    file.write_text(text)

    found = judge(file, "--rule=ARCH-01", "--fail-fast", folder=tmp_path)

    assert found.rules == {"ARCH-01": "failed"}, found.shown
    assert "culprit   apiserver\n" in found.shown
    assert "scheduler-0, which kmock has from reference, does this only together with apiserver of kmock" in " ".join(found.shown.split())


@pytest.mark.parametrize("program", FOREIGN)
def test_shares_no_code_with_us(program: str) -> None:
    tree = ast.parse((HERE / program).read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert {name.partition(".")[0] for name in imported} - sys.stdlib_module_names <= FOREIGN[program]
