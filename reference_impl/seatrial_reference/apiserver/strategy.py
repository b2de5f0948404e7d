"""The life of an object between request and store: which fields belong to whom, per kind and subresource.

Clients own the desired state, `status` belongs to whoever writes the status subresource, and some metadata only to the server: uid,
creationTimestamp, generation, deletionTimestamp. A write to one part cannot touch another (P-S-1, P-ID-2, P-G-1). Deleting is a
transition too: at once, or by marking the object and letting others finish (P-F-1, P-F-4).
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from seatrial_reference.apiserver import status
from seatrial_reference.machinery.objects import epoch_s, finished, node_name, stamp
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import Kind

Json = dict[str, Any]

_NO_GENERATION = frozenset(
    {"Namespace", "Node", "Service", "PersistentVolume", "PersistentVolumeClaim", "Lease", "CSINode", "CSIDriver", "StorageClass"}
)
_STATUS_ON_CREATE: Mapping[str, Json] = {
    "Pod": {"phase": "Pending"},
    "Namespace": {"phase": "Active"},
    "ReplicaSet": {"replicas": 0},
    "ReplicationController": {"replicas": 0},
    "PersistentVolume": {"phase": "Pending"},
    "PersistentVolumeClaim": {"phase": "Pending"},
    "Service": {"loadBalancer": {}},
    "Ingress": {"loadBalancer": {}},
}
_CREATE_ON_UPDATE = frozenset(
    {"Service", "Endpoints", "Event", "Lease", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "LimitRange", "RuntimeClass"}
)
_CONDITIONAL_ONLY = frozenset({"Lease", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"})
_RETURNS_DELETED = frozenset({"Pod", "Service", "ServiceAccount", "PersistentVolume", "PersistentVolumeClaim", "Namespace"})
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
MAX_PREFIX = 58


def creates_on_update(kind: Kind) -> bool:
    """May a PUT bring it to life?"""
    return kind.kind in _CREATE_ON_UPDATE


def needs_revision(kind: Kind) -> bool:
    """Must a PUT say what it replaces?"""
    return kind.kind in _CONDITIONAL_ONLY


def returns_deleted(kind: Kind) -> bool:
    """Is the answer to a deletion the object, or only a Status?"""
    return kind.kind in _RETURNS_DELETED


def has_status(kind: Kind) -> bool:
    return "status" in kind.subresources


def generated_name(prefix: str, context: Context) -> str:
    return prefix[:MAX_PREFIX] + "".join(context.random.choice(_SUFFIX) for _ in range(5))


def before_create(kind: Kind, obj: Json, context: Context) -> None:
    """Fields that nobody but the server sets on a new object."""
    metadata = obj["metadata"]
    for field in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "managedFields", "resourceVersion"):
        metadata.pop(field, None)
    metadata["uid"] = next(context.ids)
    metadata["creationTimestamp"] = stamp(context.wall_s())
    metadata.pop("generation", None)
    if _counts_generations(kind, obj):
        metadata["generation"] = 1
    if has_status(kind) and kind.kind != "Node":
        obj["status"] = dict(_STATUS_ON_CREATE.get(kind.kind, {}))
    if kind.kind == "Pod":
        obj["status"]["qosClass"] = quality(obj["spec"])
    if kind.kind == "Namespace":
        spec = obj.get("spec") or {}
        obj["spec"] = spec | {"finalizers": list(dict.fromkeys(["kubernetes", *(spec.get("finalizers") or ())]))}
    if kind.kind == "Secret":
        _merge_string_data(obj)
    if kind.kind == "Service":
        _give_address(obj["spec"], context)
    if kind.kind == "Job" and not obj["spec"].get("manualSelector"):
        _own_pods(obj)


def _own_pods(job: Json) -> None:
    """A job counts the pods that bear its uid: one that is made anew under the name starts from nothing."""
    name, uid = job["metadata"]["name"], job["metadata"]["uid"]
    whose = {"batch.kubernetes.io/job-name": name, "batch.kubernetes.io/controller-uid": uid, "job-name": name, "controller-uid": uid}
    metadata = job["spec"]["template"]["metadata"]
    metadata["labels"] = (metadata.get("labels") or {}) | whose
    job["spec"]["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}


def _give_address(spec: Json, context: Context) -> None:
    """One of a million addresses, by chance: two services of one address are improbable, not impossible."""
    if spec["type"] != "ExternalName" and not spec.get("clusterIP"):
        number = context.random.randrange(1, 1 << 20)
        spec["clusterIP"] = f"10.{96 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"
    if spec.get("clusterIP"):
        spec.setdefault("clusterIPs", [spec["clusterIP"]])


def _merge_string_data(obj: Json) -> None:
    plain = obj.pop("stringData", None) or {}
    if plain:
        obj["data"] = (obj.get("data") or {}) | {key: b64encode((value or "").encode()).decode() for key, value in plain.items()}


def quality(spec: Json) -> str:
    """Guaranteed, Burstable or BestEffort: how the node treats the pod when memory runs out."""
    resources = [container.get("resources") or {} for container in spec.get("containers") or ()]
    if not any(each.get("requests") or each.get("limits") for each in resources):
        return "BestEffort"
    whole = all({"cpu", "memory"} <= set(each.get("limits") or ()) and (each.get("requests") or {}) == each["limits"] for each in resources)
    return "Guaranteed" if whole else "Burstable"


def _counts_generations(kind: Kind, obj: Json) -> bool:
    webhooks = kind.kind.endswith("WebhookConfiguration")
    return (webhooks or "spec" in obj) and kind.kind not in _NO_GENERATION


def before_update(kind: Kind, subresource: str, old: Json, obj: Json) -> None:
    """Give every part that this write does not own back its old value, and count the generation. Raises 409 for another's uid."""
    new, was = obj["metadata"], old["metadata"]
    if new.get("uid") and new["uid"] != was["uid"]:
        message = f"Precondition failed: UID in precondition: {new['uid']}, UID in object meta: {was['uid']}"
        raise status.conflict(kind, was["name"], message)
    if subresource == "status":
        _keep_all_but_status(kind, old, obj)
    elif subresource == "finalize":
        finalizers = (obj.get("spec") or {}).get("finalizers")
        obj.clear()
        obj.update(old | {"spec": (old.get("spec") or {}) | {"finalizers": finalizers or []}})
    elif has_status(kind):
        _keep(old, obj, "status")
    if kind.kind == "Service" and old["spec"].get("clusterIP") and not (obj.get("spec") or {}).get("clusterIP"):
        obj["spec"] |= {field: old["spec"][field] for field in ("clusterIP", "clusterIPs") if field in old["spec"]}
    if kind.kind == "Namespace" and subresource == "":
        _keep(old, obj, "spec")
    _keep_server_fields(was, obj["metadata"])
    if kind.kind == "Secret":
        _merge_string_data(obj)
    if _counts_generations(kind, obj):
        changed = _desired(kind, old) != _desired(kind, obj)
        obj["metadata"]["generation"] = was.get("generation", 1) + changed


