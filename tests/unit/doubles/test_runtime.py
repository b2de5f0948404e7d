"""The runtime double does what a kubelet asks, remembers what it was handed, and can be scripted."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from grpclib import GRPCError, Status
from grpclib.client import Channel

from seatrial.doubles.runtime import Runtime
from seatrial.model.errors import Inconclusive
from seatrial.model.history import History
from seatrial_schemas import cri
from seatrial_schemas import cri_pb2 as pb
from seatrial_schemas.context import SystemContext
from seatrial_schemas.rpc import Method


@contextlib.asynccontextmanager
async def serving(tmp_path: Path) -> AsyncIterator[SimpleNamespace]:
    context = SystemContext()
    history = History(context.now_s)
    runtime = Runtime(node="node-1", index=17, record=history.recorder("runtime/node-1"), context=context)
    await runtime.serve(tmp_path / "cri.sock")
    channel = Channel(path=str(tmp_path / "cri.sock"))

    async def ask(method: Any, *args: Any, **fields: Any) -> Any:
        return await method.unary(channel)(args[0] if args else method.request(**fields), timeout=5)

    try:
        yield SimpleNamespace(runtime=runtime, history=history, ask=ask, logs=tmp_path / "logs")
    finally:
        channel.close()
        await runtime.close()


def pod_config(s: Any, name: str = "p", *, network: Any = pb.POD) -> pb.PodSandboxConfig:
    options = pb.NamespaceOption(network=network)
    linux = pb.LinuxPodSandboxConfig(security_context=pb.LinuxSandboxSecurityContext(namespace_options=options))
    meta = pb.PodSandboxMetadata(name=name, namespace="a", uid=f"u-{name}")
    return pb.PodSandboxConfig(metadata=meta, labels={"l": name}, log_directory=str(s.logs), linux=linux)


async def started(s: Any, config: pb.PodSandboxConfig, *, name: str = "c") -> tuple[str, str]:
    pod = (await s.ask(cri.RUN_POD_SANDBOX, config=config)).pod_sandbox_id
    container_config = pb.ContainerConfig(
        metadata=pb.ContainerMetadata(name=name, attempt=3), image=pb.ImageSpec(image="web:1"), annotations={"k": "v"}, log_path="c/0.log"
    )
    container = (await s.ask(cri.CREATE_CONTAINER, pod_sandbox_id=pod, config=container_config)).container_id
    await s.ask(cri.START_CONTAINER, container_id=container)
    return pod, container


def test_a_kubelet_is_told_that_all_is_well(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as s:
            assert (await s.ask(cri.VERSION)).version == "0.1.0"
            assert [(c.type, c.status) for c in (await s.ask(cri.STATUS)).status.conditions] == [
                ("RuntimeReady", True),
                ("NetworkReady", True),
            ]
            assert (await s.ask(cri.RUNTIME_CONFIG)).linux.cgroup_driver == pb.CGROUPFS
            assert len((await s.ask(cri.IMAGE_FS_INFO)).container_filesystems) == 1
            await s.ask(cri.UPDATE_RUNTIME_CONFIG)
            assert not len(s.history)

    asyncio.run(act())


def test_a_pod_lives_and_is_removed(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as s:
            pod, container = await started(s, pod_config(s))
            status = (await s.ask(cri.POD_SANDBOX_STATUS, pod_sandbox_id=pod)).status
            assert (status.network.ip, status.state, status.metadata.uid) == ("10.101.16.1", pb.SANDBOX_READY, "u-p")
            running = (await s.ask(cri.CONTAINER_STATUS, container_id=container)).status
            assert (running.state, running.metadata.attempt, running.annotations["k"]) == (pb.CONTAINER_RUNNING, 3, "v")
            assert running.image_ref
            assert (s.logs / "c/0.log").exists()
            await s.ask(cri.STOP_CONTAINER, container_id=container, timeout=30)
            assert (await s.ask(cri.CONTAINER_STATUS, container_id=container)).status.exit_code == 0
            for _ in range(2):  # both are safe to repeat
                await s.ask(cri.STOP_POD_SANDBOX, pod_sandbox_id=pod)
                await s.ask(cri.REMOVE_CONTAINER, container_id=container)
            await s.ask(cri.REMOVE_POD_SANDBOX, pod_sandbox_id=pod)
            await s.ask(cri.REMOVE_POD_SANDBOX, pod_sandbox_id=pod)
            with pytest.raises(GRPCError, match="not found"):
                await s.ask(cri.POD_SANDBOX_STATUS, pod_sandbox_id=pod)
            assert list(dict.fromkeys(e["method"] for e in s.history.of("cri"))) == [
                "RunPodSandbox",
                "CreateContainer",
                "StartContainer",
                "StopContainer",
                "StopPodSandbox",
                "RemoveContainer",
                "RemovePodSandbox",
            ]
            created = s.history.of("cri", method="CreateContainer")[0]
            assert (created["pod"], created["namespace"], created["uid"], created["container"], created.instance) == (
                "p",
                "a",
                "u-p",
                "c",
                "node-1",
            )
            of_container = [e for e in s.history.of("cri") if e["method"] in ("StartContainer", "StopContainer", "RemoveContainer")]
            assert {(e["sandbox"], e["id"]) for e in of_container} == {(pod, container)}
            assert {e["sandbox"] for e in s.history.of("cri", method="StopPodSandbox")} == {pod}

    asyncio.run(act())


def test_lists_are_filtered(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as s:
            first, container = await started(s, pod_config(s, "p"))
            second, _ = await started(s, pod_config(s, "q", network=pb.NODE))
            await s.ask(cri.STOP_POD_SANDBOX, pod_sandbox_id=first)
            ready = pb.PodSandboxFilter(state=pb.PodSandboxStateValue(state=pb.SANDBOX_READY))
            assert [p.id for p in (await s.ask(cri.LIST_POD_SANDBOX, filter=ready)).items] == [second]
            labelled = pb.PodSandboxFilter(label_selector={"l": "p"})
            assert [p.id for p in (await s.ask(cri.LIST_POD_SANDBOX, filter=labelled)).items] == [first]
            ended = pb.ContainerFilter(state=pb.ContainerStateValue(state=pb.CONTAINER_EXITED))
            assert [c.id for c in (await s.ask(cri.LIST_CONTAINERS, filter=ended)).containers] == [container]
            assert len((await s.ask(cri.LIST_CONTAINERS)).containers) == 2
            assert (await s.ask(cri.POD_SANDBOX_STATUS, pod_sandbox_id=second)).status.network.ip == ""

    asyncio.run(act())


def test_images_are_there_once_pulled(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as s:
            web = pb.ImageSpec(image="web:1")
            assert not (await s.ask(cri.IMAGE_STATUS, image=web)).HasField("image")
            reference = (await s.ask(cri.PULL_IMAGE, image=web)).image_ref
            assert (await s.ask(cri.IMAGE_STATUS, image=web)).image.id == reference
            assert len((await s.ask(cri.LIST_IMAGES)).images) == 1
            await s.ask(cri.REMOVE_IMAGE, image=web)
            assert not (await s.ask(cri.LIST_IMAGES)).images

    asyncio.run(act())


def test_containers_end_by_themselves_when_the_scenario_says_so(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as s:
            _, container = await started(s, pod_config(s))
            s.runtime.exit_containers("u-p", code=3)
            status = (await s.ask(cri.CONTAINER_STATUS, container_id=container)).status
            assert (status.state, status.exit_code, status.reason) == (pb.CONTAINER_EXITED, 3, "Error")
            assert [(e["container"], e["code"]) for e in s.history.of("container-exited")] == [("c", 3)]
            with pytest.raises(Inconclusive, match="none can end"):
                s.runtime.exit_containers("u-p", code=0)

    asyncio.run(act())


def test_calls_can_be_held(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as s:
            barrier = s.runtime.hold("StartContainer", pod="p")
            starting = asyncio.create_task(started(s, pod_config(s)))
            event = await barrier.reached(within_s=5)
            assert (event["held"], event["container"]) == (True, "c")
            assert [c.state for c in (await s.ask(cri.LIST_CONTAINERS)).containers] == [pb.CONTAINER_CREATED]
            barrier.release()
            await starting
            assert [c.state for c in (await s.ask(cri.LIST_CONTAINERS)).containers] == [pb.CONTAINER_RUNNING]
            assert s.runtime.busy()
            s.runtime.hold("StartContainer", pod="q")
            s.runtime.heal()
            await started(s, pod_config(s, "q"))

    asyncio.run(act())


def test_a_call_can_fail_once_for_each_pod_and_has_no_effect_then(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as s:
            s.runtime.fail_once("RunPodSandbox")
            for name in ("p", "q"):
                with pytest.raises(GRPCError):
                    await started(s, pod_config(s, name))
            assert not (await s.ask(cri.LIST_POD_SANDBOX)).items
            await started(s, pod_config(s, "p"))
            assert [(e["method"], e["pod"]) for e in s.history.of("cri-failed")] == [("RunPodSandbox", "p"), ("RunPodSandbox", "q")]
            s.runtime.fail_once("PullImage")
            s.runtime.heal()
            await s.ask(cri.PULL_IMAGE, image=pb.ImageSpec(image="web:1"), sandbox_config=pod_config(s))

    asyncio.run(act())


def test_the_first_init_container_of_a_pod_can_fail_once(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as s:
            s.runtime.fail_once("init")
            for _ in range(2):
                await started(s, pod_config(s, "p"), name="init-1")
                await asyncio.sleep(0.1)
            assert [e["code"] for e in s.history.of("container-exited")] == [1, 0]

    asyncio.run(act())


def test_what_it_does_not_serve_is_not_implemented(tmp_path: Path) -> None:
    """As real runtimes that are older than the kubelet say it; every kubelet takes it for that."""
    newer = Method(path="/runtime.v1.RuntimeService/GetContainerEvents", request=pb.VersionRequest, reply=pb.VersionResponse)

    async def act() -> None:
        async with serving(tmp_path) as s:
            with pytest.raises(GRPCError) as caught:
                await s.ask(newer)
            assert caught.value.status is Status.UNIMPLEMENTED

    asyncio.run(act())
