"""Who is who: one identity per role and node, the operator, and people; tokens by default, certificates where a descriptor asks.

Components and the operator stand in the token file. People are known to the authentication webhook only, where there is one, so that
every stage of their requests passes a hook; nobody but the operator is in `system:masters`, who never reaches authorization.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from seatrial.wire.kubeconfig import Credentials, kubeconfig, write_kubeconfig
from seatrial.wire.pki import Pki
from seatrial_schemas.context import Context

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

    def __init__(self, *, directory: Path, pki: Pki, context: Context, certificates: bool) -> None:
        self.pki = pki
        self._directory = directory
        self._context = context
        self._certificates = certificates
        self._known: dict[str, Identity] = {}
        self._own: dict[str, Credentials] = {}  # by user, where the implementation has issued them itself
        self.server_ca = self.pki.ca  # which the API server's own certificate is of

    def of_role(self, role: str, node: str | None = None) -> Identity:
        """The identity that an instance acts under in a role."""
        if role == "kubelet":
            return self._identity(f"system:node:{node}", ("system:nodes",))
        return self._identity(ROLE_USERS[role], ())

    @property
    def admin(self) -> Identity:
        return self._identity(ADMIN, (MASTERS,))

    def person(self, name: str, *, mighty: bool = False) -> Identity:
        """Somebody who is nobody in particular: a plain user of the group `people`. `mighty`: nobody else could say what they may do."""
        return self._identity(name, ("people", MASTERS) if mighty else ("people",))

    def adopt(self, identity: Identity, issued: Credentials) -> None:
        """From now on the identity's credentials are those that the implementation has issued."""
        self._own[identity.user] = issued
        self._known[identity.user] = replace(identity, token=issued.token)

    def issued(self, identity: Identity) -> Credentials | None:
        """Those of `adopt`."""
        return self._own.get(identity.user)

    def _identity(self, user: str, groups: tuple[str, ...]) -> Identity:
        if user not in self._known:
            token = f"{self._context.random.getrandbits(160):040x}"
            self._known[user] = Identity(user=user, groups=groups, token=token)
        return self._known[user]

    def forget(self, user: str) -> None:
        """Whoever comes under this name next has another token."""
        self._known.pop(user, None)

    def by_digest(self) -> dict[str, str]:
        """Users by the SHA-256 of their token: all that the tap needs to know."""
        known = [i for i in self._known.values() if i.token]
        return {hashlib.sha256(i.token.encode()).hexdigest(): i.user for i in reversed(known)}

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
        own = self._own.get(identity.user)
        if own and own.cert:
            config = kubeconfig(server=server, ca=self.pki.ca, cert=own.cert, key=own.key)
        elif self._certificates:
            pair = self.pki.client(identity.user, groups=identity.groups)
            config = kubeconfig(server=server, ca=self.pki.ca, cert=pair.cert, key=pair.key)
        else:
            config = kubeconfig(server=server, ca=self.pki.ca, token=identity.token)
        return write_kubeconfig(self._directory / f"{name}.kubeconfig", config)
