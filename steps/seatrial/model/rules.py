"""A rule as the features state it, and the words that its tags may use.

Tags are the contract between feature files and everything else: selection, blame, reports, the ledger. The lints hold them to this file.
"""

from collections.abc import Iterable
from dataclasses import dataclass

AREAS = (
    "communication",
    "requests",
    "api",
    "store",
    "watching",
    "scheduling",
    "controllers",
    "nodes",
    "services",
    "availability",
    "recovery",
    "addons",
)
PROFILES = ("api", "communication", "store-layout", "scheduling", "controllers", "nodes", "availability", "observable")
NEEDS = {
    "requests": "the requests of components are seen, by the tap or in the API server's audit log",
    "store": "the operator can watch the store",
    "authentication": "the API server asks the suite who somebody is",
    "authorization": "the API server asks the suite what somebody may do",
    "admission": "the API server asks the suite about what is written",
    "runtime": "nodes run on the suite's container runtime",
    "hold": "the tap can hold requests, answers and streams",
    "kill": "instances can be killed and started again",
    "pause": "instances can be paused",
    "cut": "edges between hosts can be cut",
    "replicas": "a role can have several instances",
    "tls": "certificates are verified by real handshakes",
    "certificates": "people can show client certificates",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One MUST or SHOULD sentence with a permanent id."""

    id: str
    sentence: str
    must: bool
    roles: tuple[str, ...]
    profiles: tuple[str, ...]
    area: str
    feature: str  # path below features/
    title: str  # of the feature
    description: str
    needs: tuple[str, ...] = ()
    extended: str | None = None
    smoke: bool = False  # one of the few that a quick look is content with
    scenarios: tuple[str, ...] = ()


def values(tags: Iterable[str], name: str) -> tuple[str, ...]:
    """The values of all tags `name:value`."""
    return tuple(t.partition(":")[2] for t in sorted(tags) if t.partition(":")[0] == name)
