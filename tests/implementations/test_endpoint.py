"""`endpoint:` an API server that runs already, here the one of a `seatrial up`, is judged through a relay, and nothing is left in it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seatrial.adapters.descriptor import load
from seatrial.model.errors import UsageError
from verdicts import judge

HERE = Path(__file__).parent
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "KUBE"))}
BARE = """\
apiVersion: seatrial/v1
kind: Implementation
metadata: {name: bare}
basedOn: reference
components: {scheduler: {absent: true}, controller-manager: {absent: true}, kubelet: {absent: true}}
"""


class Running:
    """What `seatrial up` says of itself."""

    def __init__(self, url: str, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self.settings = [f"--set=port={url.rpartition(':')[2]}", f"--set=kubeconfig={kubeconfig}"]

    def objects(self) -> list[str]:
        kinds = "namespaces,nodes,pods,deployments,replicasets,leases,events"
        command = [str(Path(sys.executable).parent / "kubectl"), "--kubeconfig", str(self.kubeconfig), "get", kinds, "-A", "-o", "name"]
        return subprocess.check_output(command, text=True, timeout=60, env=ENVIRONMENT).splitlines()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("up")
    (folder / "bare.yaml").write_text(BARE)
    command = [sys.executable, "-m", "seatrial", "up", "-i", str(folder / "bare.yaml"), "--nodes=0", f"--kubeconfig={folder / 'config'}"]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as up:
        assert up.stdout
        yield Running(up.stdout.readline().split()[-1], folder / "config")
        up.send_signal(signal.SIGINT)
        assert up.wait(30) == 0


def test_it_is_judged_and_nothing_is_left_in_it(running: Running, tmp_path: Path) -> None:
    before = running.objects()
    rules = ("API-05", "SCHED-04", "HA-06", "COMM-07", "STORE-13", "REQ-01")

    found = judge(HERE / "endpoint.yaml", *running.settings, *(f"--rule={rule}" for rule in rules), folder=tmp_path)

    assert [found.rules[rule] for rule in rules] == ["passed", "passed", "passed", "not-run", "not-run", "not-run"], found.shown
    assert any("it cannot be killed from here" in why for why in found.reasons["COMM-07"])
    assert "the descriptor rules out reading the store (observe.store)" in found.reasons["STORE-13"]
    assert running.objects() == before


def test_the_doctor_says_what_it_cannot_do(running: Running) -> None:
    command = [sys.executable, "-m", "seatrial", "doctor", "-i", str(HERE / "endpoint.yaml"), *running.settings]
    ended = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=120)

    assert ended.returncode == 0, ended.stdout
    assert "apiserver: runs already at https://127.0.0.1:" in ended.stdout
    assert "rules that would end it or look into it will be not-run" in ended.stdout


def test_nobody_there_is_6_and_names_the_address(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("{}")
    settings = ["--set=port=1", f"--set=kubeconfig={tmp_path / 'config'}", "--rule=API-05"]
    command = [sys.executable, "-m", "seatrial", "run", "-i", str(HERE / "endpoint.yaml"), *settings]
    ended = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=120)

    assert ended.returncode == 6, ended.stdout + ended.stderr
    assert "Nobody answers at 127.0.0.1:1 on the machine's network" in ended.stdout


@pytest.mark.parametrize(
    ("component", "more", "says"),
    [
        ("apiserver: {endpoint: 'https://h:1'}", "", "expected identity: {admin: FILE}"),
        ("apiserver: {endpoint: 'https://h:1', command: [x]}", "identity: {admin: f}", "expected neither command nor python"),
        ("scheduler: {endpoint: 'https://h:1'}", "identity: {admin: f}", "expected the role apiserver"),
        ("apiserver: {endpoint: 'https://h:1'}", "identity: {admin: f}\nobserve: {requests: none}", "expected observe: {requests: tap}"),
        ("apiserver: {endpoint: 'http://h'}", "identity: {admin: f}", "expected https://HOST:PORT of an API server that runs already"),
    ],
)
def test_what_an_endpoint_needs_is_told_by_line(tmp_path: Path, component: str, more: str, says: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"apiVersion: seatrial/v1\nkind: Implementation\nmetadata: {{name: mine}}\ncomponents:\n  {component}\n{more}\n")

    with pytest.raises(UsageError, match=r"mine\.yaml:5: components\..*\.endpoint: ") as raised:
        load(str(file))

    assert says in str(raised.value)
