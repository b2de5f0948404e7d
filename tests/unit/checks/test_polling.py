"""Whoever reads while nothing changes polls; whoever has lost a watch makes up for it once, and nothing is concluded from that."""

from typing import Any

import pytest

from seatrial.checks import judge
from seatrial.model.errors import Inconclusive
from seatrial.model.history import History
from seatrial.model.verdicts import Proof

WHO = "scheduler-0"
TAP = "tap/apiserver-0"


def history(*events: tuple[float, str, dict[str, Any]]) -> History:
    """Marks from 10 s to 50 s, and between them what the instance did."""
    made = History(lambda: 0.0)
    made.append("cluster", "instance", at_s=0, instance=WHO, data={"roles": ["scheduler"], "lease": None})
    for name, at_s in (("hold", 10), ("quiet", 10), ("quiet-end", 50)):
        made.append("steps", "mark", at_s=at_s, instance=None, data={"name": name, "revision": 1})
    for at_s, kind, data in events:
        made.append(TAP, kind, at_s=at_s, instance=WHO, data=data)
    return made


def asked(
    number: int, at_s: float, verb: str, resource: str = "pods", name: str = "", **query: str
) -> list[tuple[float, str, dict[str, Any]]]:
    about = {"request": number, "verb": verb, "resource": resource, "subresource": "", "name": name, "path": f"/{resource}", "user": "u"}
    answered = {"request": number, "code": 200, "name": name, "revision": number}
    return [(at_s, "request", about | {"body": None, "query": query}), (at_s, "answer", answered)]


def measured(number: int, at_s: float) -> list[tuple[float, str, dict[str, Any]]]:
    """The nodes' load, of which there are no watches."""
    return [(at_s, kind, data | {"group": "metrics.k8s.io"}) for at_s, kind, data in asked(number, at_s, "list", "nodes")]


def ended(number: int, at_s: float) -> tuple[float, str, dict[str, Any]]:
    return at_s, "stream-end", {"request": number, "who": "server"}


def reads(*events: tuple[float, str, dict[str, Any]]) -> Proof:
    return judge(history(*events), "requests.no_list", {"who": [WHO], "since": "quiet", "until": "quiet-end"})


def test_a_standing_watch_is_no_poll() -> None:
    assert not reads(*asked(1, 1, "watch"), *asked(2, 20, "get", "leases")).findings


def test_measurements_may_be_read_now_and_then() -> None:
    assert not reads(*asked(1, 1, "watch"), *measured(2, 20), *measured(3, 35)).findings
    assert reads(*asked(1, 1, "watch"), *asked(2, 20, "list", "nodes"), *asked(3, 35, "list", "nodes")).findings


def test_a_list_beside_a_standing_watch_is_a_poll() -> None:
    assert reads(*asked(1, 1, "watch"), *asked(2, 30, "list")).findings


def test_a_list_after_a_watch_that_has_ended_makes_up_for_it() -> None:
    assert not reads(*asked(1, 1, "watch"), ended(1, 20), *asked(2, 20.1, "list"), *asked(3, 20.2, "watch")).findings


def test_it_does_so_once() -> None:
    assert reads(*asked(1, 1, "watch"), ended(1, 20), *asked(2, 20.1, "list"), *asked(3, 25, "list"), *asked(4, 26, "watch")).findings


def told(at_s: float, name: str) -> tuple[float, str, dict[str, Any]]:
    return at_s, "delivered", {"request": 1, "resource": "pods", "name": name, "type": "MODIFIED"}


def test_who_is_told_of_an_object_may_look_at_it() -> None:
    assert not reads(*asked(1, 1, "watch"), told(20, "web"), *asked(2, 20.1, "get", name="web")).findings
    assert reads(*asked(1, 1, "watch"), told(20, "web"), *asked(2, 20.1, "get", name="shop")).findings
    assert reads(*asked(1, 1, "watch"), told(20, "web"), *asked(2, 20.1, "get", name="web"), *asked(3, 22, "get", name="web")).findings
    assert reads(*asked(1, 1, "watch"), told(20, ""), *asked(2, 20.1, "list")).findings


def test_who_is_told_twice_may_look_twice() -> None:
    twice = [
        *asked(1, 1, "watch"),
        told(20, "web"),
        told(20.2, "web"),
        *asked(2, 20.5, "get", name="web"),
        *asked(3, 20.6, "get", name="web"),
    ]
    assert not reads(*twice).findings
    assert reads(*twice, *asked(4, 20.7, "get", name="web")).findings
    assert reads(*twice[:-2], *asked(3, 30, "get", name="web")).findings


def test_a_list_may_have_pages() -> None:
    lost = [*asked(1, 1, "watch", limit="500"), ended(1, 20), *asked(2, 20.1, "list", limit="1")]
    pages = [*asked(3, 20.2, "list", **{"continue": "here"}), *asked(4, 20.3, "list", **{"continue": "there"})]

    assert not reads(*lost, *pages, *asked(5, 20.4, "watch")).findings
    assert reads(*lost, *pages, *asked(5, 20.4, "list"), *asked(6, 20.5, "watch")).findings


