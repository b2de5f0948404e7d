"""Parts of an object that have doors of their own: the node of a pod, the count of a workload, the tokens of an account.

Whoever may pass one of them may change nothing else. Each is admitted as what is sent, a Binding, a Scale, a TokenRequest, and what
becomes of the object is stored as any other change is (P-B-1, P-S-1).
"""

from dataclasses import replace
from typing import Any

from aiohttp import web

from seatrial_reference.apiserver import body, discovery, patching, selectors, status, strategy, validation
from seatrial_reference.apiserver.core import Request
from seatrial_reference.apiserver.store import Stored
from seatrial_reference.apiserver.writing import Writing, own
from seatrial_reference.machinery.objects import stamp
from seatrial_schemas.kinds import by_plural

Json = dict[str, Any]


class Subresources(Writing):
    """binding, token, scale."""

    async def bind(self, request: Request) -> web.StreamResponse:
        """POST pods/NAME/binding: the one way in which a pod gets its node, once (P-B-1)."""
        binding = body.decode(await request.body(), request.media, group_version_kind=("", "v1", "Binding"))
        body.placed(binding, request.asked, request.kind)
        request = request if request.asked.subresource else self.to_pod(request, binding)
        binding = own(await self.mutate(self.review(request, "CREATE", binding, None)))
        target = binding.get("target") or {}
        if target.get("kind") not in (None, "", "Node") or not target.get("name"):
            causes = [("target.name", 'Required value: the name of a "Node"')]
            raise status.invalid(request.kind, request.asked.name, causes)
        await self.validate(self.review(request, "CREATE", binding, None))

        async def make(old: Stored) -> Json:
            return self.bound(request, old.copy(), binding, str(target["name"]))

        found, confirmed = await self.believed(request)
        await self.change(request, found, confirmed, make)
        return await self.answer(request, status.success({}, code=201) | {"details": None}, code=201)

    def to_pod(self, request: Request, binding: Json) -> Request:
        """POST bindings, the old way: the body names the pod."""
        name = str(binding["metadata"].get("name") or "")
        if not name:
            raise status.invalid(request.kind, name, [("metadata.name", "Required value: the pod's")])
        return replace(request, asked=replace(request.asked, kind=by_plural("pods"), name=name, subresource="binding"))

    def bound(self, request: Request, pod: Json, binding: Json, node: str) -> Json:
        """The pod on its node: nodeName and the condition PodScheduled in one write (P-B-2, P-B-3)."""
        kind, name = request.kind, request.asked.name
        strategy.check_preconditions(kind, pod, {"preconditions": binding["metadata"]})
        if pod["metadata"].get("deletionTimestamp"):
            raise status.conflict(kind, name, f"pod {name} is being deleted, cannot be assigned to a host")
        if pod["spec"].get("nodeName"):
            raise status.conflict(kind, name, f'pod {name} is already assigned to node "{pod["spec"]["nodeName"]}"')
        if pod["spec"].get("schedulingGates"):
            raise status.conflict(kind, name, f"pod {name} has non-empty .spec.schedulingGates")
        pod["spec"]["nodeName"] = node
        annotations = binding["metadata"].get("annotations")
        if annotations:
            pod["metadata"]["annotations"] = (pod["metadata"].get("annotations") or {}) | annotations
        others = [each for each in pod["status"].get("conditions") or () if each.get("type") != "PodScheduled"]
        scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": self.stamp()}
        pod["status"]["conditions"] = [*others, scheduled]
        return pod

    async def issue_token(self, request: Request) -> web.StreamResponse:
        """POST serviceaccounts/NAME/token: a token for the account, which is not stored."""
        wanted = body.decode(await request.body(), request.media, group_version_kind=discovery.subresource_kind(request.kind, "token"))
        body.placed(wanted, request.asked, request.kind)
        account = await self.read(request)
        if account is None or self.parts.accounts is None:
            raise status.not_found(request.kind, request.asked.name)
        review = self.review(request, "CREATE", wanted, None)
        admitted = own(await self.mutate(review))
        await self.validate(replace(review, object=admitted))
        issued = await self.parts.accounts.issue(account.object, admitted.get("spec") or {})
        return await self.answer(request, admitted | {"status": issued}, code=201)

    def stamp(self) -> str:
        return stamp(self.context.wall_s())

    async def get_scale(self, request: Request) -> web.StreamResponse:
        found = await self.read(request)
        if found is None:
            raise status.not_found(request.kind, request.asked.name)
        return await self.answer(request, scale_of(found.object))

    async def set_scale(self, request: Request) -> web.StreamResponse:
        """PUT or PATCH of the count alone."""
        media, sent = await self._scale_sent(request)

        async def make(old: Stored) -> Json | None:
            scale = patching.apply(media, scale_of(old.object), sent) if media else sent
            body.check(scale)
            wanted = scale["metadata"].get("resourceVersion")
            if wanted and wanted != str(old.revision):
                raise status.conflict(request.kind, request.asked.name)
            return await self._scaled(request, old, scale)

        found, confirmed = await self.believed(request)
        done = await self.change(request, found, confirmed, make)
        return await self.answer(request, scale_of(done.object))

    async def _scale_sent(self, request: Request) -> tuple[str, Any]:
        """A patch and its media type, or a Scale."""
        if request.asked.verb == "patch":
            return await self.patch_of(request)
        group_version_kind = discovery.subresource_kind(request.kind, "scale")
        sent = body.decode(await request.body(), request.media, group_version_kind=group_version_kind)
        return "", body.placed(sent, request.asked, request.kind)

    async def _scaled(self, request: Request, old: Stored, scale: Json) -> Json:
        review = self.review(request, "UPDATE", scale, scale_of(old.object))
        admitted = own(await self.mutate(review))
        new = old.copy()
        new["spec"]["replicas"] = (admitted.get("spec") or {}).get("replicas", 0)
        strategy.before_update(request.kind, "", old.object, new)
        validation.validate(request.kind, new)
        await self.validate(replace(review, object=admitted))
        return new


def scale_of(obj: Json) -> Json:
    """An object's Scale: its count, asked for and there, and whom it counts."""
    fields = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    metadata = {field: obj["metadata"][field] for field in fields if field in obj["metadata"]}
    selector = obj["spec"].get("selector") or {}
    chosen = selector if "matchLabels" in selector or "matchExpressions" in selector else {"matchLabels": selector}
    have = {"replicas": (obj.get("status") or {}).get("replicas", 0), "selector": selectors.as_text(chosen)}
    spec = {"replicas": obj["spec"].get("replicas", 1)}
    return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": have}
