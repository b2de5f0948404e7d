"""What people were given when they looked for something, in any scenario, held against the store.

A list is complete as of its own revision. What somebody was told of before is found by whoever looks for it afterwards, unless it is gone.
Revisions of deletions are not the same everywhere: what was ever deleted is left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from seatrial.checks.answers import asked, described
from seatrial.checks.facts import breach, of_servers, succeeded
from seatrial.checks.hearings import Stretch
from seatrial.model.history import Event, History
from seatrial.model.verdicts import Finding
from seatrial.wire.watch import revision_of
from seatrial_schemas.kinds import table

ABSENT = 404
Versions = Mapping[str, Sequence[Event]]  # by key, in the order of the store


def overlooked(history: History) -> tuple[Finding, ...]:
    """Somebody who asked for all there is of a kind did not get all, or was told that something is not there which is."""
    return tuple(_in_vain(history))[:1]


def _in_vain(history: History) -> Iterator[Finding]:
    """Raises Inconclusive where the store was not read."""
    stretch, versions = Stretch.of(history), _lasting(history)
    for told in history.of("told", method="GET"):
        key = located(told["path"])
        if not key or asked(history, told)["params"]:
            continue  # it is a part that is asked for, or the past
        revision = revision_of(told["body"]) or 0
        if told["code"] == ABSENT and (known := _known(history, told, versions.get(key, ()))):
            yield breach(history, f"{key}, which is there", f"{told['user']} was answered {described(told)}", told, known)
        elif succeeded(told) and key.endswith("/") and stretch.start < revision <= stretch.end:
            yield from _incomplete(history, told, {k: there for k, there in versions.items() if k.startswith(key)}, revision)


@cache
def located(path: str) -> str:
    """Where in the store lies what a path names; of a collection, what its keys begin with. Empty where it names neither."""
    for kind in (each for each in table() if each.key and path.startswith(f"{each.root}/")):
        namespace, parts = None, path.removeprefix(f"{kind.root}/").split("/")
        if kind.namespaced and len(parts) > 2 and parts[0] == "namespaces":
            namespace, parts = parts[1], parts[2:]
        if parts[0] == kind.plural and (len(parts) == 1 or (len(parts) == 2 and kind.namespaced == (namespace is not None))):
            return kind.store_key(namespace=namespace, name="".join(parts[1:]))
    return ""


def _lasting(history: History) -> Versions:
    """Everything that was never deleted, but what API servers keep for themselves."""
    deleted = {e["key"] for e in history.of("delete")}
    found: dict[str, list[Event]] = {}
    for put in history.of("put"):
        if put["key"] not in deleted and not of_servers(put["key"]):
            found.setdefault(put["key"], []).append(put)
    return found


def _known(history: History, told: Event, versions: Sequence[Event]) -> Event | None:
    """A version of which somebody had been told before the question."""
    before = {revision_of(e["body"]) for e in history.of("told") if succeeded(e) and e.seq < told["asked"]}
    return next((put for put in versions if put["revision"] in before), None)


def _incomplete(history: History, told: Event, versions: Versions, revision: int) -> Iterator[Finding]:
    """What lay there at the revision of the list, and is not in it, or as it was before."""
    shown = {_key(told["path"], item): revision_of(item) or revision for item in told["body"]["items"]}
    for key, puts in versions.items():
        last = next((put for put in reversed(puts) if put["revision"] <= revision), None)
        if last and shown.get(key, 0) < last["revision"]:
            instead = f"shows it as of revision {shown[key]}" if key in shown else "has no such thing"
            expected = f"{key} of revision {last['revision']} in a list of revision {revision}"
            yield breach(history, expected, f"{told['user']}'s list {instead}", told, last)


def _key(path: str, item: dict[str, Any]) -> str:
    """Where an item of the list at a path lies."""
    meta = item["metadata"]
    namespace = "" if "/namespaces/" in path else meta.get("namespace", "")
    return located(path) + "/".join(filter(None, (namespace, meta["name"])))
