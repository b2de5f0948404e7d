"""What people were told: codes, reasons and whole objects, compared with what was asked, stored and read again."""

from typing import Any

from seatrial.checks.facts import authors, breach, instances, legible, name_of, succeeded
from seatrial.checks.holds import traces
from seatrial.checks.registry import check, proof, require
from seatrial.model.errors import Inconclusive
from seatrial.model.history import Event, History
from seatrial.model.verdicts import Proof
from seatrial.wire.watch import revision_of
from seatrial_schemas.kinds import table

SUBRESOURCES = frozenset({"status", "scale", "binding", "token"})  # that people ask for
PLURALS = frozenset(kind.plural for kind in table())


def last_told(history: History, user: str, method: str | None = None) -> Event:
    """The last answer to a person. Inconclusive where nobody answered, unless the handshake of a bad certificate was refused."""
    found = [e for e in history.of("told", user=user) if method in (None, e["method"])]
    require(found, f"{user} has not been told anything")
    if found[-1]["code"] == 0 and not refused_handshake(history, found[-1]):
        raise Inconclusive(f"{user} got no answer to {found[-1]['method']} {found[-1]['path']}: {found[-1]['body'].get('message')}")
    return found[-1]


def known(answers: list[Event]) -> list[Event]:
    """Answers that came. Inconclusive where one did not: what would have been in it is not known."""
    for told in answers:
        require(told["code"], f"{told['user']} got no answer to {told['method']} {told['path']}: {told['body'].get('message')}")
    return answers


def refused_handshake(history: History, told: Event) -> Event | None:
    """No answer at all is a refusal of the certificate where a valid one, shown later at the same port, does get an answer."""
    witness = [e for e in history.of("told", user="witness") if e.seq > told.seq and e["code"] not in (0, 401)]
    return witness[0] if told["code"] == 0 and told["user"] == "somebody" and witness else None


def asked(history: History, told: Event) -> Event:
    """What the answer answers."""
    return next(e for e in history.of("asked") if e.seq == told["asked"])


def named(request: Event) -> str:
    """The object that a request is about: by its body, or by its path."""
    body = request["body"]
    name = body.get("metadata", {}).get("name") if isinstance(body, dict) else None
    *_, above, last = str(request["path"]).split("/")
    return str(name or (above if last in SUBRESOURCES and above not in PLURALS else last))


def described(told: Event) -> str:
    """Code, reason and message, as far as there are any."""
    return f"{told['code']} {told['body'].get('reason', '')} {told['body'].get('message', '')}".strip()


@check
def status(history: History, *, user: str, code: int, reason: str) -> Proof:
    """The last answer has this code and is a Status object with this reason; it may leave out its own `code`."""
    told = last_told(history, user)
    body = told["body"]
    good = told["code"] == code and body.get("kind") == "Status" and body.get("reason") == reason and (body.get("code") or code) == code
    observed = f"{described(told)} (kind {body.get('kind')})"
    return proof([told], None if good else breach(history, f"{code} with a Status of reason {reason}", observed, told))


@check
def whole(history: History, *, user: str, code: int) -> Proof:
    """The last answer has this code and is the whole object: what was sent, what only the server can add, and what was stored, where that
    can be read."""
    told = last_told(history, user)
    sent = asked(history, told)
    whole_body = told["code"] == code
    problems = _incomplete(sent["body"], told["body"]) + _untold(history, sent, told["body"]) if whole_body else [described(told)]
    return proof([told], breach(history, f"{code} with the whole object", "; ".join(problems), told) if problems else None)


def _incomplete(sent: Any, got: dict[str, Any]) -> list[str]:
    meta = got.get("metadata", {})
    problems = [f"metadata.{f} is missing" for f in ("name", "uid", "resourceVersion", "creationTimestamp") if not meta.get(f)]
    return problems + [f"{path} is not what was sent" for path in missing(sent, got)]


