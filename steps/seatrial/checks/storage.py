"""Where things lie in the store, and when they are gone."""

from dataclasses import replace
from typing import Any

from seatrial.checks.answers import described
from seatrial.checks.facts import accepted, authors, breach, instances, name_of, of_servers, store_of
from seatrial.checks.registry import check, proof, require
from seatrial.checks.runtime import ENDINGS
from seatrial.model.history import Event, History
from seatrial.model.verdicts import Finding, Proof

NAMESPACES = "/namespaces/"
OUTSIDE = {"compact_rev_key"}  # documented: the compactor's own key


@check
def below(history: History, *, prefix: str) -> Proof:
    """Every key that was ever written lies below the prefix; the documented exception apart."""
    puts = history.of("put")
    require(puts, "the store's watch never showed anything")
    wrong = [e for e in puts if not e["key"].startswith(f"{prefix}/") and e["key"] not in OUTSIDE]
    return proof(puts[-20:], breach(history, f"every key below {prefix}", f"{wrong[0]['key']} was written", *wrong[:5]) if wrong else None)


@check
def one_key(history: History, *, key: str, name: str) -> Proof:
    """What was created last lies at exactly this key, and no other key came with it, or shows it, or bears its uid."""
    told = [e for e in history.of("told", method="POST", code=201) if e["body"].get("metadata", {}).get("name") == name]
    require(told, f"it was not created: {', '.join(described(e) for e in history.of('told', method='POST')[-1:]) or 'nobody was answered'}")
    uid = told[-1]["body"]["metadata"].get("uid")
    new = [e for e in history.of("put") if e["revision"] == e["created"]]
    made = {e["revision"] for e in new if e["key"] == key}
    along = [e for e in new if e["revision"] in made and not of_servers(e["key"])]
    added = [*along, *(e for e in new if e not in along and _is(e, name, uid) and not _another(history, e))]
    keys = sorted({e["key"] for e in added})
    if keys != [key]:
        return proof([], breach(history, f"exactly the key {key}", f"{', '.join(keys) or 'no key'} added", *added[:3], told[-1]))
    return proof(added)


def _is(event: Event, name: str, uid: str | None) -> bool:
    value: Any = event["value"] or {}
    if uid and uid in event["key"]:
        return True
    return bool(value.get("metadata", {}).get("uid") == uid if value else event["key"].rsplit("/", 1)[-1] == name)


def _another(history: History, event: Event) -> bool:
    """Whether a component has made an object of its own under the name: where values cannot be read, no more is known of it."""
    made = authors(history, name=name_of(event), revision=event["revision"]) if event["value"] is None else []
    return any(r.instance in instances(history) for r in made)


@check
def key_gone(history: History, *, key: str) -> Proof:
    """The key was there, the last thing that happened to it was its deletion, and no other key shows what lay there. A namespace goes when
    whoever empties it says so; until then it is held back."""
    life = store_of(history, key=key)
    require(life, f"the store never showed the key {key}")
    if life[-1].kind != "delete":
        require(_finalized(history, life[-1]), f"{key} has not been finalized, or nobody was shown that it has")
        return proof([], breach(history, f"{key} is gone", "it is still there", *life[-2:]))
    uids = {uid for e in life if (uid := _uid(e))}
    copies = [e for e in history.of("put") if e["key"] != key and _uid(e) in uids and store_of(history, key=e["key"])[-1].kind == "put"]
    found = breach(history, f"{key} is gone", f"it lies at {copies[0]['key']}", *life[-1:], *copies[:2]) if copies else None
    return proof(life[-2:], found)


def _finalized(history: History, put: Event) -> bool:
    """Of what is no namespace nobody need say so."""
    shown = _shown(history, put)
    kind = shown[0].get("kind") if shown else ""
    return not (shown[0].get("spec") or {}).get("finalizers") if kind == "Namespace" else NAMESPACES not in put["key"]


def _uid(event: Event) -> str | None:
    uid: str | None = event["value"].get("metadata", {}).get("uid") if isinstance(event["value"], dict) else None
    return uid


@check
def key_marked(history: History, *, key: str) -> Proof:
    """The key is there, and its object bears a deletion timestamp: by its value, or by what anybody was shown of that revision."""
    life = store_of(history, key=key)
    require(life, f"the store never showed the key {key}")
    last = life[-1]
    shown = _shown(history, last)
    require(shown or last.kind == "delete", f"what lies at {key} cannot be read, and nobody was shown it")
    good = last.kind == "put" and "deletionTimestamp" in shown[0].get("metadata", {})
    observed = "it is gone" if last.kind == "delete" else "it is not marked"
    return proof([last], None if good else breach(history, f"{key} is there and marked for deletion", observed, last))


def _shown(history: History, put: Event) -> list[dict[str, Any]]:
    """The object that was put; where its value cannot be read, as people were told or watchers saw it under that revision."""
    told = [*(e["body"] for e in history.of("told")), *(e["object"] for e in history.of("watched", revision=put["revision"]))]
    bodies = [put["value"]] if put["value"] else [body for body in told if isinstance(body, dict)]
    version = {"name": name_of(put), "resourceVersion": str(put["revision"])}
    return [b for b in bodies if b is put["value"] or version.items() <= (b.get("metadata") or {}).items()]


@check
def key_held(history: History, *, key: str, name: str) -> Proof:
    """While the node's runtime had not stopped the pod's container, its key was still there, marked for deletion."""
    stops = [e for method in ENDINGS for e in history.of("cri", method=method, pod=name)]
    gone, starts = store_of(history, key=key)[-1:], history.of("cri", method="StartContainer", pod=name)
    if not stops and starts and any(e.kind == "delete" for e in gone):
        left = breach(history, f"{key} goes when the containers of {name} have stopped", "it is gone, and none was stopped", *gone)
        return proof([*starts, *gone], _farewell(history, name, left))
    require(stops, f"the runtime was never asked to stop a container of {name}")
    marked = key_marked(history, key=key)
    return proof([*marked.evidence, *stops], *(_farewell(history, name, f) for f in marked.findings))


def _farewell(history: History, name: str, found: Finding) -> Finding:
    """Who says that nothing is left to wait for is to blame where that is not so: the kubelet that asked for the end of the pod."""
    asked = accepted(history, instances(history, "kubelet"), verb="delete", resource="pods", name=name)
    return replace(found, culprit=str(asked[0][0].instance), evidence=(*found.evidence, asked[0][0])) if asked else found
