"""Lists, pages, selectors, watches and views: what is seen, when, and in which order."""

import asyncio
from typing import Any

import pytest

from seatrial_reference.apiserver import cache, selectors
from seatrial_reference.apiserver.status import Failure
from seatrial_schemas import etcd_pb2 as pb

Json = dict[str, Any]
MAPS = "/api/v1/namespaces/default/configmaps"
MERGE = {"media": "application/merge-patch+json"}
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}


def config(name: str = "m", **labels: str) -> Json:
    return {"metadata": {"name": name, "labels": labels}}


def names(answer: Json) -> list[str]:
    return [each["metadata"]["name"] for each in answer["items"]]


def revision(obj: Json) -> int:
    return int(obj["metadata"]["resourceVersion"])


def short(event: Json) -> tuple[str, str]:
    return event["type"], event["object"]["metadata"]["name"]


@pytest.mark.parametrize(
    ("text", "labels", "selected"),
    [
        ("a=b", {"a": "b"}, True),
        ("a==b,c!=d", {"a": "b"}, True),
        ("a in (b, c)", {"a": "c"}, True),
        ("a notin (b,c),x", {"a": "d", "x": ""}, True),
        ("!a", {"a": "b"}, False),
        ("a", {}, False),
        ("example.org/a=", {"example.org/a": ""}, True),
    ],
)
def test_label_selectors(text: str, labels: Json, selected: bool) -> None:
    assert selectors.label_test(text)(labels) is selected


@pytest.mark.parametrize(("labels", "fields"), [("a in b", ""), ("=b", ""), ("", "spec.colour=red"), ("", "metadata.name")])
def test_selectors_that_cannot_be_read(labels: str, fields: str) -> None:
    with pytest.raises(Failure) as raised:
        selectors.selection(labels=labels, fields=fields)
    assert raised.value.code == 400