def _untold(history: History, sent: Event, got: dict[str, Any]) -> list[str]:
    """What was stored as this version of the object and is not in the answer; of what is empty it may say nothing, and notes that a server
    makes in the metadata, or beside what it ever shows to anybody, are its own."""
    values = [e["value"] for e in history.of("put", revision=revision_of(got)) if isinstance(e["value"], dict)]
    shown = {key for e in history.of("watched", name=got.get("metadata", {}).get("name")) for key in e["object"]}
    public = {*(sent["body"] if isinstance(sent["body"], dict) else ()), *shown, *got, "spec", "status", "data"} - {"metadata"}
    held = [_filled({k: v for k, v in value.items() if k in public}) for value in values if _identity(value) == _identity(got)]
    return [f"{path} is not what was stored" for value in held for path in missing(value, got)]


def _identity(item: dict[str, Any]) -> tuple[Any, ...]:
    return item.get("apiVersion"), item.get("kind"), item.get("metadata", {}).get("uid")


def _filled(value: Any) -> Any:
    """A value without what is empty in it."""
    if isinstance(value, dict):
        return {k: full for k, v in value.items() if (full := _filled(v)) not in ({}, [], None, "")}
    return [_filled(v) for v in value] if isinstance(value, list) else value


WRITE_ONLY = {"stringData"}
NOTES = {"managedFields", "selfLink"}  # a server may leave them out, or make them anew for each answer
BOOKKEEPING = NOTES | {"resourceVersion", "generation"}


def missing(sent: Any, got: Any, path: str = "") -> list[str]:
    """Paths of what was sent and did not come back."""
    if isinstance(sent, dict):
        if not isinstance(got, dict):
            return [path]
        return [p for k, v in sent.items() if k not in WRITE_ONLY for p in missing(v, got.get(k), f"{path}.{k}".lstrip("."))]
    if isinstance(sent, list):
        if not isinstance(got or [], list) or len(got or []) < len(sent):  # to many, an empty list is none
            return [path]
        return [p for i, v in enumerate(sent) for p in missing(v, got[i], f"{path}[{i}]")]
    return [] if sent == got else [path]


@check
def read_back(history: History, *, writers: list[str], reader: str) -> Proof:
    """What the reader is given now is what the last of the writers who succeeded was told, but for what others have done to it since; the
    status counts where it is what was written."""
    writes = [e for e in history.of("told") if e["user"] in writers and e["method"] in ("POST", "PUT", "PATCH")]
    written = [e for e in writes if succeeded(e)]
    require(written, f"{', '.join(writers)} has written nothing")
    read = last_told(history, reader, "GET")
    part = _with_status if asked(history, written[-1])["path"].endswith("/status") else lasting
    differences = missing(part(written[-1]["body"]), part(read["body"]))
    if differences and (others := _others(history, written[-1], read)):
        differences = _unlike_stored(history, [written[-1], read], because=others[0])
    observed = f"{read['code']}: {', '.join(differences)} differ"
    name, own = named(asked(history, written[-1])), revision_of(written[-1]["body"])
    touched = [e for e in traces(history) if name_of(e) == name and e["revision"] != own]
    if touched and not differences:
        observed = f"{touched[0]['key']} was changed at revision {touched[0]['revision']}, which nobody asked for"
    good, expected = not differences and not touched, f"what {written[-1]['user']} was told"
    return proof([written[-1], read], None if good else breach(history, expected, observed, written[-1], read, *touched[:1]))


def _others(history: History, written: Event, read: Event) -> list[Event]:
    """The component's request, not a person's, that made the revision which was read, if that is later than what was written."""
    before, revision = (revision_of(e["body"]) or 0 for e in (written, read))
    made = authors(history, name=named(asked(history, written)), revision=revision) if revision > before else []
    return [request for request in made if request.instance in instances(history)]


def _unlike_stored(history: History, told: list[Event], *, because: Event) -> list[str]:
    """Where an object was changed by somebody else before it was read, what people are told is what the store held at its revision, or,
    where that cannot be read, what watchers were shown of it."""
    problems: list[str] = []
    for event in told:
        held = [legible(history, e)["value"] for e in history.of("put", revision=revision_of(event["body"]))]
        held = [value for value in held if isinstance(value, dict)]
        if not held:
            raise Inconclusive(f"{because.instance} changed the object before it was read, and what was stored cannot be seen")
        problems += missing(lasting(event["body"]), lasting(held[0]))
    return problems