def test_one_who_watches_several_parts_of_a_kind_makes_up_for_each() -> None:
    here, there = {"fieldSelector": "spec.nodeName="}, {"fieldSelector": "spec.nodeName!="}
    lost = [*asked(1, 1, "watch", **here), *asked(2, 1, "watch", **there), ended(1, 20), ended(2, 20)]
    lists = [*asked(3, 20.1, "list", **here), *asked(4, 20.2, "list", **there)]
    stand = [*asked(5, 20.3, "watch", **here), *asked(6, 20.3, "watch", **there)]

    assert not reads(*lost, *lists, *stand).findings
    assert reads(*lost[:4], lost[4], *lists, *stand).findings


def test_a_watch_that_hardly_stood_excuses_nothing() -> None:
    glimpse = [*asked(1, 12, "watch"), ended(1, 12.1), *asked(2, 22, "list"), *asked(3, 23, "watch")]

    assert reads(*glimpse, ended(3, 23.1)).findings
    assert not reads(*glimpse, ended(3, 49)).findings


def test_a_watch_of_something_else_excuses_nothing() -> None:
    assert reads(*asked(1, 1, "watch", "nodes"), *asked(5, 1, "watch"), ended(1, 20), *asked(2, 20.1, "list")).findings


def test_watches_that_are_over_at_once_are_polls() -> None:
    def watched(lasting_s: float) -> list[tuple[float, str, dict[str, Any]]]:
        streams = [[*asked(n, 10.0 * n, "watch"), ended(n, 10.0 * n + lasting_s)] for n in range(1, 5)]
        return [event for stream in streams for event in stream]

    assert not reads(*asked(9, 20, "get", "leases"), *watched(9.9)).findings
    assert reads(*asked(9, 20, "get", "leases"), *watched(0.5)).findings


def bound(*events: tuple[float, str, dict[str, Any]]) -> Proof:
    return judge(history(*events, *asked(9, 40, "update", name="web")), "holds.idle", {"who": [WHO], "name": "web"})


def test_who_acts_while_its_streams_are_held_has_learned_elsewhere() -> None:
    assert bound(*asked(1, 1, "watch")).findings
    assert bound(*asked(1, 1, "watch"), *asked(2, 30, "list")).findings


def test_who_gave_up_a_silent_stream_may_have_learned_by_a_list() -> None:
    with pytest.raises(Inconclusive, match="gave up"):
        bound(*asked(1, 1, "watch"), ended(1, 30), *asked(2, 30.1, "list"))


def test_who_says_again_what_is_there_already_reacts_to_nothing() -> None:
    """What `bound` writes has the revision 9."""
    there, older = ((12.0, "offered", {"request": 1, "resource": "pods", "name": "web", "revision": r}) for r in (9, 8))
    assert not bound(*asked(1, 1, "watch"), there, *asked(2, 20, "get", "leases")).findings
    assert bound(*asked(1, 1, "watch"), older, *asked(2, 20, "get", "leases")).findings


def test_what_is_made_for_it_may_go_by_any_name() -> None:
    """A pod is known by its label; its name is its maker's to choose."""
    pod = {"metadata": {"name": "vessel", "labels": {"app": "web"}}}

    def found(name: str) -> Proof:
        made = history(*asked(1, 1, "watch"), *asked(2, 20, "get", "leases"), *asked(3, 30, "update", name=name))
        made.append("watch", "watched", at_s=11, instance=None, data={"watch": "operator/pods", "name": "vessel", "object": pod})
        made.append(TAP, "offered", at_s=12, instance=WHO, data={"request": 1, "resource": "pods", "name": "vessel", "revision": 2})
        return judge(made, "holds.idle", {"who": [WHO], "name": "web"})

    assert not found("barge").findings
    assert found("vessel").findings


def refused(number: int, at_s: float, verb: str, **query: str) -> list[tuple[float, str, dict[str, Any]]]:
    request, answer = asked(number, at_s, verb, **query)
    return [request, (at_s, "answer", answer[2] | {"code": 429})]


def test_who_is_refused_may_try_again() -> None:
    """Until a list was granted, and again where the watch after it was not."""
    lost = [*asked(1, 1, "watch"), ended(1, 20), *refused(2, 20.1, "list"), *refused(3, 20.5, "list")]

    assert not reads(*lost, *asked(4, 21, "list"), *asked(5, 21.1, "watch")).findings
    assert not reads(*lost, *asked(4, 21, "list"), *refused(5, 21.1, "watch"), *asked(6, 22, "list"), *asked(7, 22.1, "watch")).findings
    assert reads(*lost, *asked(4, 21, "list"), *asked(5, 22, "list"), *asked(6, 22.1, "watch")).findings


def test_the_list_with_which_a_watch_begins_is_no_poll() -> None:
    assert not reads(*asked(1, 20, "list"), *asked(2, 20.1, "watch")).findings
    assert not reads(*refused(1, 12, "list"), *asked(2, 20, "list"), *asked(3, 20.1, "watch")).findings
    assert reads(*asked(1, 20, "list"), *asked(2, 20.1, "get", "leases")).findings
    assert reads(*asked(1, 20, "list"), *asked(2, 30, "list"), *asked(3, 30.1, "watch")).findings
