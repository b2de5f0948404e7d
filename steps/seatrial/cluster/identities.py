"""Who is who: one identity per role and node, the operator, and people; tokens by default, certificates where a descriptor asks.

Components and the operator stand in the token file. People are known to the authentication webhook only, where there is one, so that
every stage of their requests passes a hook; nobody but the operator is in `system:masters`, who never reaches authorization.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from seatrial.wire.kubeconfig import kubeconfig, write_kubeconfig
from seatrial.wire.pki import Pki

ADMIN = "seatrial:operator"
MASTERS = "system:masters"
ROLE_USERS = {
    "apiserver": "system:apiserver",
    "etcd": "system:etcd",
    "scheduler": "system:kube-scheduler",
    "controller-manager": "system:kube-controller-manager",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A user as the API server is to see it."""

    user: str
    groups: tuple[str, ...]
    token: str


class Identities:
    """All identities of one cluster, and the files that carry them."""

    def __init__(self, *, directory: Path, seed: int, certificates: bool) -> None:
        self.pki = Pki(directory / "pki")
        self._directory = directory
        self._seed = seed
        self._certificates = certificates
        self._known: dict[str, Identity] = {}

    def of_role(self, role: str, node: str | None = None) -> Identity:
        """The identity that an instance acts under in a role."""
        if role == "kubelet":
            return self._identity(f"system:node:{node}", ("system:nodes",))
        return self._identity(ROLE_USERS[role], ())

    @property
    def admin(self) -> Identity:
        return self._identity(ADMIN, (MASTERS,))

    def person(self, name: str) -> Identity:
        """Somebody who is nobody in particular: a plain user of the group `people`."""
        return self._identity(name, ("people",))

    def _identity(self, user: str, groups: tuple[str, ...]) -> Identity:
        if user not in self._known:
            token = hashlib.sha256(f"{self._seed}/{user}".encode()).hexdigest()[:40]
            self._known[user] = Identity(user=user, groups=groups, token=token)
        return self._known[user]

    def by_digest(self) -> dict[str, str]:
        """Users by the SHA-256 of their token: all that the tap needs to know."""
        return {hashlib.sha256(i.token.encode()).hexdigest(): i.user for i in self._known.values()}

    def token_file(self, identities: list[Identity]) -> Path:
        """The static token file of the API server."""
        path = self._directory / "tokens.csv"
        path.touch(mode=0o600)
        path.write_text("".join(f'{i.token},{i.user},{i.user},"{",".join(i.groups)}"\n' for i in identities))
        return path

    def webhook(self, url: str, *, name: str) -> Path:
        """A kubeconfig that leads an API server to a webhook of the suite."""
        return write_kubeconfig(self._directory / f"hook-{name}.kubeconfig", kubeconfig(server=url, ca=self.pki.ca))

    def kubeconfig(self, identity: Identity, *, server: str, name: str) -> Path:
        """A kubeconfig with the identity's token or certificate."""
        if self._certificates:
            pair = self.pki.client(identity.user, groups=identity.groups)
            config = kubeconfig(server=server, ca=self.pki.ca, cert=pair.cert, key=pair.key)
        else:
            config = kubeconfig(server=server, ca=self.pki.ca, token=identity.token)
        return write_kubeconfig(self._directory / f"{name}.kubeconfig", config)