def differing(one: Any, other: Any, path: str = "") -> list[str]:
    """Paths at which two objects differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        return [p for k in sorted(one.keys() | other.keys()) for p in differing(one.get(k), other.get(k), f"{path}.{k}".lstrip("."))]
    return [] if one == other else [path or "everything"]


def lasting(body: dict[str, Any]) -> dict[str, Any]:
    """An object without what components write: status, version, bookkeeping."""
    meta = {k: v for k, v in body.get("metadata", {}).items() if k not in BOOKKEEPING}
    return {k: v for k, v in body.items() if k != "status"} | {"metadata": meta}


def _with_status(body: dict[str, Any]) -> dict[str, Any]:
    return lasting(body) | {"status": body.get("status", {})}


def plain(body: dict[str, Any]) -> dict[str, Any]:
    """An object without what a server notes on it."""
    return body | {"metadata": {k: v for k, v in body.get("metadata", {}).items() if k not in NOTES}}


@check
def one_winner(history: History, *, users: list[str]) -> Proof:
    """Of many who created one object exactly one was answered 201, and all others 409 AlreadyExists."""
    told = [last_told(history, u) for u in users]
    won = [t for t in told if t["code"] == 201]
    lost = [t for t in told if t["code"] == 409 and t["body"].get("reason") == "AlreadyExists"]
    observed = ", ".join(sorted(described(t)[:30] for t in told))
    good = len(won) == 1 and len(won) + len(lost) == len(told)
    return proof(told, None if good else breach(history, "one 201, and 409 for the others", observed, *told[:4]))


@check
def generated(history: History, *, user: str, prefix: str) -> Proof:
    """All objects that were created without a name have different names with the prefix. Where one could not be had, the server must have
    said that the name is taken: names are drawn."""
    told = [
        t for t in history.of("told", user=user, method="POST") if (asked(history, t)["body"] or {}).get("metadata", {}).get("generateName")
    ]
    known(told)
    names = [t["body"].get("metadata", {}).get("name", "") for t in told if t["code"] == 201]
    refused = [t for t in told if t["code"] not in (201, 409)]
    good = len(set(names)) == len(names) > 1 and all(n.startswith(prefix) and n != prefix for n in names) and not refused
    seen = sorted({n for n in names if names.count(n) > 1 or not n.startswith(prefix) or n == prefix}) or [described(t) for t in refused]
    return proof(told, None if good else breach(history, f"different names beginning with {prefix}", f"{seen[:4] or names}", *told[-4:]))


def _them(history: History, names: list[str]) -> dict[str, dict[str, Any]]:
    """What was answered when each was created."""
    made = {
        e["body"]["metadata"]["name"]: e["body"]
        for e in history.of("told", method="POST", code=201)
        if e["body"].get("metadata", {}).get("name") in names
    }
    require(set(made) == set(names), f"not all of {', '.join(names)} were created")
    return made


@check
def each_read(history: History, *, names: list[str], alone: list[str], reader: str) -> Proof:
    """Those that were read alone, and all of them in a list, are what was answered when they were created, and nothing else is listed."""
    made = _them(history, names)
    reads = known(history.of("told", user=reader, method="GET"))
    single = {
        e["body"]["metadata"]["name"]: e
        for e in reads
        if e["code"] == 200 and "items" not in e["body"] and "name" in e["body"].get("metadata", {})
    }
    lists = {e["path"]: e for e in reads if "items" in e["body"]}
    require(lists, f"{reader} has not listed anything")
    bodies = {n: single[n]["body"] if n in single else {} for n in alone}
    problems = [f"{n} read alone: {', '.join(d)}" for n, body in bodies.items() if (d := differing(plain(made[n]), plain(body)))]
    namespace = made[names[0]]["metadata"].get("namespace")
    problems += [problem for told in lists.values() for problem in _unlisted(history, told, made, namespace)]
    found = breach(history, "what was answered when they were created", "; ".join(problems), *lists.values()) if problems else None
    return proof([*single.values(), *lists.values()], found)


def _unlisted(history: History, told: Event, made: dict[str, dict[str, Any]], namespace: str | None) -> list[str]:
    """What is wrong with a list as far as it is about one namespace: a list of one shows no other, a list of all of them does."""
    one = f"/namespaces/{namespace}/" in told["path"]
    listed = {i["metadata"]["name"]: i for i in told["body"]["items"] if one or i["metadata"].get("namespace") == namespace}
    strangers = sorted(n for n in listed.keys() - set(made) if not _put_there(history, listed[n], namespace))
    problems = [f"{n} listed though nobody created it" for n in strangers]
    return problems + [f"{n} listed: {', '.join(d)}" for n in made if (d := differing(_typeless(made[n]), _typeless(listed.get(n, {}))))]


def _put_there(history: History, item: dict[str, Any], namespace: str | None) -> bool:
    """Whether it is what others put into every namespace, at any time: nobody of ours has asked for it, and it is there, by its uid or,
    where what was stored cannot be read, by its key."""
    meta, puts = item["metadata"], history.of("put")
    ours = {named(e) for e in history.of("asked", method="POST")}
    uids = {e["value"].get("metadata", {}).get("uid") for e in puts if isinstance(e["value"], dict)}
    unread = any(e["key"].endswith(f"/{namespace}/{meta['name']}") for e in puts if not isinstance(e["value"], dict))
    return meta["name"] not in ours and meta.get("namespace") == namespace and (not uids or meta.get("uid") in uids or unread)


def _typeless(item: dict[str, Any]) -> dict[str, Any]:
    """Items of a list may leave out what the list says for all of them."""
    return {k: v for k, v in plain(item).items() if k not in ("apiVersion", "kind")}


@check
def pages(history: History, *, names: list[str], reader: str, size: int) -> Proof:
    """The pages of the last paged list hold each object exactly once, none more than `size`, all of one snapshot. A server may choose to
    answer with everything at once (ListOptions, `limit`)."""
    read = [
        e
        for e in history.of("told", user=reader, method="GET")
        if "items" in e["body"] and (asked(history, e)["params"] or {}).get("limit")
    ]
    require(known(read), f"{reader} has read no pages")
    namespace = _them(history, names)[names[0]]["metadata"].get("namespace")
    held = [e["body"]["items"] for e in read]
    seen = [i["metadata"]["name"] for items in held for i in items if not _put_there(history, i, namespace)]
    problems = [f"a page of {len(items)}" for items in held if len(items) > size and len(held) > 1]
    if sorted(seen) != sorted(names):
        problems.append(f"the pages hold {', '.join(seen)}")
    if len({e["body"]["metadata"].get("resourceVersion") for e in read}) > 1:
        problems.append("the pages are of different revisions")
    found = breach(history, f"each of {', '.join(names)} once, in pages of {size}", "; ".join(problems), *read) if problems else None
    return proof(read, found)


@check
def gone(history: History, *, lost: list[str], namespace: str, reader: str) -> Proof:
    """Of all objects that were created, exactly the lost configmaps of the namespace are answered 404, and the others as at their
    creation. A deletion that nobody has answered may still be under way."""
    created = history.of("told", method="POST", code=201)
    made = {f"{e['path']}/{e['body']['metadata']['name']}": e["body"] for e in created if e["body"].get("metadata", {}).get("name")}
    reads = {e["path"]: e for e in known(history.of("told", user=reader, method="GET")) if e["path"] in made}
    gone = {p for p in made if "/configmaps/" in p and p.rsplit("/", 1)[-1] in lost and f"/namespaces/{namespace}/" in p}
    require(gone <= reads.keys() and len(gone) == len(lost), f"{reader} has not looked for {', '.join(lost)}")
    problems = []
    for path, told in reads.items():
        if path in gone and (told["code"], told["body"].get("reason")) != (404, "NotFound"):
            problems.append(f"{path} answers {described(told)}")
        if path not in gone and (differences := differing(plain(made[path]), plain(told["body"]))):
            problems.append(f"{path} is not as it was: {', '.join(differences)}")
    known(history.of("told", method="DELETE") if problems else [])
    expected = f"{', '.join(lost)} gone and the others as they were"
    return proof(reads.values(), breach(history, expected, "; ".join(problems), *list(reads.values())[:4]) if problems else None)


@check
def allowed(history: History, *, user: str) -> Proof:
    """The last answer is a success."""
    told = last_told(history, user)
    return proof([told], None if succeeded(told) else breach(history, f"{user} may do this", described(told), told))
