"""Credentials of an implementation that has certificates of its own: `identity: {admin: FILE, mint: [COMMAND, "${user}", "${groups}"]}`.

FILE is a kubeconfig that the API server writes when it starts. The operator shows what it shows, and its CA is the one that the API
server's own certificate is verified with. COMMAND runs on the API server's host, prints a kubeconfig of the user, and exits with 0. Where
there is none, everybody shows what the operator shows. Of both kubeconfigs only the credentials count: who is told which address and
which CA is the suite's affair, for its tap is in front.
"""

import asyncio
from collections.abc import Sequence
from itertools import count

from seatrial.backends.interface import Network, Program
from seatrial.cluster.filling import Filling
from seatrial.cluster.identities import Identities, Identity
from seatrial.cluster.instances import Supervised
from seatrial.model.errors import NotReady
from seatrial.wire.kubeconfig import Credentials, read_kubeconfig

MINT_S = 30
PRINTED_LINES = 10_000


class Authority:
    """Puts the implementation's own credentials in the place of the suite's."""

    def __init__(
        self,
        *,
        admin: str,
        mint: Sequence[str],
        network: Network,
        identities: Identities,
        server: Supervised,
        filling: Filling,
    ) -> None:
        self._admin = filling.path(admin)
        self._mint = mint
        self._network = network
        self._identities = identities
        self._server = server
        self._filling = filling
        self._numbers = count(1)
        self._operator: Credentials | None = None

    async def open(self) -> bool:
        """Whether the API server has written the administrator's kubeconfig; from then on the operator shows what stands there."""
        try:
            found = read_kubeconfig(self._admin.read_text(), folder=self._admin.parent, scratch=self._network.directory)
        except (OSError, ValueError):
            return False
        self._operator = found
        self._identities.adopt(self._identities.admin, found)
        if found.ca:
            self._identities.server_ca = found.ca
        return True

    async def admit(self, identity: Identity) -> None:
        """From now on the identity is one that the implementation knows. Raises NotReady where it cannot be minted."""
        if self._identities.issued(identity) is None:
            minted = await self._minted(identity) if self._mint else self._operator
            if minted is not None:
                self._identities.adopt(identity, minted)

    async def token(self, identity: Identity) -> str:
        """What a person shows."""
        await self.admit(identity)
        issued = self._identities.issued(identity)
        if issued is None or not issued.token:
            where = "what identity.mint prints" if self._mint else "identity.admin"
            raise NotReady(f"People show tokens, and the kubeconfig of {identity.user} has none ({where}).")
        return issued.token

    async def _minted(self, identity: Identity) -> Credentials:
        number = next(self._numbers)
        words = self._filling.command(self._mint, user=identity.user, groups=",".join(identity.groups))
        running = await self._network.boot(f"mint-{number}", self._server.host, Program(command=words))
        try:
            status = await asyncio.wait_for(asyncio.shield(running.exited), MINT_S)
        except TimeoutError:
            await running.signal("kill")
            raise NotReady(f"Minting {identity.user} took more than {MINT_S} s: {' '.join(words)}") from None
        printed = running.log_tail(PRINTED_LINES)
        try:
            if status == 0:
                return read_kubeconfig(printed, folder=self._network.directory)
        except ValueError as error:
            printed = f"{error}\n{printed}"
        raise NotReady(f"Minting {identity.user} ended with {status} and no kubeconfig: {' '.join(words)}\n{printed[-1000:]}")
