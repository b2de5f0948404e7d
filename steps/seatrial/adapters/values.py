"""The values that a descriptor may ask for as `${name}`, in one table, which `seatrial explain values` shows.

Whatever can differ between two runs, hosts or machines is a value. The cluster fills them; a component gets nothing else.
"""

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path

from seatrial.model.limits import Limits

VALUES: Mapping[str, str] = {
    "python": "the Python interpreter that runs the suite",
    "here": "the folder of the descriptor file",
    "cache": "the folder of what was built for trials: seatrial in $XDG_CACHE_HOME, or in ~/.cache",
    "data": "an empty directory of this instance; it survives restarts of the instance",
    "host.name": "name of the instance's host",
    "host.address": "address of the instance's host",
    "node": "name of the node (kubelet)",
    "cri": "path of the container runtime's socket (kubelet); CRI v1 over gRPC",
    "store": "client URL of the store, as its clients reach it",
    "listen.etcd": "HOST:PORT where the store listens for clients",
    "listen.apiserver": "HOST:PORT where the API server listens",
    "listen.apiserver.host": "the host part of listen.apiserver",
    "listen.apiserver.port": "the port part of listen.apiserver",
    "advertise.apiserver": "the address under which everybody else reaches this API server",
    "url.apiserver": "URL of the API server for this instance: what everybody is told; the tap listens there",
    "url.apiserver.direct": "URL of the API server's own port on its own host; for readiness only",
    "tls.cert": "serving certificate of this instance, PEM",
    "tls.key": "its private key",
    "ca": "certificate of the CA that signs serving and client certificates, PEM",
    "front-proxy.ca": "certificate of the CA of the front proxy",
    "front-proxy.name": "common name of the front proxy's client certificate",
    "tokens": 'token file: token,user,uid,"group,group" per line',
    "token": "bearer token of this instance's identity",
    "kubeconfig": "kubeconfig of this instance's identity (its first role's)",
    "kubeconfig.scheduler": "kubeconfig of the scheduler's identity",
    "kubeconfig.controller-manager": "kubeconfig of the controller manager's identity",
    "kubeconfig.admin": "kubeconfig of an administrator (group system:masters)",
    "user": "user whose kubeconfig is wanted (identity.mint only)",
    "groups": "the groups that the user is to be in, with commas (identity.mint only)",
    "hooks.authentication": "kubeconfig of the TokenReview webhook",
    "hooks.authorization": "kubeconfig of the SubjectAccessReview webhook",
    **{f"limits.{f.name}": "the component's limit of that name, seconds" for f in fields(Limits)},
}
MACHINE = ("python", "here", "cache")  # known without a cluster, as settings are
_REFERENCE = re.compile(r"\$\{([^}]*)\}")


def references(text: object) -> list[str]:
    """The names of all values that a text asks for."""
    return _REFERENCE.findall(str(text))


def known(name: str) -> bool:
    """Settings, `set.NAME`, and the component's own files, `file.NAME`, are known whatever their name."""
    return name in VALUES or name.startswith(("set.", "file."))


def cache() -> Path:
    """Where things are kept that were built for trials, as the freedesktop.org base directories have it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seatrial"


def outside(*, folder: Path, settings: Mapping[str, str], defaults: Mapping[str, str]) -> Callable[[str], str]:
    """The values that are known without a cluster: settings, given or by default, and those of this machine."""
    machine = {"python": sys.executable, "here": str(folder), "cache": str(cache())}

    def look_up(name: str) -> str:
        setting = name.removeprefix("set.")
        if setting == name:
            return machine[name]
        return settings[setting] if setting in settings else fill(defaults[setting], machine)

    return look_up


def fill(text: object, values: Mapping[str, str] | Callable[[str], str]) -> str:
    """The text with every `${name}` replaced. Raises KeyError with the name where there is no such value here."""
    look_up = values if callable(values) else values.__getitem__
    return _REFERENCE.sub(lambda m: look_up(m[1]), str(text))
