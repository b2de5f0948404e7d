"""Streams are held once nobody goes on listing what is not watched; and whose watch has outlived a standstill has nothing to ask."""

from types import SimpleNamespace
from typing import Any

import pytest

from seatrial.model.errors import Inconclusive
from seatrial.model.history import History
from seatrial.model.limits import Limits
from seatrial.world.faults import all_asked_again, hold_streams
from seatrial.world.world import World

WHO = "scheduler-0"


class Stand(World):
    """A world of one component that watches pods, and lists namespaces at these moments; a second passes at every pause. It may end,
    begin anew, watch what standbys watch, and, three seconds after it has begun, pods again."""

    def __init__(self, *lists_s: int, anew_s: int | None = None) -> None:
        self.history = History(lambda: float(self.now_s))
        self.now_s = 0
        self.held: list[dict[str, Any]] = []
        self.waited: list[str] = []
        self._lists_s = lists_s
        self._anew_s = anew_s
        self.history.append("cluster", "instance", at_s=None, instance=WHO, data={"roles": ["scheduler"], "lease": None})
        self.asks("watch", "pods")

    def asks(self, verb: str, resource: str) -> None:
        number = len(self.history)
        about = {"request": number, "verb": verb, "resource": resource, "subresource": "", "namespace": "", "name": ""}
        self.history.append("tap", "request", at_s=None, instance=WHO, data=about)
        self.history.append("tap", "answer", at_s=None, instance=WHO, data={"request": number, "code": 200, "revision": 1, "name": ""})

    def run(self, act: Any) -> Any:
        with pytest.raises(StopIteration) as ended:
            act.send(None)
        return ended.value.value

    async def seen(self, predicate: Any, *, within_s: float, what: str) -> Any:
        self.waited.append(what)
        return predicate(self.history)

    async def pause(self, seconds: float) -> None:
        self.now_s += 1
        if self.now_s in self._lists_s:
            self.asks("list", "replicasets")
        if self._anew_s and self.now_s == self._anew_s - 1:
            self.history.append("cluster", "exited", at_s=None, instance=WHO, data={"boot": "1"})
        if self.now_s == self._anew_s:
            self.history.append("cluster", "started", at_s=None, instance=WHO, data={"boot": "2"})
            self.asks("watch", "deployments")
        if self._anew_s and self.now_s == self._anew_s + 3:
            self.asks("watch", "pods")

    def timing(self, *roles: str) -> Any:
        return SimpleNamespace(recovery=1.0, limits=Limits(react_s=1))

    def mark(self, name: str, **data: Any) -> Any:
        return None

    @property
    def cluster(self) -> Any:
        async def hold(what: str, **match: Any) -> None:
            self.held.append(match)

        return SimpleNamespace(faults=SimpleNamespace(hold=hold))


def test_who_begins_anew_is_held_once_it_watches_again() -> None:
    world = Stand(anew_s=2)

    hold_streams(world, [SimpleNamespace(name=WHO)])  # type: ignore[list-item]

    assert (world.held, world.now_s) == ([{"instance": WHO}], 6)


def holds(*lists_s: int) -> list[dict[str, Any]]:
    world, instance = Stand(*lists_s), SimpleNamespace(name=WHO)
    hold_streams(world, [instance])  # type: ignore[list-item]
    return world.held


@pytest.mark.parametrize("lists_s", [(), (1,), (1, 3, 5)])
def test_what_was_looked_at_at_the_start_is_no_obstacle(lists_s: tuple[int, ...]) -> None:
    assert holds(*lists_s) == [{"instance": WHO}]


def test_who_goes_on_listing_is_not_to_be_held() -> None:
    with pytest.raises(Inconclusive, match="went on listing what they do not watch"):
        holds(*range(1, 100, 2))


@pytest.mark.parametrize(
    ("verb", "broken", "waited"),
    [("resume", False, False), ("resume", True, True), ("start", False, True)],
    ids=["stood", "broken", "anew"],
)
def test_whose_watch_outlives_a_standstill_need_not_ask_again(verb: str, *, broken: bool, waited: bool) -> None:
    world = Stand()
    world.history.append("steps", "mark", at_s=None, instance=None, data={"name": verb})
    if broken:
        world.history.append("tap", "stream-end", at_s=None, instance=WHO, data={"request": 1, "who": "server"})

    all_asked_again(world)

    assert world.waited == ([f"a request of {WHO} after the outage"] if waited else [])
