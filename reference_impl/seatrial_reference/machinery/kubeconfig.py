"""A kubeconfig says where the API server is, how to know it, and who the client claims to be.

Files are named or embedded (`-data`, base64). JSON is YAML too and is read first, being a hundred times faster to read.
"""

import base64
import ssl
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml

from seatrial_schemas.context import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A server's URL and the client's credentials for it. `tls` is None for plain HTTP."""

    server: str
    token: str | None
    tls: ssl.SSLContext | None


def load(path: Path, context: Context) -> Access:
    """The access that the current context names. Raises OSError, ValueError or KeyError where the file does not say it."""
    config = _parse(path.read_bytes())
    chosen = _named(config["contexts"], config["current-context"])["context"]
    cluster = _named(config["clusters"], chosen["cluster"])["cluster"]
    user = _named(config.get("users") or (), chosen["user"])["user"] or {}
    server = str(cluster["server"]).rstrip("/")
    token = user.get("token")
    if token is None and user.get("tokenFile"):
        token = (path.parent / user["tokenFile"]).read_text().strip()
    return Access(server=server, token=token, tls=_tls(path.parent, cluster, user, context) if server.startswith("https:") else None)


def _parse(data: bytes) -> dict[str, Any]:
    try:
        return dict(orjson.loads(data))
    except orjson.JSONDecodeError:
        return dict(yaml.load(data, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))  # noqa: S506 - both are the safe loader


def _named(items: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    for item in items:
        if item["name"] == name:
            return item
    raise KeyError(name)


def _tls(folder: Path, cluster: Mapping[str, Any], user: Mapping[str, Any], context: Context) -> ssl.SSLContext:
    with tempfile.TemporaryDirectory() as scratch:
        place = _Files(folder=folder, scratch=Path(scratch))
        return context.tls(
            server=False,
            ca=place.find(cluster, "certificate-authority"),
            cert=place.find(user, "client-certificate"),
            key=place.find(user, "client-key"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Files:
    """Embedded files are written to `scratch` for as long as they are loaded from there."""

    folder: Path
    scratch: Path

    def find(self, entry: Mapping[str, Any], field: str) -> Path | None:
        if entry.get(f"{field}-data"):
            path = self.scratch / field
            path.touch(mode=0o600)
            path.write_bytes(base64.b64decode(entry[f"{field}-data"]))
            return path
        return self.folder / entry[field] if entry.get(field) else None
