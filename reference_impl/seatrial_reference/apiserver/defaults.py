"""What an object means where it does not say: defaults, written into the object when it is decoded (REQ-15).

Defaults come before admission, so every hook, the store and all watchers see them. One function per kind; pod templates are defaulted
like pods. Nothing that is there is changed.
"""

from collections.abc import Callable, Mapping
from typing import Any

Json = dict[str, Any]
FILE_MODE = 0o644


def fill(obj: Json, values: Mapping[str, Any]) -> None:
    """Set the fields that are absent or null."""
    for key, value in values.items():
        if obj.get(key) is None:
            obj[key] = value


def child(obj: Json, key: str) -> Json:
    """The object at `key`, made if absent."""
    fill(obj, {key: {}})
    found: Json = obj[key]
    return found


def _items(obj: Json, key: str) -> list[Json]:
    return [item for item in obj.get(key) or () if isinstance(item, dict)]


def _probe(probe: Json) -> None:
    fill(probe, {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3})
    if probe.get("httpGet"):
        fill(probe["httpGet"], {"path": "/", "scheme": "HTTP"})


def _container(container: Json) -> None:
    image = str(container.get("image", ""))
    tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2]
    latest = "@" not in image and tag in ("", "latest")
    fill(
        container,
        {
            "resources": {},
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
            "imagePullPolicy": "Always" if latest else "IfNotPresent",
        },
    )
    for port in _items(container, "ports"):
        fill(port, {"protocol": "TCP"})
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(name):
            _probe(container[name])
    _requests(container["resources"])


def _requests(resources: Json) -> None:
    """Who is limited and asks for nothing, asks for the limit."""
    for name, limit in (resources.get("limits") or {}).items():
        fill(child(resources, "requests"), {name: limit})


def pod_spec(spec: Json) -> None:
    fill(
        spec,
        {
            "restartPolicy": "Always",
            "dnsPolicy": "ClusterFirst",
            "schedulerName": "default-scheduler",
            "terminationGracePeriodSeconds": 30,
            "securityContext": {},
        },
    )
    for container in _items(spec, "containers") + _items(spec, "initContainers"):
        _container(container)
    for constraint in _items(spec, "topologySpreadConstraints"):
        fill(constraint, {"nodeAffinityPolicy": "Honor", "nodeTaintsPolicy": "Ignore"})
    for volume in _items(spec, "volumes"):
        _volume(volume)


def _volume(volume: Json) -> None:
    for name in ("secret", "configMap", "downwardAPI", "projected"):
        if isinstance(volume.get(name), dict):
            fill(volume[name], {"defaultMode": FILE_MODE})
    for source in _items(volume.get("projected") or {}, "sources"):
        if source.get("serviceAccountToken"):
            fill(source["serviceAccountToken"], {"expirationSeconds": 3600})
    if volume.get("hostPath"):
        fill(volume["hostPath"], {"type": ""})


def _pod(obj: Json) -> None:
    pod_spec(child(obj, "spec"))
    fill(obj["spec"], {"enableServiceLinks": True})


def _template(spec: Json) -> None:
    template = child(spec, "template")
    fill(child(template, "metadata"), {"creationTimestamp": None})
    pod_spec(child(template, "spec"))


def _deployment(obj: Json) -> None:
    spec = child(obj, "spec")
    fill(spec, {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600})
    strategy = child(spec, "strategy")
    fill(strategy, {"type": "RollingUpdate"})
    if strategy["type"] == "RollingUpdate":
        fill(child(strategy, "rollingUpdate"), {"maxUnavailable": "25%", "maxSurge": "25%"})
    _template(spec)


def _replica_set(obj: Json) -> None:
    spec = child(obj, "spec")
    fill(spec, {"replicas": 1})
    _template(spec)


def _replication_controller(obj: Json) -> None:
    _replica_set(obj)
    labels = obj["spec"]["template"]["metadata"].get("labels") or {}
    if not obj["spec"].get("selector"):
        obj["spec"]["selector"] = dict(labels)
    fill(child(obj, "metadata"), {"labels": dict(labels)} if labels else {})


def _stateful_set(obj: Json) -> None:
    spec = child(obj, "spec")
    fill(spec, {"replicas": 1, "revisionHistoryLimit": 10, "podManagementPolicy": "OrderedReady", "updateStrategy": {}})
    fill(spec["updateStrategy"], {"type": "RollingUpdate"})
    if spec["updateStrategy"]["type"] == "RollingUpdate":
        fill(child(spec["updateStrategy"], "rollingUpdate"), {"partition": 0})
    fill(child(spec, "persistentVolumeClaimRetentionPolicy"), {"whenDeleted": "Retain", "whenScaled": "Retain"})
    for claim in _items(spec, "volumeClaimTemplates"):
        _volume_claim(claim)
    _template(spec)


def _daemon_set(obj: Json) -> None:
    spec = child(obj, "spec")
    fill(spec, {"revisionHistoryLimit": 10, "updateStrategy": {}})
    fill(spec["updateStrategy"], {"type": "RollingUpdate"})
    if spec["updateStrategy"]["type"] == "RollingUpdate":
        fill(child(spec["updateStrategy"], "rollingUpdate"), {"maxUnavailable": 1, "maxSurge": 0})
    _template(spec)


