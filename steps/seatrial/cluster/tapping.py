"""The program of a tap: it listens where everybody believes the API server to be, and forwards to that host's loopback, where it is."""

from pathlib import Path

from seatrial.backends.interface import Host, Program
from seatrial.cluster.filling import API_PORT, serving_names
from seatrial.cluster.identities import Identities


def tap_program(host: Host, identities: Identities, *, control: Path, upstream_name: str = "") -> Program:
    """`upstream_name`: what the API server's certificate is good for, where that is not the loopback's address."""
    serving, proxy = identities.pki.serving(host.name, names=serving_names(host)), identities.pki.front_proxy()
    arguments = [
        f"--listen={host.address}:{API_PORT}",
        f"--upstream=https://127.0.0.1:{API_PORT}",
        f"--tls-cert-file={serving.cert}",
        f"--tls-private-key-file={serving.key}",
        f"--client-ca-file={identities.server_ca}",
        f"--upstream-ca-file={identities.server_ca}",
        f"--proxy-client-cert-file={proxy.cert}",
        f"--proxy-client-key-file={proxy.key}",
        f"--control={control}",
        *([f"--upstream-name={upstream_name}"] if upstream_name else []),
    ]
    return Program(python="seatrial.doubles.tap:main", args=arguments)
