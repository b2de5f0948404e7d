"""Questions that many checks ask of a history: who is who, which window, what was asked and answered."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seatrial.checks.registry import fault, require
from seatrial.cluster.manners import APP
from seatrial.model.errors import HarnessFault, NotRunnable
from seatrial.model.history import Event, History
from seatrial.model.verdicts import Finding

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
READS = frozenset({"get", "list", "watch"})
OWN = frozenset({"operator", "hooks"})  # hosts of the suite
KEPT = (  # what API servers keep by themselves: the catalogue's NOOP-02
    r"masterleases/|peerserverleases/|ranges/|ipaddresses/|servicecidrs/",
    r"(?:services/specs|services/endpoints|endpointslices)/default/kubernetes$",
    r"namespaces/(?:default|kube-system|kube-public|kube-node-lease)$",
    r"configmaps/kube-system/(?:extension-apiserver-authentication|kube-apiserver-legacy-service-account-token-tracking)$",
    r"apiregistration\.k8s\.io/apiservices/|flowschemas/|prioritylevelconfigurations/|priorityclasses/system-",
    r"(?:cluster)?roles?(?:bindings)?/(?:[^/]+/)?(?:system:|cluster-admin$|admin$|edit$|view$|extension-apiserver-authentication-reader$)",
)
EVENTS = re.compile(r"/[^/]+/events/")
BY_ITSELF = re.compile(rf"/[^/]+/(?:leases/|events/|{'|'.join(KEPT)})")
OF_SERVERS = re.compile(rf"/[^/]+/(?:(?:leases|events)/kube-system/|{'|'.join(KEPT)})")
CREATED = 201  # whatever the verb was: an object that is applied is created where it is not there


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of the one clock that flows, marks and taps share."""

    start_s: float
    end_s: float

    def touches(self, start_s: float, end_s: float) -> bool:
        """Whether an interval has a moment in the window, its ends included."""
        return start_s <= self.end_s and end_s >= self.start_s

    def holds(self, event: Event) -> bool:
        """Whether the event is in the window, its ends included."""
        return self.start_s <= event.at_s <= self.end_s


def window(history: History, since: str | None = None, until: str | None = None) -> Window:
    """From the mark `since` (else the beginning) to the mark `until` (else the end)."""
    return Window(
        start_s=mark(history, since).at_s if since else float("-inf"),
        end_s=mark(history, until).at_s if until else float("inf"),
    )


def server_of(history: History) -> str:
    """The API server; the first, where there are several."""
    return next(iter(instances(history, "apiserver")), "apiserver")


def breach(history: History, expected: str, observed: str, *evidence: Event) -> Finding:
    """A fault of the API server; of the first, where there are several."""
    return fault(server_of(history), expected, observed, *evidence)


def mark(history: History, name: str) -> Event:
    """The last mark of that name."""
    found = history.of("mark", name=name)
    if not found:
        raise HarnessFault(f"no mark {name!r} in the history")
    return found[-1]


def instances(history: History, *roles: str) -> list[str]:
    """Names of all instances that have one of the roles; of all instances without any."""
    found = [e.instance for e in history.of("instance") if not roles or set(roles) & set(e["roles"])]
    return [name for name in dict.fromkeys(found) if name]


def roles_of(history: History, instance: str) -> frozenset[str]:
    """The roles of an instance, or of a host of the suite ("operator", "hooks"); empty for an address of nobody."""
    for event in history.of("instance", instance=instance):
        return frozenset(event["roles"])
    return frozenset({instance}) if instance in OWN else frozenset()


def requests(history: History, by: Iterable[str] | None = None, **match: object) -> list[Event]:
    """Requests that the tap saw, by instance."""
    wanted = None if by is None else set(by)
    return [e for e in history.of("request", **match) if wanted is None or e.instance in wanted]


def succeeded(answer: Event) -> bool:
    """Whether what was asked for was done, by the answer's code."""
    return bool(200 <= answer["code"] < 300)


def answer(history: History, request: Event) -> Event | None:
    """The tap's record of how a request was answered."""
    found = history.of("answer", source=request.source, request=request["request"])
    return found[0] if found else None


