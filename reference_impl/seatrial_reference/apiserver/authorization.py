"""May this user do this to that? Authorizers are asked in the configured order; the first who allows or denies ends it (REQ-08 to REQ-10).

`system:masters` may do everything, before anybody is asked. RBAC allows what a rule allows and never denies. The webhook may allow,
deny, or have no opinion. Where nobody has allowed, the answer is 403. The body of the request is never looked at.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from seatrial_reference.apiserver import status
from seatrial_reference.apiserver.cache import Caches
from seatrial_reference.apiserver.policy import DISCOVERY_PATHS, PUBLIC_PATHS, Rule, bootstrap
from seatrial_reference.apiserver.request import Attributes, User
from seatrial_reference.apiserver.webhooks import CallFailed, Webhooks
from seatrial_reference.machinery.kubeconfig import Access
from seatrial_schemas.kinds import Kind, by_plural

Json = dict[str, Any]
RBAC_GROUP = "rbac.authorization.k8s.io"
SUPERUSERS = "system:masters"


class Decision(Enum):
    ALLOW = "allow"
    DENY = "deny"
    NO_OPINION = "no opinion"


Authorizer = Callable[[User, Attributes], Awaitable[tuple[Decision, str]]]


def rbac_kinds() -> tuple[Kind, ...]:
    return tuple(by_plural(plural, RBAC_GROUP) for plural in ("clusterroles", "clusterrolebindings", "roles", "rolebindings"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rbac:
    """The bootstrap policy and the stored roles and bindings, as of the watch cache."""

    caches: Caches

    async def __call__(self, user: User, asked: Attributes) -> tuple[Decision, str]:
        if asked.kind is None:
            allowed = _path_allowed(user, asked.path)
        else:
            allowed = any(_rule_allows(rule, asked) for rule in self._rules(user, asked.namespace))
        return (Decision.ALLOW if allowed else Decision.NO_OPINION), ""

    def _rules(self, user: User, namespace: str) -> Iterator[Rule]:
        known = bootstrap()
        for subject in (user.name, *user.groups):
            yield from known.get(subject, ())
        yield from self._bound(user, "clusterrolebindings", "")
        if namespace:
            yield from self._bound(user, "rolebindings", namespace)

    def _bound(self, user: User, plural: str, namespace: str) -> Iterator[Rule]:
        for binding in self._objects(plural):
            meta = binding["metadata"]
            if meta.get("namespace", "") == namespace and any(_is(user, s, namespace) for s in binding.get("subjects") or ()):
                reference = binding.get("roleRef") or {}
                plural_of_role = "roles" if reference.get("kind") == "Role" else "clusterroles"
                yield from self._role(plural_of_role, namespace, str(reference.get("name")))

    def _role(self, plural: str, namespace: str, name: str) -> Iterator[Rule]:
        for role in self._objects(plural):
            meta = role["metadata"]
            if meta["name"] == name and (plural == "clusterroles" or meta.get("namespace") == namespace):
                for rule in role.get("rules") or ():
                    yield Rule(
                        groups=rule.get("apiGroups") or (),
                        resources=rule.get("resources") or (),
                        verbs=rule.get("verbs") or (),
                        names=rule.get("resourceNames") or (),
                    )

    def _objects(self, plural: str) -> Iterator[Json]:
        cache = self.caches.peek(by_plural(plural, RBAC_GROUP))
        for each in cache.objects.values() if cache else ():
            yield each.object


async def always_allow(_: User, __: Attributes) -> tuple[Decision, str]:
    """For those who want no authorization."""
    return Decision.ALLOW, ""


def _is(user: User, subject: Json, namespace: str) -> bool:
    match subject.get("kind"):
        case "User":
            return subject.get("name") == user.name
        case "Group":
            return subject.get("name") in user.groups
        case "ServiceAccount":
            return user.name == f"system:serviceaccount:{subject.get('namespace') or namespace}:{subject.get('name')}"
        case _:
            return False


def _rule_allows(rule: Rule, asked: Attributes) -> bool:
    return rule.allows(verb=asked.verb, group=asked.group, resource=asked.resource, subresource=asked.subresource, name=asked.name)


def _path_allowed(user: User, path: str) -> bool:
    if any(path == public or path.startswith(public + "/") for public in PUBLIC_PATHS):
        return True
    known = "system:authenticated" in user.groups
    return known and any(path == open_ or path.startswith(open_ + "/") for open_ in DISCOVERY_PATHS)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationWebhook:
    """Somebody else decides."""

    webhooks: Webhooks
    access: Access

    async def __call__(self, user: User, asked: Attributes) -> tuple[Decision, str]:
        try:
            answer = (await self.webhooks.review(self.access, access_review(user, asked))).get("status") or {}
        except CallFailed as error:
            raise status.internal(f"authorization webhook: {error}") from error
        reason = str(answer.get("reason") or "")
        if answer.get("allowed") is True:
            return Decision.ALLOW, reason
        return (Decision.DENY if answer.get("denied") is True else Decision.NO_OPINION), reason


def access_review(user: User, asked: Attributes) -> Json:
    spec: Json = {"user": user.name, "groups": list(user.groups)}
    spec |= {"uid": user.uid} if user.uid else {}
    spec |= {"extra": {key: list(values) for key, values in user.extra.items()}} if user.extra else {}
    if asked.kind is None:
        spec["nonResourceAttributes"] = {"path": asked.path, "verb": asked.verb}
    else:
        attributes = {
            "namespace": asked.namespace,
            "verb": asked.verb,
            "group": asked.group,
            "version": asked.kind.version,
            "resource": asked.resource,
            "subresource": asked.subresource,
            "name": asked.name,
        }
        spec["resourceAttributes"] = {key: value for key, value in attributes.items() if value}
    return {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "metadata": {}, "spec": spec}


async def decide(authorizers: Sequence[Authorizer], user: User, asked: Attributes) -> tuple[bool, str]:
    """Allowed, and the reasons that were given."""
    if SUPERUSERS in user.groups:
        return True, ""
    reasons = []
    for authorizer in authorizers:
        decision, reason = await authorizer(user, asked)
        reasons += [reason] if reason else []
        if decision is not Decision.NO_OPINION:
            return decision is Decision.ALLOW, reason
    return False, ", ".join(reasons)


def refusal(user: User, asked: Attributes, reason: str) -> status.Failure:
    """The 403 in the API's words."""
    because = f": {reason}" if reason else ""
    if asked.kind is None:
        message = f'forbidden: User "{user.name}" cannot {asked.verb} path "{asked.path}"{because}'
        return status.Failure(403, "Forbidden", message, details={})
    full = f"{asked.resource}/{asked.subresource}" if asked.subresource else asked.resource
    where = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    message = f'User "{user.name}" cannot {asked.verb} resource "{full}" in API group "{asked.group}" {where}{because}'
    return status.forbidden(asked.kind, asked.name, message)
