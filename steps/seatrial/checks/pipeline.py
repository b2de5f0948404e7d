"""The stages of a request: authentication, authorization, decoding, mutation, validation, store, answer.

Each stage with a hook is proved by the hook's own record; that a later one was not reached, by the absence of its records while everything
that the suite itself sends along the same way is recorded. Order is proved by holding a stage, never by comparing clocks.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from seatrial.checks.answers import asked, described, differing, last_told, lasting, missing, named, refused_handshake
from seatrial.checks.facts import (
    CREATED,
    accepted,
    background,
    begun,
    breach,
    by_itself,
    instances,
    legible,
    made_by_component,
    name_of,
    succeeded,
)
from seatrial.checks.holds import kind_of, kinds_by_key, traces
from seatrial.checks.objects import mentions
from seatrial.checks.registry import check, proof, require
from seatrial.checks.watching import announced
from seatrial.model.errors import NotRunnable
from seatrial.model.history import Event, History
from seatrial.model.verdicts import Finding, Proof
from seatrial.wire.watch import revision_of

STAGES = ("authentication", "authorization", "mutation", "validation")
ADMISSION = ("mutation", "validation")
CANARY, LATE_S = "canary", 10.0  # who tries whether hooks have taken effect, and when they must have
CONFLICT, INVALID = 409, 422
GIVEN_UP = (0, 504)  # the connection is lost, or the time is over
ABSENT = (404, 405)
CODES = {"authentication": (401,), "authorization": (403,), "decoding": (400,), "validation": (400, 422)}


def reviews(history: History, *stages: str, **match: Any) -> list[Event]:
    """What the hooks were asked, by stage."""
    return [e for e in history.of("review", **match) if e["stage"] in stages]


def overlooked(history: History) -> tuple[Finding, ...]:
    """Long after the webhooks were registered, writes are accepted, and one kind of them has been asked about none."""
    registered = history.of("mark", name="registered")
    for stage in ADMISSION if registered else ():
        late = [e for e in history.of("told", user=CANARY, code=CREATED) if e.at_s > registered[-1].at_s + LATE_S]
        if late and not any(e.at_s > registered[-1].at_s for e in reviews(history, stage)):
            observed = f"{stage} was not asked about {late[-1]['path']}, nor about anything before"
            return (breach(history, f"what is written passes {stage}", observed, registered[-1], late[-1]),)
    return ()


def stored(history: History, name: str) -> list[Event]:
    """Stored versions of whatever is called `name`; of pods only the scenario's own."""
    return [e for e in history.of("put") if name_of(e) == name]


def changed(history: History, name: str) -> list[Event]:
    """What the store shows since the last request was begun: versions of it that differ in more than status, or in what the request
    itself would have written; and whatever was deleted. What components have asked for is none of it."""
    start = begun(history)
    since = (start["revision"] or 0) if start else 0
    versions = stored(history, name)
    before = [lasting(e["value"] or {}) for e in versions if e["revision"] <= since][-1:]
    later = [e for e in versions if e["revision"] > since]
    hit = [e for e in later if [lasting(e["value"] or {})] != before or mentions(e["value"], "patched")]
    gone = [e for e in history.of("delete") if start and e["revision"] > since and not by_itself(e["key"])]
    kinds, theirs = kinds_by_key(history), _deleted_by_components(history)
    hit = [e for e in hit if not _of_component(history, e)]
    return hit + [e for e in gone if (kinds.get(e["key"]), name_of(e)) not in theirs]


def _deleted_by_components(history: History) -> set[tuple[str | None, str]]:
    """Kind and name of what components have deleted, and were told so."""
    asked_for = accepted(history, instances(history), verb="delete")
    return {(kind_of(r["resource"], r["group"]), a["name"] or r["name"]) for r, a in asked_for}


def _of_component(history: History, put: Event) -> bool:
    return made_by_component(history, name=name_of(put), revision=put["revision"])


