"""Every file of ours is tidy, and every rule of order is seen to complain."""

from collections.abc import Callable, Iterator

import pytest

from lint import tidy
from lint.reading import Complaint, there_are_none
from lint.tidy import SourceFile

FILES = tidy.read_sources()
REFERENCE = "reference_impl/seatrial_reference/x.py"
SUITE = "steps/seatrial/world.py"
LONG = "x = 1\n" * 401
BARE = "ex" + "cept"

Lint = Callable[[SourceFile], Iterator[Complaint]]


@pytest.mark.parametrize("lint", tidy.ONE_FILE, ids=lambda lint: lint.__name__)
def test_every_file_is_tidy(lint: Lint) -> None:
    there_are_none(complaint for file in FILES for complaint in lint(file))


def test_no_module_is_dead() -> None:
    there_are_none(tidy.modules_are_used(FILES))


def test_the_lints_see_the_files() -> None:
    paths = {file.path for file in FILES}

    assert {"Makefile", ".ci/run", "pyproject.toml", "README.md", "features/ledger.yaml", "tests/lint/tidy.py"} <= paths
    assert not [path for path in paths if path.startswith((".venv", ".git/"))]


BAD = [
    (tidy.lines_are_short, SUITE, "x" * 141),
    (tidy.lines_are_short, "features/api/x.feature", "x" * 141),
    (tidy.nothing_is_left_over, SUITE, "# TO" + "DO: later"),
    (tidy.nothing_is_left_over, "README.md", "FIX" + "ME"),
    (tidy.no_machine_is_named, ".ci/run", "cd /wor" + "k/main"),
    (tidy.no_machine_is_named, "README.md", "https://py" + "pi.org/simple"),
    (tidy.no_machine_is_named, SUITE, "'/tm" + "p/data'"),
    (tidy.packages_do_not_print, SUITE, "print(1)"),
    (tidy.nobody_sleeps_to_wait, SUITE, "import asyncio\nasync def f(): await asyncio.sleep(1)"),
    (tidy.nobody_sleeps_to_wait, "tests/unit/test_x.py", "from time import sleep\nsleep(1)"),
    (tidy.nobody_sleeps_to_wait, SUITE, "import time as clock\nclock.sleep(1)"),
    (tidy.excepts_are_narrow, SUITE, f"try: f()\n{BARE}: pass"),
    (tidy.excepts_are_narrow, SUITE, f"try: f()\n{BARE} (OSError, Exception): pass"),
    (tidy.excepts_are_narrow, SUITE, f"try: f()\n{BARE} BaseException:  # noqa: BLE001\n  pass"),
    (tidy.components_take_everything_from_their_context, REFERENCE, "import time\ntime.monotonic()"),
    (tidy.components_take_everything_from_their_context, REFERENCE, "from uuid import uuid4\nuuid4()"),
    (tidy.components_take_everything_from_their_context, REFERENCE, "import random\nrandom.Random()"),
    (tidy.components_take_everything_from_their_context, REFERENCE, "import datetime\ndatetime.datetime.now(datetime.UTC)"),
    (tidy.components_take_everything_from_their_context, REFERENCE, "from datetime import datetime\ndatetime.now()"),
    (tidy.components_take_everything_from_their_context, "steps/seatrial/doubles/tap.py", "import os\nos.urandom(4)"),
    (tidy.components_take_everything_from_their_context, REFERENCE, "sorted(x, key=lambda y: id(y))"),
    (tidy.modules_are_small, SUITE, LONG),
    (tidy.modules_open_with_their_theory, SUITE, "x = 1\n"),
    (tidy.inits_are_light, "steps/seatrial/wire/__init__.py", LONG),
    (tidy.inits_are_light, "steps/seatrial/wire/__init__.py", "class Wire: ..."),
    (tidy.roots_are_not_imported, SUITE, "from steps.seatrial import model"),
    (tidy.roots_are_not_imported, "tests/unit/test_x.py", "import tests.lint.tidy"),
]

GOOD = [
    (SUITE, '"""Theory."""\nimport click\nclick.echo(1)\n'),
    (SUITE, f'"""Theory."""\ntry: f()\n{BARE} Exception:\n  g()\n  raise\n'),
    (SUITE, f'"""Theory."""\ntry: f()\n{BARE} Exception:  # noqa: BLE001 - whatever a component raises ends it\n  g()\n'),
    ("steps/seatrial/backends/kernel.py", '"""Theory."""\nimport asyncio\nasync def f(): await asyncio.sleep(1)\n'),
    (REFERENCE, '"""Theory."""\nimport time, random, uuid\ntime.gmtime(now)\nrandom.Random(7)\nuuid.UUID(text)\n'),
    (REFERENCE, '"""Theory."""\nfrom datetime import datetime\ndatetime.fromtimestamp(context.wall_s())\ncontext.random.random()\n'),
    (SUITE, '"""Theory."""\nimport time\ntime.monotonic()\n'),
    ("steps/seatrial/wire/__init__.py", '"""Theory."""\nfrom seatrial.wire.client import Client\n'),
]


@pytest.mark.parametrize(("lint", "path", "text"), BAD, ids=lambda value: getattr(value, "__name__", None))
def test_each_lint_bites(lint: Lint, path: str, text: str) -> None:
    assert list(lint(SourceFile(path, text)))


def test_every_lint_is_among_the_proven() -> None:
    assert {lint for lint, *_ in BAD} == set(tidy.ONE_FILE)


@pytest.mark.parametrize(("path", "text"), GOOD)
def test_no_lint_minds_a_tidy_file(path: str, text: str) -> None:
    assert [str(complaint) for lint in tidy.ONE_FILE for complaint in lint(SourceFile(path, text))] == []


def dead(*others: SourceFile) -> list[str]:
    return [complaint.path for complaint in tidy.modules_are_used([SourceFile("steps/seatrial/wire/pki.py", ""), *others])]


def test_a_module_that_nobody_imports_is_dead() -> None:
    assert dead(SourceFile("steps/seatrial/wire/__init__.py", "")) == ["steps/seatrial/wire/pki.py"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("steps/seatrial/__main__.py", "from seatrial.wire import pki"),
        ("steps/seatrial/__main__.py", "from seatrial.wire.pki import authority"),
        ("steps/seatrial/__main__.py", "import seatrial.wire.pki"),
        ("steps/seatrial/__main__.py", "load('seatrial.wire.pki:main')"),
        ("steps/seatrial/wire/__init__.py", "from .pki import authority"),
        ("steps/seatrial/wire/registry.py", "MODULES = ('pki', 'etcd', 'registry')"),
        ("steps/seatrial/adapters/descriptors/x.yaml", "python: seatrial.wire.pki:main"),
    ],
)
def test_a_module_that_is_named_somewhere_lives(path: str, text: str) -> None:
    assert dead(SourceFile(path, text)) == []