def test_a_list_shows_its_namespace_and_no_other(world: Any) -> None:
    for namespace in ("a", "ab"):
        world.run(world.must("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}}))
        world.run(world.must("POST", f"/api/v1/namespaces/{namespace}/configmaps", config(f"in-{namespace}")))
    assert names(world.run(world.must("GET", "/api/v1/namespaces/a/configmaps"))) == ["in-a"]
    everything = world.run(world.must("GET", "/api/v1/configmaps"))
    assert names(everything) == ["in-a", "in-ab"]
    assert revision(everything) == world.etcd.store.revision
    assert (everything["kind"], everything["apiVersion"]) == ("ConfigMapList", "v1")
    assert names(world.run(world.must("GET", "/api/v1/configmaps?fieldSelector=metadata.namespace%3Dab"))) == ["in-ab"]


def test_pages_show_one_revision(world: Any) -> None:
    for name in "abcde":
        world.run(world.must("POST", MAPS, config(name)))
    first = world.run(world.must("GET", f"{MAPS}?limit=2"))
    assert (names(first), first["metadata"]["remainingItemCount"]) == (["a", "b"], 3)
    world.run(world.must("DELETE", f"{MAPS}/c"))
    world.run(world.must("POST", MAPS, config("cc")))
    second = world.run(world.must("GET", f"{MAPS}?limit=2&continue={first['metadata']['continue']}"))
    third = world.run(world.must("GET", f"{MAPS}?limit=2&continue={second['metadata']['continue']}"))
    assert names(second) + names(third) == ["c", "d", "e"]
    assert "continue" not in third["metadata"]
    assert revision(first) == revision(second) == revision(third)
    world.etcd.store.compact(world.etcd.store.revision)
    assert world.run(world.ask("GET", f"{MAPS}?limit=2&continue={first['metadata']['continue']}"))[0] == 410
    assert world.run(world.ask("GET", f"{MAPS}?continue=garbage"))[0] == 400


def test_a_selective_page_is_filled_with_what_is_selected(world: Any) -> None:
    for name in "abcdef":
        world.run(world.must("POST", MAPS, config(name, even=str(ord(name) % 2 == 0).lower())))
    page = world.run(world.must("GET", f"{MAPS}?limit=2&labelSelector=even%3Dtrue"))
    rest = world.run(world.must("GET", f"{MAPS}?limit=2&labelSelector=even%3Dtrue&continue={page['metadata']['continue']}"))
    assert names(page) + names(rest) == ["b", "d", "f"]


def test_named_revisions(world: Any) -> None:
    made = world.run(world.must("POST", MAPS, config("a")))
    world.run(world.must("POST", MAPS, config("b")))
    old = revision(made)
    assert names(world.run(world.must("GET", f"{MAPS}?resourceVersion={old}&resourceVersionMatch=Exact"))) == ["a"]
    assert names(world.run(world.must("GET", f"{MAPS}?resourceVersion={old}"))) == ["a", "b"]
    assert names(world.run(world.must("GET", f"{MAPS}?resourceVersion=0"))) == ["a", "b"]
    for bad in ("resourceVersion=x", "resourceVersionMatch=Exact", "resourceVersion=0&resourceVersionMatch=Exact"):
        assert world.run(world.ask("GET", f"{MAPS}?{bad}"))[0] == 400


def test_a_revision_that_is_not_there_yet_is_not_answered_with_the_past(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "PATIENCE_S", 0.1)
    code, answer = world.run(world.ask("GET", f"{MAPS}?resourceVersion=9999"))
    assert (code, answer["details"]["causes"][0]["reason"]) == (504, "ResourceVersionTooLarge")


def test_a_read_after_a_write_sees_it_on_another_server(bare: Any) -> None:
    one, other = bare.run(bare.serve()), bare.run(bare.serve())
    bare.run(bare.must("GET", MAPS, port=other))
    bare.run(bare.must("POST", "/api/v1/namespaces", {"metadata": {"name": "n"}}, port=one))
    bare.run(bare.must("POST", "/api/v1/namespaces/n/configmaps", config("m"), port=other))
    assert names(bare.run(bare.must("GET", "/api/v1/configmaps", port=one))) == ["m"]


def test_a_watch_begins_with_what_is_there_and_goes_on(world: Any) -> None:
    async def act() -> list[tuple[str, str]]:
        await world.must("POST", MAPS, config("a"))
        async with world.watch(MAPS) as following:
            seen = [await following()]
            made = await world.must("POST", MAPS, config("b"))
            seen.append(await following())
            assert seen[-1]["object"] == made
            changed = await world.must("PATCH", f"{MAPS}/b", {"data": {"x": "y"}}, **MERGE)
            seen.append(await following())
            assert seen[-1]["object"] == changed
            await world.must("DELETE", f"{MAPS}/b")
            seen.append(await following())
            assert seen[-1]["object"]["data"] == {"x": "y"}
            assert revision(seen[-1]["object"]) > revision(changed)
        return [short(event) for event in seen]

    assert world.run(act()) == [("ADDED", "a"), ("ADDED", "b"), ("MODIFIED", "b"), ("DELETED", "b")]


def test_a_watch_from_a_revision_misses_and_repeats_nothing(world: Any) -> None:
    async def act(cached: bool) -> list[tuple[str, str]]:
        if cached:
            await world.must("GET", f"{MAPS}?resourceVersion=0")
        made = await world.must("POST", MAPS, config("a"))
        await world.must("POST", MAPS, config("b"))
        await world.must("DELETE", f"{MAPS}/a")
        async with world.watch(f"{MAPS}?resourceVersion={revision(made)}") as following:
            await world.must("DELETE", f"{MAPS}/b")
            return [short(await following()) for _ in range(3)]

    for cached in (False, True):
        assert world.run(act(cached)) == [("ADDED", "b"), ("DELETED", "a"), ("DELETED", "b")]


def test_a_server_can_tell_what_happened_before_it_began(bare: Any) -> None:
    one = bare.run(bare.serve())
    made = bare.run(bare.must("POST", MAPS, config("a"), port=one))
    bare.run(bare.must("PATCH", f"{MAPS}/a", {"data": {"x": "y"}}, port=one, **MERGE))
    other = bare.run(bare.serve())

    async def act(after: int) -> list[tuple[str, str]]:
        async with bare.watch(f"{MAPS}?resourceVersion={after}", port=other) as following:
            return [short(await following()) for _ in range(2 if after < revision(made) else 1)]

    assert bare.run(act(revision(made))) == [("MODIFIED", "a")]
    assert bare.run(act(revision(made) - 1)) == [("ADDED", "a"), ("MODIFIED", "a")]


def test_what_is_forgotten_is_said_to_be(world: Any) -> None:
    made = world.run(world.must("POST", MAPS, config("a")))
    for number in range(3):
        world.run(world.must("PATCH", f"{MAPS}/a", {"data": {"x": str(number)}}, **MERGE))
    world.etcd.store.compact(world.etcd.store.revision)
    code, answer = world.run(world.ask("GET", f"{MAPS}?watch=1&resourceVersion={revision(made)}"))
    assert (code, answer["reason"]) == (410, "Expired")


def test_entering_and_leaving_a_selection(world: Any) -> None:
    async def act() -> list[tuple[str, str]]:
        async with world.watch(f"{MAPS}?labelSelector=a%3Db") as following:
            await world.must("POST", MAPS, config("m"))
            entered = await world.must("PATCH", f"{MAPS}/m", {"metadata": {"labels": {"a": "b"}}}, **MERGE)
            seen = [await following()]
            left = await world.must("PATCH", f"{MAPS}/m", {"metadata": {"labels": {"a": "c"}}}, **MERGE)
            seen.append(await following())
            assert seen[1]["object"]["metadata"]["labels"] == {"a": "b"}
            assert revision(entered) < revision(seen[1]["object"]) == revision(left)
            await world.must("POST", MAPS, config("sentinel", a="b"))
            return [short(event) for event in [*seen, await following()]]

    assert world.run(act()) == [("ADDED", "m"), ("DELETED", "m"), ("ADDED", "sentinel")]


def test_one_object_can_be_watched_by_its_name(world: Any) -> None:
    async def act() -> list[tuple[str, str]]:
        async with world.watch(f"{MAPS}/m") as by_path, world.watch(f"{MAPS}?fieldSelector=metadata.name%3Dm") as by_field:
            await world.must("POST", MAPS, config("other"))
            await world.must("POST", MAPS, config("m"))
            return [short(await by_path()), short(await by_field())]

    assert world.run(act()) == [("ADDED", "m"), ("ADDED", "m")]


def test_initial_events_end_with_a_bookmark(world: Any) -> None:
    query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"

    async def act() -> list[Json]:
        await world.must("POST", MAPS, config("a"))
        async with world.watch(f"{MAPS}?{query}") as following:
            return [await following(), await following()]

    for _ in range(2):  # the second time the cache is there and must be brought up to date
        added, mark = world.run(act()) if _ == 0 else world.run(again(world, query))
        assert short(added) == ("ADDED", "a")
        assert mark["type"] == "BOOKMARK"
        assert mark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        assert revision(mark["object"]) >= revision(added["object"])
    assert world.run(world.ask("GET", f"{MAPS}?watch=1&sendInitialEvents=true"))[0] == 422


async def again(world: Any, query: str) -> list[Json]:
    async with world.watch(f"{MAPS}?{query}") as following:
        return [await following(), await following()]


def test_a_watch_ends_when_its_time_is_over_with_a_bookmark(world: Any) -> None:
    async def act() -> list[Json]:
        async with world.watch(f"{MAPS}?resourceVersion=0&timeoutSeconds=1&allowWatchBookmarks=true") as following:
            return [await following(), await following()]

    mark, end = world.run(act())
    assert (mark["type"], mark["object"]["kind"], end) == ("BOOKMARK", "ConfigMap", {})


def test_all_watchers_see_the_same_order(bare: Any) -> None:
    ports = [bare.run(bare.serve()), bare.run(bare.serve())]

    async def follow(port: int, count: int) -> list[tuple[str, str, int]]:
        async with bare.watch(MAPS, port=port) as following:
            events = [await following() for _ in range(count)]
        return [(*short(event), revision(event["object"])) for event in events]

    async def act() -> list[list[tuple[str, str, int]]]:
        watchers = [asyncio.ensure_future(follow(port, 20)) for port in ports for _ in range(3)]
        await asyncio.gather(*(bare.must("POST", MAPS, config(f"m{number}"), port=ports[number % 2]) for number in range(20)))
        return list(await asyncio.gather(*watchers))

    first, *others = bare.run(act())
    assert all(each == first for each in others) or {tuple(sorted(each)) for each in [first, *others]} == {tuple(sorted(first))}
    assert len(first) == 20


def test_the_stream_to_the_store_is_resumed_where_it_broke(bare: Any) -> None:
    port = bare.run(bare.serve())

    async def act() -> list[tuple[str, str]]:
        async with bare.watch(MAPS, port=port) as following:
            await bare.must("POST", MAPS, config("a"))
            seen = [short(await following())]
            bare.cut()
            await asyncio.sleep(0)
            await bare.must("POST", MAPS, config("b"))
            return [*seen, short(await following())]

    assert bare.run(act()) == [("ADDED", "a"), ("ADDED", "b")]


def test_a_table_for_people(world: Any) -> None:
    world.run(
        world.must(
            "POST", "/api/v1/namespaces/default/pods", {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
        )
    )
    table = world.run(world.must("GET", "/api/v1/namespaces/default/pods", headers=TABLE))
    assert [column["name"] for column in table["columnDefinitions"]][:4] == ["Name", "Ready", "Status", "Restarts"]
    assert table["rows"][0]["cells"][:4] == ["p", "0/1", "Pending", 0]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    partial = {"Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}
    answer = world.run(world.must("GET", "/api/v1/namespaces/default/pods", headers=partial))
    assert (answer["kind"], "spec" in answer["items"][0]) == ("PartialObjectMetadataList", False)
    assert world.run(world.ask("GET", MAPS, headers={"Accept": "application/vnd.kubernetes.protobuf"}))[0] == 406


def test_discovery_says_what_there_is(world: Any) -> None:
    apps = world.run(world.must("GET", "/apis/apps/v1"))
    scale = next(each for each in apps["resources"] if each["name"] == "deployments/scale")
    assert (scale["kind"], scale["group"]) == ("Scale", "autoscaling")
    accept = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}
    groups = world.run(world.must("GET", "/apis", headers=accept))
    assert {"apps", "coordination.k8s.io"} <= {each["metadata"]["name"] for each in groups["items"]}
    assert world.run(world.must("GET", "/version"))["major"] == "1"
    assert world.run(world.ask("GET", "/openapi/v2"))[0] == 404
    described = world.run(world.must("GET", "/openapi/v3"))["paths"]["apis/apps/v1"]["serverRelativeURL"]
    assert "/apis/apps/v1/namespaces/{namespace}/deployments/{name}" in world.run(world.must("GET", described))["paths"]
    assert world.run(world.ask("GET", "/openapi/v3/apis/none/v1"))[0] == 404


def test_without_its_store_a_server_is_not_ready(bare: Any) -> None:
    port = bare.run(bare.serve("--request-timeout=200ms"))
    bare.etcd_server.close()
    bare.cut()

    async def act() -> tuple[int, int]:
        return (await bare.ask("GET", "/readyz", port=port))[0], (await bare.ask("POST", MAPS, config(), port=port))[0]

    assert bare.run(act()) == (500, 500)


def test_a_transaction_without_an_answer_is_not_repeated(bare: Any) -> None:
    port = bare.run(bare.serve("--request-timeout=100ms"))
    asked = []

    async def silent(request: pb.TxnRequest) -> pb.TxnResponse:
        asked.append(request)
        await asyncio.Event().wait()
        return pb.TxnResponse()

    bare.etcd.txn_now = silent
    code, answer = bare.run(bare.ask("POST", MAPS, config(), port=port))
    assert (code, answer["reason"], len(asked)) == (504, "Timeout", 1)