def _later(history: History, stage: str, user: str, name: str) -> list[Event]:
    """Reviews by stages after `stage` since the request was begun, and its traces in the store. Whom authentication has refused may
    have been passed on as nobody."""
    start = begun(history)
    start_s = start.at_s if start else float("-inf")
    after = STAGES[STAGES.index(stage) + 1 :] if stage in STAGES else ADMISSION if stage == "decoding" else ()
    users = {user, "", "system:anonymous"} if stage == "authentication" else {user}
    found = [e for e in reviews(history, *after) if e.at_s >= start_s and e["user"] in users]
    return [*(e for e in found if e["stage"] != "authorization" or e["resource"]), *changed(history, name)]


@check
def held_at(history: History, *, stage: str, user: str, name: str) -> Proof:
    """The request has come to the stage that is held, and no further: no later hook asked, nothing stored, nobody told. An update in
    conflict with what was written since it was read is not the one that is held: its sender has begun anew. One that the server has given
    up, or that was cut off, says nothing."""
    here = [e for e in reviews(history, stage, user=user) if stage not in ADMISSION or e["name"] == name]
    told = [e for e in history.of("told", user=user) if asked(history, e)["method"] != "GET" and named(asked(history, e)) == name]
    told = [e for e in told if not (e["method"] == "PUT" and e["code"] == CONFLICT)]
    given_up, told = [e for e in told if e["code"] in GIVEN_UP], [e for e in told if e["code"] not in GIVEN_UP]
    beyond = [*_later(history, stage, user, name), *announced(history, name)]
    if beyond or told:
        observed = _what(beyond[0]) if beyond else f"it was answered {described(told[0])}"
        return proof([], breach(history, f"the request waits for {stage}", observed, *beyond[:3], *told[:1]))
    require(here, f"{stage} was never asked about the request")
    require(not given_up, f"the request was given up: {', '.join(map(described, given_up))}")
    return proof(here)


def _what(event: Event) -> str:
    if event.kind == "review":
        return f"{event['stage']} was asked"
    if event.kind == "watched":
        return f"{event['watch']} was told {event['type']} {event['name']}"
    return f"{event['key']} was {'deleted' if event.kind == 'delete' else 'stored'} at revision {event['revision']}"


@check
def refused(history: History, *, stage: str, user: str) -> Proof:
    """The last answer is a refusal by this stage: by its code, and by the record of the hook that refused."""
    told = last_told(history, user)
    request, body = asked(history, told), told["body"]
    causes: list[Event] = []
    codes = CODES.get(stage, tuple(range(400, 500)))
    good = told["code"] in codes and body.get("kind") == "Status"
    if stage == "authentication":
        causes = [e for e in reviews(history, stage) if not e["allowed"]]
        if witness := refused_handshake(history, told):
            good, causes = True, [witness]
    elif stage in ("authorization", "admission"):
        stages = ADMISSION if stage == "admission" else (stage,)
        causes = [e for e in reviews(history, *stages, user=user) if not e["allowed"]]
        good = good and bool(causes)
    beyond = _later(history, "validation" if stage == "admission" else stage, user, named(request)) if stage != "validation" else []
    problems = [f"answered {described(told)}"] if not good else []
    problems += [_what(beyond[0])] if beyond else []
    return proof([told, *causes[-1:]], breach(history, f"refused by {stage}", "; ".join(problems), told, *beyond[:2]) if problems else None)


@check
def untouched(history: History, *, stage: str, user: str) -> Proof:
    """No stage after the one that refused has seen the last request, and nothing was stored that nobody has asked for; the sentinel was."""
    told = last_told(history, user)
    name = named(asked(history, told))
    beyond = [*_later(history, stage, user, name), *traces(history)]
    sentinel = stored(history, "sentinel")
    require(sentinel, "the store does not show the sentinel either")
    found = breach(history, f"no stage after {stage} sees the request", _what(beyond[0]), told, *beyond[:2]) if beyond else None
    return proof([told, *sentinel], found)


