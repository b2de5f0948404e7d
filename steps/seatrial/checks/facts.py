"""Questions that many checks ask of a history: who is who, which window, what was asked and answered."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from seatrial.checks.objects import metadata_of
from seatrial.checks.registry import fault, require
from seatrial.model.errors import HarnessFault
from seatrial.model.history import Event, History, once
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
    good = _successes(history)
    return [(r, good[r.source, r["request"]]) for r in requests(history, by, **match) if (r.source, r["request"]) in good]


@once
def _successes(history: History) -> Mapping[tuple[str, int], Event]:
    """The answer of each request that has a success for one."""
    return {(a.source, a["request"]): a for a in reversed(history.of("answer")) if succeeded(a)}


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
