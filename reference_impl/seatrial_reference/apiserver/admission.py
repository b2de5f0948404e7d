"""Should this be done? Plugins and webhooks look at every write, first those that may change the object, then those that only judge.

Mutating webhooks are called one after another, in the order of their configurations' names; each sees what the one before has made of
the object. Validating webhooks see the final object, all of them at once, and one refusal is enough. A webhook that cannot be asked
blocks (`Fail`) or is passed over (`Ignore`). Reads never come here, and webhook configurations are exempt, or nobody could repair one
that blocks everything (REQ-11 to REQ-17).
"""

import asyncio
import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from seatrial_reference.apiserver import patching, status
from seatrial_reference.apiserver.cache import Caches
from seatrial_reference.apiserver.request import Attributes, User
from seatrial_reference.apiserver.selectors import selector_test
from seatrial_reference.apiserver.webhooks import CallFailed, Webhooks
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import Kind, by_plural

Json = dict[str, Any]

GROUP = "admissionregistration.k8s.io"
MUTATING, VALIDATING = "mutatingwebhookconfigurations", "validatingwebhookconfigurations"
EXEMPT_GROUPS = frozenset({GROUP, "authentication.k8s.io", "authorization.k8s.io"})
TOLERATION_S = 300
_OPTIONS = {"CREATE": "CreateOptions", "UPDATE": "UpdateOptions", "DELETE": "DeleteOptions"}


