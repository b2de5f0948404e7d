"""Objects as people write them: the least that is a valid one of its kind, and the names that sentences use for kinds."""

from collections.abc import Mapping
from typing import Any

from seatrial.doubles.runtime import INIT
from seatrial_schemas.kinds import Kind, by_plural, table

Json = dict[str, Any]
IMAGE = "registry.example/ship:1"
OTHER_IMAGE = "registry.example/ship:2"
GATE = "seatrial.example/gate"
MARK = "tide", "high"  # a label or an annotation that somebody gives to what is there
MADE_HERE = "made-by", "seatrial"  # a label of everything that people make
SAYING = '"Böen <9>", sagt Ægir & 潮:\n\tja \\ no \U0001f30a'
DETAILS = {"nothing": "", "log.txt": SAYING, "yes": "true", "no": "~", "port": "007", "dos": "a\r\nb\r"}  # easily lost
BYTES = {"chart.bin": "AP9zYWls/w=="}  # that are no text
FOG = {"key": "seatrial.example/fog", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 2**53 + 1}  # which no float is


def kind_of(word: str) -> Kind:
    """The kind that a sentence means: `pod`, `pods`, `controller manager` style words are not kinds. Raises KeyError."""
    for kind in table():
        if word in (kind.plural, kind.kind.lower()):
            return kind
    return by_plural(word)


def pod_spec(
    *,
    containers: int = 1,
    inits: int = 0,
    node: str = "",
    wish: str = "",
    labelled: bool = False,
    cpu: str | None = None,
    finite: bool = False,
    dogged: bool = False,
    told: bool = False,
    gated: bool = False,
) -> Json:
    """One container or more, which asks for so much CPU each. `inits`: so many go before, one after the other. `node`: where it is, of its
    own choice, or, by a `wish`, where it would be; or on a `labelled` one. `finite`: what has ended is not started again; `dogged`: only
    what has failed is. `told`: what to run, each something else, all but the first from another image, and how long to bear what no node
    has. `gated`: nobody is to look for a node before the gate is taken away."""
    names = ("main", *(f"side-{number}" for number in range(1, containers)))
    asks = {"resources": {"requests": {"cpu": cpu}}} if cpu else {}
    orders = _orders if told else _none
    mains = [{"name": name, "image": IMAGE} | asks | orders(name) for name in names]
    before = [{"name": name, "image": IMAGE} | orders(name) for name in (f"{INIT}{number or ''}" for number in range(inits))]
    spec: Json = {"containers": mains, "terminationGracePeriodSeconds": 1}
    spec |= {"nodeName": node} if node else {}
    spec |= {"nodeSelector": {"kubernetes.io/hostname": wish}} if wish else {"nodeSelector": dict([MARK])} if labelled else {}
    spec |= {"initContainers": before} if before else {}
    spec |= {"schedulingGates": [{"name": GATE}]} if gated else {}
    spec |= {"tolerations": [FOG]} if told else {}
    return spec | ({"restartPolicy": "Never"} if finite else {"restartPolicy": "OnFailure"} if dogged else {})


def _orders(name: str) -> Json:
    env = [{"name": "TIDE", "value": "high"}, {"name": "SHIP", "value": name}]
    image = {} if name == "main" else {"image": OTHER_IMAGE}
    command, args = ["/bin/sail", "--as", name], ["--to", "the harbour", "", "--to", "the quay"]
    return image | {"command": command, "args": args, "env": env, "workingDir": f"/decks/{name}"}


def _none(_: str) -> Json:
    return {}


def _template(name: str) -> Json:
    return {"metadata": {"labels": {"app": name}}, "spec": pod_spec()}


def _finite() -> Json:
    return {"spec": pod_spec(finite=True)}


def _role(name: str) -> Json:
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}


def _workload(name: str, replicas: int, *, of: str = "", loosely: bool = False) -> Json:
    """`of`: it chooses, and makes, the pods of another one. `loosely`: by an expression."""
    chosen = of or name
    expression = {"matchExpressions": [{"key": "app", "operator": "In", "values": [chosen, f"{chosen}-too"]}]}
    selector = expression if loosely else {"matchLabels": {"app": chosen}}
    return {"replicas": replicas, "selector": selector, "template": _template(chosen)}


