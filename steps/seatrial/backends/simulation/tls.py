"""TLS that only carries identities.

Real handshakes cost milliseconds and their bytes differ in every run. Here both ends show each other their certificates, and each end
verifies what a real one would: that the chain leads to its authority by valid signatures, and that the name fits. Nobody encrypts.
Validity periods are not looked at, for virtual time is not the time in which certificates were made.
"""

import ipaddress
import ssl
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from seatrial.model.errors import UsageError

CIPHER = ("TLS_AES_128_GCM_SHA256", "TLSv1.3", 128)
Chain = tuple[x509.Certificate, ...]
_LONG_NAMES = {
    NameOID.COMMON_NAME: "commonName",
    NameOID.ORGANIZATION_NAME: "organizationName",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "organizationalUnitName",
    NameOID.COUNTRY_NAME: "countryName",
    NameOID.STATE_OR_PROVINCE_NAME: "stateOrProvinceName",
    NameOID.LOCALITY_NAME: "localityName",
}


class CarriedTLS(ssl.SSLContext):
    """An SSLContext for the simulated loop: `chain` is what it presents, `roots` is whom it trusts."""

    chain: Chain = ()
    roots: Chain = ()

    @property
    def _serves(self) -> bool:
        return self.protocol is ssl.PROTOCOL_TLS_SERVER

    def accept(self, chain: Chain, server_hostname: str | None) -> None:
        """Verify what the other end presents, as `verify_mode` asks for. Raises ssl.SSLCertVerificationError."""
        if self.verify_mode is ssl.CERT_NONE or (not chain and self.verify_mode is ssl.CERT_OPTIONAL):
            return
        if not chain or not is_issued(chain, self.roots):
            raise _refusal("unable to get local issuer certificate")
        if not _is_for(chain[0], ExtendedKeyUsageOID.CLIENT_AUTH if self._serves else ExtendedKeyUsageOID.SERVER_AUTH):
            raise _refusal("unsuitable certificate purpose")
        if self.check_hostname and not _is_named(chain[0], server_hostname or ""):
            raise _refusal(f"Hostname mismatch, certificate is not valid for '{server_hostname}'.")


def carried_tls(*, server: bool, ca: Path | None, cert: Path | None, key: Path | None) -> CarriedTLS:
    """As Context.tls says. Files are read each time, so that a renewed one counts; equal contents are parsed once."""
    context = CarriedTLS(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    if ca is not None:
        context.roots = _parse(ca.read_bytes())
        context.verify_mode = ssl.CERT_OPTIONAL if server else ssl.CERT_REQUIRED
    if cert is not None:
        context.chain = _parse(cert.read_bytes())
        if not _is_pair(context.chain[0], (key or cert).read_bytes()):
            raise ssl.SSLError(ssl.SSL_ERROR_SSL, f"[X509: KEY_VALUES_MISMATCH] key values mismatch: {cert} and {key}")
    return context


def must_carry(context: object) -> CarriedTLS:
    """The loop's own kind of SSLContext; whatever else was handed over is the program's mistake."""
    if isinstance(context, CarriedTLS):
        return context
    raise UsageError("TLS needs an SSLContext made by context.tls(...) to run in simulation: pass it as `ssl`, to clients too")


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedSession:
    """What `ssl_object` gives: the part of ssl.SSLObject that asks who the other end is."""

    context: CarriedTLS
    peer: Chain
    server_side: bool
    server_hostname: str | None

    def getpeercert(self, binary_form: bool = False) -> dict[str, Any] | bytes | None:
        if not self.peer:
            return None
        if binary_form:
            return self.peer[0].public_bytes(Encoding.DER)
        return {} if self.context.verify_mode is ssl.CERT_NONE else dict(described(self.peer[0]))

    def cipher(self) -> tuple[str, str, int]:
        return CIPHER

    def version(self) -> str:
        return CIPHER[1]

    def compression(self) -> None:
        return None

    def selected_alpn_protocol(self) -> str:
        return "http/1.1"


@lru_cache(maxsize=4096)
def is_issued(chain: Chain, roots: Chain) -> bool:
    """Whether signatures lead from the first certificate, through the others, to one of `roots`."""
    leaf, others = chain[0], chain[1:]
    if leaf in roots or any(_is_signed(leaf, root) for root in roots):
        return True
    return any(_is_signed(leaf, other) and is_issued((other, *others[:i], *others[i + 1 :]), roots) for i, other in enumerate(others))


@lru_cache(maxsize=4096)
def described(certificate: x509.Certificate) -> dict[str, Any]:
    """The dictionary of ssl.SSLObject.getpeercert()."""
    serial = f"{certificate.serial_number:X}"
    fields: dict[str, Any] = {
        "subject": _rdns(certificate.subject),
        "issuer": _rdns(certificate.issuer),
        "version": certificate.version.value + 1,
        "serialNumber": serial.zfill(len(serial) + len(serial) % 2),
        "notBefore": f"{certificate.not_valid_before_utc:%b %e %H:%M:%S %Y} GMT",
        "notAfter": f"{certificate.not_valid_after_utc:%b %e %H:%M:%S %Y} GMT",
    }
    if names := _names(certificate):
        fields["subjectAltName"] = names
    return fields


@lru_cache(maxsize=512)
def _parse(pem: bytes) -> Chain:
    return tuple(x509.load_pem_x509_certificates(pem))


@lru_cache(maxsize=512)
def _is_pair(certificate: x509.Certificate, key_pem: bytes) -> bool:
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return load_pem_private_key(key_pem, None).public_key().public_bytes(*form) == certificate.public_key().public_bytes(*form)


def _is_signed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
        return issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False


@lru_cache(maxsize=4096)
def _is_for(certificate: x509.Certificate, purpose: x509.ObjectIdentifier) -> bool:
    try:
        return purpose in certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True


def _is_named(certificate: x509.Certificate, name: str) -> bool:
    try:
        wanted = {("IP Address", str(ipaddress.ip_address(name)))}
    except ValueError:
        wanted = {("DNS", name.lower()), ("DNS", "*." + name.lower().partition(".")[2])}
    return any((kind, value.lower()) in wanted for kind, value in _names(certificate))


@lru_cache(maxsize=4096)
def _names(certificate: x509.Certificate) -> tuple[tuple[str, str], ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    shown = [("DNS", n.value) for n in names if isinstance(n, x509.DNSName)]
    return (*shown, *(("IP Address", str(n.value)) for n in names if isinstance(n, x509.IPAddress)))


def _rdns(name: x509.Name) -> tuple[tuple[tuple[str, str], ...], ...]:
    return tuple(tuple((_LONG_NAMES.get(a.oid, a.oid.dotted_string), str(a.value)) for a in rdn) for rdn in name.rdns)


def _refusal(why: str) -> ssl.SSLCertVerificationError:
    return ssl.SSLCertVerificationError(ssl.SSL_ERROR_SSL, f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {why}")
