"""Kubeconfigs: one cluster, one user, one context. Written as JSON, which is YAML, so that any reader of either takes it."""

from pathlib import Path
from typing import Any

import orjson


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
