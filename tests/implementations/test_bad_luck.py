"""Bad luck: no rights, and no room. Each is told in a paragraph with the exit code of whose affair it is, and nothing is left behind.

The disks are really full: small ones, in a mount namespace of their own. The user really has no rights; the interpreter is put where that
user can reach it, in the same way.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

NOBODY = 65534
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "KUBE"))}
SEATRIAL = [sys.executable, "-m", "seatrial"]


def within_mounts(*script: str, **environment: str) -> list[str]:
    """A shell script in a mount namespace of its own. Root makes it as it is, others need a user namespace for it."""
    apart = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    return [*apart, "env", *(f"{k}={v}" for k, v in environment.items()), "sh", "-euc", "\n".join(script)]


def ended(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Where a small disk is going to be mounted."""
    folder = tmp_path / "small"
    folder.mkdir()
    return folder


def on_a_small_disk(folder: Path, size: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run with a disk of that size at the folder; what lies there in the end is the last thing said."""
    mount = f"mount -t tmpfs -o size={size} tmpfs {shlex.quote(str(folder))}"
    run = f"code=0; {shlex.join([*SEATRIAL, 'run', '--rule', 'STORE-13', *arguments])} || code=$?"
    return ended(within_mounts(mount, run, f"echo left: $(ls -A {shlex.quote(str(folder))})", "exit $code", **environment))


def test_reports_on_a_full_disk_are_6_after_the_verdict(small: Path) -> None:
    found = on_a_small_disk(small, "16k", "-o", str(small))

    assert found.returncode == 6, found.stdout + found.stderr
    assert "passed: 1 rule of reference" in found.stdout
    (complaint,) = [line for line in found.stderr.splitlines() if line.startswith("seatrial: ")]
    assert "could not be written" in complaint
    assert "No space left on device" in complaint
    assert ".part" not in found.stdout


@pytest.mark.parametrize("backend", ["simulation", "processes"])
def test_no_room_for_a_cluster_is_6_before_it_starts(small: Path, backend: str) -> None:
    found = on_a_small_disk(small, "1m", "--backend", backend, TMPDIR=str(small))

    assert found.returncode == 6, found.stdout + found.stderr
    assert f"MiB are free in {small}, and a cluster needs 16. Set TMPDIR to another folder." in found.stdout
    assert found.stdout.splitlines()[-1] == "left:"


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder of nobody's; its path must be short, and open to nobody from the root on."""
    folder = Path(tempfile.mkdtemp(prefix="st"))
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    yield folder
    shutil.rmtree(folder)


def as_nobody(home: Path, *arguments: str) -> list[str]:
    """As a user without rights: nobody where we are root, else we are such a one ourselves."""
    run = shlex.join([*SEATRIAL, *arguments])
    if os.geteuid() != 0:
        return ["env", f"HOME={home}", f"TMPDIR={home}", "sh", "-c", f"cd {home} && exec {run}"]
    drop = f"exec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups env HOME={home} TMPDIR={home} {run}"
    return within_mounts(*_opened(Path(sys.base_prefix)), f"cd {home}", drop)


def _opened(interpreter: Path) -> list[str]:
    """The way to the interpreter, where one of its folders is closed: an empty open one in its place, with nothing but the interpreter."""
    closed = next((p for p in reversed(interpreter.parents) if not p.stat().st_mode & 0o001), None)
    if closed is None:
        return []
    return [
        "aside=$(mktemp -d)",
        f"mount --bind {interpreter} $aside",
        f"mount -t tmpfs -o mode=755 tmpfs {closed}",
        f"mkdir -p {interpreter}",
        f"mount --bind $aside {interpreter}",
        "umount $aside",
        "rmdir $aside",
    ]


def test_the_doctor_needs_no_rights(home: Path) -> None:
    found = ended(as_nobody(home, "doctor", "--backend", "processes"))

    if "The kernel refuses the namespaces" in found.stdout:
        assert (found.returncode, "user.max_user_namespaces" in found.stdout) == (6, True)
    else:
        assert found.returncode == 0, found.stdout + found.stderr
        assert "canaries               6 of 6 seen by the recorder" in found.stdout
    assert not list(home.iterdir())


def test_up_needs_no_rights(home: Path) -> None:
    with subprocess.Popen(
        as_nobody(home, "up", "--kubeconfig", str(home / "config")), env=ENVIRONMENT, stdout=-1, stderr=-1, text=True
    ) as up:
        assert up.stdout
        assert up.stderr
        if "is up with 1 node" in up.stdout.readline():
            up.send_signal(signal.SIGINT)
            assert up.wait(60) == 0, up.stderr.read()
        else:
            assert (up.wait(60), "The kernel refuses the namespaces" in up.stderr.read()) == (6, True)
    assert not list(home.iterdir())


def test_an_endpoint_of_the_machine_needs_rights(home: Path) -> None:
    (home / "config").write_text("{}")
    file = Path(__file__).parent / "endpoint.yaml"
    settings = ["--set=port=1", f"--set=kubeconfig={home / 'config'}"]

    found = ended(as_nobody(home, "run", "-i", str(file), "--rule=API-05", *settings))

    assert found.returncode == 6, found.stdout + found.stderr
    assert "namespace" in found.stdout
    assert [p.name for p in home.iterdir()] == ["config"]
