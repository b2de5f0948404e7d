"""What a refused request has left behind is found, whoever is known to write by itself; what others have asked for is no trace."""

from typing import Any

from seatrial.checks import judge
from seatrial.checks.holds import traces
from seatrial.checks.watching import announced
from seatrial.model.history import History

Row = tuple[str, str, str | None, dict[str, Any]]


def history(*events: Row, roles: tuple[str, ...] = ("apiserver",)) -> History:
    made = History(lambda: 1.0)
    made.append("cluster", "instance", at_s=None, instance="apiserver-0", data={"roles": list(roles)})
    made.append("steps", "mark", at_s=2.0, instance=None, data={"name": "begun", "revision": 10})
    for source, kind, instance, data in events:
        rest = {k: v for k, v in data.items() if k != "at_s"}
        made.append(source, kind, at_s=data.get("at_s", 3.0), instance=instance, data=rest)
    return made


def put(key: str, revision: int = 11, created: int = 11, kind: str = "Pod") -> Row:
    name = key.rpartition("/")[2]
    return "store", "put", None, {"key": key, "revision": revision, "created": created, "value": {"kind": kind, "metadata": {"name": name}}}


def note(key: str, revision: int = 11, created: int = 5) -> Row:
    return "store", "put", None, {"key": key, "revision": revision, "created": created, "size": 9, "head": "323032362d30312d"}


def gone(key: str, revision: int = 12) -> Row:
    return "store", "delete", None, {"key": key, "revision": revision}


def asked(verb: str = "create", resource: str = "pods", name: str = "web", group: str = "") -> Row:
    facts = {"request": 1, "verb": verb, "resource": resource, "group": group, "subresource": "", "name": name}
    return "tap/apiserver-0", "request", "operator", facts


def answered(revision: int | None, name: str = "web") -> Row:
    return "tap/apiserver-0", "answer", "operator", {"request": 1, "code": 200, "name": name, "revision": revision}


def keys(*events: Row, roles: tuple[str, ...] = ("apiserver",)) -> list[str]:
    return [e["key"] for e in traces(history(*events, roles=roles))]


def test_what_was_asked_for_is_no_trace() -> None:
    assert keys(asked(), answered(11), put("/registry/pods/trial/web")) == []


def test_events_leases_and_addresses_that_nobody_asked_for_are_traces() -> None:
    left = ["/registry/events/trial/refused", "/registry/leases/trial/slot", "/registry/ipaddresses/10.96.0.7"]

    assert keys(asked(), answered(9), *(put(key) for key in left)) == left


def test_what_api_servers_write_by_themselves_is_no_trace() -> None:
    own = ["compact_rev_key", "/registry/leases/kube-system/apiserver-x", "/registry/masterleases/10.0.0.1", "/registry/ranges/serviceips"]

    assert keys(asked(), answered(9), *(put(key) for key in own)) == []


def test_what_an_api_server_has_always_noted_for_itself_is_no_trace() -> None:
    lives, before = put("/registry/pods/trial/old", 4, 4), note("/registry/acme.example/alive", 5)

    assert keys(asked(), answered(9), lives, before, note("/registry/acme.example/alive")) == []
    assert keys(asked(), answered(9), lives, note("/registry/acme.example/alive")) == ["/registry/acme.example/alive"]
    assert keys(asked(), answered(9), lives, note("/registry/pods/trial/x", 5), note("/registry/pods/trial/x")) == [
        "/registry/pods/trial/x"
    ]
    assert keys(asked(), answered(9), lives, note("/elsewhere/alive", 5), note("/elsewhere/alive")) == ["/elsewhere/alive"]
    assert keys(asked(), answered(9), before, note("/registry/acme.example/alive")) == ["/registry/acme.example/alive"]


def test_notes_are_no_objects_that_an_api_server_acts_on() -> None:
    marks = [("steps", "mark", None, {"name": name, "revision": revision}) for name, revision in (("quiet", 6), ("quiet-end", 20))]
    known = put("/registry/pods/trial/old", 4, 4), *marks

    def wrong(row: Row) -> bool:
        return bool(judge(history(*known, row), "holds.silent_store", {"since": "quiet", "until": "quiet-end"}).findings)

    assert not wrong(note("/registry/acme.example/alive"))
    assert wrong(note("/registry/pods/trial/x"))
    assert wrong(put("/registry/acme.example/alive"))