@check
def no_trace(history: History, *, name: str, watchers: list[str], readable: bool = True) -> Proof:
    """Neither the store, where it is `readable`, nor any watcher knows anything of that name, and nothing was stored that nobody has asked
    for; each knows the later sentinel."""
    left = [e for e in history.of("put") if name_of(e) == name or mentions(e["value"], name)] + history.of("watched", name=name)
    left += traces(history)
    store, told = stored(history, "sentinel"), {e["watch"] for e in history.of("watched", name="sentinel")}
    if not left:
        deaf = [w for w in watchers if w not in told]
        require((store or not readable) and not deaf, f"the sentinel did not reach {', '.join(deaf) or 'the store'}")
    found = breach(history, f"no trace of {name}", _what(left[0]), *left[:3]) if left else None
    return proof([*store, *history.of("watched", name="sentinel")], found)


@check
def admitted(history: History, *, user: str, operation: str) -> Proof:
    """Both kinds of admission hook were asked about the operation, for this user; of deletions about each that took place; and about
    whatever else was written where they look."""
    asked_for = {s: [e for e in reviews(history, s, user=user) if e["verb"] == operation] for s in ADMISSION}
    missing = [f"{s} was not asked" for s, found in asked_for.items() if not found]
    told = last_told(history, user)
    if told["code"] in ABSENT and told["method"] == "PUT" and not stored(history, named(asked(history, told))):
        raise NotRunnable(f"this API server creates nothing of the kind by PUT: {described(told)}")
    require(told["code"] < 400 or not missing, f"what was to be admitted was refused: {described(told)}")
    if operation == "delete":
        missing += [f"{s} was not asked about {name}" for s, found in asked_for.items() for name in _gone(history, found) - _names(found)]
    passed = [(s, r, a) for s, r, a in _written(history) if not _asked(history, s, r, a)]
    missing += [f"{s} was not asked about the {r['verb']} of {_subject(r, a)} by {r['user']}" for s, r, a in passed]
    found = breach(history, f"{operation} passes {' and '.join(ADMISSION)}", "; ".join(missing[:4]), told) if missing else None
    return proof([e for es in asked_for.values() for e in es], found)


def _written(history: History) -> list[tuple[str, Event, Event]]:
    """Accepted creations and changes in the namespace of the canary that the hooks have seen, since then, once for each kind of hook. Who
    deletes what is already on its way out need not be admitted again, and a token is not stored."""
    canary = history.of("told", user="canary", code=201)[-1:]
    writes = [(r, a) for c in canary for r, a in accepted(history, namespace=c["body"]["metadata"]["namespace"]) if r.at_s > c.at_s]
    writes = [(r, a) for r, a in writes if r["verb"] in ("create", "update", "patch") and not background(r) and r["subresource"] != "token"]
    return [(stage, r, a) for stage in ADMISSION for r, a in writes]


def _asked(history: History, stage: str, request: Event, answer: Event) -> bool:
    """Whether the hook was asked about what was written. What has no name of its own yet may be shown without one."""
    verb = "create" if request["verb"] == "create" or answer["code"] == CREATED else "update"
    about = reviews(history, stage, verb=verb, resource=request["resource"], subresource=request["subresource"] or "")
    return any(e["name"] in {answer["name"] or request["name"], request["name"] or ""} for e in about)


def _subject(request: Event, answer: Event) -> str:
    return "/".join(filter(None, (request["resource"], answer["name"] or request["name"], request["subresource"])))


def _names(reviewed: list[Event]) -> set[str]:
    return {e["name"] for e in reviewed}


def _gone(history: History, reviewed: list[Event]) -> set[str]:
    """What has been deleted since the last request was begun, of the kinds that were reviewed: of others somebody else disposes."""
    start = begun(history)
    since = (start["revision"] if start else None) or 0
    kinds, known = {kind_of(e["resource"], e["group"]) for e in reviewed}, kinds_by_key(history)
    return {name_of(e) for e in history.of("delete") if e["revision"] > since and known.get(e["key"]) in kinds}


@check
def skipped(history: History, *, user: str, sentinel: str) -> Proof:
    """Admission was not asked on behalf of the reader, and it was about the sentinel's write."""
    wrong = reviews(history, *ADMISSION, user=user)
    seen = reviews(history, *ADMISSION, user=sentinel)
    if not wrong:
        require(seen, "admission was not asked about the write either")
    observed = [f"{e['stage']} was asked about {e['verb']}" for e in wrong]
    return proof(seen, breach(history, "reads are not admitted", observed[0], *wrong[:2]) if wrong else None)


