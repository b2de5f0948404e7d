"""What watchers were told, against what the store shows: every change, once, in the order of the store, never before it.

Watchers are compared with the store by revisions: what lies there by its values or, where those cannot be read, by its key. Where the store
cannot be read at all, with what the writers were answered.
"""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from seatrial.checks.answers import asked, described, differing, lasting, named
from seatrial.checks.facts import begun, breach, changes_of, instances, made_by_component, name_of, store_of, succeeded
from seatrial.checks.holds import traces
from seatrial.checks.objects import mentions, metadata_of
from seatrial.checks.registry import check, proof, require
from seatrial.model.history import Event, History
from seatrial.model.verdicts import Finding, Proof
from seatrial.wire.watch import revision_of
from seatrial_schemas.kinds import table

Change = tuple[str, str, int]  # type, name, revision
ASKED_FOR = ("patched", "updated", "stormy", "nowhere")  # by a patch, an update, another creation, a binding


def told(history: History, watch: str, names: list[str] | None = None) -> list[Event]:
    """What a watcher was told of these objects, in the order in which they were told."""
    return [e for e in history.of("watched", watch=watch) if names is None or e["name"] in names]


def stored_changes(history: History, kind: str, namespace: str | None, since: int) -> list[Change]:
    """Every change of the kind in the namespace after a revision, by the store."""
    events = store_of(history)
    keys = {e["key"]: name_of(e) for e in events if _is(e, kind, namespace)}
    return [(_type(e), keys[e["key"]], e["revision"]) for e in events if e["key"] in keys and e["revision"] > since]


def _is(event: Event, kind: str, namespace: str | None) -> bool:
    """By the value; where it is encrypted, or protobuf, by the folder of its key, below any prefix."""
    if event.kind == "put" and event["value"] is None:
        folders = [k.store_key(prefix="", namespace=namespace) for k in table() if k.kind == kind and k.key]
        return any(f"{event['key'].rpartition('/')[0]}/".endswith(folder) for folder in folders)
    value: Any = event["value"] or {}
    return bool(value.get("kind") == kind and value.get("metadata", {}).get("namespace") == namespace)


def _type(event: Event) -> str:
    if event.kind == "delete":
        return "DELETED"
    return "ADDED" if event["created"] == event["revision"] else "MODIFIED"


def answered_changes(history: History, resource: str, since: int) -> list[Change]:
    """The same by what the writers were answered; deletions have no revision in their answer and are left to the watchers' order."""
    writes = [e for e in history.of("told") if f"/{resource}" in e["path"] and succeeded(e) and e["method"] in ("POST", "PATCH", "PUT")]
    numbered = [(e, number) for e in writes if (number := revision_of(e["body"])) is not None and number > since]
    return [("ADDED" if e["method"] == "POST" else "MODIFIED", e["body"]["metadata"]["name"], number) for e, number in numbered]


def changes(history: History, *, kind: str, resource: str, namespace: str | None, since: int) -> list[Change]:
    """What a watcher who began at a revision is to be told: by the store, or where it cannot be read by the answers."""
    return stored_changes(history, kind, namespace, since) or answered_changes(history, resource, since)


@check
def complete(history: History, *, watchers: list[str], kind: str, resource: str, namespace: str | None) -> Proof:
    """Each watcher was told of every stored change since it began, once, in the order of the store, as far as the sentinel: what becomes of
    it, and of others after it, may still be on its way. Of what others make, which may bear no label, it was told nothing that was not
    stored. What it was shown is what the writer of that revision was answered. A server that has begun anew, or whose store has, need not
    know what was before, as long as it says so."""
    evidence: list[Event] = []
    found: list[Finding] = []
    readable = any(_is(e, kind, namespace) for e in history.of("put"))
    ours = {named(e) for e in history.of("asked", method="POST")}
    answered, end = _answered(history, kind), _sentinel(history)
    for watch in watchers:
        since = _began(history, watch)
        if forgotten := history.of("watch-broken", watch=watch, forgotten=True):
            require(_anew(history), f"{watch} was told that what it asked for is forgotten")
            evidence += forgotten
            continue
        happened = changes(history, kind=kind, resource=resource, namespace=namespace, since=since)
        expected = [change for change in happened if change[1] in ours and change[2] <= end]
        heard = [e for e in told(history, watch) if since < e["revision"] <= end and e["namespace"] == namespace]
        heard = [e for e in heard if e["name"] in ours or (readable and _change(e) not in happened)]
        heard = [e for e in heard if readable or not _on_its_way_out(e) or _change(e) in expected]
        evidence += heard
        require(expected, f"nothing changed since the watch of {watch} began")
        if problem := _difference(expected, [_change(e) for e in heard], deletes=readable):
            found.append(breach(history, f"{watch} is told of {len(expected)} changes, once, in order", problem, *heard[-4:]))
        found += _unlike(history, watch, heard, answered)[:1]
    return proof(evidence, *found[:3])