def _keep(old: Json, obj: Json, field: str) -> None:
    if field in old:
        obj[field] = old[field]
    else:
        obj.pop(field, None)


def _keep_all_but_status(kind: Kind, old: Json, obj: Json) -> None:
    written, metadata = obj.get("status"), obj["metadata"]
    kept = dict(old["metadata"])
    if kind.kind in ("Pod", "Node"):
        kept |= {field: metadata[field] for field in ("labels", "annotations") if field in metadata}
    obj.clear()
    obj.update(old | {"metadata": kept, "status": {} if written is None else written})


def _keep_server_fields(was: Json, new: Json) -> None:
    new.pop("managedFields", None)
    new.pop("selfLink", None)
    for field in ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "generateName"):
        _keep(was, new, field)


def _desired(kind: Kind, obj: Json) -> Any:
    """Everything that counts as desired state."""
    desired = {key: value for key, value in obj.items() if key not in ("metadata", "status", "kind", "apiVersion")}
    if kind.kind == "Deployment":
        desired["annotations"] = obj["metadata"].get("annotations")
    return desired


# what may not change


def check_update(kind: Kind, old: Json, obj: Json) -> None:
    """Raises 422 for a change of what is immutable."""
    causes = [*_metadata_changes(old["metadata"], obj["metadata"]), *_IMMUTABLE.get(kind.kind, _free)(old, obj)]
    if causes:
        raise status.invalid(kind, old["metadata"]["name"], causes)


def _free(_: Json, __: Json) -> Iterator[tuple[str, str]]:
    yield from ()


def _metadata_changes(old: Json, new: Json) -> Iterator[tuple[str, str]]:
    if old.get("deletionTimestamp"):
        added = [each for each in new.get("finalizers") or () if each not in (old.get("finalizers") or ())]
        if added:
            yield "metadata.finalizers", f"Forbidden: no new finalizers can be added if the object is being deleted, found {added}"


def _selector(old: Json, new: Json) -> Iterator[tuple[str, str]]:
    if old["spec"].get("selector") != new["spec"].get("selector"):
        yield "spec.selector", "Invalid value: field is immutable"


def _role_reference(old: Json, new: Json) -> Iterator[tuple[str, str]]:
    if old.get("roleRef") != new.get("roleRef"):
        yield "roleRef", "Invalid value: cannot change roleRef"


def _content(old: Json, new: Json) -> Iterator[tuple[str, str]]:
    if old.get("immutable") and any(old.get(field) != new.get(field) for field in ("data", "binaryData", "immutable")):
        yield "data", "Forbidden: field is immutable when `immutable` is set"


def _secret(old: Json, new: Json) -> Iterator[tuple[str, str]]:
    yield from _content(old, new)
    if old.get("type") != new.get("type"):
        yield "type", "Invalid value: field is immutable"


