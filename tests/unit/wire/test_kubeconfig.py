"""Kubeconfigs: what is written is read again, and what others write is understood or refused."""

import base64
from pathlib import Path

import orjson
import pytest

from seatrial.wire.kubeconfig import Access, Credentials, kubeconfig, read_access, read_kubeconfig, write_kubeconfig

TOKEN = "x" * 40


def test_written_and_read_again(tmp_path: Path) -> None:
    ca = tmp_path / "ca.crt"
    file = write_kubeconfig(tmp_path / "config", kubeconfig(server="https://10.0.0.1:6443", ca=ca, token=TOKEN))

    assert read_kubeconfig(file.read_text(), folder=tmp_path) == Credentials(token=TOKEN, ca=ca)
    assert file.stat().st_mode & 0o077 == 0


def test_embedded_files_are_written_where_only_their_owner_reads(tmp_path: Path) -> None:
    config = kubeconfig(server="https://10.0.0.1:6443", ca=tmp_path / "ca.crt", cert=tmp_path / "x.crt", key=tmp_path / "x.key")
    user = config["users"][0]["user"]
    user["client-key-data"] = base64.b64encode(b"KEY").decode()

    found = read_kubeconfig(orjson.dumps(config).decode(), folder=tmp_path)

    assert found.cert == tmp_path / "x.crt"
    assert found.key
    assert found.key.read_bytes() == b"KEY"
    assert found.key.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["", "42", "{", "contexts: []\ncurrent-context: x", "[1]", "Traceback (most recent call last):"])
def test_anything_else_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no kubeconfig"):
        read_kubeconfig(text, folder=tmp_path)


def written(tmp_path: Path, *, user: dict[str, object] | None = None, **cluster: object) -> str:
    config = kubeconfig(server="https://10.0.0.1:6443/", ca=tmp_path / "ca.crt", token=TOKEN)
    config["users"][0]["user"] = {"token": TOKEN} if user is None else user
    config["clusters"][0]["cluster"] |= cluster
    return orjson.dumps(config).decode()


def test_the_way_into_a_cluster(tmp_path: Path) -> None:
    found = read_access(written(tmp_path), folder=tmp_path, scratch=tmp_path)

    known = Credentials(token=TOKEN, ca=tmp_path / "ca.crt")
    assert found == Access(context="seatrial", server="https://10.0.0.1:6443", namespace="default", credentials=known)


def test_a_context_may_be_named(tmp_path: Path) -> None:
    config = kubeconfig(server="https://10.0.0.1:6443/", ca=tmp_path / "ca.crt", token=TOKEN)
    config["contexts"].append({"name": "other", "context": {"cluster": "seatrial", "user": "seatrial", "namespace": "harbour"}})
    text = orjson.dumps(config).decode()

    assert [read_access(text, folder=tmp_path, scratch=tmp_path, context=c).namespace for c in ("", "other")] == ["default", "harbour"]
    with pytest.raises(ValueError, match="there is no context 'third' in it"):
        read_access(text, folder=tmp_path, scratch=tmp_path, context="third")


def test_a_token_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")

    assert read_kubeconfig(written(tmp_path, user={"tokenFile": "token"}), folder=tmp_path).token == TOKEN


@pytest.mark.parametrize(
    ("user", "cluster", "says"),
    [
        ({"exec": {"command": "aws"}}, {}, "user seatrial: a plugin"),
        ({"auth-provider": {"name": "gcp"}}, {}, "user seatrial: a plugin"),
        ({"username": "me", "password": "x"}, {}, "it shows a password"),
        ({"token": "x", "as": "somebody"}, {}, "it impersonates somebody"),
        ({"tokenFile": "nowhere"}, {}, "the token file nowhere cannot be read"),
        ({}, {"proxy-url": "http://proxy:3128"}, "cluster seatrial: it is reached through a proxy"),
        ({}, {"tls-server-name": "elsewhere"}, "cluster seatrial: its certificate is of another name"),
        ({}, {"server": "10.0.0.1:6443"}, "cluster seatrial: expected https://HOST:PORT"),
    ],
)
def test_what_cannot_be_followed_is_refused_in_one_sentence(
    user: dict[str, object], cluster: dict[str, object], says: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=says):
        read_access(written(tmp_path, user=user, **cluster), folder=tmp_path, scratch=tmp_path)
