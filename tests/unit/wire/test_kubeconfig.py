"""Kubeconfigs: what is written is read again, and what others write is understood or refused."""

import base64
from pathlib import Path

import orjson
import pytest

from seatrial.wire.kubeconfig import Credentials, kubeconfig, read_kubeconfig, write_kubeconfig

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