@check
def unchanged(history: History, *, name: str, reader: str) -> Proof:
    """What the reader is given is what was answered when it was created: spec, labels, everything but status."""
    made = [e for e in history.of("told", method="POST", code=201) if named(asked(history, e)) == name]
    require(made, f"{name} was never created")
    read = last_told(history, reader, "GET")
    differences = differing(lasting(made[-1]["body"]), lasting(read["body"]))
    observed = f"{read['code']}: {', '.join(differences)} differ"
    return proof([made[-1], read], breach(history, f"{name} as it was", observed, made[-1], read) if differences else None)


@check
def admitted_object(
    history: History, *, user: str, label: str, without: str, image: str | None, name: str, watcher: str, note: str = ""
) -> Proof:
    """What mutation has made of the object is what other hooks are shown after it, and validation, what is stored, what is answered and
    what the watcher is told, each time that one of them shows what was asked for. What the server calls has no name before. The hooks
    that only nod are shown pods, which have an `image`. `note`: an annotation that the hook leaves."""
    key, _, value = label.partition("=")
    told = last_told(history, user)

    def has(item: dict[str, Any]) -> bool:
        images = [c.get("image") for c in item.get("spec", {}).get("containers", ())] if image else []
        labels, notes = (item.get("metadata", {}).get(part, {}) for part in ("labels", "annotations"))
        return bool(
            labels.get(key) == value and without not in labels and (not note or note in notes) and images == ([image] if image else [])
        )

    everywhere = {
        "validation": [e for e in reviews(history, "validation", user=user) if e["name"] == name],
        "the store": [legible(history, e) for e in stored(history, name)],
        "the watcher": history.of("watched", watch=watcher, name=name),
    }
    if image:
        # Whoever came too late is admitted anew, from the first hook on: only the last time counts.
        changed_at = max((e.seq for e in reviews(history, "mutation", user=user) if e["name"] in (name, "")), default=math.inf)
        everywhere["a later hook"] = [e for e in reviews(history, "nod", user=user) if e["name"] in (name, "") and e.seq > changed_at]
    shown = {w: [e for e in events if _content(_thing(e)) == _content(told["body"])] for w, events in everywhere.items()}
    wanted = ", ".join(
        [f"the label {label}", f"no {without}", *([f"the note {note}"] if note else ()), *([f"the image {image}"] if image else ())]
    )
    return _seen_everywhere(history, told, shown | {"the answer": [told]}, has, wanted)


@check
def admitted_part(history: History, *, user: str, subresource: str, field: str, value: Any, name: str, watcher: str) -> Proof:
    """What mutation has put into a part of an object, the number of its scale, say, is what validation is shown, what is stored and
    answered, and what the watcher is told, each time under the revision of the answer."""
    told = last_told(history, user)
    revision = revision_of(told["body"])
    shown = {
        "validation": [e for e in reviews(history, "validation", user=user, subresource=subresource) if e["name"] == name][-1:],
        "the store": [legible(history, e) for e in stored(history, name) if e["revision"] == revision],
        "the watcher": history.of("watched", watch=watcher, name=name, revision=revision),
        "the answer": [told],
    }
    part, _, last = field.partition(".")
    return _seen_everywhere(history, told, shown, lambda item: item.get(part, {}).get(last) == value, f"{field} {value}")


@check
def admitted_binding(history: History, *, user: str, node: str, name: str, watcher: str) -> Proof:
    """The node that mutation has put into a binding is what validation is shown, and where the pod is, as stored and as the watcher is
    told. The answer says nothing about it."""
    told = last_told(history, user)
    shown = {
        "validation": [e for e in reviews(history, "validation", user=user, subresource="binding") if e["name"] == name][-1:],
        "the store": [legible(history, e) for e in stored(history, name)][-1:],
        "the watcher": history.of("watched", watch=watcher, name=name)[-1:],
    }

    def there(item: dict[str, Any]) -> bool:
        return bool(node in (item.get("target", {}).get("name"), item.get("spec", {}).get("nodeName")))

    return _seen_everywhere(history, told, shown, there, f"the node {node}")


