"""A cluster that exists, as scenarios see it: each role is there, none can be touched, and people ask it as guests.

Everybody shows what the kubeconfig has, so nobody can be told from anybody else, and a refusal says nothing about the API server: quotas,
policies and the permissions of whoever runs this are the cluster's own affair.
"""

from typing import Any

from seatrial.cluster.cluster import Cluster, Hook
from seatrial.cluster.instances import AtEndpoint
from seatrial.cluster.layout import Placement
from seatrial.cluster.manners import Manners, asked
from seatrial.cluster.stay import Stay
from seatrial.model.errors import HarnessFault, Inconclusive, NotRunnable
from seatrial.model.topology import NODE_ROLE
from seatrial.wire.kubernetes import Answer, Client

BUSY = (0, 429)
DENIED = ("denied the request", "denied request")  # by somebody's webhook or policy, under whatever code


class Visit(Cluster):
    """A `Cluster` of which nothing was started."""

    manners: Manners

    def __init__(self, *, images: dict[str, str], **known: Any) -> None:
        super().__init__(**known)
        self._images = images

    async def start(self, *, stores_up: Hook, servers_up: Hook) -> None:
        """Find a place to work in. Raises NotRunnable where the scenario needs what is not there."""
        self.stay = Stay.of(self.backend, image=next(iter(self._images.values())))
        await self._has_room()
        self.manners = await self.stay.berth(self._images)
        self._session = self.network.operator.session(read_bufsize=1 << 20)
        self._sessions.append(self._session)
        for component in self.implementation.components.values():
            self._know(Placement(name=component.name, component=component, index=0))
        await servers_up()

    async def _has_room(self) -> None:
        wanted = len(self.order.topology.nodes)
        if not wanted:
            return
        async with self.stay.client() as client:
            number = await self.stay.nodes(client)
        if number is not None and number < wanted:
            raise NotRunnable(f"the scenario needs {wanted} nodes that take pods, and the cluster has {number}")
        if why := await self.stay.idle_because():
            raise NotRunnable(why)

    def _know(self, placement: Placement) -> None:
        roles, limits = list(placement.roles), placement.component.limits.as_mapping()
        self.instances[placement.name] = AtEndpoint(
            endpoint=self.stay.backend.access.server,
            port=0,
            placement=placement,
            host=self.network.operator,
            network=self.network,
            record=self.record,
            context=self.backend.context(),
        )
        self.record("instance", instance=placement.name, component=placement.name, roles=roles, lease=None, limits=limits, node=None)

    async def join(self, name: str) -> None:
        raise NotRunnable(f"no {NODE_ROLE} of ours joins a cluster that exists")

    def client(self, person: str | None = None, *, token: str | None = None, server: int = 0) -> Client:
        if self._session is None:
            raise HarnessFault("the cluster has not been visited")
        if token is not None:
            raise NotRunnable("everybody shows what the kubeconfig has, and nothing else")
        access = self.stay.backend.access
        return Guest(
            manners=self.manners,
            stay=self.stay,
            session=self._session,
            url=access.server,
            token=access.credentials.token or None,
            user=person or "operator",
            record=self.history.recorder("people"),
        )

    async def leave(self) -> None:
        """Nothing of the scenario stays."""
        if self._session is None:  # it has not come so far
            return
        await self.stay.departure.leave(self.manners)


class Guest(Client):
    """A person with manners."""

    def __init__(self, *, manners: Manners, stay: Stay, **known: Any) -> None:
        super().__init__(**known)
        self._manners = manners
        self._stay = stay

    async def request(self, method: str, path: str, *, body: Any = None, params: Any = None, **how: Any) -> Answer:
        """One request. Raises NotRunnable where it would concern others, or is refused for reasons of the cluster's own, and Inconclusive
        where whoever answered may not have been the API server itself."""
        body = self._manners.made(body) if method == "POST" else self._manners.said(body)
        path = self._manners.path(path)
        params = self._manners.params(method, path, params or {})
        if self._manners.shared:
            await self._nobody_elses(method, path, body)
        if method == "POST":
            self._stay.departure.will_make(path, body)
        answer = await super().request(method, path, body=body, params=params, **how)
        said = str(answer.body.get("message", ""))
        if answer.code == 403 or any(words in said for words in DENIED):
            raise NotRunnable(f"the cluster does not let us {method} {path}: {said}")
        if answer.code in BUSY or answer.code >= 500:
            raise Inconclusive(f"blocked: {method} {path} was answered {answer.code} {said}, by the cluster or by what is in front of it")
        return answer

    async def _nobody_elses(self, method: str, path: str, body: Any) -> None:
        """What has the name already, and is not ours, is not touched, nor even read for the record."""
        what = asked(path)
        name = what.name or (body["metadata"].get("name", "") if method == "POST" and isinstance(body, dict) else "")
        if not name:
            return
        one = path if what.name else f"{path}/{name}"
        one = one.removesuffix(what.rest) if what.rest else one
        async with self._stay.client() as client:
            found = await client.request("GET", one)
        if found.ok and not self._manners.owns(found.body):
            raise NotRunnable(f"{what.plural}/{name} of the namespace {self._manners.namespace} is somebody else's")

    def watch(self, path: str, *, params: Any, **how: Any) -> Any:
        path = self._manners.path(path)
        return super().watch(path, params=self._manners.params("GET", path, params), **how)
