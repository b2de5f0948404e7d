"""What the tap sees of a real API server's requests is what the server itself writes down: nothing passes by it, nothing is invented."""

import datetime as dt
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from seatrial import assets
from verdicts import judge

Json = dict[str, Any]
Asked = dict[str, tuple[str, str, str, int]]  # by audit id: who, verb, kind of object, code
SERVER = yaml.safe_load((assets.descriptors() / "kubernetes.yaml").read_text())["components"]["apiserver"]
POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived, ResponseStarted]\nrules: [{level: Metadata}]\n"
ITSELF = "system:apiserver"  # what the server asks of itself goes over no network
STILL_ON_ITS_WAY = dt.timedelta(seconds=1)


def lines(file: Path) -> list[Json]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def written(rows: Iterable[Json]) -> Asked:
    """By the server."""
    mine = [r for r in rows if r["user"]["username"] != ITSELF and "objectRef" in r and r["verb"] != "watch"]
    return {r["auditID"]: (r["user"]["username"], r["verb"], r["objectRef"]["resource"], r["responseStatus"]["code"]) for r in mine}


def tapped(rows: Iterable[Json]) -> Asked:
    """By the tap."""
    answers = [r for r in rows if r["kind"] == "answer" and r["source"].startswith("tap/") and r["resource"] and r["verb"] != "watch"]
    return {r["audit"]: (r["user"], r["verb"], r["resource"], r["code"]) for r in answers}


def when(row: Json) -> dt.datetime:
    return dt.datetime.fromisoformat(row["stageTimestamp"])


def test_the_tap_and_the_audit_log_tell_the_same(tmp_path: Path) -> None:
    policy, log, descriptor = tmp_path / "policy.yaml", tmp_path / "audit.log", tmp_path / "audited.yaml"
    policy.write_text(POLICY)
    more = [f"--audit-policy-file={policy}", f"--audit-log-path={log}"]
    head = {"apiVersion": "seatrial/v1", "kind": "Implementation", "metadata": {"name": "audited", "version": "1.37.1"}}
    server = {"apiserver": {"args": [*SERVER["args"], *more]}}
    descriptor.write_text(yaml.safe_dump(head | {"basedOn": "kubernetes", "components": server}))

    found = judge(descriptor, "--rule=CHAIN-02", folder=tmp_path / "reports")

    assert found.rules == {"CHAIN-02": "passed"}, found.shown
    [history] = (tmp_path / "reports" / "histories").iterdir()
    seen, said = tapped(lines(history)[1:]), lines(log)
    known = {audit: asked for audit, asked in seen.items() if asked[0]}  # people are introduced to the hooks alone
    assert len(known) > 100
    assert {audit: written(said).get(audit) for audit in known} == known
    last = max(when(row) for row in said if row["auditID"] in seen) - STILL_ON_ITS_WAY
    assert written(row for row in said if when(row) < last).keys() <= seen.keys()