def webhook_kinds() -> tuple[Kind, ...]:
    return (by_plural(MUTATING, GROUP), by_plural(VALIDATING, GROUP))


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One write, as admission sees it. `object` is None for a deletion, `old` for a creation."""

    operation: str
    user: User
    asked: Attributes
    kind: tuple[str, str, str]  # group, version, kind of `object`: of a subresource its own
    name: str
    object: Json | None
    old: Json | None
    dry_run: bool = False
    options: Json | None = None

    @property
    def resource(self) -> str:
        return f"{self.asked.resource}/{self.asked.subresource}" if self.asked.subresource else self.asked.resource

    def request(self, uid: str, obj: Json | None) -> Json:
        """The `request` of an AdmissionReview."""
        group, version, kind = self.kind
        of_kind = {"group": group, "version": version, "kind": kind}
        asked = self.asked
        resource = {"group": asked.group, "version": asked.kind.version if asked.kind else "", "resource": asked.resource}
        request: Json = {"uid": uid, "kind": of_kind, "resource": resource, "requestKind": of_kind, "requestResource": resource}
        request |= {"subResource": asked.subresource, "requestSubResource": asked.subresource} if asked.subresource else {}
        request |= {"name": self.name} if self.name else {}
        request |= {"namespace": asked.namespace} if asked.namespace else {}
        request |= {"operation": self.operation, "userInfo": self.user.info(), "object": obj, "oldObject": self.old}
        options = {"kind": _OPTIONS.get(self.operation, "CreateOptions"), "apiVersion": "meta.k8s.io/v1"} | (self.options or {})
        return request | {"dryRun": self.dry_run, "options": options}


class Admission:
    """The plugins of this server and the webhooks of the cluster."""

    def __init__(self, *, caches: Caches, webhooks: Webhooks, context: Context) -> None:
        self._caches = caches
        self._webhooks = webhooks
        self._context = context

    async def mutate(self, review: Review) -> Json | None:
        """The object as the mutating plugins and webhooks want it."""
        obj = review.object
        for hook in self._hooks(MUTATING, review):
            answer = await self._ask(hook, review, obj)
            if answer is not None and answer.get("patch") and obj is not None:
                obj = self._patched(hook, obj, answer)
        return obj

    async def validate(self, review: Review) -> None:
        """Raises what the first refusing webhook says, in the order of configurations."""
        calls = [self._ask(hook, review, review.object) for hook in self._hooks(VALIDATING, review)]
        for answer in await asyncio.gather(*calls, return_exceptions=True):
            if isinstance(answer, BaseException):
                raise answer

    def _hooks(self, plural: str, review: Review) -> Iterator[Json]:
        if review.asked.group in EXEMPT_GROUPS:
            return
        cache = self._caches.peek(by_plural(plural, GROUP))
        configurations = [each.object for each in cache.objects.values()] if cache else []
        for configuration in sorted(configurations, key=lambda each: str(each["metadata"]["name"])):
            for hook in configuration.get("webhooks") or ():
                if any(_rule_matches(rule, review) for rule in hook.get("rules") or ()) and self._selected(hook, review):
                    yield hook

    def _selected(self, hook: Json, review: Review) -> bool:
        wanted = selector_test(hook.get("objectSelector") or {})
        objects = [obj for obj in (review.object, review.old) if obj is not None]
        if not any(wanted(obj["metadata"].get("labels") or {}) for obj in objects):
            return False
        return selector_test(hook.get("namespaceSelector") or {})(self._namespace_labels(review)) if review.asked.namespace else True

    def _namespace_labels(self, review: Review) -> Json:
        kind = by_plural("namespaces")
        if review.asked.kind == kind:
            return dict(((review.object or review.old or {}).get("metadata") or {}).get("labels") or {})
        cache = self._caches.peek(kind)
        found = cache.objects.get(kind.store_key(name=review.asked.namespace)) if cache else None
        return dict(found.object["metadata"].get("labels") or {}) if found else {}

    async def _ask(self, hook: Json, review: Review, obj: Json | None) -> Json | None:
        """The webhook's answer; None where it could not be asked and does not insist."""
        uid = next(self._context.ids)
        body = {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": review.request(uid, obj)}
        try:
            answer = _answer_to(uid, await self._webhooks.call(hook["clientConfig"], body, timeout_s=float(hook["timeoutSeconds"])))
        except CallFailed as error:
            if hook.get("failurePolicy") == "Ignore":
                return None
            raise status.internal(f'failed calling webhook "{hook.get("name")}": failed to call webhook: {error}') from error
        if not answer["allowed"]:
            raise _denied(str(hook.get("name")), answer.get("status") or {})
        return answer

    def _patched(self, hook: Json, obj: Json, answer: Json) -> Json:
        try:
            return patching.json_patch(obj, orjson.loads(base64.b64decode(answer["patch"])))
        except (ValueError, status.Failure) as error:
            raise status.internal(f'webhook "{hook.get("name")}": the patch cannot be applied: {error}') from error


def _answer_to(uid: str, reply: Json) -> Json:
    answer = reply.get("response")
    if not isinstance(answer, dict) or answer.get("uid") != uid or not isinstance(answer.get("allowed"), bool):
        raise CallFailed("the answer is no AdmissionReview to this request")
    return answer


def _rule_matches(rule: Json, review: Review) -> bool:
    kind = review.asked.kind
    scope = rule.get("scope", "*")
    namespaced = kind is not None and kind.namespaced
    return (
        any(each in ("*", review.operation) for each in rule.get("operations") or ())
        and any(each in ("*", review.asked.group) for each in rule.get("apiGroups") or ())
        and any(each in ("*", kind.version if kind else "") for each in rule.get("apiVersions") or ("*",))
        and any(_resource_matches(each, review) for each in rule.get("resources") or ())
        and (scope == "*" or (scope == "Namespaced") == namespaced)
    )


def _resource_matches(pattern: str, review: Review) -> bool:
    """`pods` is the object alone, `pods/*` it and its subresources, `*` all objects, `*/*` everything."""
    resource, slash, subresource = pattern.partition("/")
    if resource not in ("*", review.asked.resource):
        return False
    return subresource in ("*", review.asked.subresource) if slash else not review.asked.subresource


def _denied(name: str, said: Json) -> status.Failure:
    reason, message = str(said.get("reason") or ""), str(said.get("message") or "")
    code = int(said.get("code") or 0)
    text = f'admission webhook "{name}" denied the request: {message or reason}'
    if not message and not reason:
        text = f'admission webhook "{name}" denied the request without explanation'
    return status.Failure(max(code, 400), reason, text, details=said.get("details"))


def pod_defaults(obj: Json) -> None:
    """What the plugins of the server add to a new pod: an account, tolerations for a node that is lost, a priority."""
    spec = obj["spec"]
    if not spec.get("serviceAccountName"):
        spec["serviceAccountName"] = spec["serviceAccount"] = "default"
    spec.setdefault("priority", 0)
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
    tolerations = list(spec.get("tolerations") or ())
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(each.get("key") in (key, "", None) and each.get("effect") in ("NoExecute", "", None) for each in tolerations):
            tolerations.append({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": TOLERATION_S})
    spec["tolerations"] = tolerations
