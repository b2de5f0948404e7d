"""Certificates of one run: an authority that serves and clients are verified against, and a second one for the front proxy.

The two authorities must differ: whoever holds a certificate of the front proxy's authority may claim to be anybody. Keys are P-256. All
certificates but the authorities' share one key, and what was asked for once is not signed again: a backend's session keeps its `Pki`
over all clusters. Names of files depend on the request only.

    ca.crt  front-proxy-ca.crt                    authorities
    <file>.crt  <file>.key                        whatever was asked for
"""

import datetime as dt
import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from seatrial_schemas.context import Context, SystemContext

FRONT_PROXY = "seatrial-tap"  # its common name
_VALID = dt.timedelta(days=2)
_SERIAL_BITS = 150
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_SKEW = dt.timedelta(hours=1)  # clocks of components may be behind


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A certificate and its key as PEM files."""

    cert: Path
    key: Path


@dataclass(frozen=True, slots=True)
class _Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    path: Path


class Pki:
    """Writes into `directory`, which it creates. The authorities are made at once. Time and chance come from `context`, so that in
    simulation a seed decides every byte."""

    def __init__(self, directory: Path, *, context: Context | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._context = context or SystemContext()
        self._key = self._new_key()
        self._made: dict[str, Pair] = {}
        self._key_pem = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        self._ca = self._authority("ca")
        self._front_proxy_ca = self._authority("front-proxy-ca")

    @property
    def ca(self) -> Path:
        return self._ca.path

    @property
    def front_proxy_ca(self) -> Path:
        return self._front_proxy_ca.path

    def serving(self, name: str, *, names: Sequence[str]) -> Pair:
        """For a server reached under `names`, DNS names or addresses."""
        return self._pair(self._ca, name, organizations=(), names=names, usage=ExtendedKeyUsageOID.SERVER_AUTH)

    def client(self, user: str, *, groups: Sequence[str] = (), expired: bool = False) -> Pair:
        """For a client of the API: the common name is its user, each organization a group. `expired`: since an hour ago."""
        valid = -_SKEW if expired else _VALID
        return self._pair(self._ca, user, organizations=groups, names=(), usage=ExtendedKeyUsageOID.CLIENT_AUTH, valid=valid)

    def front_proxy(self) -> Pair:
        """For the proxy that may say who a client is."""
        return self._pair(self._front_proxy_ca, FRONT_PROXY, organizations=(), names=(), usage=ExtendedKeyUsageOID.CLIENT_AUTH)

    def _authority(self, name: str) -> _Authority:
        subject, key = _subject(f"seatrial-{name}", ()), self._new_key()
        builder = (
            self._builder(subject, subject, key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(_SIGNING, critical=True)
        )
        certificate = builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True)
        path = self._directory / f"{name}.crt"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return _Authority(certificate, key, path)

    def _pair(
        self,
        issuer: _Authority,
        name: str,
        *,
        organizations: Sequence[str],
        names: Sequence[str],
        usage: x509.ObjectIdentifier,
        valid: dt.timedelta = _VALID,
    ) -> Pair:
        wanted = repr((issuer.path.name, name, sorted(organizations), sorted(names), usage.dotted_string, valid.total_seconds()))
        if wanted not in self._made:
            self._made[wanted] = self._write(wanted, name, self._sign(issuer, _subject(name, organizations), names, usage, valid))
        return self._made[wanted]

    def _sign(
        self, issuer: _Authority, subject: x509.Name, names: Sequence[str], usage: x509.ObjectIdentifier, valid: dt.timedelta
    ) -> x509.Certificate:
        builder = (
            self._builder(subject, issuer.certificate.subject, self._key, valid)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(_key_identifier(issuer), critical=False)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([_general_name(n) for n in names]), critical=False)
        return builder.sign(issuer.key, hashes.SHA256(), ecdsa_deterministic=True)

    def _builder(
        self, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, valid: dt.timedelta = _VALID
    ) -> x509.CertificateBuilder:
        now = dt.datetime.fromtimestamp(self._context.wall_s(), dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(1 + self._context.random.getrandbits(_SERIAL_BITS))
            .not_valid_before(now - 2 * _SKEW)
            .not_valid_after(now + valid)
        )

    def _new_key(self) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(1 + self._context.random.randrange(_P256_ORDER - 1), ec.SECP256R1())

    def _write(self, wanted: str, name: str, certificate: x509.Certificate) -> Pair:
        """Two requests may share a name: a digest of the rest keeps their files apart."""
        plain = "".join(c if c.isalnum() or c in "-." else "-" for c in name)
        stem = self._directory / f"{plain}-{hashlib.sha256(wanted.encode()).hexdigest()[:8]}"
        pair = Pair(cert=Path(f"{stem}.crt"), key=Path(f"{stem}.key"))
        pair.cert.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        _write_private(pair.key, self._key_pem)
        return pair


_SIGNING = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    crl_sign=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


def _subject(name: str, organizations: Sequence[str]) -> x509.Name:
    groups = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, o) for o in sorted(organizations)]
    return x509.Name([*groups, x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_identifier(issuer: _Authority) -> x509.AuthorityKeyIdentifier:
    identifier = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _write_private(path: Path, pem: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(pem)
