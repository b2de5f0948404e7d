"""The audit log: every request in the order of events, who asked and from where, and no secret."""

from pathlib import Path
from typing import Any

import orjson
import pytest

Json = dict[str, Any]
MAPS = "/api/v1/namespaces/default/configmaps"
SECRETS = "/api/v1/namespaces/default/secrets"
BOTH = ["RequestReceived", "ResponseComplete"]


@pytest.fixture
def log(bare: Any, tmp_path: Path) -> Path:
    bare.run(bare.serve(f"--audit-log-path={tmp_path / 'audit.log'}"))
    return tmp_path / "audit.log"


def written(log: Path, verb: str) -> list[Json]:
    return [e for e in map(orjson.loads, log.read_bytes().splitlines()) if e["verb"] == verb]


def test_a_write_is_written_down_twice_with_what_came_of_it(bare: Any, log: Path) -> None:
    made = bare.run(bare.must("POST", MAPS, {"metadata": {"name": "m"}}))

    received, complete = written(log, "create")
    assert [received["stage"], complete["stage"]] == BOTH
    assert complete["user"]["username"] == "seatrial:operator"
    assert (complete["sourceIPs"], complete["responseStatus"]["code"]) == (["127.0.0.1"], 201)
    assert complete["responseObject"]["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
    assert complete["objectRef"] == {"resource": "configmaps", "namespace": "default", "apiVersion": "v1"}


def test_a_watch_is_written_down_when_it_begins_and_when_its_client_leaves(bare: Any, log: Path) -> None:
    async def act() -> list[str]:
        async with bare.watch(MAPS):
            begun = [e["stage"] for e in written(log, "watch")]
        while len(written(log, "watch")) == len(begun):
            await bare.context.sleep(0)
        return begun

    assert bare.run(act()) == ["RequestReceived", "ResponseStarted"]
    assert written(log, "watch")[-1]["stage"] == "ResponseComplete"


@pytest.mark.parametrize(("user", "code", "name"), [("alice", 403, "alice"), ("nobody", 401, "system:anonymous")])
def test_who_is_refused_is_written_down_too(bare: Any, log: Path, user: str, code: int, name: str) -> None:
    bare.run(bare.ask("DELETE", f"{MAPS}/m", user=user))

    deletes = written(log, "delete")
    assert [e["stage"] for e in deletes] == BOTH
    assert (deletes[1]["responseStatus"]["code"], deletes[1]["user"]["username"]) == (code, name)


def test_no_secret_is_written_down(bare: Any, log: Path) -> None:
    bare.run(bare.must("POST", SECRETS, {"metadata": {"name": "s"}, "stringData": {"password": "open sesame"}}))

    assert [e["level"] for e in written(log, "create")] == ["Metadata", "Metadata"]
    assert b"sesame" not in log.read_bytes()
