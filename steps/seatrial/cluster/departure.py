"""A guest leaves a cluster as it was. What it made bears the run's label, and nothing else is ever deleted.

Namespaces of our own go as a whole. Where nobody empties them, as in a cluster without a namespace controller, we do what one would do, by
the same list: whatever the API serves that lies in namespaces. In a namespace that others live in, object by object is looked at before it
is deleted: a server that does not understand a selector must not cost anybody anything. What a killed run has left behind is named to
whoever comes next, with the command that removes it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from seatrial.cluster.manners import LABEL, Manners
from seatrial.model.errors import Inconclusive
from seatrial.wire.kubernetes import PATCHES, Answer, Client
from seatrial_schemas.kinds import Kind, by_plural

Clients = Callable[[], AbstractAsyncContextManager[Client]]
Patiently = Callable[[Callable[[], Awaitable[bool]], float], Awaitable[bool]]
NAMESPACES = by_plural("namespaces").path()
WORKLOADS = ("deployments", "replicasets", "replicationcontrollers", "pods")
MAY_BE_OURS = (*WORKLOADS, "configmaps", "secrets", "services", "serviceaccounts", "leases")  # where others live too
GONE_S = 60.0  # for all namespaces of a run
ALONE_S = 4.0  # until nobody has begun to empty a namespace
BACKGROUND = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}


class Departure:
    """Of one run."""

    def __init__(self, *, run: str, client: Clients, patiently: Patiently, patience_s: float = GONE_S) -> None:
        self._run = run
        self._client = client
        self._patiently = patiently
        self._patience_s = patience_s
        self._left: dict[str, None] = {}  # namespaces of ours, from before they are asked for until they are gone
        self._guarded: list[str] = []  # what has finalizers of ours, and would stay for ever

    def will_make(self, path: str, body: Any) -> None:
        """Before it is asked for: an answer may get lost."""
        metadata = body.get("metadata", {}) if isinstance(body, dict) else {}
        if path == NAMESPACES:
            self._left[metadata["name"]] = None
        if metadata.get("finalizers"):
            self._guarded.append(f"{path}/{metadata['name']}")

    def did_not(self, namespace: str) -> None:
        """It was refused."""
        self._left.pop(namespace, None)

    async def leave(self, manners: Manners) -> None:
        """The end of a scenario. Its namespaces are seen off at the end of the run. Raises Inconclusive where something stays."""
        async with self._client() as client:
            while self._guarded:
                await client.request("PATCH", self._guarded.pop(), body={"metadata": {"finalizers": None}}, content_type=PATCHES["merge"])
            if manners.shared:
                await self._clear(client, manners)
                return
            for name in [n for n in self._left if n == manners.namespace or n.startswith(f"{manners.namespace}-")]:
                await self._remove(client, name)

    async def see_off(self) -> None:
        """Return when all namespaces are gone. Raises Inconclusive with the command that removes those that are not."""
        if not self._left:
            return
        async with self._client() as client:
            for name in list(self._left):
                await self._remove(client, name)
            if not await self._patiently(lambda: self._all_gone(client), ALONE_S):
                await self._empty_all(client)
            if not await self._patiently(lambda: self._all_gone(client), self._patience_s):
                still = f"namespaces of this run are still there after {self._patience_s:g} s: {', '.join(self._left)}"
                raise Inconclusive(f"{still}. They may be on their way; else: kubectl delete namespaces -l {LABEL}={self._run}")

    # -- where others live too

    async def _clear(self, client: Client, manners: Manners) -> None:
        async def cleared() -> bool:
            found = [path for plural in MAY_BE_OURS for path in await self._ours(client, by_plural(plural), manners)]
            for path in found:
                await client.request("DELETE", path, body=BACKGROUND)
            return not found

        if not await self._patiently(cleared, self._patience_s):
            raise Inconclusive(f"something of this run is still there: {'; '.join(await left_in(client, manners.namespace))}")

    async def _ours(self, client: Client, kind: Kind, manners: Manners) -> list[str]:
        selector = {"labelSelector": f"{LABEL}={manners.run}"}
        found = await client.request("GET", kind.path(namespace=manners.namespace), params=selector)
        return [kind.path(namespace=manners.namespace, name=i["metadata"]["name"]) for i in _items(found) if manners.owns(i)]

    # -- namespaces of our own

    async def _remove(self, client: Client, name: str) -> None:
        """Whatever else has this name is not ours, and was not made by us."""
        found = await client.request("GET", f"{NAMESPACES}/{name}")
        if found.ok and _run_of(found.body) == self._run:
            await client.request("DELETE", f"{NAMESPACES}/{name}")
        elif found.ok:
            del self._left[name]

    async def _all_gone(self, client: Client) -> bool:
        for name in list(self._left):
            if (await client.request("GET", f"{NAMESPACES}/{name}")).code == 404:
                del self._left[name]
        return not self._left

    async def _empty_all(self, client: Client) -> None:
        """Do what a namespace controller would, where none has begun: it says so in a namespace's conditions."""
        found = [await client.request("GET", f"{NAMESPACES}/{name}") for name in self._left]
        alone = [a.body for a in found if a.ok and _run_of(a.body) == self._run and not a.body.get("status", {}).get("conditions")]
        served = await _served(client) if alone else None
        if served is not None:
            await asyncio.gather(*(self._empty(client, namespace, served) for namespace in alone))

    async def _empty(self, client: Client, namespace: Mapping[str, Any], served: Iterable[str]) -> None:
        name = namespace["metadata"]["name"]
        collections = [path.format(namespace=name) for path in served]

        async def emptied() -> bool:
            found = await asyncio.gather(*(client.request("GET", path) for path in collections))
            rest = [path for path, answer in zip(collections, found, strict=True) if _items(answer) or not answer.ok]
            for path in rest:
                await client.request("DELETE", path, params={"gracePeriodSeconds": "0"})
            return not rest

        if await self._patiently(emptied, self._patience_s):
            await client.request("PUT", f"{NAMESPACES}/{name}/finalize", body={**namespace, "spec": {"finalizers": []}})