def _job(obj: Json) -> None:
    spec = child(obj, "spec")
    fill(spec, {"completions": 1} if spec.get("parallelism") is None else {})
    fill(spec, {"parallelism": 1, "backoffLimit": 6, "completionMode": "NonIndexed", "suspend": False, "manualSelector": False})
    fill(spec, {"podReplacementPolicy": "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed"})
    _template(spec)


def _cron_job(obj: Json) -> None:
    spec = child(obj, "spec")
    fill(spec, {"concurrencyPolicy": "Allow", "suspend": False, "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1})
    template = child(spec, "jobTemplate")
    fill(child(template, "metadata"), {"creationTimestamp": None})
    _template(child(template, "spec"))


def _service(obj: Json) -> None:
    spec = child(obj, "spec")
    fill(spec, {"type": "ClusterIP", "sessionAffinity": "None"})
    for port in _items(spec, "ports"):
        fill(port, {"protocol": "TCP"})
        fill(port, {"targetPort": port.get("port")})
    if spec["type"] != "ExternalName":
        fill(spec, {"internalTrafficPolicy": "Cluster", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"})


def _namespace(obj: Json) -> None:
    if obj["metadata"].get("name"):
        child(obj["metadata"], "labels")["kubernetes.io/metadata.name"] = obj["metadata"]["name"]


def _secret(obj: Json) -> None:
    fill(obj, {"type": "Opaque"})


def _webhooks(obj: Json) -> None:
    for hook in _items(obj, "webhooks"):
        fill(hook, {"failurePolicy": "Fail", "matchPolicy": "Equivalent", "timeoutSeconds": 10})
        fill(hook, {"namespaceSelector": {}, "objectSelector": {}})
        for rule in _items(hook, "rules"):
            fill(rule, {"scope": "*"})


def _mutating(obj: Json) -> None:
    _webhooks(obj)
    for hook in _items(obj, "webhooks"):
        fill(hook, {"reinvocationPolicy": "Never"})


def _binding(obj: Json) -> None:
    group = "rbac.authorization.k8s.io"
    for subject in _items(obj, "subjects"):
        fill(subject, {} if subject.get("kind") == "ServiceAccount" else {"apiGroup": group})
    if obj.get("roleRef"):
        fill(obj["roleRef"], {"apiGroup": group})


def _volume_claim(obj: Json) -> None:
    fill(child(obj, "spec"), {"volumeMode": "Filesystem"})


def _persistent_volume(obj: Json) -> None:
    fill(child(obj, "spec"), {"volumeMode": "Filesystem", "persistentVolumeReclaimPolicy": "Retain"})


def _storage_class(obj: Json) -> None:
    fill(obj, {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"})


def _csi_driver(obj: Json) -> None:
    told = {"attachRequired": True, "podInfoOnMount": False, "storageCapacity": False, "requiresRepublish": False, "seLinuxMount": False}
    fill(child(obj, "spec"), told | {"fsGroupPolicy": "ReadWriteOnceWithFSType", "volumeLifecycleModes": ["Persistent"]})


def _autoscaler(obj: Json) -> None:
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}
    fill(child(obj, "spec"), {"minReplicas": 1, "metrics": [{"type": "Resource", "resource": cpu}]})


def _network_policy(obj: Json) -> None:
    spec = child(obj, "spec")
    fill(spec, {"policyTypes": ["Ingress", *(["Egress"] if spec.get("egress") else [])]})
    for rule in _items(spec, "ingress") + _items(spec, "egress"):
        for port in _items(rule, "ports"):
            fill(port, {"protocol": "TCP"})


def _endpoint_slice(obj: Json) -> None:
    for port in _items(obj, "ports"):
        fill(port, {"name": "", "protocol": "TCP"})


def _admission_policy(obj: Json) -> None:
    spec = child(obj, "spec")
    fill(spec, {"failurePolicy": "Fail"})
    fill(child(spec, "matchConstraints"), {"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}})
    for rule in _items(spec["matchConstraints"], "resourceRules"):
        fill(rule, {"scope": "*"})


_BY_KIND: Mapping[str, Callable[[Json], None]] = {
    "Pod": _pod,
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "ReplicationController": _replication_controller,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "CronJob": _cron_job,
    "Service": _service,
    "Namespace": _namespace,
    "Secret": _secret,
    "MutatingWebhookConfiguration": _mutating,
    "ValidatingWebhookConfiguration": _webhooks,
    "ClusterRoleBinding": _binding,
    "RoleBinding": _binding,
    "PersistentVolumeClaim": _volume_claim,
    "PersistentVolume": _persistent_volume,
    "StorageClass": _storage_class,
    "CSIDriver": _csi_driver,
    "HorizontalPodAutoscaler": _autoscaler,
    "NetworkPolicy": _network_policy,
    "EndpointSlice": _endpoint_slice,
    "ValidatingAdmissionPolicy": _admission_policy,
}


def apply(obj: Json) -> None:
    """Fill in the defaults of the object's kind."""
    default = _BY_KIND.get(obj["kind"])
    if default is not None:
        default(obj)
