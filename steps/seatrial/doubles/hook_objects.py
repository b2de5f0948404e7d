"""The objects that point an API server at the webhooks double."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Json = dict[str, Any]
_GROUP_VERSION = "admissionregistration.k8s.io/v1"
NOD = "/nod"
SYSTEM = "kube-system"  # components write there all the time; it is only about what people make
_TIMEOUT_S = 30  # the most that Kubernetes allows
_NAMESPACE_LABEL = "kubernetes.io/metadata.name"  # the API server sets it on every namespace


def mutating_webhook(name: str, *, url: str, ca: Path, namespace: str, beyond: Mapping[str, str]) -> Json:
    """A MutatingWebhookConfiguration for everything in `namespace`; subresources included. `beyond`: labels of what lies in no namespace,
    or in that of the system, and is seen, too."""
    return _configuration(
        "MutatingWebhookConfiguration", name, _webhooks(url, "/mutate", name=name, ca=ca, namespace=namespace, beyond=beyond)
    )


def validating_webhook(name: str, *, url: str, ca: Path, namespace: str, beyond: Mapping[str, str]) -> Json:
    """A ValidatingWebhookConfiguration of the same reach."""
    return _configuration(
        "ValidatingWebhookConfiguration", name, _webhooks(url, "/validate", name=name, ca=ca, namespace=namespace, beyond=beyond)
    )


def _configuration(kind: str, name: str, webhooks: Sequence[Json]) -> Json:
    return {"apiVersion": _GROUP_VERSION, "kind": kind, "metadata": {"name": name}, "webhooks": list(webhooks)}


def _webhooks(url: str, path: str, *, name: str, ca: Path, namespace: str, beyond: Mapping[str, str]) -> Sequence[Json]:
    """One for the namespace, one for what lies in none, one for the system's namespace, and two that nod at labelled pods, before and
    after it: whoever listens to the first alone, to the last alone, or to the majority does not hear what it says."""
    own = _webhook(name, f"{url}{path}", ca, namespace)
    [rule], labelled = own["rules"], {"objectSelector": {"matchLabels": dict(beyond)}}
    outside = {"name": f"{name}-beyond.seatrial.example", "rules": [{**rule, "scope": "Cluster"}], "namespaceSelector": {}}
    nods = {**_webhook(name, f"{url}{NOD}", ca, namespace), **labelled, "rules": [{**rule, "resources": ["pods"]}]}
    system = {**_webhook(name, f"{url}{path}", ca, SYSTEM), **labelled, "name": f"{name}-system.seatrial.example"}
    before, after = ({**nods, "name": f"{name}-{when}.seatrial.example"} for when in ("before", "after"))
    return [{**own, **outside, **labelled}, system, before, own, after]


def _webhook(name: str, url: str, ca: Path, namespace: str) -> Json:
    rule = {
        "apiGroups": ["*"],
        "apiVersions": ["*"],
        "operations": ["*"],
        "resources": ["*/*"],
        "scope": "Namespaced",  # a namespace selector does not keep out what has no namespace
    }
    return {
        "name": f"{name}.seatrial.example",
        "admissionReviewVersions": ["v1"],
        "clientConfig": {"url": url, "caBundle": _bundle(ca)},
        "rules": [rule],
        "namespaceSelector": {"matchLabels": {_NAMESPACE_LABEL: namespace}},
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "sideEffects": "None",
        "timeoutSeconds": _TIMEOUT_S,
    }


def _bundle(ca: Path) -> str:
    return base64.b64encode(ca.read_bytes()).decode()
