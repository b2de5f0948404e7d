"""The wheel is all that somebody needs who has no checkout: it is built, installed elsewhere, and run from another directory.

Nothing is downloaded: the new environment sees the dependencies of this one, by a path file that names its site-packages. Path files found
there are not followed, so the editable install of the checkout stays out of sight.
"""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = {
    "steps/seatrial": "seatrial",
    "reference_impl/seatrial_reference": "seatrial_reference",
    "schemas/seatrial_schemas": "seatrial_schemas",
    "features": "seatrial/features",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (found,) = folder.glob("seatrial-*.whl")
    return found


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment that has the wheel, and not the checkout."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, symlinks=True, with_pip=False)
    scripts = home / "bin"
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
    install = [sys.executable, "-m", "pip", "--python", str(scripts / "python"), "install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    return scripts


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """In an environment without the variables that would lead back to the checkout."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "VIRTUAL_ENV"))}
    return subprocess.run([str(word) for word in command], cwd=cwd, env=variables, capture_output=True, text=True, check=False)


def committed(folder: str) -> set[str]:
    files = (file for file in (ROOT / folder).rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return {f"{SHIPPED[folder]}/{file.relative_to(ROOT / folder)}" for file in files}


@pytest.mark.parametrize("folder", SHIPPED)
def test_the_wheel_has_every_file_of(folder: str, wheel: Path) -> None:
    assert committed(folder) - set(zipfile.ZipFile(wheel).namelist()) == set()


def test_the_wheel_has_what_is_read_at_run_time(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    assert [name for name in names if name.startswith("seatrial/features/") and name.endswith(".feature")]
    assert [name for name in names if name.startswith("seatrial_schemas/") and name.endswith(".schema.json")]
    assert "seatrial/adapters/descriptors/reference.yaml" in names


def test_the_wheel_has_nothing_else_on_top(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert {top for top in tops if not top.endswith(".dist-info")} == {"seatrial", "seatrial_reference", "seatrial_schemas"}


def test_the_new_environment_does_not_see_the_checkout(elsewhere: Path, tmp_path: Path) -> None:
    where = (
        "import seatrial, seatrial_reference, seatrial_schemas as s; print(seatrial.__file__, seatrial_reference.__path__[0], s.__file__)"
    )

    seen = run(elsewhere / "python", "-c", where, cwd=tmp_path)

    assert seen.returncode == 0, seen.stderr
    assert all(path.startswith(str(elsewhere.parent)) for path in seen.stdout.split())


def test_a_rule_runs_from_the_wheel_in_another_directory(elsewhere: Path, tmp_path: Path) -> None:
    verdict = run(elsewhere / "seatrial", "run", "-i", "reference", "--rule", "COMM-05", "-o", tmp_path / "reports", cwd=tmp_path)

    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    assert "COMM-05" in (tmp_path / "reports" / "report.json").read_text("utf-8")
