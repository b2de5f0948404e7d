"""What is on trial: its components and how they start, and what it says of itself."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatrial.adapters.document import strings
from seatrial.adapters.values import references
from seatrial.model.limits import Limits

VISITS = ("image", "other-image")  # what stands for the images of the manifests


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """What fills one or several roles, and how it starts."""

    name: str
    roles: tuple[str, ...]
    folder: Path  # of the descriptor that says so
    python: str | None = None
    command: tuple[str, ...] = ()
    endpoint: str = ""  # where it runs already; then nothing is started, and little can be done to it
    args: tuple[str, ...] = ()
    path: tuple[Path, ...] = ()
    ready: Mapping[str, str] = field(default_factory=dict)  # {http|tcp|log: ...} | {lease: ""} | {node: ""} | nothing
    restart_s: float | None = None  # back-off of the suite's restarts; None: it stays dead
    grace_s: float = 10.0
    stop: str = "TERM"
    replicas_max: int = 1
    lease: str | None = None  # namespace/name of its election
    limits: Limits = field(default_factory=Limits)
    virtually: Mapping[str, float] = field(default_factory=dict)  # limits that are others where time is virtual
    files: Mapping[str, str] = field(default_factory=dict)  # templates, by name
    private: tuple[str, ...] = ()
    version: tuple[str, ...] = ()
    versioned: str = ""  # what `version` must say: the metadata.version of the file that says so
    within: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """An expected finding of one rule, recorded with its cause."""

    id: str
    finding: str
    because: str
    versions: str = ""  # of the implementation, which it is confined to
    component: str = ""  # whose it is; where another one takes its place, it is none
    source: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Implementation:
    """What is on trial."""

    name: str
    version: str
    file: Path
    base: str | None
    own: tuple[str, ...]  # roles that the file itself fills, not its base
    components: Mapping[str, Component]
    identity: Mapping[str, Any]
    observe: Mapping[str, Any]
    hooks: Mapping[str, str]
    profiles: tuple[str, ...] | None  # None: all
    claims: frozenset[str]
    settings: Mapping[str, str]  # templates of ${set.NAME}, where the command line says nothing
    deviations: tuple[Deviation, ...]
    reuse: bool = False  # whether a cluster may serve several scenarios, where time is real

    def role(self, role: str) -> Component | None:
        """The component that has the role."""
        return next((c for c in self.components.values() if role in c.roles), None)

    @property
    def guest(self) -> Path | None:
        """The kubeconfig of a whole cluster that exists, in which the suite is a guest: None where the suite starts the components."""
        return Path(self.identity["kubeconfig"]) if "kubeconfig" in self.identity else None

    @property
    def asks_for(self) -> frozenset[str]:
        """The names of all settings that the descriptor makes something of, or a guest's scenarios do."""
        texts = strings([dataclasses.asdict(c) for c in self.components.values()] + [dict(self.identity)])
        asked = {name.removeprefix("set.") for _, text in texts for name in references(text) if name.startswith("set.")}
        return frozenset({*asked, *self.settings, *(VISITS if self.guest else ())})

    @property
    def context(self) -> str:
        """Of the guest's kubeconfig; empty for the current one."""
        return str(self.identity.get("context", ""))

    @property
    def at_endpoint(self) -> bool:
        """Whether the API server runs already, somewhere else, and will go on."""
        server = self.role("apiserver")
        return bool(server and server.endpoint)

    @property
    def requests(self) -> str:
        """How the requests of components are known: by the tap, by the API server's own audit log, or not at all (`none`)."""
        return "audit" if self.audit else str(self.observe["requests"])

    @property
    def audit(self) -> str:
        """The audit log of an API server, as the descriptor names it; empty where there is none."""
        requests = self.observe["requests"]
        return str(requests["audit"]) if isinstance(requests, dict) else ""

    @property
    def simulable(self) -> bool:
        """Whether every component is Python, and no command mints credentials."""
        return "mint" not in self.identity and all(c.python for c in self.components.values() if not c.within)


NOTHING = Implementation(  # what a descriptor is based on that is based on none
    name="",
    version="",
    file=Path(),
    base=None,
    own=(),
    components={},
    identity={"ca": "suite", "clients": "tokens"},
    observe={"requests": "tap", "store": "etcd"},
    hooks={"authentication": "webhook", "authorization": "webhook", "admission": "webhook-objects"},
    profiles=None,
    claims=frozenset(),
    settings={},
    deviations=(),
)