def accepted(history: History, by: Iterable[str] | None = None, **match: object) -> list[tuple[Event, Event]]:
    """Requests with their answers, where the answer is a success."""
    good = {(a.source, a["request"]): a for a in reversed(history.of("answer")) if succeeded(a)}
    return [(r, good[r.source, r["request"]]) for r in requests(history, by, **match) if (r.source, r["request"]) in good]


def creations(history: History, by: Iterable[str] | None = None, **match: object) -> list[tuple[Event, Event]]:
    """Accepted requests that made something, with their answers: also what was applied, or put, where nothing was."""
    return [(r, a) for r, a in accepted(history, by, **match) if r["verb"] == "create" or a["code"] == CREATED]


def legible(history: History, put: Event) -> Event:
    """The put with its value; where that cannot be read, with what somebody was shown of this revision of the object."""
    if put["value"] is not None:
        return put
    shown = [e["object"] for e in history.of("watched", name=name_of(put), revision=put["revision"]) if e["type"] != "DELETED"]
    return replace(put, data={**put.data, "value": shown[0]}) if shown and shown[0] else put


def unanswered(history: History) -> list[Event]:
    """Writes that went up to an API server and whose answer nobody has seen: under way, broken off, or lost with the server. What became
    of them is not known. Those that a tap holds back, or has never sent on, are not among them."""
    over = {(e.source, e["request"]) for e in history.of("answer")}
    over |= {(e.source, e["request"]) for e in history.of("dropped") if e["what"] == "request"}
    held = Counter((e.source, e["request"]) for e in history.of("held"))
    held.subtract((e.source, e["request"]) for e in history.of("released"))
    over |= {key for key, number in held.items() if number > 0}
    return [r for r in history.of("request") if r["verb"] in WRITES and (r.source, r["request"]) not in over]


def store_of(history: History, **match: object) -> list[Event]:
    """Puts and deletions, in the order of the store."""
    return sorted((e for kind in ("put", "delete") for e in history.of(kind, **match)), key=lambda e: e["revision"])


def stored(history: History, *kinds: str) -> list[Event]:
    """Changes of the store, in its order, as far as the last judgement looks: every write up to there has been answered, or never will
    be. Later ones may have been recorded before the answer to whoever asked for them."""
    last = history.of("judge")[-1:]
    end = last[0]["revision"] if last else None
    return [e for e in store_of(history) if (not kinds or e.kind in kinds) and (end is None or e["revision"] <= end)]


def authors(history: History, *, name: str, revision: int) -> list[Event]:
    """The accepted write that made this revision of what is called `name`, if there was one: reads and later writes that changed
    nothing are answered with the same revision."""
    made = [(r, a) for r, a in accepted(history) if r["verb"] in WRITES and a["revision"] == revision and a["name"] == name]
    return [r for r, _ in sorted(made, key=lambda pair: pair[1].seq)[:1]]


def made_by_component(history: History, *, name: str, revision: int) -> bool:
    """Whether a component's own accepted request made this revision of what is called `name`."""
    return any(r.instance in instances(history) for r in authors(history, name=name, revision=revision))


def culprit_of(history: History, *, name: str, revision: int) -> str:
    """Who made a revision that nobody should have made: the component that asked for it; where none did, who was seen at the store; else
    the API server, the only one who is left, and who may have made more of a person's request than was asked for."""
    asked = [str(r.instance) for r in authors(history, name=name, revision=revision) if r.instance in instances(history)]
    stores, servers = instances(history, "etcd"), instances(history, "apiserver")
    own = {(e.instance, e["sport"]) for e in history.of("canary")}
    dialled = [e for e in history.of("open") if e["target"] in stores and (e["origin"], e["sport"]) not in own]
    past = {e["origin"] for e in dialled} & set(instances(history)) - set(servers)
    return next(iter([*asked, *sorted(past), *servers]), "apiserver")


def metadata_of(item: Any) -> dict[str, Any]:
    """Of an object, or of what a component has sent for one, where it has any."""
    found = item.get("metadata") if isinstance(item, dict) else None
    return found if isinstance(found, dict) else {}


def name_of(event: Event) -> str:
    """What a stored object is called: by itself, or, where it cannot be read, by its key."""
    return str(metadata_of(event["value"]).get("name") or event["key"].rsplit("/", 1)[-1])


def changes_of(history: History, name: str) -> list[Event]:
    """Every change in the store of whatever is called `name`, deletions included."""
    keys = {e["key"] for e in history.of("put") if name_of(e) == name}
    return [e for e in store_of(history) if e["key"] in keys]