def _began(history: History, watch: str) -> int:
    """The revision after which the watcher is to be told of everything."""
    began = history.of("watching", watch=watch)
    require(began and began[-1]["code"] == 200, f"the watch of {watch} never stood")
    return int(began[-1]["revision"] or 0)


def _anew(history: History) -> bool:
    """Whether an API server, or the store that it learns from, has been started again."""
    servers = instances(history, "apiserver", "etcd")
    return len([e for e in history.of("started") if e.instance in servers]) > len(servers)


def _sentinel(history: History) -> float:
    """The revision of the last sentinel; no end where there is none, or where it is not said."""
    sentinels = [revision_of(e["body"]) for e in history.of("told", user="sentinel", method="POST", code=201)]
    return max((math.inf if number is None else number for number in sentinels), default=math.inf)


def _unlike(history: History, watch: str, heard: list[Event], answered: Mapping[tuple[str, int], dict[str, Any]]) -> list[Finding]:
    """What was shown otherwise than whoever wrote that revision was answered."""
    shown = [(e, answered[_at(e)]) for e in heard if e["type"] != "DELETED" and _at(e) in answered]
    wrong = [(e, d) for e, body in shown if (d := differing(_content(body), _content(e["object"])))]
    return [breach(history, f"{watch} is shown what was stored", f"{e['name']}: {', '.join(d)} differ", e) for e, d in wrong]


def _answered(history: History, kind: str) -> dict[tuple[str, int], dict[str, Any]]:
    """The objects of a kind that writers were answered, by name and revision."""
    writes = [e for e in history.of("told") if e["method"] in ("POST", "PUT", "PATCH") and succeeded(e)]
    bodies = [e["body"] for e in writes if e["body"].get("kind") == kind]
    return {(b["metadata"]["name"], number): b for b in bodies if (number := revision_of(b)) is not None}


def _at(event: Event) -> tuple[str, int]:
    return event["name"], event["revision"]


def _content(item: dict[str, Any]) -> dict[str, Any]:
    """An object without what only some answers say about it."""
    return {"status": item.get("status")} | {k: v for k, v in lasting(item).items() if k not in ("apiVersion", "kind")}


def _on_its_way_out(event: Event) -> bool:
    """Whether it is part of a deletion, whose revisions no writer is told."""
    return "deletionTimestamp" in metadata_of(event["object"])


def _change(event: Event) -> Change:
    return event["type"], event["name"], event["revision"]


def _difference(expected: list[Change], heard: list[Change], *, deletes: bool) -> str:
    """What is wrong, in words; empty where nothing is."""
    if not deletes:
        heard = [c for c in heard if c[0] != "DELETED"]
    if heard == expected:
        return ""
    if missing := [c for c in expected if c not in heard]:
        return f"{len(missing)} changes were never told, first {missing[0]}"
    if surplus := [c for c in heard if c not in expected]:
        return f"{surplus[0]} was told and never stored"
    return f"told in the order {[c[2] for c in heard]}"


@check
def types(history: History, *, watch: str, name: str, expected: list[str], last: bool = False, alone: bool = False) -> Proof:
    """The watcher was told of the object in exactly these kinds of events, or in these at last; of it `alone`: and of nothing else that
    people have made. Of what was refused there is nothing to tell."""
    refused = in_vain(history, name)
    require(not refused, f"what was asked for was refused: {', '.join(map(described, refused))}")
    heard = lives(history, watch, name)
    if alone and (others := told(history, watch, sorted(_made(history) - {name}))):
        return proof([], breach(history, f"{watch} is told of {name} alone", f"it was told of {others[0]['name']}", others[0]))
    require(heard, f"{watch} was told nothing of {name}")
    got = [e["type"] for e in heard]
    good = got[-len(expected) if last else 0 :] == expected
    return proof(heard, None if good else breach(history, ("at last " if last else "") + ", ".join(expected), ", ".join(got), *heard))


def _made(history: History) -> set[str]:
    """What people have created."""
    return {str(e["body"].get("metadata", {}).get("name")) for e in history.of("told", method="POST", code=201)}


