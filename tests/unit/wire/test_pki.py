"""Certificates that real TLS accepts where it should, and only there."""

import ssl
from pathlib import Path

import orjson
import pytest
from cryptography import x509

from seatrial.wire.kubeconfig import kubeconfig, write_kubeconfig
from seatrial.wire.pki import Pair, Pki


def handshake(*, pki: Pki, serving: Pair, client: Pair | None, client_ca: Path, name: str) -> dict[str, object]:
    """What the server knows of the client after a handshake in memory."""
    server_tls, client_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server_tls.load_cert_chain(serving.cert, serving.key)
    server_tls.load_verify_locations(client_ca)
    server_tls.verify_mode = ssl.CERT_OPTIONAL
    client_tls.load_verify_locations(pki.ca)
    if client:
        client_tls.load_cert_chain(client.cert, client.key)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [server_tls.wrap_bio(up, down, server_side=True), client_tls.wrap_bio(down, up, server_hostname=name)]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return dict(ends[0].getpeercert() or {})


def test_servers_and_clients_trust_each_other(tmp_path: Path) -> None:
    pki = Pki(tmp_path)
    serving, client = pki.serving("apiserver", names=["10.0.0.1", "kubernetes"]), pki.client("jane", groups=["dev", "ops"])

    for name in ("10.0.0.1", "kubernetes"):
        peer = handshake(pki=pki, serving=serving, client=client, client_ca=pki.ca, name=name)
        names = {("organizationName", "dev"), ("organizationName", "ops"), ("commonName", "jane")}
        assert names == {attribute for rdn in peer["subject"] for attribute in rdn}  # type: ignore[attr-defined]
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(pki=pki, serving=serving, client=client, client_ca=pki.ca, name="10.0.0.2")


def test_the_two_authorities_do_not_stand_in_for_each_other(tmp_path: Path) -> None:
    pki = Pki(tmp_path)
    serving = pki.serving("apiserver", names=["x"])

    assert handshake(pki=pki, serving=serving, client=pki.front_proxy(), client_ca=pki.front_proxy_ca, name="x")
    for pair, authority in ((pki.front_proxy(), pki.ca), (pki.client("jane"), pki.front_proxy_ca)):
        with pytest.raises(ssl.SSLCertVerificationError):
            handshake(pki=pki, serving=serving, client=pair, client_ca=authority, name="x")


def test_what_was_asked_for_once_is_not_signed_again(tmp_path: Path) -> None:
    pki = Pki(tmp_path)

    assert pki.client("jane", groups=["a", "b"]) is pki.client("jane", groups=["b", "a"])
    assert pki.client("jane", groups=["a"]) != pki.client("jane")
    assert pki.client("system:node:n").cert.name.startswith("system-node-n-")


def test_names_of_files_depend_on_the_request_only(tmp_path: Path) -> None:
    one, other = Pki(tmp_path / "1"), Pki(tmp_path / "2")

    assert one.serving("a", names=["x"]).cert.name == other.serving("a", names=["x"]).cert.name


def test_keys_are_for_their_owner_and_p256(tmp_path: Path) -> None:
    pki = Pki(tmp_path)
    pair = pki.serving("a", names=["x"])

    assert pair.key.stat().st_mode & 0o077 == 0
    key = x509.load_pem_x509_certificate(pair.cert.read_bytes()).public_key()
    assert key.curve.name == "secp256r1"  # type: ignore[union-attr]


def test_kubeconfigs_name_files_and_hold_the_token(tmp_path: Path) -> None:
    config = kubeconfig(server="https://10.0.0.1:6443", ca=Path("/ca.crt"), token="t")  # noqa: S106
    path = write_kubeconfig(tmp_path / "kubeconfig", config)

    config = orjson.loads(path.read_bytes())

    assert config["clusters"][0]["cluster"] == {"server": "https://10.0.0.1:6443", "certificate-authority": "/ca.crt"}
    assert config["users"][0]["user"] == {"token": "t"}
    assert path.stat().st_mode & 0o077 == 0
    certified = kubeconfig(server="https://x", ca=Path("/ca.crt"), cert=Path("/c"), key=Path("/k"))
    assert certified["users"][0]["user"] == {"client-certificate": "/c", "client-key": "/k"}