def background(request: Event) -> bool:
    """Leases, events and reviews: what every component writes all the time."""
    return request["resource"] in {"leases", "leasecandidates", "events"} or str(request["resource"]).endswith("reviews")


def by_itself(key: str) -> bool:
    """Documented keys that change without anybody's request, below any prefix."""
    return key == "compact_rev_key" or bool(BY_ITSELF.match(key))


def of_servers(key: str) -> bool:
    """Documented keys that an API server writes by itself: its identity, its endpoints, the addresses that it gives to services; and Events
    about itself."""
    return key == "compact_rev_key" or bool(OF_SERVERS.match(key))


def expired(event: Event) -> bool:
    """Whether it may be the end of an Event's time: the store itself disposes of it, with the lease that it was stored under."""
    return event.kind == "delete" and bool(EVENTS.match(event["key"]))


def begun(history: History) -> Event | None:
    """The moment before the last request that a sentence is about."""
    return next(iter(history.of("mark", name="begun")[-1:]), None)


def mentions(value: Any, *names: str) -> bool:
    """Whether an object says one of the names anywhere."""
    if isinstance(value, dict | list):
        return any(mentions(v, *names) for v in (value.values() if isinstance(value, dict) else value))
    return value in names


def alive(history: History, who: Iterable[str], seen: Window) -> list[Event]:
    """A sign of life of everybody in the window: a request, an attempt to connect, or a watch that stands. Inconclusive where one
    gave none."""
    signs = []
    for name in who:
        sign = next((e for e in history.of("request", instance=name) if seen.holds(e)), None)
        sign = sign or next((e for e in history.of("open") if e["origin"] == name and seen.holds(e)), None)
        sign = sign or standing_watch(history, name, seen)
        require(sign, f"{name} gave no sign of life while it was watched: what it did not do says nothing")
        if sign:
            signs.append(sign)
    return signs


def standing_watch(history: History, name: str, seen: Window) -> Event | None:
    """A watch of the instance that was accepted and has not ended before the end of the window: whoever has no lease to renew may have
    nothing else to say."""
    ended = {(e.source, e["request"]) for e in history.of("stream-end") if e.at_s <= seen.end_s}
    watches = [r for r, _ in accepted(history, [name], verb="watch") if r.at_s <= seen.end_s]
    return next((r for r in watches if (r.source, r["request"]) not in ended), None)


def resumes(history: History, listed: Event) -> bool:
    """Whether a list makes up for a watch of the same that has ended: it is the first since, with all its pages, and that watch, or the
    next one, stands for longer than none did. Until both are granted, whoever is refused may try again."""
    same = _like(history, listed)
    watches = {r["request"]: r for r in same if r["verb"] == "watch" and not _refused(history, r)}
    over = {e["request"]: e for e in history.of("stream-end", source=listed.source) if e["request"] in watches}
    ends = [e for e in over.values() if e.seq < listed.seq]
    if not ends:
        return False
    last = ends[-1]
    since = [r for r in same if last.seq < r.seq <= listed.seq]
    turned_away = max((r.seq for r in since if r["verb"] == "watch"), default=last.seq)
    lists = [r for r in since if r["verb"] == "list"]
    granted = [r for r in lists if r.seq > turned_away and not _refused(history, r)]
    begins = [r for r in granted if not (r["query"] or {}).get("continue")]
    stood_s = [(over[n].at_s if n in over else math.inf) - w.at_s for n, w in watches.items() if n == last["request"] or w.seq > listed.seq]
    return begins == granted[:1] and lists[0].at_s - last.at_s < max(stood_s[:2])


def opens(history: History, listed: Event) -> bool:
    """Whether a list is the first thing of its kind that its instance was granted in this life, with all its pages, and led to a watch."""
    born = max((e.at_s for e in history.of("started", instance=listed.instance) if e.at_s <= listed.at_s), default=-math.inf)
    same = [r for r in _like(history, listed) if r.at_s >= born]
    granted = [r for r in same if r.seq <= listed.seq and not _refused(history, r)]
    begins = [r for r in granted if not (r["query"] or {}).get("continue")]
    return begins == granted[:1] and any(r["verb"] == "watch" and r.seq > listed.seq for r in same)