def test_nothing_is_concluded_where_somebody_may_write_past_the_tap() -> None:
    assert keys(asked(), answered(9), put("/registry/events/trial/x"), roles=("apiserver", "scheduler")) == []


def test_a_deletion_covers_its_own_kind_only() -> None:
    deletion = asked("delete", "deployments", group="apps"), answered(None)
    lives = put("/registry/deployments/trial/web", 5, 5, "Deployment"), put("/registry/services/specs/trial/web", 6, 6, "Service")

    assert keys(*deletion, *lives, gone("/registry/deployments/trial/web")) == []
    assert keys(*deletion, *lives, gone("/registry/services/specs/trial/web")) == ["/registry/services/specs/trial/web"]


def watched(kind: str, content: str, at_s: float) -> Row:
    event = {"watch": "bob/pods", "type": kind, "name": "old", "revision": 7, "object": {"metadata": {"annotations": {"content": content}}}}
    return "watch/bob", "watched", None, event | {"at_s": at_s}


def test_only_news_of_what_was_asked_for_is_announced() -> None:
    known = watched("ADDED", "calm", 1.0)

    assert announced(history(known, watched("MODIFIED", "calm", 3.0)), "old") == []
    assert len(announced(history(known, watched("MODIFIED", "patched", 3.0)), "old")) == 1
    assert len(announced(history(known, watched("DELETED", "calm", 3.0)), "old")) == 1
    assert len(announced(history(watched("ADDED", "calm", 3.0)), "old")) == 1
    assert announced(history(put("/registry/pods/trial/old", 5, 5), watched("MODIFIED", "calm", 3.0)), "old") == []
    gone_before = put("/registry/pods/trial/old", 5, 5), gone("/registry/pods/trial/old", 6)
    assert len(announced(history(*gone_before, watched("ADDED", "calm", 3.0)), "old")) == 1


def told(method: str, body: dict[str, Any], sent: dict[str, Any] | None = None) -> tuple[Row, Row]:
    path = "/api/v1/namespaces/trial/pods/old"
    one: Row = ("people", "asked", None, {"user": "alice", "method": method, "path": path, "body": sent})
    return one, ("people", "told", None, {"user": "alice", "asked": 0, "method": method, "path": path, "code": 200, "body": body})


def test_an_acknowledged_change_or_deletion_must_be_stored() -> None:
    old = put("/registry/pods/trial/old", 5, 5)
    changed = told("PATCH", {"kind": "Pod", "metadata": {"name": "old", "labels": {"tide": "high"}}})
    deleted = told("DELETE", {"kind": "Status"})

    assert judge(history(old, *changed), "pipeline.kept", {"user": "alice"}).findings
    assert judge(history(old, *deleted), "pipeline.kept", {"user": "alice"}).findings
    assert not judge(history(old, gone("/registry/pods/trial/old"), *deleted), "pipeline.kept", {"user": "alice"}).findings


def test_an_acknowledged_binding_must_be_stored_as_the_pod_s_node() -> None:
    binding = {"kind": "Binding", "metadata": {"name": "old"}, "target": {"kind": "Node", "name": "nowhere"}}
    bound = told("POST", {"kind": "Status"}, binding)
    source, kind, instance, data = put("/registry/pods/trial/old", 5, 5)
    placed: Row = source, kind, instance, data | {"value": data["value"] | {"spec": {"nodeName": "nowhere"}}}

    assert judge(history((source, kind, instance, data), *bound), "pipeline.kept", {"user": "alice"}).findings
    assert not judge(history(placed, *bound), "pipeline.kept", {"user": "alice"}).findings


def test_an_acknowledged_status_must_be_stored() -> None:
    source, kind, instance, data = put("/registry/pods/trial/old", 5, 5)
    sent = {"status": {"message": "patched"}}
    one, other = told("PATCH", {"kind": "Pod", "metadata": {"name": "old"}} | sent, sent)
    where = {"path": one[3]["path"] + "/status"}
    patched = (*one[:3], one[3] | where), (*other[:3], other[3] | where)
    said: Row = source, kind, instance, data | {"value": data["value"] | sent}

    assert judge(history((source, kind, instance, data), *patched), "pipeline.kept", {"user": "alice"}).findings
    assert not judge(history(said, *patched), "pipeline.kept", {"user": "alice"}).findings
