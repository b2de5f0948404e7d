"""Who may do what before anybody has said so: the bootstrap policy, as a table.

A line is: subject, API group, resources, verbs. `rw` stands for all verbs, `ro` for reading. It follows upstream's bootstrap roles, with
one difference: the controller manager, as one user or under the service account of each controller (KCM-22), has what upstream's many
controllers have together.
Nobody but a scheduler may bind (upstream: system:kube-scheduler).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

RO = ("get", "list", "watch")
RW = (*RO, "create", "update", "patch", "delete", "deletecollection")
_VERBS = {"ro": RO, "rw": RW}

_LINES = """
system:kube-scheduler           -                          events                                       create patch update
system:kube-scheduler           events.k8s.io              events                                       create patch update
system:kube-scheduler           coordination.k8s.io        leases                                       create get list watch update patch
system:kube-scheduler           -                          nodes,services,namespaces,replicationcontrollers,persistentvolumes ro
system:kube-scheduler           -                          configmaps                                   ro
system:kube-scheduler           -                          pods                                         get list watch delete
system:kube-scheduler           -                          pods/binding,bindings                        create
system:kube-scheduler           -                          pods/status                                  patch update
system:kube-scheduler           -                          persistentvolumeclaims                       get list watch patch update
system:kube-scheduler           apps                       replicasets,statefulsets                     ro
system:kube-scheduler           policy                     poddisruptionbudgets                         ro
system:kube-scheduler           storage.k8s.io             *                                            ro
system:kube-scheduler           resource.k8s.io            *                                            get list watch patch update
system:kube-scheduler           authentication.k8s.io      tokenreviews                                 create
system:kube-scheduler           authorization.k8s.io       subjectaccessreviews                         create

system:kube-controller-manager  *                          *                                  ro update patch delete deletecollection
system:kube-controller-manager  -                          events,endpoints,serviceaccounts,serviceaccounts/token,secrets,configmaps create
system:kube-controller-manager  -                          pods,persistentvolumes,persistentvolumeclaims,replicationcontrollers create
system:kube-controller-manager  apps                       *                                            create
system:kube-controller-manager  batch                      *                                            create
system:kube-controller-manager  discovery.k8s.io           endpointslices                               create
system:kube-controller-manager  coordination.k8s.io        leases                                       create
system:kube-controller-manager  events.k8s.io              events                                       create
system:kube-controller-manager  networking.k8s.io          ipaddresses,servicecidrs                     create
system:kube-controller-manager  resource.k8s.io            resourceclaims                               create
system:kube-controller-manager  certificates.k8s.io        clustertrustbundles                          create
system:kube-controller-manager  storage.k8s.io             volumeattachments                            create
system:kube-controller-manager  authentication.k8s.io      tokenreviews                                 create
system:kube-controller-manager  authorization.k8s.io       subjectaccessreviews                         create

system:nodes                    -                          nodes                                        get list watch create patch update
system:nodes                    -                          nodes/status                                 patch update
system:nodes                    -                          pods                                         get list watch create delete
system:nodes                    -                          pods/status                                  patch update
system:nodes                    -                          services,configmaps,secrets,persistentvolumeclaims,persistentvolumes ro
system:nodes                    -                          serviceaccounts/token                        create
system:nodes                    -                          events                                       create patch update
system:nodes                    events.k8s.io              events                                       create patch update
system:nodes                    coordination.k8s.io        leases                                       get create update patch delete
system:nodes                    storage.k8s.io             csinodes                                     get create update patch delete
system:nodes                    storage.k8s.io             csidrivers,volumeattachments                 ro
system:nodes                    node.k8s.io                runtimeclasses                               ro
system:nodes                    certificates.k8s.io        clustertrustbundles                          ro
system:nodes                    certificates.k8s.io        podcertificaterequests                       get list watch create
system:nodes                    certificates.k8s.io        certificatesigningrequests                   get list watch create
system:nodes                    resource.k8s.io            *                                            rw
system:nodes                    authentication.k8s.io      tokenreviews                                 create
system:nodes                    authorization.k8s.io       subjectaccessreviews                         create

system:kube-proxy               -                          nodes,services,endpoints                     ro
system:kube-proxy               discovery.k8s.io           endpointslices                               ro
system:kube-proxy               networking.k8s.io          servicecidrs                                 ro
system:kube-proxy               -                          events                                       create patch update
system:kube-proxy               events.k8s.io              events                                       create patch update

system:authenticated            authorization.k8s.io       selfsubjectaccessreviews,selfsubjectrulesreviews create
system:authenticated            authentication.k8s.io      selfsubjectreviews                           create
"""

MANAGER = "system:kube-controller-manager"
CONTROLLERS = (  # with service accounts of their own in kube-system, as upstream calls them
    *("attachdetach-controller", "certificate-controller", "clusterrole-aggregation-controller", "cronjob-controller"),
    *("daemon-set-controller", "deployment-controller", "disruption-controller", "endpoint-controller", "endpointslice-controller"),
    *("endpointslicemirroring-controller", "ephemeral-volume-controller", "expand-controller", "generic-garbage-collector"),
    *("horizontal-pod-autoscaler", "job-controller", "namespace-controller", "node-controller", "persistent-volume-binder"),
    *("pod-garbage-collector", "pv-protection-controller", "pvc-protection-controller", "replicaset-controller"),
    *("replication-controller", "resourcequota-controller", "root-ca-cert-publisher", "service-account-controller"),
    *("service-cidrs-controller", "statefulset-controller", "ttl-after-finished-controller", "ttl-controller"),
)

PUBLIC_PATHS = ("/healthz", "/livez", "/readyz", "/version")  # open to everybody, the paths below them too
DISCOVERY_PATHS = ("/api", "/apis", "/openapi")  # open to whoever has an identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """These verbs, on these resources (`*`, `pods`, `pods/status`, `*/scale`), of these groups, perhaps of these names only."""

    groups: Sequence[str]
    resources: Sequence[str]
    verbs: Sequence[str]
    names: Sequence[str] = ()

    def allows(self, *, verb: str, group: str, resource: str, subresource: str, name: str) -> bool:
        full = f"{resource}/{subresource}" if subresource else resource
        return (
            ("*" in self.verbs or verb in self.verbs)
            and ("*" in self.groups or group in self.groups)
            and ("*" in self.resources or full in self.resources or (bool(subresource) and f"*/{subresource}" in self.resources))
            and (not self.names or name in self.names)
        )


@cache
def bootstrap() -> Mapping[str, Sequence[Rule]]:
    """The rules of each subject, be it a user or a group."""
    rules: dict[str, list[Rule]] = {}
    for line in filter(None, _LINES.splitlines()):
        subject, group, resources, *verbs = line.split()
        expanded = [each for verb in verbs for each in _VERBS.get(verb, (verb,))]
        rule = Rule(groups=("" if group == "-" else group,), resources=resources.split(","), verbs=expanded)
        rules.setdefault(subject, []).append(rule)
    return rules | {f"system:serviceaccount:kube-system:{name}": rules[MANAGER] for name in CONTROLLERS}
