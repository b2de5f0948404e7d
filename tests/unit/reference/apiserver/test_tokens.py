"""Tokens of service accounts: whom they are believed to be, and for how long."""

from pathlib import Path
from typing import Any

import pytest

Json = dict[str, Any]
ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
PODS = "/api/v1/namespaces/default/pods"
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
POD = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}


@pytest.fixture
def signing(bare: Any, tmp_path: Path) -> Any:
    """An API server that can sign, with an account `robot`."""
    secret = tmp_path / "secret"
    secret.write_text("nobody knows")
    bare.run(bare.serve(f"--service-account-signing-key-file={secret}"))
    bare.run(bare.must("POST", ACCOUNTS, {"metadata": {"name": "robot"}}))
    return bare


def token(world: Any, **spec: Any) -> str:
    made = world.run(world.must("POST", f"{ACCOUNTS}/robot/token", {"spec": spec}, user="node"))
    assert made["kind"] == "TokenRequest"
    assert made["status"]["expirationTimestamp"] > "2020"
    return str(made["status"]["token"])


def who(world: Any, shown: str) -> tuple[int, Any]:
    code, answer = world.run(world.ask("POST", WHO, {}, user=shown))
    return code, answer["status"].get("userInfo") if code == 201 else None


def test_who_shows_a_token_is_its_account(signing: Any) -> None:
    code, user = who(signing, token(signing))
    assert (code, user["username"]) == (201, "system:serviceaccount:default:robot")
    assert {"system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"} <= set(user["groups"])
    assert user["uid"] == signing.run(signing.must("GET", f"{ACCOUNTS}/robot"))["metadata"]["uid"]


def test_others_are_told_whose_token_it_is(signing: Any) -> None:
    review = {"spec": {"token": token(signing)}}
    answer = signing.run(signing.must("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review))
    assert answer["status"]["user"]["username"] == "system:serviceaccount:default:robot"


def test_a_token_ends_with_its_account(signing: Any) -> None:
    shown = token(signing)
    signing.run(signing.must("DELETE", f"{ACCOUNTS}/robot"))
    signing.run(signing.must("POST", ACCOUNTS, {"metadata": {"name": "robot"}}))
    assert who(signing, shown)[0] == 401


def test_a_token_ends_with_the_pod_that_it_is_bound_to(signing: Any) -> None:
    signing.run(signing.must("POST", PODS, POD))
    shown = token(signing, boundObjectRef={"kind": "Pod", "apiVersion": "v1", "name": "p"})
    assert who(signing, shown)[1]["extra"]["authentication.kubernetes.io/pod-name"] == ["p"]
    signing.run(signing.must("DELETE", f"{PODS}/p"))
    assert who(signing, shown)[0] == 401


def test_a_token_ends_with_its_time(signing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = token(signing, expirationSeconds=600)
    now_s = signing.context.wall_s()
    monkeypatch.setattr(type(signing.context), "wall_s", lambda _: now_s + 601)
    assert who(signing, shown)[0] == 401


@pytest.mark.parametrize("spoil", [lambda t: t[:-2] + "AA", lambda t: "e30." + t.partition(".")[2], lambda _: "a.b.c"])
def test_a_token_of_somebody_else_is_not_believed(signing: Any, spoil: Any) -> None:
    assert who(signing, spoil(token(signing)))[0] == 401


@pytest.mark.parametrize("bound", [{"kind": "Pod", "name": "none"}, {"kind": "ServiceAccount", "name": "robot", "uid": "other"}])
def test_a_token_is_bound_to_what_is_there(signing: Any, bound: Json) -> None:
    code, _ = signing.run(signing.ask("POST", f"{ACCOUNTS}/robot/token", {"spec": {"boundObjectRef": bound}}))
    assert code in (404, 409)


def test_for_another_audience_it_does_not_count_here(signing: Any) -> None:
    assert who(signing, token(signing, audiences=["vault"]))[0] == 401


def test_without_a_secret_there_are_no_tokens(world: Any) -> None:
    world.run(world.must("POST", ACCOUNTS, {"metadata": {"name": "robot"}}))
    code, _ = world.run(world.ask("POST", f"{ACCOUNTS}/robot/token", {"spec": {}}))
    assert code == 404