def _thing(event: Event) -> Any:
    return event[{"review": "object", "put": "value", "watched": "object", "told": "body"}[event.kind]]


def _seen_everywhere(history: History, told: Event, shown: Mapping[str, list[Event]], has: Callable[[Any], bool], wanted: str) -> Proof:
    """Each event shows what is wanted. Inconclusive where somewhere nothing is seen at all, unless it was not valid any more: what the
    suite's hook makes of an object is."""
    unseen = [where for where, events in shown.items() if not events]
    if told["code"] == INVALID:
        return proof([], breach(history, f"{wanted}, which is valid", f"answered {described(told)}", told))
    require(not unseen, f"{', '.join(unseen)} was not seen; {told['user']} was answered {described(told)}")
    wrong = [(where, e) for where, events in shown.items() for e in events if not has(_thing(e))]
    found = [breach(history, f"{where} shows {wanted}", "it does not", e) for where, e in wrong]
    return proof([e for events in shown.values() for e in events], *found)


def _content(item: Any) -> str | None:
    """What tells the versions of an object apart that people have asked for."""
    annotations = item.get("metadata", {}).get("annotations") if isinstance(item, dict) else None
    return (annotations or {}).get("seatrial/content")


@check
def unanswered(history: History, *, user: str, since: str) -> Proof:
    """While the store was paused the person was told of no success, and the request was really on its way."""
    told = [e for e in history.of("told", user=user) if succeeded(e) and asked(history, e)["method"] != "GET"]
    told = [e for e in told if asked(history, e).seq >= history.of("asked", user=user)[-1].seq]
    found = [breach(history, "no success while the store is paused", described(e) or str(e["code"]), e) for e in told[:1]]
    begun = history.of("asked", user=user)[-1:]
    arrived = [r for r in history.of("request") if r["agent"] == f"seatrial/{user}"]
    require(arrived or found or not history.of("request"), "the request did not reach the API server")
    return proof([*begun, *arrived[-1:], *history.of("mark", name=since)[-1:]], *found)


@check
def kept(history: History, *, user: str) -> Proof:
    """Everything that the person was told was done is in the store."""
    answered = [e for e in history.of("told", user=user) if e["method"] != "GET"]
    require(answered, f"{user} was never answered")
    lost = [t for t in answered if succeeded(t) and not _kept(history, t)]
    observed = [f"{described(t)} to {t['method']} is not" for t in lost]
    return proof(answered, breach(history, "what was acknowledged is stored", observed[0], *lost) if lost else None)


def _kept(history: History, told: Event) -> bool:
    """A version with what was answered, or, where defaults are added to every answer, with what was sent; or with the node of a binding, or
    the number of a scale; of a deletion, that the key is gone or the object marked. Where values cannot be read, any."""
    name = named(asked(history, told))
    versions = stored(history, name)
    readable = [e["value"] for e in versions if isinstance(e["value"], dict)]
    if told["method"] == "DELETE":
        marked = any(v["metadata"].get("deletionTimestamp") for v in readable)
        return marked or any(name_of(e) == name for e in history.of("delete"))
    sent = asked(history, told)["body"]
    if asked(history, told)["path"].endswith("/status") and isinstance(sent, dict) and "status" in sent:
        return any(not missing(sent["status"], v.get("status", {})) for v in readable) if readable else bool(versions)
    binds, scales = (isinstance(b, dict) and b.get("kind") == kind for b, kind in ((sent, "Binding"), (told["body"], "Scale")))
    bodies = [told["body"], sent]
    if binds or scales:
        bodies = [{"spec": {"nodeName": sent["target"]["name"]} if binds else told["body"]["spec"]}]
    wanted = [lasting(b) for b in bodies if isinstance(b, dict)]
    return any(not missing(w, lasting(v)) for w in wanted for v in readable) if readable else bool(versions)
