"""Real components, configured otherwise: what is lawful passes, and what is not is found by its rule, in the right component.

The flags are those of https://kubernetes.io/docs/reference/command-line-tools-reference/.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from seatrial import assets
from verdicts import judge

Json = dict[str, Any]
SHIPPED = yaml.safe_load((assets.descriptors() / "kubernetes.yaml").read_text())
HEALTH = {"scheduler": 10259, "controller-manager": 10257}  # ports that answer without a lease


def configured(role: str, *flags: str, without: Sequence[str] = ()) -> Json:
    """The component with these flags, in the place of the same ones and of those that begin so."""
    replaced = (*without, *(flag.partition("=")[0] + "=" for flag in flags))
    kept = [arg for arg in SHIPPED["components"][role]["args"] if not arg.startswith(replaced)]
    return {role: {"args": [*kept, *flags]}}


def unelected(role: str) -> Json:
    """Whoever holds no election is ready when it answers."""
    component = configured(role, "--leader-elect=false", "--bind-address=0.0.0.0", without=("--leader-elect",))
    return {role: component[role] | {"ready": {"tcp": f"${{host.address}}:{HEALTH[role]}"}}}


def descriptor(folder: Path, name: str, components: Json) -> Path:
    file = folder / f"{name}.yaml"
    head = {"apiVersion": "seatrial/v1", "kind": "Implementation", "metadata": {"name": name, "version": SHIPPED["metadata"]["version"]}}
    file.write_text(yaml.safe_dump(head | {"basedOn": "kubernetes", "components": components}))
    return file


WRONG = {
    "schedulers-unelected": (unelected("scheduler"), "HA-04", "scheduler-"),
    "controllers-unelected": (unelected("controller-manager"), "HA-05", "controller-manager-"),
    "never-validates": (
        configured("apiserver", "--disable-admission-plugins=ServiceAccount,ValidatingAdmissionWebhook"),
        "REQ-11",
        "apiserver-0",
    ),
    "allows-everything": (
        configured("apiserver", "--authorization-mode=AlwaysAllow", without=("--authorization-",)),
        "REQ-08",
        "apiserver-0",
    ),
    "no-replicasets": (configured("controller-manager", "--controllers=*,-replicaset-controller"), "KCM-02", "controller-manager-0"),
    "no-deployments": (configured("controller-manager", "--controllers=*,-deployment-controller"), "KCM-01", "controller-manager-0"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_configured_wrongly_is_found(name: str, tmp_path: Path) -> None:
    components, rule, culprit = WRONG[name]

    found = judge(descriptor(tmp_path, name, components), f"--rule={rule}", "--brief", "--once", folder=tmp_path / "reports")

    assert found.rules[rule] == "failed", found.shown
    report = json.loads((tmp_path / "reports" / "report.json").read_bytes())
    culprits = {f["culprit"] for r in report["rules"] for s in r["scenarios"] for f in s.get("findings", ())}
    assert culprits
    assert all(who.startswith(culprit) for who in culprits), found.shown


LAWFUL = {
    "apiserver": configured(
        "apiserver",
        "--authorization-mode=Node,RBAC,ABAC,Webhook",
        "--enable-admission-plugins=NodeRestriction",
        "--enable-priority-and-fairness=false",
        "--anonymous-auth=false",
        "--watch-cache=false",
        "--min-request-timeout=20",
    ),
    "clients": {  # which speak protobuf by default, are held back, and have an account for each controller
        **configured("scheduler", without=("--kube-api-",)),
        **configured("controller-manager", "--use-service-account-credentials=true", without=("--kube-api-",)),
    },
    "accounts": {
        **configured("apiserver", without=("--disable-admission-plugins=",)),
        **configured("controller-manager", "--service-account-private-key-file=${tls.key}"),
    },
}


@pytest.mark.parametrize("name", LAWFUL)
def test_what_is_configured_otherwise_and_rightly_passes(name: str, tmp_path: Path) -> None:
    found = judge(descriptor(tmp_path, name, LAWFUL[name]), "--smoke", folder=tmp_path / "reports")

    assert set(found.rules.values()) == {"passed"}, found.shown
