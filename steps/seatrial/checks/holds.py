"""Learning only by watch events: while the tap holds a component's streams, it is alive and does nothing about what it has not been told.

This finds side channels that no packet shows, memory shared with another role included, and it finds pollers.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from seatrial.checks.facts import (
    WRITES,
    Window,
    accepted,
    alive,
    answer,
    background,
    begun,
    by_itself,
    culprit_of,
    expired,
    instances,
    mark,
    name_of,
    of_servers,
    roles_of,
    stored,
    succeeded,
    unanswered,
    window,
)
from seatrial.checks.objects import belongs, metadata_of
from seatrial.checks.registry import check, fault, proof, require
from seatrial.checks.subscriptions import resumes
from seatrial.model.history import Event, History
from seatrial.model.verdicts import Finding, Proof
from seatrial_schemas.kinds import by_plural, table

FOLDERS = frozenset(k.store_key(prefix="").strip("/").partition("/")[0] for k in table() if k.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Whose streams are held, since when, and what it is that they may not know of."""

    who: Collection[str]
    seen: Window
    foreign: Collection[tuple[str, int]]  # requests that do not count, by tap and number
    name: str
    known: Collection[str]  # what is made for `name`, by whatever names it goes

    @classmethod
    def of(cls, history: History, who: Collection[str], name: str, user: str | None) -> "Hold":
        """The one that the history tells of. Of its requests those of other users do not count, where a user is given."""
        foreign = {(r.source, r["request"]) for r in history.of("request") if user is not None and r["user"] != user}
        known = {str(e["name"]) for e in history.of("watched") if belongs(e["object"] or {}, name)}
        return cls(who=who, seen=window(history, since="hold"), foreign=foreign, name=name, known=known)

    def has(self, event: Event) -> bool:
        """Whether it is something that one of them did, or was to be told, meanwhile."""
        return event.instance in self.who and self.seen.holds(event) and (event.source, event.data.get("request")) not in self.foreign

    def about(self, called: str | None) -> bool:
        """Pods and ReplicaSets of a workload are called after it."""
        return bool(called) and (called in self.known or called == self.name or str(called).startswith(f"{self.name}-"))


@check
def idle(history: History, *, who: list[str], name: str, user: str | None = None) -> Proof:
    """From the hold on, each of `who` is alive, and asks for no change of, and runs nothing of, what is called `name` or made for it.

    Of an instance with several roles, only what it asks as `user` counts, where one is given.
    """
    require(who, "there is nobody whose streams could be held")
    hold = Hold.of(history, who, name, user)
    told = [e for e in history.of("delivered") if hold.has(e) and hold.about(e["name"])]
    require(not told, f"the hold leaked: {_names(told)} was told of {name}")
    asked = [r for r in history.of("request") if hold.has(r) and _acts_on(history, r, hold) and not _changed_nothing(history, r)]
    ran = [c for c in history.of("cri", method="RunPodSandbox") if hold.has(c) and hold.about(c["pod"])]
    found = {e.instance or "": e for e in reversed([*asked, *ran])}
    if found:
        anew = [r for r, _ in accepted(history, who, verb="list") if hold.has(r) and resumes(history, r)]
        require(not anew, f"{_names(anew)} gave up a silent stream, and may have learned by a list")
        return proof([], *(_finding(instance, event, name) for instance, event in sorted(found.items(), key=lambda pair: pair[0])))
    offered = [e for e in history.of("offered") if hold.has(e) and hold.about(e["name"])]
    require(offered, f"nothing about {name} was offered to {', '.join(who)} while their streams were held")
    return proof([*offered, *alive(history, who, hold.seen)])


def _names(events: Iterable[Event]) -> str:
    return ", ".join(sorted({str(e.instance) for e in events}))


def _changed_nothing(history: History, request: Event) -> bool:
    """What is written as it is already is no reaction: the answer shows a revision that was there before it was asked."""
    told = answer(history, request)
    if request["verb"] not in ("update", "patch") or told is None or not told["revision"]:
        return False
    there = [e for kind in ("offered", "answer") for e in history.of(kind, source=request.source, revision=told["revision"])]
    return any(e.seq < request.seq for e in there)


