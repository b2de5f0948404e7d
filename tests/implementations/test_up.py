"""`seatrial up`: a cluster that an unmodified kubectl works with, and of which nothing is left."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

KUBECTL = shutil.which("kubectl", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "KUBE"))}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    file = tmp_path_factory.mktemp("up") / "kubeconfig"
    with subprocess.Popen(up(file, "--nodes", "2"), env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        assert "is up with 2 nodes" in running.stdout.readline()
        yield file
        running.send_signal(signal.SIGINT)
        assert running.wait(30) == 0
    assert not file.exists()


def up(file: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "seatrial", "up", "--kubeconfig", str(file), *more]


def kubectl(config: Path, *words: str) -> str:
    assert KUBECTL
    command = [KUBECTL, "--kubeconfig", str(config), *words]
    ended = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture
def web(config: Path) -> Iterator[Path]:
    """A deployment of three."""
    kubectl(config, "create", "deployment", "web", "--image=web", "--replicas=3")
    yield config
    kubectl(config, "delete", "deployment", "web", "--ignore-not-found", "--wait=false")


def test_get_nodes_and_pods(config: Path) -> None:
    said = kubectl(config, "get", "nodes,pods", "-A")

    assert [line.split()[:2] for line in said.splitlines()[1:3]] == [["node/node-1", "Ready"], ["node/node-2", "Ready"]]


def test_create_scale_and_wait(web: Path) -> None:
    kubectl(web, "wait", "--for=condition=Available", "deployment/web", "--timeout=30s")
    kubectl(web, "scale", "deployment", "web", "--replicas=4")

    kubectl(web, "wait", "--for=jsonpath={.status.readyReplicas}=4", "deployment/web", "--timeout=30s")


def test_get_and_watch(web: Path) -> None:
    assert KUBECTL
    command = [KUBECTL, "--kubeconfig", str(web), "get", "deployments", "-w", "--no-headers"]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout
        assert watching.stdout.readline().split()[0] == "web"
        kubectl(web, "scale", "deployment", "web", "--replicas=2")
        assert any(line.split()[1].endswith("/2") for line in watching.stdout)
        watching.terminate()


def test_delete(web: Path) -> None:
    kubectl(web, "delete", "deployment", "web")

    assert "web" not in kubectl(web, "get", "deployments", "-o", "name")


def test_somebody_elses_kubeconfig_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("apiVersion: v1\nkind: Config\ncurrent-context: production\n")

    ended = subprocess.run(up(file), env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=30)

    assert (ended.returncode, "is not one of ours" in ended.stderr) == (4, True)
    assert "production" in file.read_text()


def test_the_kubeconfig_of_a_cluster_that_is_up_is_not_overwritten(config: Path) -> None:
    before = config.read_text()

    ended = subprocess.run(up(config), env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=30)

    assert (ended.returncode, "leads to a cluster that is up" in ended.stderr) == (4, True)
    assert config.read_text() == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["told to end", "its terminal closes"])
def test_who_is_told_to_end_takes_everything_along(number: signal.Signals, tmp_path: Path) -> None:
    file = tmp_path / "config"
    with subprocess.Popen(up(file, "--nodes", "0"), env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        assert "is up with 0 nodes" in running.stdout.readline()
        running.send_signal(number)
        assert running.wait(30) == 0

    assert not file.exists()


def test_a_port_that_is_taken_is_said_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = up(tmp_path / "config", "--port", port)
        ended = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=30)

    expected = (
        f"seatrial: Port {port} of 127.0.0.1 is not to be had: Address already in use. Choose another with --port, or leave it out.\n"
    )
    assert (ended.returncode, ended.stderr) == (6, expected)
