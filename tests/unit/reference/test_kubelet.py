"""What to do next about a pod, and the kubelet between a little API server and a little runtime."""

from collections.abc import Callable
from typing import Any

from seatrial_reference import kubelet
from seatrial_reference.kubelet.pods import Container, Running, due, phase_of, status_of

Play = Callable[..., Any]
POD = "/api/v1/namespaces/default/pods/web"


def pod(policy: str = "Always", *, inits: int = 0, mains: int = 1) -> Any:
    spec: dict[str, Any] = {"restartPolicy": policy, "containers": [{"name": f"main-{i}", "image": "i"} for i in range(mains)]}
    spec |= {"initContainers": [{"name": f"init-{i}", "image": "i"} for i in range(inits)]} if inits else {}
    return {"metadata": {"name": "web", "namespace": "default", "uid": "u"}, "spec": spec}


def state(**containers: Container) -> Running:
    named = {name.replace("_", "-"): c for name, c in containers.items()}
    return Running(uid="u", namespace="default", name="web", sandbox="s", ip="10.1.0.9", containers=named)


def ended(code: int = 0, *, crashes: int = 0, at_s: float = 100.0) -> Container:
    return Container(id="c", attempt=crashes, state="exited", exit_code=code, finished_s=at_s, started_s=at_s - 1, crashes=crashes)


RUNS = Container(id="c", attempt=0, state="running")


def names(a_pod: Any, running: Running, now_s: float = 101.0) -> list[str]:
    return [c["name"] for c in due(a_pod, running, now_s=now_s).containers]


def test_all_main_containers_are_due_at_first() -> None:
    assert names(pod(mains=2), state()) == ["main-0", "main-1"]
    assert names(pod(mains=2), state(main_0=RUNS)) == ["main-1"]


def test_init_containers_go_one_by_one() -> None:
    assert names(pod(inits=2), state()) == ["init-0"]
    assert names(pod(inits=2), state(init_0=RUNS)) == []
    assert names(pod(inits=2), state(init_0=ended())) == ["init-1"]
    assert names(pod(inits=1), state(init_0=ended(1))) == ["init-0"]
    assert names(pod(inits=1), state(init_0=ended())) == ["main-0"]


def test_the_restart_policy_is_obeyed() -> None:
    assert names(pod("Always"), state(main_0=ended())) == ["main-0"]
    assert names(pod("OnFailure"), state(main_0=ended())) == []
    assert names(pod("OnFailure"), state(main_0=ended(1))) == ["main-0"]
    assert names(pod("Never"), state(main_0=ended(1))) == []


def test_crash_loops_are_slowed_down() -> None:
    again = due(pod(), state(main_0=ended(1, crashes=2)), now_s=105.0)
    assert (again.containers, again.again_s) == ([], 15.0)
    assert names(pod(), state(main_0=ended(1, crashes=2)), now_s=120.0) == ["main-0"]


def test_phases() -> None:
    assert phase_of(pod(), state()) == "Pending"
    assert phase_of(pod(), state(main_0=RUNS)) == "Running"
    assert phase_of(pod(), state(main_0=ended(1))) == "Running"
    assert phase_of(pod("Never"), state(main_0=ended())) == "Succeeded"
    assert phase_of(pod("Never", mains=2), state(main_0=ended(), main_1=ended(1))) == "Failed"


def test_a_status_that_says_the_same_is_the_same() -> None:
    first = status_of(pod(), state(main_0=RUNS), host_ip="10.0.0.1", wall_s=1, known={})
    assert status_of(pod(), state(main_0=RUNS), host_ip="10.0.0.1", wall_s=99, known=first) == first
    assert (first["podIP"], first["hostIP"], first["conditions"][2]["status"]) == ("10.1.0.9", "10.0.0.1", "True")


def start(world: Any, *more: str) -> Any:
    flags = [world.kubeconfig, "--hostname-override=node-1", "--node-ip=10.0.0.1", "--node-lease-duration-seconds=1"]
    return world.start(kubelet.main([*flags, f"--container-runtime-endpoint={world.runtime.endpoint}", *more], world.context))


def phase(world: Any) -> str:
    return str(world.api.objects[POD].get("status", {}).get("phase"))


def test_a_bound_pod_is_run_and_reported(play: Play) -> None:
    async def scene(world: Any) -> None:
        start(world)
        await world.pod("near", nodeName="node-10")
        await world.pod("unbound")
        await world.pod("web", nodeName="node-1")
        await world.api.until(lambda: phase(world) == "Running")
        calls = [name for name, _ in world.runtime.calls if name not in {"Status", "ListPodSandbox"}]
        assert calls == ["RunPodSandbox", "PodSandboxStatus", "ImageStatus", "CreateContainer", "StartContainer"]
        status = world.api.objects[POD]["status"]
        assert (status["podIP"], status["containerStatuses"][0]["ready"]) == ("10.1.0.9", True)
        assert world.runtime.names("RunPodSandbox") == ["web"]
        assert len(world.api.seen("patch", "/pods/")) == 1
        node = world.api.objects["/api/v1/nodes/node-1"]
        assert node["status"]["conditions"][0]["status"] == "True"
        first = world.api.of("leases")[0]["spec"]["renewTime"]
        await world.api.until(lambda: world.api.of("leases")[0]["spec"]["renewTime"] != first)

    play(scene)


