"""A little world for clients of the API: a server on loopback that stores, lists, watches and binds, and a container runtime on a socket.

They know nothing of each other and check nothing that a test does not need; the real API server is tested elsewhere.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import orjson
import pytest
from aiohttp import web
from aiohttp.web_server import Server as HttpServer
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from grpclib.server import Server

from seatrial_schemas import cri
from seatrial_schemas import cri_pb2 as pb
from seatrial_schemas.context import SystemContext
from seatrial_schemas.rpc import Method, Service

Json = dict[str, Any]
T = TypeVar("T")


class Refusal(Exception):
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class FakeApi:
    """`objects` by path, `requests` as (agent, verb, path), `gate` holds every answer while it is clear, `fail` refuses chosen requests."""

    def __init__(self) -> None:
        self.objects: dict[str, Json] = {}
        self.requests: list[tuple[str, str, str]] = []
        self.revision = 100
        self.log: list[tuple[int, str, str, Json]] = []
        self.forgotten = 0
        self.fail: Callable[[str, str], int] = lambda _verb, _path: 0
        self.muted = ""  # watches of paths with this in them hear nothing for now
        self.held = asyncio.Event()
        self.held.set()
        self._news = asyncio.Condition()
        self._names = itertools.count(1)
        self.port = 0
        self._http: HttpServer
        self._listening: asyncio.Server

    async def start(self) -> None:
        self._http = HttpServer(self._serve, handler_cancellation=True, access_log=None)
        self._listening = await asyncio.get_running_loop().create_server(self._http, "127.0.0.1", self.port)
        self.port = self._listening.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._listening.close()
        await self._http.shutdown(0.001)

    def kubeconfig(self, folder: Path) -> Path:
        path = folder / "kubeconfig"
        config = {
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        path.write_bytes(orjson.dumps(config))
        return path

    def seen(self, verb: str, part: str = "") -> list[str]:
        return [path for _, v, path in self.requests if v == verb and part in path]

    def of(self, plural: str) -> list[Json]:
        return [o for path, o in self.objects.items() if f"/{plural}/" in path]

    async def until(self, holds: Callable[[], Any], within_s: float = 5.0) -> None:
        async with asyncio.timeout(within_s), self._news:
            await self._news.wait_for(holds)

    async def store(self, path: str, item: Json, kind: str = "") -> Json:
        """Write as nobody in particular."""
        self.revision += 1
        kind = kind or ("MODIFIED" if path in self.objects else "ADDED")
        meta = {"uid": f"uid-{self.revision}", "creationTimestamp": f"2026-01-01T00:00:{self.revision % 60:02}Z", "generation": 1}
        item = item | {"metadata": meta | item["metadata"] | {"resourceVersion": str(self.revision)}}
        if kind == "DELETED":
            self.objects.pop(path, None)
        else:
            self.objects[path] = item
        self.log.append((self.revision, kind, path, item))
        async with self._news:
            self._news.notify_all()
        return item

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        verb = (
            "watch"
            if request.query.get("watch")
            else {"GET": "get", "POST": "create", "PUT": "update"}.get(request.method, request.method.lower())
        )
        self.requests.append((request.headers["User-Agent"], verb, request.path))
        async with self._news:
            self._news.notify_all()
        await self.held.wait()
        try:
            self._check(verb, request.path)
            if verb == "watch":
                return await self._watch(request)
            body = orjson.loads(await request.read() or b"{}")
            return web.json_response(await self._answer(verb, request.path, request.query, body))
        except Refusal as refusal:
            return web.json_response({"kind": "Status", "code": refusal.status, "reason": refusal.reason}, status=refusal.status)

    def _check(self, verb: str, path: str) -> None:
        if status := self.fail(verb, path):
            raise Refusal(status, "Refused")

    async def _watch(self, request: web.BaseRequest) -> web.StreamResponse:
        since = int(request.query["resourceVersion"])
        if since < self.forgotten:
            raise Refusal(410, "Expired")
        answer = web.StreamResponse()
        await answer.prepare(request)
        position = 0
        while True:
            for revision, kind, path, item in self.log[position:] if not self.muted or self.muted not in request.path else ():
                position += 1
                if revision > since and _matches(request, path, item):
                    await answer.write(orjson.dumps({"type": kind, "object": item}) + b"\n")
            async with self._news:
                await self._news.wait()

    async def _answer(self, verb: str, path: str, query: Any, body: Json) -> Json:
        parts = path.split("/")
        collection = len(parts) in ({4, 6} if parts[1] == "api" else {5, 7})
        if verb == "get" and collection:
            return {"metadata": {"resourceVersion": str(self.revision)}, "items": [o for p, o in self.objects.items() if _under(path, p)]}
        if verb == "create" and path.endswith("/binding"):
            return await self._bind(path.removesuffix("/binding"), body)
        if verb == "create":
            meta = body["metadata"]
            name = meta.get("name") or f"{meta['generateName']}{next(self._names)}"
            if f"{path}/{name}" in self.objects:
                raise Refusal(409, "AlreadyExists")
            return await self.store(f"{path}/{name}", body | {"metadata": meta | {"name": name}})
        sub = parts[-1] if parts[-1] == "status" else ""
        path = path.removesuffix(f"/{sub}") if sub else path
        return await self._change(verb, path, sub, body)

    async def _change(self, verb: str, path: str, sub: str, body: Json) -> Json:
        if path not in self.objects:
            raise Refusal(404, "NotFound")
        old = self.objects[path]
        if verb == "get":
            return old
        wanted: Json = body.get("preconditions") or body.get("metadata") or {}
        if wanted.get("uid", old["metadata"]["uid"]) != old["metadata"]["uid"]:
            raise Refusal(409, "Conflict")
        if verb == "delete":
            return await self._delete(path, old, body)
        if wanted.get("resourceVersion", old["metadata"]["resourceVersion"]) != old["metadata"]["resourceVersion"]:
            raise Refusal(409, "Conflict")
        new = _merge(old, body) if verb == "patch" else body
        new = old | {"status": new.get("status", {})} if sub else new | {"status": old.get("status", {})}
        if new.get("spec") != old.get("spec"):
            new["metadata"] = new["metadata"] | {"generation": old["metadata"]["generation"] + 1}
        return await self.store(path, new)

    async def _delete(self, path: str, old: Json, body: Json) -> Json:
        if "/pods/" in path and old["spec"].get("nodeName") and body.get("gracePeriodSeconds") != 0:
            meta = {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 1}
            return await self.store(path, old | {"metadata": old["metadata"] | meta})
        return await self.store(path, old, "DELETED")

    async def _bind(self, path: str, body: Json) -> Json:
        old = self.objects[path]
        if old["spec"].get("nodeName"):
            raise Refusal(409, "Conflict")
        return await self.store(path, old | {"spec": old["spec"] | {"nodeName": body["target"]["name"]}})


def _under(collection: str, path: str) -> bool:
    head, _, plural = collection.rpartition("/")
    return path.startswith(collection + "/") or (
        "/namespaces/" not in collection and path.startswith(f"{head}/namespaces/") and f"/{plural}/" in path
    )


def _matches(request: web.BaseRequest, path: str, item: Json) -> bool:
    node = request.query.get("fieldSelector", "").removeprefix("spec.nodeName=")
    return _under(request.path, path) and (not node or item["spec"].get("nodeName") == node)


def _merge(old: Any, patch: Any) -> Any:
    if not isinstance(patch, dict) or not isinstance(old, dict):
        return patch
    return old | {k: _merge(old.get(k), v) for k, v in patch.items()}


class FakeRuntime:
    """A runtime whose containers run until `exit` or a stop. `calls` are names of methods, with the pod's or container's name."""

    def __init__(self, path: Path) -> None:
        self.endpoint = f"unix://{path}"
        self.calls: list[tuple[str, str]] = []
        self.sandboxes: dict[str, pb.PodSandboxConfig] = {}
        self.containers: dict[str, tuple[str, pb.ContainerConfig]] = {}
        self.states: dict[str, pb.ContainerState] = {}
        self.codes: dict[str, int] = {}
        self.absent: set[str] = set()
        self.broken = False
        self.lost: set[str] = set()  # sandboxes that are not ready any more
        self.changed = asyncio.Event()
        self._path = path
        self._ids = itertools.count(1)
        table = {getattr(cri, name): self._serve(getattr(cri, name), answer) for name, answer in self._answers().items()}
        self._server = Server([Service(table)])

    async def start(self) -> None:
        await self._server.start(path=str(self._path))

    async def stop(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    def exit(self, container: str, code: int) -> None:
        for key, (_, config) in self.containers.items():
            if config.metadata.name == container and self.states[key] == pb.CONTAINER_RUNNING:
                self.states[key], self.codes[key] = pb.CONTAINER_EXITED, code

    def names(self, method: str) -> list[str]:
        return [what for name, what in self.calls if name == method]

    def _serve(self, method: Method, answer: Callable[[Any], tuple[str, Any]]) -> Callable[[Any], Awaitable[None]]:
        async def serve(stream: Any) -> None:
            if self.broken:
                raise GRPCError(Status.UNAVAILABLE, "broken")
            what, reply = answer(await stream.recv_message())
            self.calls.append((method.path.rpartition("/")[2], what))
            self.changed.set()
            await stream.send_message(reply)

        return serve

    def _answers(self) -> dict[str, Callable[[Any], tuple[str, Any]]]:
        ready = pb.RuntimeStatus(conditions=[pb.RuntimeCondition(type=t, status=True) for t in ("RuntimeReady", "NetworkReady")])
        return {
            "STATUS": lambda _: ("", pb.StatusResponse(status=ready)),
            "RUN_POD_SANDBOX": self._run,
            "POD_SANDBOX_STATUS": lambda r: ("", pb.PodSandboxStatusResponse(status=_sandbox_status(r.pod_sandbox_id))),
            "LIST_POD_SANDBOX": lambda _: ("", pb.ListPodSandboxResponse(items=[self._sandbox(i) for i in self.sandboxes])),
            "STOP_POD_SANDBOX": lambda r: (self.sandboxes[r.pod_sandbox_id].metadata.name, pb.StopPodSandboxResponse()),
            "REMOVE_POD_SANDBOX": self._remove,
            "IMAGE_STATUS": lambda r: (
                r.image.image,
                pb.ImageStatusResponse(image=pb.Image(id="" if r.image.image in self.absent else "sha")),
            ),
            "PULL_IMAGE": lambda r: (r.image.image, pb.PullImageResponse(image_ref="sha")),
            "CREATE_CONTAINER": self._create,
            "START_CONTAINER": self._start,
            "STOP_CONTAINER": self._stop,
            "LIST_CONTAINERS": lambda _: ("", pb.ListContainersResponse(containers=[self._listed(i) for i in self.containers])),
            "CONTAINER_STATUS": lambda r: ("", pb.ContainerStatusResponse(status=self._status(r.container_id))),
        }

    def _run(self, request: Any) -> tuple[str, Any]:
        key = f"s{next(self._ids)}"
        self.sandboxes[key] = request.config
        return request.config.metadata.name, pb.RunPodSandboxResponse(pod_sandbox_id=key)

    def _remove(self, request: Any) -> tuple[str, Any]:
        config = self.sandboxes.pop(request.pod_sandbox_id)
        self.containers = {i: (s, c) for i, (s, c) in self.containers.items() if s != request.pod_sandbox_id}
        return config.metadata.name, pb.RemovePodSandboxResponse()

    def _create(self, request: Any) -> tuple[str, Any]:
        if request.pod_sandbox_id not in self.sandboxes:
            raise GRPCError(Status.NOT_FOUND, "no such sandbox")
        key = f"c{next(self._ids)}"
        self.containers[key], self.states[key] = (request.pod_sandbox_id, request.config), pb.CONTAINER_CREATED
        return request.config.metadata.name, pb.CreateContainerResponse(container_id=key)

    def _start(self, request: Any) -> tuple[str, Any]:
        self.states[request.container_id] = pb.CONTAINER_RUNNING
        return self.containers[request.container_id][1].metadata.name, pb.StartContainerResponse()

    def _stop(self, request: Any) -> tuple[str, Any]:
        self.states[request.container_id] = pb.CONTAINER_EXITED
        return self.containers[request.container_id][1].metadata.name, pb.StopContainerResponse()

    def _sandbox(self, key: str) -> pb.PodSandbox:
        state = pb.SANDBOX_NOTREADY if key in self.lost else pb.SANDBOX_READY
        return pb.PodSandbox(id=key, metadata=self.sandboxes[key].metadata, state=state)

    def _listed(self, key: str) -> pb.Container:
        sandbox, config = self.containers[key]
        return pb.Container(id=key, pod_sandbox_id=sandbox, metadata=config.metadata, state=self.states[key], labels=config.labels)

    def _status(self, key: str) -> pb.ContainerStatus:
        return pb.ContainerStatus(id=key, state=self.states[key], exit_code=self.codes.get(key, 0))


def _sandbox_status(key: str) -> pb.PodSandboxStatus:
    return pb.PodSandboxStatus(id=key, network=pb.PodSandboxNetworkStatus(ip="10.1.0.9"))


class World:
    """One test's server, runtime and clock, and the components that it starts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.context = SystemContext()
        self.api = FakeApi()
        self.runtime = FakeRuntime(folder / "cri.sock")
        self.tasks: list[asyncio.Task[None]] = []

    def start(self, component: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        self.tasks.append(asyncio.create_task(component))
        return self.tasks[-1]

    @property
    def kubeconfig(self) -> str:
        return f"--kubeconfig={self.api.kubeconfig(self.folder)}"

    async def node(self, name: str = "node-1", **spec: Any) -> Json:
        allocatable = {"cpu": "4", "memory": "8Gi", "pods": "110"}
        status = {"conditions": [{"type": "Ready", "status": "True"}], "allocatable": allocatable}
        return await self.api.store(f"/api/v1/nodes/{name}", {"metadata": {"name": name}, "spec": spec, "status": status})

    async def pod(self, name: str, **spec: Any) -> Json:
        item = {"metadata": {"name": name, "namespace": "default"}, "spec": {"containers": [{"name": "main", "image": "i"}]} | spec}
        return await self.api.store(f"/api/v1/namespaces/default/pods/{name}", item | {"status": {"phase": "Pending"}})


@pytest.fixture
def play(tmp_path: Path) -> Callable[[Callable[[World], Coroutine[Any, Any, T]]], T]:
    """Run a coroutine in a fresh world; everything that it started is cancelled afterwards, and must end quietly."""

    def run(scene: Callable[[World], Coroutine[Any, Any, T]]) -> T:
        async def act() -> T:
            world = World(tmp_path)
            await world.api.start()
            await world.runtime.start()
            try:
                return await scene(world)
            finally:
                for task in world.tasks:
                    task.cancel()
                await asyncio.gather(*world.tasks, return_exceptions=True)
                await world.api.stop()
                await world.runtime.stop()

        with asyncio.Runner() as runner:
            return runner.run(act())

    return run