def _like(history: History, request: Event) -> list[Event]:
    """What the same instance asked about the same, in the order of its tap."""
    mine = {"source": request.source, "instance": request.instance, "resource": request["resource"]}
    return [r for r in history.of("request", **mine) if subscription(r) == subscription(request)]


def _refused(history: History, request: Event) -> bool:
    told = answer(history, request)
    return told is not None and told["code"] >= 400


def subscription(request: Event) -> tuple[Any, ...]:
    """What a list or a watch is about: clients may have several of one resource, by namespace or by selectors."""
    query = request["query"] or {}
    return request["resource"], request["namespace"], request["name"], query.get("fieldSelector"), query.get("labelSelector")


def lease_of(history: History, role: str) -> tuple[str, str]:
    """Namespace and name of the lease that instances of the role compete for."""
    for event in history.of("instance"):
        if role in event["roles"] and event["lease"]:
            namespace, _, name = event["lease"].partition("/")
            return namespace, name
    raise NotRunnable(f"no component with the role {role} names its lease (replicas.election)")


def lease_writes(history: History, role: str) -> list[tuple[Event, Event]]:
    """Accepted writes of the role's lease, by instances, each with its answer, in the order of the store's revisions. Whoever sends what is
    there already, because an answer was late, has written nothing: the revision stays, and the others see no sign of life."""
    namespace, name = lease_of(history, role)
    writes = [
        (r, a)
        for r, a in accepted(history, instances(history, role), resource="leases", namespace=namespace)
        if r["verb"] in WRITES and name in (r["name"], a["name"])
    ]
    # The answer to a deletion says no revision: the operator's watch does.
    gone = {e["uid"]: e["revision"] for e in history.of("watched", resource="leases", type="DELETED", namespace=namespace, name=name)}
    ordered = sorted(writes, key=lambda pair: pair[1]["revision"] or gone.get(pair[1]["uid"]) or 0)
    revisions = [answer["revision"] or gone.get(answer["uid"]) for _, answer in ordered]
    return [pair for pair, was, now in zip(ordered, [None, *revisions], revisions, strict=False) if now is None or now != was]


def hold_before(holds: Sequence[tuple[Event, Event]], event: Event) -> Event | None:
    """Of a lease's writes the last one that was answered before the event, in the order of its tap."""
    before = [written for written, answered in holds if written.source == event.source and answered.seq < event.seq]
    return before[-1] if before else None


def leader(history: History, role: str) -> str | None:
    """The instance that wrote the role's lease last."""
    writes = lease_writes(history, role)
    return writes[-1][0].instance if writes else None


def current(history: History, resource: str, watch: str | None = None) -> dict[tuple[str, str], Event]:
    """The objects of a kind as the operator's watch showed them last, by namespace and name; deleted ones are gone."""
    state: dict[tuple[str, str], Event] = {}
    for event in history.of("watched", watch=watch or f"operator/{resource}"):
        key = (event["namespace"] or "", event["name"])
        if event["type"] == "DELETED":
            state.pop(key, None)
        else:
            state[key] = event
    return state


def belongs(item: dict[str, object], name: str) -> bool:
    """Whether an object is called `name`, or is made for the workload of that name: they share the label `app`, or a guest's."""
    metadata = item.get("metadata", {})
    labels = metadata.get("labels", {}) if isinstance(metadata, dict) else {}
    return isinstance(metadata, dict) and name in (metadata.get("name"), labels.get("app"), labels.get(APP))


def pods_of(history: History, name: str) -> list[Event]:
    """The pods of a workload, or the one pod of that name, as the operator saw them last; not those that have ended and that a controller
    has to replace: it need not delete them."""
    found = [e for e in current(history, "pods").values() if belongs(e["object"], name)]
    return [e for e in found if not (ended(e["object"]) and owner(e["object"]))]


def ended(item: dict[str, Any]) -> bool:
    """Whether a pod will never run again: it was evicted, or its node would not have it."""
    return item.get("status", {}).get("phase") in ("Failed", "Succeeded")


def owner(item: dict[str, object]) -> tuple[str, str] | None:
    """Kind and name of the controller that owns an object."""
    metadata = item.get("metadata", {})
    references = metadata.get("ownerReferences", []) if isinstance(metadata, dict) else []
    return next(((r["kind"], r["name"]) for r in references if r.get("controller")), None)