def label(name: str) -> str:
    """As much of a name as a label's value may hold."""
    return name[:63].rstrip("-.").replace(":", ".")


def manifest(
    kind: Kind,
    name: str,
    *,
    namespace: str,
    replicas: int = 1,
    content: str = "calm",
    prefix: str = "",
    selects: Mapping[str, Any] | None = None,
    **pod: Any,
) -> Json:
    """A valid object of the kind. `content` tells two objects of one name apart; a `prefix` is for those that have no name; how a workload
    `selects` is as `_workload` has it, and what else is asked of a pod as `pod_spec`."""
    labels = {"app": label(name)} | dict([MADE_HERE])
    metadata: Json = {"name": name, "labels": labels, "annotations": {"seatrial/content": content}}
    if kind.namespaced:
        metadata["namespace"] = namespace
    metadata |= {"generateName": prefix} if prefix else {}
    if kind.kind == "Event":
        return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata} | _tidings(name, namespace)
    workload = _workload(name, replicas, **(selects or {}))
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata} | _body(kind, name, workload, pod_spec(**pod), content)


def _tidings(name: str, namespace: str) -> Json:
    return {"involvedObject": {"kind": "Pod", "namespace": namespace, "name": name}, "reason": "Tide", "message": "rises", "type": "Normal"}


def _body(kind: Kind, name: str, workload: Json, pod: Json, content: str) -> Json:
    bodies: dict[str, Json] = {
        "Pod": {"spec": pod},
        "Deployment": {"spec": workload},
        "ReplicaSet": {"spec": workload},
        "ReplicationController": {"spec": {"replicas": 0, "selector": {"app": name}, "template": _template(name)}},
        "ConfigMap": {"data": {"weather": content, **DETAILS}, "binaryData": BYTES},
        "Secret": {"type": "Opaque", "stringData": {"weather": content, **DETAILS}},
        "Service": {"spec": {"clusterIP": "None", "selector": {"app": name}, "ports": [{"port": 80}]}},
        "Lease": {"spec": {"holderIdentity": name, "leaseDurationSeconds": 15}},
        "Ingress": {"spec": {"defaultBackend": {"service": {"name": name, "port": {"number": 80}}}}},
        "PersistentVolumeClaim": {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
        "StatefulSet": {"spec": workload | {"serviceName": name}},
        "DaemonSet": {"spec": {k: workload[k] for k in ("selector", "template")}},
        "Job": {"spec": {"suspend": True, "template": _finite()}},
        "CronJob": {"spec": {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": {"template": _finite()}}}},
        "PodTemplate": {"template": _template(name)},
        "LimitRange": {"spec": {"limits": []}},
        "NetworkPolicy": {"spec": {"podSelector": {"matchLabels": {"app": name}}}},
        "PodDisruptionBudget": {"spec": {"selector": {"matchLabels": {"app": name}}}},
        "EndpointSlice": {"addressType": "IPv4", "endpoints": []},
        "Role": {"rules": []},
        "ClusterRole": {"rules": []},
        "RoleBinding": {"roleRef": _role(name)},
        "ClusterRoleBinding": {"roleRef": _role(name)},
        "StorageClass": {"provisioner": "seatrial.example/none"},
        "PriorityClass": {"value": 1},
        "PersistentVolume": {
            "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/nowhere"}},
        },
    }
    return bodies.get(kind.kind, {})


def changed(weather: str) -> Json:
    """A merge patch that changes any object without consequences for others."""
    return {"metadata": {"annotations": {"seatrial/content": weather}}}


CREATABLE = (
    "configmaps",
    "secrets",
    "services",
    "endpoints",
    "serviceaccounts",
    "replicationcontrollers",
    "pods",
    "deployments",
    "replicasets",
    "leases",
    "ingresses",
    "persistentvolumeclaims",
    "limitranges",
    "resourcequotas",
    "podtemplates",
    "statefulsets",
    "jobs",
    "cronjobs",
    "networkpolicies",
    "poddisruptionbudgets",
    "endpointslices",
    "roles",
    "rolebindings",
    "nodes",
    "namespaces",
    "persistentvolumes",
    "storageclasses",
    "priorityclasses",
    "clusterroles",
    "clusterrolebindings",
)
