"""What goes wrong with real binaries is told in a paragraph that names the component and shows its last words; nothing is left behind."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml

from seatrial import assets

REAL = yaml.safe_load((assets.descriptors() / "kubernetes.yaml").read_text())["components"]
ELSEWHERE = {"--etcd-servers=${store}": "--etcd-servers=http://127.0.0.1:1"}
NO_ADDRESS = ["--listen-client-urls=http://10.255.255.1:1", "--advertise-client-urls=${store}"]
NO_CERTIFICATE = ["--kubeconfig=${kubeconfig}", "--cert-dir=${data}", "--tls-cert-file=/dev/null"]
MORTAL = """\
import subprocess, sys

run = subprocess.Popen([*sys.argv[1:], "--v=2"], stderr=subprocess.PIPE, text=True)
for line in run.stderr:
    print(line, end="", file=sys.stderr, flush=True)
    if "bound pod" in line:
        run.kill()
        sys.exit("the mast is gone")
"""
TEXT = "apiVersion: seatrial/v1\nkind: Implementation\nmetadata: {name: unlucky, version: 1.37.1}\nbasedOn: kubernetes\n"


def ended(descriptor: Path, rule: str = "SCHED-04") -> subprocess.CompletedProcess[str]:
    """A run, of which nothing is left."""
    command = [sys.executable, "-m", "seatrial", "run", "-i", str(descriptor), f"--rule={rule}"]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=os.environ | {"TMPDIR": folder})
        assert not list(Path(folder).iterdir())
    return done


@pytest.mark.parametrize(
    ("component", "changed", "says"),
    [
        ("apiserver", {"args": ["--no-such-flag"]}, "unknown flag: --no-such-flag"),
        ("apiserver", {"args": [ELSEWHERE.get(word, word) for word in REAL["apiserver"]["args"]]}, "connection refused"),
        ("etcd", {"args": NO_ADDRESS}, "cannot assign requested address"),
        ("scheduler", {"args": ["--kubeconfig=/nowhere"]}, "/nowhere: no such file or directory"),
        ("controller-manager", {"args": NO_CERTIFICATE}, "missing filename for serving"),
    ],
)
def test_a_component_that_does_not_come_up_is_named_with_its_last_words(
    component: str, changed: dict[str, object], says: str, tmp_path: Path
) -> None:
    descriptor = tmp_path / "unlucky.yaml"
    rows = {component: changed | {"limits": {"ready_s": 8}, "restart": "never"}}
    descriptor.write_text(TEXT + yaml.safe_dump({"components": rows}))

    found = ended(descriptor)

    assert found.returncode == 6, found.stdout + found.stderr
    assert f"{component}-0 ({component}; " in found.stdout + found.stderr
    assert says in found.stdout + found.stderr


def test_a_component_that_dies_in_the_middle_is_named_with_its_last_words(tmp_path: Path) -> None:
    mortal = tmp_path / "mortal.py"
    mortal.write_text(MORTAL)
    descriptor = tmp_path / "unlucky.yaml"
    scheduler = {"command": [sys.executable, str(mortal), *REAL["scheduler"]["command"]], "restart": "never"}
    descriptor.write_text(TEXT + yaml.safe_dump({"components": {"scheduler": scheduler}}))

    found = ended(descriptor, "SCHED-05")

    assert found.returncode == 1, found.stdout + found.stderr
    assert "scheduler-0 (scheduler; " in found.stdout
    assert "ended by itself with status 1. Its last words:" in found.stdout
    assert "the mast is gone" in found.stdout
