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
TEXT = "apiVersion: seatrial/v1\nkind: Implementation\nmetadata: {name: unlucky, version: 1.37.1}\nbasedOn: kubernetes\n"


def ended(descriptor: Path) -> subprocess.CompletedProcess[str]:
    """A run, of which nothing is left."""
    command = [sys.executable, "-m", "seatrial", "run", "-i", str(descriptor), "--rule=SCHED-04"]
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