def _acts_on(history: History, request: Event, hold: Hold) -> bool:
    """By the request, or, where its body cannot be read, by its answer."""
    if request["verb"] not in WRITES or background(request):
        return False
    body = request["body"] if isinstance(request["body"], dict) else {}
    told = answer(history, request)
    names = (request["name"], metadata_of(body).get("generateName"), told["name"] if told else None)
    return belongs(body, hold.name) or any(hold.about(called) for called in names)


def _finding(instance: str, event: Event, name: str) -> Finding:
    asked = f"asked to {event['verb']} {event['resource']} {event['name'] or ''}".strip() if event.kind == "request" else ""
    expected = f"{instance} does nothing about {name} while its watch streams are held"
    return fault(instance, expected, asked or f"ran the pod {event['pod']}", event)


@check
def silent_store(history: History, *, since: str, until: str) -> Proof:
    """Between the marks, by the store's revisions, no object changes but what API servers are known to write by themselves; and before,
    since everybody else was taken down, nothing but what was asked for. Events count: nobody is left to write them."""
    start, end = mark(history, since)["revision"], mark(history, until)["revision"]
    require(start is not None and end is not None, "the store could not be read at the beginning or the end of the window")
    own = notes(history)
    changes = [e for e in stored(history) if not of_servers(e["key"]) and not expired(e) and e["key"] not in own]
    wrong = [e for e in changes if start < e["revision"] <= end]
    wrong = _unasked(history, [e for e in changes if e["revision"] <= start]) + wrong
    witnesses = [e for e in history.of("put") if e["revision"] <= start]
    require(witnesses, "the store's watch never showed anything")
    found = _undue(history, "nothing in the store changes", *wrong[:5]) if wrong else None
    return proof([*witnesses[-1:], mark(history, until)], found)


def _undue(history: History, expected: str, change: Event, *more: Event, why: str = "") -> Finding:
    """A change that nobody should have made is the fault of whoever made it."""
    culprit = culprit_of(history, name=name_of(change), revision=change["revision"])
    return fault(culprit, expected, f"{change.kind} {change['key']} at revision {change['revision']}{why}", change, *more)


def _unasked(history: History, changes: list[Event]) -> list[Event]:
    """Those since somebody was taken down that no accepted request made. None where requests, or that moment, are not known."""
    down = [m["revision"] for m in history.of("mark", name="down") if m["revision"] is not None]
    if not down or not history.of("request"):
        return []
    return unasked(history, [e for e in changes if e["revision"] > down[-1]])


def unasked(history: History, changes: list[Event]) -> list[Event]:
    """Changes that belong to no accepted write: by revision; a binding by its pod, and a deletion by kind and name, for their answers may
    have no revision. With a service go its endpoints. A write without an answer may have made any change of what it names."""
    open_ended = unanswered(history)
    writes = [(r, a) for r, a in accepted(history) if r["verb"] in WRITES]
    revisions = {a["revision"] for _, a in writes}
    bound = {a["name"] or r["name"] for r, a in writes if r["subresource"] == "binding"}
    deletions = [(r, a) for r, a in writes if r["verb"] in ("delete", "deletecollection") or r["subresource"] == "eviction"]
    placed, kinds = _placed(history), kinds_by_key(history)

    def deleted(event: Event, name: str) -> bool:
        kind = kinds.get(event["key"])
        meant = {kind, "Service"} if kind == "Endpoints" else {kind}
        of_kind = [(r, a) for r, a in deletions if kind is None or kind_of(r["resource"], r["group"]) in meant]
        return any(r["verb"] == "deletecollection" or name in (r["name"], a["name"]) for r, a in of_kind)

    def asked(event: Event) -> bool:
        name = name_of(event)
        new = event["created"] == event["revision"]  # neither is a binding, nor a deletion written down
        first = placed.get((event["key"], event["created"]), event["revision"]) == event["revision"]
        binds = event.kind == "put" and not new and name in bound and first
        going = event.kind == "delete" or (not new and may_go(event))  # a deletion may first be written down, and then done
        if event["revision"] in revisions or binds or (going and deleted(event, name)):
            return True
        return any(may_mean(request, name, kind=kinds.get(event["key"])) for request in open_ended)

    return [e for e in changes if not asked(e)]


