"""Kubeconfigs: one cluster, one user, one context. Written as JSON, which is YAML, so that any reader of either takes it.

Of those that others write the current context counts, or one that is named. Who would have to run a program, or ask somebody else, to know
what to show is refused in one sentence: what is judged must not depend on what a plugin does today.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml

REFUSED = {  # of a user: what it would take to know what to show
    "exec": "a plugin (exec) gives its credentials: have it print a token, and put that in a kubeconfig of its own",
    "auth-provider": "a plugin (auth-provider) gives its credentials: put a token in its place",
    "username": "it shows a password, which no API server takes any more: put a token or a certificate in its place",
    "as": "it impersonates somebody (as): show the credentials of whoever is meant",
}
OUT_OF_REACH = {  # of a cluster
    "proxy-url": "it is reached through a proxy (proxy-url), and only what answers at an address of its own can be judged",
    "tls-server-name": "its certificate is of another name (tls-server-name): name the server by that one",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a kubeconfig's current context shows, and the CA that it trusts."""

    token: str = ""
    cert: Path | None = None
    key: Path | None = None
    ca: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Everything that a client needs of a context."""

    context: str
    server: str
    namespace: str
    credentials: Credentials
    unverified: bool = False  # whoever wrote it wants no certificate verified


def read_kubeconfig(text: str, *, folder: Path, scratch: Path | None = None) -> Credentials:
    """The current context's. Files are named from `folder`; embedded ones are written to `scratch`, else there. Raises ValueError."""
    with _understood():
        _, _, cluster, user = _chosen(text)
        return _credentials(cluster, user, folder, scratch or folder)


def read_access(text: str, *, folder: Path, scratch: Path, context: str = "") -> Access:
    """Where the cluster of a context is, the current one's by default, and how one gets in. Raises ValueError, with the reason where it
    cannot be followed."""
    with _understood():
        name, found, cluster, user = _chosen(text, context)
        for field, why in REFUSED.items():
            if user.get(field):
                raise ValueError(f"user {found['user']}: {why}")
        for field, why in OUT_OF_REACH.items():
            if cluster.get(field):
                raise ValueError(f"cluster {found['cluster']}: {why}")
        if not str(cluster["server"]).startswith(("https://", "http://")):
            raise ValueError(f"cluster {found['cluster']}: expected https://HOST:PORT as its server, found {cluster['server']}")
        return Access(
            context=name,
            server=str(cluster["server"]).rstrip("/"),
            namespace=str(found.get("namespace") or "default"),
            credentials=_credentials(cluster, user, folder, scratch),
            unverified=bool(cluster.get("insecure-skip-tls-verify")),
        )


@contextmanager
def _understood() -> Iterator[None]:
    try:
        yield
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, StopIteration, binascii.Error) as error:
        raise ValueError(f"no kubeconfig: {type(error).__name__}: {error}") from None


def _chosen(text: str, wanted: str = "") -> tuple[str, Any, Any, Any]:
    """The context of that name, or the current one: its name, itself, its cluster and its user."""
    config = yaml.load(text, Loader=yaml.CSafeLoader)
    name = wanted or str(config["current-context"])
    context = _named(config["contexts"], name, "context")
    cluster = _named(config["clusters"], context["cluster"], "cluster")
    return name, context, cluster, _named(config["users"], context["user"], "user") or {}


def _credentials(cluster: Any, user: Any, folder: Path, scratch: Path) -> Credentials:
    return Credentials(
        token=str(user.get("token") or "") or _token_of(folder, user.get("tokenFile")),
        cert=_file(user, "client-certificate", folder, scratch),
        key=_file(user, "client-key", folder, scratch),
        ca=_file(cluster, "certificate-authority", folder, scratch),
    )


def _token_of(folder: Path, file: str | None) -> str:
    try:
        return (folder / file).read_text().strip() if file else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the token file {file} cannot be read: {error}") from None


def _named(rows: Any, name: str, what: str) -> Any:
    for row in rows or ():
        if row["name"] == name:
            return row[what]
    raise ValueError(f"no kubeconfig: there is no {what} {name!r} in it")


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
    name: str = "seatrial",
) -> dict[str, Any]:
    """Authenticates with `token` or with `cert` and `key`; anonymous without either. Files are named, not embedded."""
    user: dict[str, str] = {} if token is None else {"token": token}
    if cert is not None and key is not None:
        user |= {"client-certificate": str(cert), "client-key": str(key)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority": str(ca)}}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }


def write_kubeconfig(path: Path, config: dict[str, Any]) -> Path:
    """Readable by its owner only."""
    path.touch(mode=0o600)
    path.write_bytes(orjson.dumps(config, option=orjson.OPT_INDENT_2))
    return path
