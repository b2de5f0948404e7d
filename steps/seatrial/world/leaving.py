"""What a scenario leaves in a cluster that goes on after it: nothing.

Whatever was made through the tap goes again, last first, and the scenario's namespace with all that others have put there. What was there
before is not touched.
"""

import re
from collections.abc import Iterable

from seatrial.model.errors import Inconclusive, NotRunnable
from seatrial.model.history import History
from seatrial.model.waiting import until
from seatrial.wire.kubernetes import Client
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural

_NAMESPACE = re.compile(re.escape(by_plural("namespaces").path()) + "/[^/]+")
GONE_S = 10.0
POLL_S = 0.05
AT_ONCE = {"gracePeriodSeconds": "0"}  # whoever would have to agree has ended


async def only_new_nodes(client: Client, names: Iterable[str]) -> None:
    """A kubelet of the suite's would take over a node that is there. Raises NotRunnable."""
    for name in names:
        if (await client.request("GET", by_plural("nodes").path(name=name))).ok:
            raise NotRunnable(f"the cluster has a node {name} already, which the scenario would take over")


async def leave(client: Client, history: History, *, namespace: str, context: Context, beyond: bool = True) -> None:
    """The namespace is gone, and what was made `beyond` it. Raises Inconclusive where a namespace does not go."""
    own = by_plural("namespaces").path(name=namespace)
    await client.request("DELETE", own)  # first: from then on nothing new comes in there
    inside = f"/namespaces/{namespace}/"
    made = [path for path in remains(history, inside=inside) if beyond or inside in path]
    for path in made:
        await client.request("DELETE", path, params=AT_ONCE)
    for path in dict.fromkeys([own, *filter(_NAMESPACE.fullmatch, made)]):
        await _end(client, path, context)


async def _end(client: Client, path: str, context: Context) -> None:
    """See a namespace off: who finalizes namespaces may be among those who have ended."""
    answer = await client.request("GET", path)
    if answer.ok:
        await client.request("PUT", f"{path}/finalize", body=answer.body | {"spec": {"finalizers": []}})

    async def gone() -> bool:
        return (await client.request("GET", path)).code == 404

    if not await until(gone, context=context, within_s=GONE_S, every_s=POLL_S):
        raise Inconclusive(f"{path}, of the scenario, is still there {GONE_S:g} s after its end; delete it")


def remains(history: History, *, inside: str) -> list[str]:
    """Paths of what was created at taps, the youngest first: whole collections inside the namespace, elsewhere single objects. A creator
    that has ended may never have had its answer."""
    answers = {(a.source, a["request"]): a for a in history.of("answer", verb="create")}
    found = []
    for request in reversed(history.of("request", verb="create", subresource="")):
        answer = answers.get((request.source, request["request"]))
        name = request["name"] or (answer["name"] if answer else "")
        if inside in request["path"]:
            found.append(request["path"])
        elif name and (answer is None or answer["code"] == 201):
            found.append(f"{request['path']}/{name}")
    return list(dict.fromkeys(found))
