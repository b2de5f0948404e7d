"""`kubeconfig:` a whole cluster that exists, here a `seatrial up`, is judged by a guest who sees what a client of the API sees, and leaves
no trace: as an administrator, and as somebody who may work in one namespace only, where others live too."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from verdicts import judge

HERE = Path(__file__).parent
VIOLATIONS = HERE.parent / "violations"
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "KUBE"))}
KINDS = "namespaces,nodes,pods,configmaps,secrets,services,deployments,replicasets,leases,roles,rolebindings"
BRISK = """\
apiVersion: seatrial/v1
kind: Implementation
metadata: {name: brisk}
basedOn: kubeconfig
identity: {kubeconfig: config}
components:
  apiserver: &brisk
    limits: {lease_s: 2, renew_s: 1.5, retry_s: 0.5, react_s: 0.5, reconnect_s: 3, request_s: 5, ready_s: 20, heartbeat_s: 1}
  scheduler: *brisk
  controller-manager: *brisk
  kubelet: *brisk
"""
WORK = "pods,configmaps,secrets,services,serviceaccounts,deployments.apps,replicasets.apps,leases.coordination.k8s.io"


class Cluster:
    """One that runs, and the kubeconfigs that lead to it, each with a descriptor beside it that knows how fast it is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.admin = self.led_by("admin", json.loads((folder / "config").read_text()))

    def led_by(self, name: str, config: dict[str, Any]) -> Path:
        (self.folder / name).mkdir()
        (self.folder / name / "config").write_text(json.dumps(config))
        (self.folder / name / "brisk.yaml").write_text(BRISK)
        return self.folder / name / "brisk.yaml"

    def kubectl(self, *words: str) -> str:
        command = [str(Path(sys.executable).parent / "kubectl"), "--kubeconfig", str(self.folder / "config"), *words]
        return subprocess.check_output(command, text=True, timeout=60, env=ENVIRONMENT)

    def objects(self) -> list[str]:
        return self.kubectl(
            "get", KINDS, "-A", "--no-headers", "-o", "custom-columns=K:.kind,S:.metadata.namespace,N:.metadata.name"
        ).splitlines()


@contextmanager
def up(folder: Path, *options: str) -> Iterator[Cluster]:
    command = [sys.executable, "-m", "seatrial", "up", f"--kubeconfig={folder / 'config'}", *options]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        assert "is up" in running.stdout.readline()
        yield Cluster(folder)
        running.send_signal(signal.SIGINT)
        assert running.wait(30) == 0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with up(tmp_path_factory.mktemp("up"), "--nodes=2") as running:
        yield running


@pytest.fixture(scope="module")
def confined(cluster: Cluster) -> Path:
    """Whoever may work in the namespace `harbour`, where others have a configmap `web`, and nowhere else."""
    cluster.kubectl("create", "namespace", "harbour")
    cluster.kubectl("-n", "harbour", "create", "configmap", "web", "--from-literal=mine=no")
    cluster.kubectl("-n", "harbour", "create", "role", "sailor", "--verb=*", f"--resource={WORK}")
    cluster.kubectl("-n", "harbour", "create", "rolebinding", "sailor", "--role=sailor", "--user=newcomer")
    config = json.loads((cluster.folder / "config").read_text())
    next(c for c in config["contexts"] if c["name"] == "newcomer")["context"]["namespace"] = "harbour"
    return cluster.led_by("confined", config | {"current-context": "newcomer"})


def seatrial(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "seatrial", *map(str, words)]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=120)


def test_an_administrator_judges_what_can_be_seen_and_leaves_nothing(cluster: Cluster, tmp_path: Path) -> None:
    before = cluster.objects()
    seen = ["API-05", "CTRL-04", "SCHED-02"]
    unseen = {"COMM-05": "connections cannot be seen from outside", "STORE-07": "the store cannot be seen from outside"}

    found = judge(cluster.admin, *(f"--rule={rule}" for rule in [*seen, *unseen]), folder=tmp_path)

    assert found.backend == "attached"
    assert [found.rules[rule] for rule in seen] == ["passed"] * len(seen), found.shown
    assert [found.rules[rule] for rule in unseen] == ["not-run", "not-run"]
    for rule, why in unseen.items():
        assert any(line.startswith(f"not-run  {rule}") and why in line for line in found.shown.splitlines()), found.shown
    assert found.shown.splitlines()[-1].endswith("2 rules not run here")
    assert cluster.objects() == before


def test_whoever_may_work_in_one_namespace_touches_nothing_of_others(cluster: Cluster, confined: Path, tmp_path: Path) -> None:
    before = cluster.objects()
    rules = ("API-03", "API-05", "KCM-02", "WATCH-03")

    found = judge(confined, *(f"--rule={rule}" for rule in rules), folder=tmp_path)

    assert [found.rules[rule] for rule in rules] == ["passed"] * len(rules), found.shown
    assert "configmaps/web of the namespace harbour is somebody else's" in found.reasons["API-03"]
    assert "only the namespace harbour may be worked in, and the scenario wants another one" in found.reasons["API-05"]
    assert any("no collection is deleted there" in why for why in found.reasons["WATCH-03"])
    assert cluster.objects() == before
    assert '"mine":"no"' in cluster.kubectl("-n", "harbour", "get", "configmap", "web", "-o", "jsonpath={.data}")