def test_an_absent_image_is_pulled(play: Play) -> None:
    async def scene(world: Any) -> None:
        world.runtime.absent.add("i")
        start(world)
        await world.pod("web", nodeName="node-1")
        await world.api.until(lambda: phase(world) == "Running")
        assert world.runtime.names("PullImage") == ["i"]

    play(scene)


def test_a_deleted_pod_is_stopped_first_and_forgotten_then(play: Play) -> None:
    async def scene(world: Any) -> None:
        start(world)
        item = await world.pod("web", nodeName="node-1")
        await world.api.until(lambda: phase(world) == "Running")
        item = world.api.objects[POD]
        meta = item["metadata"] | {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 1}
        await world.api.store(POD, item | {"metadata": meta})
        await world.api.until(lambda: POD not in world.api.objects)
        assert not world.runtime.sandboxes
        assert [name for name, _ in world.runtime.calls[-3:]] == ["StopContainer", "StopPodSandbox", "RemovePodSandbox"]

    play(scene)


def test_a_pod_that_has_vanished_is_stopped(play: Play) -> None:
    async def scene(world: Any) -> None:
        start(world)
        await world.pod("web", nodeName="node-1")
        await world.api.until(lambda: phase(world) == "Running")
        await world.api.store(POD, world.api.objects[POD], "DELETED")
        while world.runtime.sandboxes:
            world.runtime.changed.clear()
            await world.runtime.changed.wait()

    play(scene)


def test_a_dead_container_is_started_again(play: Play) -> None:
    async def scene(world: Any) -> None:
        start(world, "--pleg-relist-period=20ms")
        await world.pod("web", nodeName="node-1")
        await world.api.until(lambda: phase(world) == "Running")
        world.runtime.exit("main", 3)
        await world.api.until(lambda: world.api.objects[POD]["status"]["containerStatuses"][0]["restartCount"] == 1)
        status = world.api.objects[POD]["status"]["containerStatuses"][0]
        assert status["lastState"]["terminated"]["exitCode"] == 3
        assert len(world.runtime.sandboxes) == 1

    play(scene)


def test_a_lost_sandbox_is_replaced(play: Play) -> None:
    async def scene(world: Any) -> None:
        start(world, "--pleg-relist-period=20ms")
        await world.pod("web", nodeName="node-1")
        await world.api.until(lambda: phase(world) == "Running")
        (key,) = world.runtime.sandboxes
        world.runtime.containers.clear()
        world.runtime.lost.add(key)
        await world.api.until(lambda: world.api.objects[POD]["status"]["containerStatuses"][0]["restartCount"] == 1)
        assert world.runtime.names("RunPodSandbox") == ["web", "web"]

    play(scene)


def test_pods_that_have_run_to_their_end(play: Play) -> None:
    async def scene(world: Any) -> None:
        start(world, "--pleg-relist-period=20ms")
        await world.pod("web", nodeName="node-1", restartPolicy="Never")
        await world.api.until(lambda: phase(world) == "Running")
        world.runtime.exit("main", 0)
        await world.api.until(lambda: phase(world) == "Succeeded")

    play(scene)


def test_a_restarted_kubelet_goes_on_with_what_is_there(play: Play) -> None:
    async def scene(world: Any) -> None:
        first = start(world)
        await world.pod("web", nodeName="node-1")
        await world.api.until(lambda: phase(world) == "Running")
        first.cancel()
        writes = len(world.api.seen("patch", "/pods/"))
        start(world, "--pleg-relist-period=20ms")
        await world.pod("next", nodeName="node-1")
        await world.api.until(lambda: len(world.runtime.sandboxes) == 2)
        world.runtime.exit("main", 1)
        await world.api.until(lambda: world.api.objects[POD]["status"]["containerStatuses"][0]["restartCount"] == 1)
        assert world.runtime.names("RunPodSandbox") == ["web", "next"]
        assert writes == 1

    play(scene)


def test_containers_are_restarted_without_the_api_server_and_reported_later(play: Play) -> None:
    async def scene(world: Any) -> None:
        start(world, "--pleg-relist-period=20ms")
        await world.pod("web", nodeName="node-1")
        await world.api.until(lambda: phase(world) == "Running")
        await world.api.stop()
        world.runtime.exit("main", 1)
        while len(world.runtime.names("StartContainer")) < 2:
            world.runtime.changed.clear()
            await world.runtime.changed.wait()
        await world.api.start()
        await world.api.until(lambda: world.api.objects[POD]["status"]["containerStatuses"][0]["restartCount"] == 1)

    play(scene)


def test_a_node_without_a_runtime_says_so(play: Play) -> None:
    async def scene(world: Any) -> None:
        start(world, "--node-status-update-frequency=20ms")
        await world.api.until(lambda: world.api.of("nodes"))
        world.runtime.broken = True
        await world.api.until(lambda: world.api.of("nodes")[0]["status"]["conditions"][0]["status"] == "False")
        world.runtime.broken = False
        await world.api.until(lambda: world.api.of("nodes")[0]["status"]["conditions"][0]["status"] == "True")

    play(scene)
