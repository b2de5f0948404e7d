"""What a role lets somebody do, at an API server that goes by roles; the hooks have no opinion about it."""

from typing import Any

from seatrial.model.errors import NotRunnable
from seatrial.model.waiting import until
from seatrial.world import people
from seatrial.world.objects import kind_of
from seatrial.world.world import World

GROUP = "rbac.authorization.k8s.io"
READER = "reader"
READS = ("get", "list", "watch")
REFUSED = (401, 403)
EFFECT_S = 20.0  # until a role takes effect
POLL_S = 0.05


def let_read(world: World, person: str, resource: str, *, only: str | None, there: str) -> None:
    """A role lets a person read all there is of a kind in a namespace, or `only` one object. Raises NotRunnable where they may not then."""
    world.run(_let_read(world, person, resource, only, there))


async def _let_read(world: World, person: str, resource: str, only: str | None, there: str) -> None:
    kind, client = kind_of(resource), world.client(person)
    rule = {"apiGroups": [kind.group], "resources": [resource], "verbs": READS} | ({"resourceNames": [only]} if only else {})
    subject = {"apiGroup": GROUP, "kind": "User", "name": client.user}
    await _create(world, "roles", there, {"rules": [rule]})
    await _create(world, "rolebindings", there, {"roleRef": {"apiGroup": GROUP, "kind": "Role", "name": READER}, "subjects": [subject]})

    async def lets() -> bool:
        return (await client.request("GET", kind.path(namespace=there, name=only))).code not in REFUSED

    if not await until(lets, context=world.backend.context(), within_s=EFFECT_S, every_s=POLL_S):
        raise NotRunnable(f"this API server does not go by roles: {person} may not read {resource} by one")


async def _create(world: World, plural: str, namespace: str, content: dict[str, Any]) -> None:
    kind = kind_of(plural)
    body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": READER, "namespace": namespace}}
    answer = await people.client_of(world, "operator").request("POST", kind.path(namespace=namespace), body=body | content)
    if not answer.ok:
        raise NotRunnable(f"the operator cannot create a {kind.kind}: {answer.code} {answer.body.get('message')}")