def test_nothing_judged_is_not_good(cluster: Cluster) -> None:
    ended = seatrial("run", "-i", cluster.admin, "--rule=COMM-05")

    assert ended.returncode == 5, ended.stdout
    assert "nothing judged: 1 rule could not be run on brisk (attached)" in ended.stdout


def test_a_cluster_that_breaks_a_rule_is_found_out(tmp_path: Path) -> None:
    (tmp_path / "up").mkdir()
    with up(tmp_path / "up", "-i", str(VIOLATIONS / "controllers-overshoot.yaml")) as broken:
        found = judge(broken.admin, "--rule=KCM-02", "--rule=SCHED-02", folder=tmp_path / "found")

    assert found.rules == {"KCM-02": "failed", "SCHED-02": "passed"}, found.shown
    assert "culprit   controller-manager" in found.shown
    assert any("needs 2 nodes that take pods, and the cluster has 1" in why for why in found.reasons["SCHED-02"])


def test_the_doctor_says_who_one_is_and_what_one_may(cluster: Cluster, confined: Path) -> None:
    mighty, modest = seatrial("doctor", "-i", cluster.admin), seatrial("doctor", "-i", confined)

    assert (mighty.returncode, modest.returncode) == (0, 0), mighty.stdout + modest.stdout
    assert "seatrial:operator, of system:masters" in mighty.stdout
    assert "may create namespaces" in mighty.stdout
    assert "became running in namespaces of our own" in mighty.stdout
    assert "newcomer, of " in modest.stdout
    assert "may not create namespaces, list nodes" in modest.stdout
    assert "became running in the namespace harbour, with others" in modest.stdout
    assert "judged: API-02" in modest.stdout


def test_another_context_may_be_named(cluster: Cluster) -> None:
    there, nowhere = (seatrial("doctor", "-i", f"kubeconfig:{cluster.folder / 'config'}#{name}") for name in ("newcomer", "nobody"))

    assert "newcomer, of " in there.stdout
    assert (nowhere.returncode, "there is no context 'nobody' in it" in nowhere.stderr) == (4, True)


def begun(cluster: Cluster) -> subprocess.Popen[str]:
    """A run that is in the middle of its first scenario."""
    command = [sys.executable, "-m", "seatrial", "run", "-i", str(cluster.admin), "--rule=KCM-02"]
    running = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    until = time.monotonic() + 30
    while "deployment" not in (made := cluster.kubectl("get", "replicasets,deployments", "-A", "-o", "name")) and "web" not in made:
        assert time.monotonic() < until, "nothing was begun"
    return running


def test_an_interrupt_leaves_nothing(cluster: Cluster) -> None:
    before = cluster.objects()
    with begun(cluster) as running:
        running.send_signal(signal.SIGINT)
        said, _ = running.communicate(timeout=60)

    assert running.returncode == 2, said
    assert cluster.objects() == before


def test_what_a_killed_run_has_left_is_named_with_the_command_that_removes_it(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ENVIRONMENT, "TMPDIR", str(tmp_path))
        with begun(cluster) as running:
            assert list(tmp_path.iterdir())
            running.kill()
    until = time.monotonic() + 10
    while here := list(tmp_path.iterdir()):
        assert time.monotonic() < until, here
    ended = seatrial("run", "-i", cluster.admin, "--rule=COMM-05")

    named = next(line for line in ended.stderr.splitlines() if line.startswith("left behind"))
    assert "kubectl delete namespace seatrial-" in named
    cluster.kubectl("delete", "namespace", named.rpartition(" ")[2], "--wait=false")


GOOD_CA = base64.b64encode(b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n").decode()


@pytest.mark.parametrize(
    ("user", "server", "code", "says"),
    [
        ({"exec": {"command": "aws"}}, {}, 4, "cannot be followed: user seatrial: a plugin (exec) gives its credentials"),
        ({"tokenFile": "nowhere"}, {}, 4, "the token file nowhere cannot be read"),
        ({"token": "x"}, {"certificate-authority-data": GOOD_CA}, 4, "names certificates that cannot be used"),
        ({"token": "x"}, {"server": "https://127.0.0.1:1"}, 6, "Nobody who can be trusted answers at https://127.0.0.1:1"),
        ({"token": "x"}, {"certificate-authority-data": None}, 6, "Nobody who can be trusted answers at https://127.0.0.1:"),
        ({"token": "expired"}, {}, 6, "does not know who shows what the context seatrial has, a token: 401"),
    ],
)
def test_what_does_not_lead_into_the_cluster_is_said_in_a_paragraph(
    cluster: Cluster, tmp_path: Path, *, user: dict[str, Any], server: dict[str, Any], code: int, says: str
) -> None:
    config = json.loads((cluster.folder / "config").read_text())
    config["users"][0]["user"] = user
    config["clusters"][0]["cluster"] |= server
    (tmp_path / "config").write_text(json.dumps(config))

    ended = seatrial("run", "-i", f"kubeconfig:{tmp_path / 'config'}", "--rule=API-05")

    assert ended.returncode == code, ended.stdout + ended.stderr
    assert says in ended.stderr
    assert ended.stdout == ""
    assert len(ended.stderr.strip().splitlines()) == 1


def test_no_kubeconfig_is_4(tmp_path: Path) -> None:
    ended = seatrial("run", "-i", f"kubeconfig:{tmp_path / 'nowhere'}")

    assert (ended.returncode, "cannot be read: No such file or directory" in ended.stderr) == (4, True)
