"""A guest's stay in a cluster that exists, one for each run: who we are there, where we may work, and whether pods get to run.

Each scenario has a namespace of its own, if namespaces may be made; else everything happens in the one that the kubeconfig names.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from seatrial.backends.attached import Attached
from seatrial.cluster.departure import GONE_S, MAY_BE_OURS, NAMESPACES, Departure, left_in, leftovers
from seatrial.cluster.manners import LABEL, Manners
from seatrial.cluster.obstacles import obstacle
from seatrial.model.errors import NotReady
from seatrial.model.history import History
from seatrial.model.waiting import until
from seatrial.wire.kubernetes import Answer, Client
from seatrial_schemas.kinds import by_plural

Json = dict[str, Any]
ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
WHO_AM_I = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
ANSWER_S = 10.0  # for the first answers
SETTLED_S = 6.0  # until a new namespace takes pods: they need the account that a controller puts there
RUNNING_S = 15.0  # for one pod, its image included
POLL_S = 0.1
IMAGE = "registry.k8s.io/pause:3.10"


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """What the first answers say."""

    version: str
    user: str  # empty where the cluster does not say
    groups: tuple[str, ...] = ()


class Stay:
    """Made once for each run; lives as long as its backend."""

    def __init__(self, backend: Attached, *, image: str = "", patience_s: float = GONE_S) -> None:
        self.backend = backend
        self.run_id = backend.run_id
        self.image = image or IMAGE
        self.shared = ""  # the namespace where others live too, where none can be made
        self.met: Met | None = None
        self._numbers = count(1)
        self._runs: str | None = None  # why no pod gets to run; empty where pods do
        self.departure = Departure(run=self.run_id, client=self.client, patiently=self._patiently, patience_s=patience_s)
        backend.farewells.append(self.departure.see_off)

    @classmethod
    def of(cls, backend: Any, **wanted: Any) -> "Stay":
        """The one of this backend."""
        if backend.stay is None:
            backend.stay = cls(backend, **wanted)
        stay: Stay = backend.stay
        return stay

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """For what is no part of any scenario."""
        async with (await self.backend.network(History(self.backend.now_s).recorder("stay"))).operator.session() as session:
            access = self.backend.access
            record = History(self.backend.now_s).recorder("stay")
            yield Client(session=session, url=access.server, token=access.credentials.token or None, user="operator", record=record)

    # -- arriving

    async def meet(self) -> Met:
        """Ask who is there, and who we are. Raises NotReady where nobody answers, or we are nobody there."""
        if self.met is None:
            async with self.client() as client:
                version = await self._first(client)
                told = await client.request("POST", WHO_AM_I, body={"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})
                if told.code == 401:
                    raise NotReady(self._unknown(told))
                info = told.body.get("status", {}).get("userInfo", {})
                self.met = Met(version=version, user=str(info.get("username", "")), groups=tuple(info.get("groups", ())))
        return self.met

    async def _first(self, client: Client) -> str:
        answer = await client.request("GET", "/version", within_s=ANSWER_S)
        where = f"{self.backend.access.server}, of the context {self.backend.access.context}"
        if answer.code == 0:
            raise NotReady(f"Nobody who can be trusted answers at {where}: {answer.body.get('message')}.")
        if answer.code == 401:
            raise NotReady(self._unknown(answer))
        if not answer.ok or "gitVersion" not in answer.body:
            raise NotReady(f"What answers at {where} is no API server: {answer.code} {answer.body.get('message', '')}.".replace(" .", "."))
        return str(answer.body["gitVersion"])

    def _unknown(self, answer: Answer) -> str:
        shown = (
            "a certificate" if self.backend.access.credentials.cert else "a token" if self.backend.access.credentials.token else "nothing"
        )
        return (
            f"{self.backend.access.server} does not know who shows what the context {self.backend.access.context} has, {shown}: "
            f"{answer.code} {answer.body.get('message', '')}. It may have expired."
        )

    async def permissions(self) -> dict[str, bool | None]:
        """What a run wants to do here, and whether it may; None where the cluster does not say."""
        namespace = self.backend.access.namespace
        async with self.client() as client:
            wanted = {"create namespaces": await _may(client, "create", "namespaces"), "list nodes": await _may(client, "list", "nodes")}
            for kind in map(by_plural, MAY_BE_OURS):
                wanted[f"create {kind.plural}"] = await _may(client, "create", kind.plural, group=kind.group, namespace=namespace)
        return wanted

    async def leftovers(self) -> list[str]:
        """What earlier runs have left behind, or others are busy with, each with the command that removes it."""
        async with self.client() as client:
            return await leftovers(client, self.backend.access.namespace)

    # -- a place to work

    async def berth(self, images: dict[str, str]) -> Manners:
        """A place for one scenario. Raises NotReady where there is none."""
        await self.meet()
        name = f"seatrial-{self.run_id}-{next(self._numbers)}"
        async with self.client() as client:
            if not self.shared and not await self._made(client, name):
                await self._share(client)
            manners = Manners(run=self.run_id, namespace=self.shared or name, shared=bool(self.shared), images=images)
            await self._settled(client, manners)
        return manners

    async def _made(self, client: Client, name: str) -> bool:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {LABEL: self.run_id}}}
        self.departure.will_make(NAMESPACES, body)
        answer = await client.request("POST", NAMESPACES, body=body)
        if answer.code == 403:
            self.departure.did_not(name)
        elif not answer.ok:
            raise NotReady(f"No namespace can be made: {answer.code} {answer.body.get('message')}")
        return answer.ok

    async def _share(self, client: Client) -> None:
        """Only one namespace may be worked in. What others of our kind have there would get mixed up with ours."""
        namespace = self.backend.access.namespace
        if left := await left_in(client, namespace):
            raise NotReady(f"Another run is at work in the namespace {namespace}, or has left something behind: {'; '.join(left)}")
        self.shared = namespace

    async def _settled(self, client: Client, manners: Manners) -> None:
        """Return when the namespace takes pods, or will not: who tries to make one is told why."""
        pod = by_plural("pods").path(namespace=manners.namespace)

        async def settled() -> bool:
            return (await client.request("POST", pod, body=self._pod(manners), params={"dryRun": "All"})).code != 403

        if not self.shared:
            await self._patiently(settled, SETTLED_S)

    def _pod(self, manners: Manners) -> Json:
        spec = {"containers": [{"name": "main", "image": self.image}], "terminationGracePeriodSeconds": 1}
        metadata = {"name": f"seatrial-probe-{self.run_id}", "namespace": manners.namespace}
        made: Json = manners.made({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        return made

    # -- what is there to work with

    async def nodes(self, client: Client) -> int | None:
        """How many nodes take pods; None where we may not see them."""
        answer = await client.request("GET", by_plural("nodes").path())
        return sum(_takes_pods(n) for n in answer.body.get("items", ())) if answer.ok else None

    async def idle_because(self) -> str:
        """Why no pod gets to run, by the cluster's own account; empty where one does, or where nothing is said, which is for rules to
        judge. Tried once."""
        if self._runs is None:
            manners = await self.berth({})
            try:
                self._runs = await self._probe(manners)
            finally:
                await self.departure.leave(manners)
        return self._runs

    async def _probe(self, manners: Manners) -> str:
        async with self.client() as client:
            pods = by_plural("pods").path(namespace=manners.namespace)
            made = await client.request("POST", pods, body=self._pod(manners))
            if not made.ok:
                return f"the cluster takes no pod of ours: {made.code} {made.body.get('message')}" if made.code == 403 else ""
            seen = await self._until(client, f"{pods}/{made.body['metadata']['name']}", _at_rest, within_s=RUNNING_S)
            said = "" if seen.body.get("status", {}).get("phase") == "Running" else obstacle(seen.body)
            return f"a pod with the image {self.image} does not get to run: {said}" if said else ""

    async def _until(self, client: Client, path: str, good: Callable[[Answer], bool], *, within_s: float) -> Answer:
        """The object when it is good, or when time is over."""
        answer = Answer(code=0, body={})

        async def seen() -> bool:
            nonlocal answer
            answer = await client.request("GET", path)
            return good(answer)

        await self._patiently(seen, within_s)
        return answer

    async def _patiently(self, done: Callable[[], Awaitable[bool]], within_s: float) -> bool:
        return await until(done, context=self.backend.context(), within_s=within_s, every_s=POLL_S)


def _takes_pods(node: Json) -> bool:
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in node.get("status", {}).get("conditions", ()))
    spec = node.get("spec", {})
    return ready and not spec.get("unschedulable") and not any(t["effect"] != "PreferNoSchedule" for t in spec.get("taints", ()))


def _at_rest(answer: Answer) -> bool:
    """Nothing more is to be waited for. A pod that does not fit yet may still get a node."""
    status = answer.body.get("status", {})
    waiting = any(c.get("state", {}).get("waiting", {}).get("reason") == "ImagePullBackOff" for c in status.get("containerStatuses", ()))
    return status.get("phase") in ("Running", "Succeeded", "Failed") or waiting


async def _may(client: Client, verb: str, resource: str, *, group: str = "", namespace: str = "") -> bool | None:
    """Whether we may do this; None where the cluster does not say."""
    wanted = {"verb": verb, "resource": resource, "group": group, "namespace": namespace}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {k: v for k, v in wanted.items() if v}},
    }
    answer = await client.request("POST", ACCESS_REVIEWS, body=review)
    return bool(answer.body.get("status", {}).get("allowed")) if answer.ok else None
