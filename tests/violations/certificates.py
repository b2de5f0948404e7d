"""API servers that do not look at client certificates as they should. Only real handshakes show it."""

import ssl
from collections.abc import Sequence
from pathlib import Path

from seatrial_reference import apiserver
from seatrial_schemas.context import Context

NO_CHECK_TIME = 0x200000  # OpenSSL's X509_V_FLAG_NO_CHECK_TIME, for which Python has no name


async def main_takes_expired(args: Sequence[str], context: Context) -> None:
    """A certificate that was good once is good."""
    tls = context.tls

    def timeless(*, server: bool, ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext:
        made = tls(server=server, ca=ca, cert=cert, key=key)
        made.verify_flags |= NO_CHECK_TIME
        return made

    context.tls = timeless  # type: ignore[method-assign]
    await apiserver.main(args, context)


async def main_overlooks(args: Sequence[str], context: Context) -> None:
    """Asks nobody for a certificate, and so nobody has a bad one: there are tokens, after all."""
    tls = context.tls

    def trusting(*, server: bool, ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext:
        made = tls(server=server, ca=ca, cert=cert, key=key)
        if server:
            made.verify_mode = ssl.CERT_NONE
        return made

    context.tls = trusting  # type: ignore[method-assign]
    await apiserver.main(args, context)
