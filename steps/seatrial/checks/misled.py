"""Who acted on what was not so is not to blame for what came of it: whoever said it is."""

from collections.abc import Callable, Iterator

from seatrial.checks.acknowledged import acknowledged_and_not_stored
from seatrial.checks.facts import breach, server_of, store_of
from seatrial.checks.hearings import left_out, told_and_not_stored, told_as_something_else
from seatrial.checks.objects import metadata_of
from seatrial.checks.silence import unheard
from seatrial.model.errors import Inconclusive
from seatrial.model.history import History
from seatrial.model.verdicts import Finding

CONTAINERS = ("initContainerStatuses", "containerStatuses")
HINDRANCES = frozenset({"pause", "cut"})  # by the suite: who is hindered cannot say anything


def overwritten(history: History) -> tuple[Finding, ...]:
    """Another object lies where one lay that nobody has deleted."""
    there: dict[str, str] = {}
    for change in store_of(history):
        uid = str(metadata_of(change["value"]).get("uid") or "")
        if uid and (there.get(change["key"]) or uid) != uid:
            return (breach(history, f"{change['key']} stays what it is until it is deleted", "it is another object", change),)
        there[change["key"]] = uid
        if change.kind == "delete":
            del there[change["key"]]
    return ()


UNTRUTHS: tuple[Callable[[History], tuple[Finding, ...]], ...] = (
    acknowledged_and_not_stored,
    told_and_not_stored,
    told_as_something_else,
    left_out,
    unheard,
    overwritten,
)


def to_blame(history: History, suspect: str) -> str:
    """The suspect; or the API server where it is seen to have said what is not so, or a kubelet that has not said what became of a pod.
    Where the store was not read, the former is not seen."""
    try:
        untrue = any(look(history) for look in UNTRUTHS)
    except Inconclusive:
        untrue = False
    return server_of(history) if untrue else next(_silent(history), suspect)


def _silent(history: History) -> Iterator[str]:
    """Kubelets on whose nodes a container has ended of which no status says so that was shown, though nobody kept them from it."""
    if any(mark["name"] in HINDRANCES for mark in history.of("mark")):
        return
    gone = {exit_.instance for exit_ in history.of("exited")}
    shown = {e["uid"]: e["object"].get("status", {}) for e in history.of("watched", watch="operator/pods")}
    for end in (e for e in history.of("container-exited") if e.instance not in gone):
        said = shown.get(end["uid"], {})
        mine = [s for part in CONTAINERS for s in said.get(part, ()) if s.get("name") == end["container"]]
        if mine and not any(s.get("restartCount") or "terminated" in s.get("state", {}) for s in mine):
            yield str(end.instance)