def may_go(event: Event) -> bool:
    """Whether what was stored is marked for deletion, or cannot be read."""
    value = event["value"]
    return not isinstance(value, dict) or "deletionTimestamp" in value.get("metadata", {})


def may_mean(request: Event, name: str, *, kind: str | None) -> bool:
    """Whether a request, by its path or its body, could be about what is called `name`; where neither says what it is called, about
    anything of this kind."""
    meta = metadata_of(request["body"])
    prefix = meta.get("generateName")
    if not request["name"] and request["body"] is None and request["verb"] == "create":
        return kind in (None, kind_of(request["resource"], request["group"]))
    return name in (request["name"], meta.get("name")) or request["verb"] == "deletecollection" or bool(prefix and name.startswith(prefix))


def traces(history: History) -> list[Event]:
    """What has changed since the last request was begun though nobody's accepted request did it, an API server's own notes that were there
    before apart. None where somebody can write without being seen by a tap, or the moment is not known."""
    start = begun(history)
    if start is None or start["revision"] is None or not _witnessed(history):
        return []
    writes = [e for e in history.of("told") if e["method"] != "GET" and succeeded(e)]
    told = {e["body"].get("metadata", {}).get("resourceVersion") for e in writes}
    kept = notes(history) & {e["key"] for e in history.of("put") if e["revision"] <= start["revision"]}
    later = [e for e in stored(history) if e["revision"] > start["revision"] and str(e["revision"]) not in told and e["key"] not in kept]
    return unasked(history, [e for e in later if not (of_servers(e["key"]) or expired(e)) or _new_address(e)])


def notes(history: History) -> frozenset[str]:
    """Keys under which API servers note something for themselves, beside the objects that they store: no objects, in folders that no kind
    has, where objects can be read."""
    puts = history.of("put")
    objects, roots = {e["key"] for e in puts if e["value"]}, {_root(e) for e in puts if e["value"]}
    return frozenset(e["key"] for e in puts if e["key"] not in objects and _root(e) in roots and _folder(e) not in FOLDERS)


def _root(event: Event) -> str:
    return str(event["key"]).strip("/").partition("/")[0]


def _folder(event: Event) -> str:
    return str(event["key"]).strip("/").partition("/")[2].partition("/")[0]


def _new_address(event: Event) -> bool:
    """An address is taken for a service, and only then."""
    return "/ipaddresses/" in event["key"] and event.kind == "put" and bool(event["created"] == event["revision"])


def _witnessed(history: History) -> bool:
    """Whether every request passes a tap: roles in the process of an API server need not go that way."""
    shared = [roles_of(history, i) - {"apiserver", "etcd"} for i in instances(history, "apiserver")]
    return bool(history.of("request")) and not any(shared)


def kinds_by_key(history: History) -> dict[str, str]:
    """By key, the kind of what lay there, where values can be read."""
    return {e["key"]: e["value"]["kind"] for e in history.of("put") if isinstance(e["value"], dict) and "kind" in e["value"]}


def kind_of(resource: str, group: str | None) -> str | None:
    """The kind of this plural in this group; None where the table of kinds has none."""
    try:
        return by_plural(resource, group or "").kind
    except KeyError:
        return None


def _placed(history: History) -> dict[tuple[str, int], int]:
    """By key and the revision of its creation, the first revision in which a pod has a node, where values can be read."""
    versions = [e for e in history.of("put") if isinstance(e["value"], dict) and e["value"].get("spec", {}).get("nodeName")]
    return {(e["key"], e["created"]): e["revision"] for e in sorted(versions, key=lambda e: -e["revision"])}


@check
def joined(history: History) -> Proof:
    """Since everybody was ready, each change of the store belongs to an accepted request; what is documented to change by itself apart."""
    start = mark(history, "ready")["revision"]
    require(start is not None, "the store could not be read when the cluster was ready")
    own = notes(history)
    changes = [e for e in stored(history) if e["revision"] > start and not by_itself(e["key"]) and e["key"] not in own]
    require(changes, "nothing in the store changed")
    wrong = unasked(history, changes)
    require(not wrong or _witnessed(history), "components in the API server's process need not ask where a tap sees it")
    expected = "each change of the store belongs to a request that the API server accepted"
    return proof(changes, *(_undue(history, expected, e, why=", which nobody asked for") for e in wrong[:3]))