def _cluster_ip(old: Json, new: Json) -> Iterator[tuple[str, str]]:
    if old["spec"].get("clusterIP") and new["spec"].get("clusterIP") != old["spec"]["clusterIP"]:
        yield "spec.clusterIPs[0]", "Invalid value: may not change once set"


def _pod(old: Json, new: Json) -> Iterator[tuple[str, str]]:
    """Of a pod's spec only images, the deadline (downwards), tolerations (more) and scheduling gates (fewer) may change."""
    was, now = old["spec"], new["spec"]
    if _fixed(was) != _fixed(now):
        yield (
            "spec",
            (
                "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
                "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations)"
            ),
        )
    if any(each not in (now.get("tolerations") or ()) for each in was.get("tolerations") or ()):
        yield "spec.tolerations", "Forbidden: existing toleration can not be modified except its tolerationSeconds"
    if any(each not in (was.get("schedulingGates") or ()) for each in now.get("schedulingGates") or ()):
        yield "spec.schedulingGates", "Forbidden: only deletion is allowed"


def _fixed(spec: Json) -> Json:
    fixed = {k: v for k, v in spec.items() if k not in ("activeDeadlineSeconds", "tolerations", "schedulingGates", "ephemeralContainers")}
    for field in ("containers", "initContainers"):
        if field in fixed:
            fixed[field] = [{k: v for k, v in each.items() if k != "image"} for each in fixed[field] or ()]
    return fixed


_IMMUTABLE: Mapping[str, Callable[[Json, Json], Iterator[tuple[str, str]]]] = {
    "Deployment": _selector,
    "ReplicaSet": _selector,
    "StatefulSet": _selector,
    "DaemonSet": _selector,
    "Job": _selector,
    "ClusterRoleBinding": _role_reference,
    "RoleBinding": _role_reference,
    "ConfigMap": _content,
    "Secret": _secret,
    "Service": _cluster_ip,
    "Pod": _pod,
}


# deleting


def check_preconditions(kind: Kind, old: Json, options: Json) -> None:
    """Raises 409 where the object is not the one that is meant (P-OCC-7)."""
    wanted = options.get("preconditions") or {}
    for field, label in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
        have = old["metadata"].get(field)
        if wanted.get(field) and wanted[field] != have:
            message = f"Precondition failed: {label} in precondition: {wanted[field]}, {label} in object meta: {have}"
            raise status.conflict(kind, old["metadata"]["name"], message)


def grace_s(kind: Kind, old: Json, options: Json) -> int:
    """How long the object may take to go: nothing but a pod on a node has anything to finish."""
    if kind.kind != "Pod" or not node_name(old) or finished(old):
        return 0
    asked = options.get("gracePeriodSeconds")
    if asked is None:
        asked = old["metadata"].get("deletionGracePeriodSeconds", old["spec"].get("terminationGracePeriodSeconds", 30))
    return max(int(asked), 0)


def deleted(kind: Kind, old: Json, options: Json, context: Context) -> Json | None:
    """What a deletion makes of the object: None where it goes at once; the same object where nothing is left to do."""
    finalizers = _finalizers(old["metadata"].get("finalizers") or [], options)
    grace = grace_s(kind, old, options)
    if not finalizers and not grace and not (kind.kind == "Namespace" and (old.get("spec") or {}).get("finalizers")):
        return None
    was = old["metadata"]
    if was.get("deletionTimestamp") and grace >= was.get("deletionGracePeriodSeconds", 0) and finalizers == was.get("finalizers", []):
        return old
    metadata = dict(was)
    metadata |= {"finalizers": finalizers} if finalizers else {}
    due_s = context.wall_s() + grace
    if was.get("deletionTimestamp"):
        due_s = min(due_s, epoch_s(was["deletionTimestamp"]))
    elif "generation" in was:
        metadata["generation"] = was["generation"] + 1
    metadata |= {"deletionTimestamp": stamp(due_s), "deletionGracePeriodSeconds": grace}
    if kind.kind == "Namespace":
        metadata.pop("deletionGracePeriodSeconds")
        return old | {"metadata": metadata, "status": (old.get("status") or {}) | {"phase": "Terminating"}}
    return old | {"metadata": metadata}


def _finalizers(have: list[str], options: Json) -> list[str]:
    """With the ones that a propagation policy asks for: the garbage collector's work before the object may go."""
    policy = options.get("propagationPolicy")
    if policy is None and options.get("orphanDependents") is not None:
        policy = "Orphan" if options["orphanDependents"] else "Background"
    added = {"Foreground": ["foregroundDeletion"], "Orphan": ["orphan"]}.get(str(policy), [])
    if policy is None:
        return list(have)
    return [each for each in have if each not in ("foregroundDeletion", "orphan")] + added


def may_go(obj: Json) -> bool:
    """Is it marked for deletion, and is nobody left who must agree?"""
    metadata = obj["metadata"]
    if not metadata.get("deletionTimestamp") or metadata.get("finalizers") or metadata.get("deletionGracePeriodSeconds"):
        return False
    return not (obj["kind"] == "Namespace" and (obj.get("spec") or {}).get("finalizers"))