async def _served(client: Client) -> list[str] | None:
    """Paths of all collections that lie in namespaces; None where some part of the API does not say."""
    groups = await client.request("GET", "/apis")
    roots = ["/api/v1", *(f"/apis/{g['preferredVersion']['groupVersion']}" for g in groups.body.get("groups", ()))]
    found = [await client.request("GET", root) for root in roots]
    if not groups.ok or not all(answer.ok for answer in found):
        return None
    return [
        f"{root}/namespaces/{{namespace}}/{resource['name']}"
        for root, answer in zip(roots, found, strict=True)
        for resource in answer.body["resources"]
        if resource["namespaced"] and {"list", "deletecollection"} <= set(resource["verbs"])
    ]


# -- what others have left


async def leftovers(client: Client, namespace: str) -> list[str]:
    """What other runs have made and not removed, in namespaces of their own, or, where these may not be listed, in this one."""
    marked = await client.request("GET", NAMESPACES, params={"labelSelector": LABEL})
    if not marked.ok:
        return await left_in(client, namespace)
    there = [i["metadata"] for i in _items(marked) if "deletionTimestamp" not in i["metadata"]]
    return [await _left_as(client, meta["name"], meta["labels"][LABEL]) for meta in there]


async def left_in(client: Client, namespace: str) -> list[str]:
    """What bears anybody's label in one namespace."""
    runs: dict[str, dict[str, None]] = {}
    for plural in MAY_BE_OURS:
        found = await client.request("GET", by_plural(plural).path(namespace=namespace), params={"labelSelector": LABEL})
        for item in _items(found):
            runs.setdefault(_run_of(item), {})[plural] = None
    runs.pop("", None)
    return [f"{', '.join(p)} of run {r}: kubectl -n {namespace} delete {','.join(p)} -l {LABEL}={r}" for r, p in sorted(runs.items())]


async def _left_as(client: Client, name: str, run: str) -> str:
    """A namespace, and what frees it first where a finalizer of ours would keep it."""
    maps = await client.request("GET", by_plural("configmaps").path(namespace=name), params={"labelSelector": LABEL})
    guarded = [i["metadata"]["name"] for i in _items(maps) if i["metadata"].get("finalizers")]
    free = 'kubectl -n {} patch configmap {} --type=merge -p \'{{"metadata":{{"finalizers":null}}}}\' && '
    return f"the namespace {name} of run {run}: {''.join(free.format(name, g) for g in guarded)}kubectl delete namespace {name}"


def _items(answer: Answer) -> list[Any]:
    return list(answer.body.get("items", ())) if answer.ok else []


def _run_of(item: Mapping[str, Any]) -> str:
    """The run that made it; empty where none did."""
    return str(((item.get("metadata") or {}).get("labels") or {}).get(LABEL) or "")
