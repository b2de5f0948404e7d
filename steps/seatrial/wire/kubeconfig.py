"""Kubeconfigs: one cluster, one user, one context. Written as JSON, which is YAML, so that any reader of either takes it."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a kubeconfig's current context shows, and the CA that it trusts."""

    token: str = ""
    cert: Path | None = None
    key: Path | None = None
    ca: Path | None = None


def read_kubeconfig(text: str, *, folder: Path, scratch: Path | None = None) -> Credentials:
    """The current context's. Files are named from `folder`; embedded ones are written to `scratch`, else there. Raises ValueError."""
    try:
        config = yaml.load(text, Loader=yaml.CSafeLoader)
        context = _named(config["contexts"], config["current-context"])["context"]
        cluster = _named(config["clusters"], context["cluster"])["cluster"]
        user = _named(config["users"], context["user"])["user"] or {}
        return Credentials(
            token=str(user.get("token") or ""),
            cert=_file(user, "client-certificate", folder, scratch or folder),
            key=_file(user, "client-key", folder, scratch or folder),
            ca=_file(cluster, "certificate-authority", folder, scratch or folder),
        )
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, StopIteration) as error:
        raise ValueError(f"no kubeconfig: {type(error).__name__}: {error}") from None


def _named(rows: Any, name: str) -> Any:
    return next(row for row in rows if row["name"] == name)


def _file(row: Mapping[str, Any], field: str, folder: Path, scratch: Path) -> Path | None:
    if embedded := row.get(f"{field}-data"):
        data = base64.b64decode(embedded)
        path = scratch / f"{field}-{hashlib.sha256(data).hexdigest()[:12]}.pem"
        path.touch(mode=0o600)
        path.write_bytes(data)
        return path
    return folder / row[field] if row.get(field) else None


def kubeconfig(
    *,
    server: str,
    ca: Path,
    token: str | None = None,
    cert: Path | None = None,
    key: Path | None = None,
    namespace: str = "",
    name: str = "seatrial",
) -> dict[str, Any]:
    """Authenticates with `token` or with `cert` and `key`; anonymous without either. Files are named, not embedded."""
    user: dict[str, str] = {} if token is None else {"token": token}
    if cert is not None and key is not None:
        user |= {"client-certificate": str(cert), "client-key": str(key)}
    context = {"cluster": name, "user": name} | ({"namespace": namespace} if namespace else {})
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority": str(ca)}}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": context}],
        "current-context": name,
    }


def write_kubeconfig(path: Path, config: dict[str, Any]) -> Path:
    """Readable by its owner only."""
    path.touch(mode=0o600)
    path.write_bytes(orjson.dumps(config, option=orjson.OPT_INDENT_2))
    return path