def lives(history: History, watch: str, name: str) -> list[Event]:
    """What the watcher was told of the object; a server may mark it first and remove it then, and that is one deletion."""
    heard = told(history, watch, [name])
    marked = {e.seq for e, after in pairwise(heard) if (e["type"], after["type"]) == ("MODIFIED", "DELETED") and _marked(e, after)}
    return [e for e in heard if e.seq not in marked]


def _marked(event: Event, after: Event) -> bool:
    return event["uid"] == after["uid"] and "deletionTimestamp" in event["object"]["metadata"]


def in_vain(history: History, name: str) -> list[Event]:
    """The refusals of changes of an object which were not asked for again with success."""
    answers = [e for e in history.of("told") if e["method"] != "GET" and named(asked(history, e)) == name]
    done = {e["method"]: e.seq for e in answers if succeeded(e)}
    return [e for e in answers if e["code"] >= 400 and e.seq > done.get(e["method"], -1)]


def announced(history: History, name: str, watches: list[str] | None = None) -> list[Event]:
    """What watchers have been told, since the last request was begun, of what it asks for: news of a name that nobody knew before, a
    deletion, or that there is to be one, or an object as it is to be. ASKED_FOR is what people change objects to; what components make of
    an object that is there is theirs, though it says what somebody has asked for before. A watcher may hear only now of what was stored
    before."""
    start = begun(history)
    heard = [e for e in history.of("watched", name=name) if watches is None or e["watch"] in watches]
    if start is None:
        return heard
    later = [e for e in heard if e.at_s >= start.at_s]
    before = sorted((e for e in changes_of(history, name) if e["revision"] <= (start["revision"] or 0)), key=lambda e: e["revision"])
    old = {e["revision"] for e in before}
    new = len(later) == len(heard) and not any(e.kind == "put" for e in before[-1:])
    stays = not any("deletionTimestamp" in metadata_of(e["value"]) for e in before[-1:] if e.kind == "put")

    def asked_for(event: Event) -> bool:
        wanted = mentions(event["object"], *ASKED_FOR) or (stays and "deletionTimestamp" in metadata_of(event["object"]))
        return wanted and not made_by_component(history, name=name, revision=event["revision"])

    return [e for e in later if (new and e["revision"] not in old) or e["type"] == "DELETED" or asked_for(e)]


@check
def silent(history: History, *, watch: str, name: str, since: str) -> Proof:
    """The watcher has not been told of what is asked for, while its watch stands and the request is on its way."""
    heard = announced(history, name, [watch])
    standing = history.of("watching", watch=watch)
    require(standing, f"{watch} never stood")
    requests = [e for e in history.of("asked") if e["method"] != "GET" and named(e) == name]
    require(requests, f"nobody asked for {name}")
    found = breach(history, f"{watch} is told nothing of {name}", f"{heard[0]['type']} {name}", *heard[:2]) if heard else None
    return proof([*standing[-1:], *requests[-1:], *history.of("mark", name=since)[-1:]], found)


@check
def backed(history: History, *, watch: str) -> Proof:
    """Everything that the watcher was told of lies in the store under the revision that it was told."""
    heard = told(history, watch)
    require(heard, f"{watch} was told of nothing")
    known = {(e["revision"], name) for name in dict.fromkeys(e["name"] for e in heard) for e in changes_of(history, name)}
    wrong = [e for e in heard if (e["revision"], e["name"]) not in known]
    observed = [f"{e['type']} {e['name']} at revision {e['revision']}, which the store does not have" for e in wrong]
    return proof(heard, breach(history, "stored before it is told", observed[0], *wrong[:3]) if wrong else None)


@check
def spared(history: History, *, watchers: list[str], name: str) -> Proof:
    """No watcher was told of the refused object, nor of a version of it that nobody has asked for; and each was told of the sentinel, which
    came later on the same stream."""
    vain = {e["revision"] for e in traces(history) if name_of(e) == name}
    heard_of = [e for e in history.of("watched", name=name) if e["watch"] in watchers and e["revision"] in vain]
    wrong = announced(history, name, watchers) or heard_of
    heard = [told(history, w, ["sentinel"]) for w in watchers]
    if not wrong:
        deaf = [w for w, h in zip(watchers, heard, strict=True) if not h]
        require(not deaf, f"{', '.join(deaf)} was not told of the sentinel either")
    found = breach(history, f"nobody is told of {name}", f"{wrong[0]['watch']} was told {wrong[0]['type']}", *wrong[:3]) if wrong else None
    return proof([h[0] for h in heard if h], found)
