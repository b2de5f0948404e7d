"""A scheduler that shares nothing with Seatrial: one file, the standard library, threads and blocking sockets.

One thread follows pods, one follows nodes, one binds while we lead; the main thread competes for the Lease. All that they share is the
`Cluster` and its condition variable.
"""

import argparse
import http.client
import json
import logging
import os
import random
import signal
import socket
import ssl
import sys
import threading
import time
import urllib.parse
import uuid
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
log = logging.getLogger("stdlib-scheduler")
WATCH_S = 20
REPELLING = {"NoSchedule", "NoExecute"}
FAILURES = (OSError, http.client.HTTPException, ValueError)


class Refused(Exception):
    """The server's answer is no."""

    def __init__(self, code: int, body: bytes) -> None:
        super().__init__(f"{code} {body[:200].decode(errors='replace')}")
        self.code = code


class Server:
    """The API server for one thread: one connection for requests, and one more for each watch."""

    def __init__(self, flags: argparse.Namespace, *, timeout_s: float) -> None:
        url = urllib.parse.urlsplit(flags.server)
        self._address = (url.hostname or "", url.port or 443)
        self._tls = ssl.create_default_context(cafile=flags.ca)
        self._headers = {"Authorization": f"Bearer {flags.token}", "User-Agent": "stdlib-scheduler/1", "Accept": "application/json"}
        self._timeout_s = timeout_s
        self._connection: http.client.HTTPSConnection | None = None

    def _connect(self, timeout_s: float) -> http.client.HTTPSConnection:
        connection = http.client.HTTPSConnection(*self._address, context=self._tls, timeout=timeout_s)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def ask(self, method: str, path: str, body: Json | None = None) -> Json:
        """One request. Raises Refused, or one of FAILURES where nobody answered."""
        headers = self._headers if body is None else self._headers | {"Content-Type": "application/json"}
        try:
            if self._connection is None:
                self._connection = self._connect(self._timeout_s)
            self._connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = self._connection.getresponse()
            data = answer.read()
        except FAILURES:
            self.close()
            raise
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise Refused(answer.status, data)
        return dict(json.loads(data))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def watch(self, path: str, revision: str) -> Iterator[Json]:
        """Events until the stream ends."""
        connection = self._connect(WATCH_S + 5)
        try:
            query = urllib.parse.urlencode(
                {"watch": "1", "resourceVersion": revision, "allowWatchBookmarks": "true", "timeoutSeconds": WATCH_S}
            )
            connection.request("GET", f"{path}?{query}", headers=self._headers)
            answer = connection.getresponse()
            if answer.status != http.HTTPStatus.OK:
                raise Refused(answer.status, answer.read())
            while line := answer.readline():
                yield json.loads(line)
        finally:
            connection.close()


class Cluster:
    """What is known of pods and nodes, and whether we lead. `changed` guards everything."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.items: dict[str, dict[str, Json]] = {"pods": {}, "nodes": {}}
        self.synced: set[str] = set()
        self.assumed: dict[str, str] = {}  # uid of a pod -> node that it was bound to
        self.lead_until = 0.0
        self.stopping = False

    def replace(self, kind: str, items: list[Json]) -> None:
        with self.changed:
            self.items[kind] = {_key(i): i for i in items}
            self.synced.add(kind)
            self.changed.notify_all()

    def apply(self, kind: str, event: Json) -> None:
        with self.changed:
            item = event["object"]
            if event["type"] == "DELETED":
                self.items[kind].pop(_key(item), None)
                self.assumed.pop(item["metadata"]["uid"], None)
            else:
                self.items[kind][_key(item)] = item
            self.changed.notify_all()

    def leads(self) -> bool:
        return time.monotonic() < self.lead_until and not self.stopping

    def next(self) -> tuple[Json, str] | None:
        """A pod that waits and the node that it gets; to be called with `changed` held."""
        if not self.leads() or len(self.synced) < len(self.items):
            return None
        for pod in self.items["pods"].values():
            if _waits(pod) and pod["metadata"]["uid"] not in self.assumed and (node := self._node_for(pod)):
                return pod, node
        return None

    def _node_for(self, pod: Json) -> str | None:
        there: dict[str, list[Json]] = {n: [] for n, node in self.items["nodes"].items() if _fits(pod, node)}
        for other in self.items["pods"].values():
            node = other["spec"].get("nodeName") or self.assumed.get(other["metadata"]["uid"])
            if node in there and not _over(other):
                there[node].append(other)
        free = [n for n, others in there.items() if _has_room(self.items["nodes"][n], others, pod)]
        return min(free, key=lambda n: (len(there[n]), n), default=None)


def _key(item: Json) -> str:
    meta = item["metadata"]
    return f"{meta['namespace']}/{meta['name']}" if meta.get("namespace") else str(meta["name"])


def _waits(pod: Json) -> bool:
    spec = pod["spec"]
    ours = spec.get("schedulerName", "default-scheduler") == "default-scheduler" and not spec.get("schedulingGates")
    return ours and not spec.get("nodeName") and "deletionTimestamp" not in pod["metadata"] and not _over(pod)


def _over(pod: Json) -> bool:
    return pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}


def _has_room(node: Json, there: list[Json], pod: Json) -> bool:
    """Whether the node has room for one more, by their number and by the CPU that they ask for; who asks for none needs none."""
    has, asked = node.get("status", {}).get("allocatable", {}), _asked(pod)
    fits = not asked or sum(map(_asked, there)) + asked <= _millicores(has.get("cpu", "0"))
    return fits and len(there) < int(has.get("pods", 0))


def _asked(pod: Json) -> float:
    return sum(_millicores(c.get("resources", {}).get("requests", {}).get("cpu", "0")) for c in pod["spec"]["containers"])


def _millicores(cpu: str) -> float:
    return float(cpu[:-1]) if cpu.endswith("m") else 1000 * float(cpu)


def _fits(pod: Json, node: Json) -> bool:
    spec, labels = node.get("spec", {}), node["metadata"].get("labels", {})
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in node.get("status", {}).get("conditions", ()))
    repelled = spec.get("unschedulable") or any(t["effect"] in REPELLING for t in spec.get("taints", ()))
    return ready and not repelled and (pod["spec"].get("nodeSelector") or {}).items() <= labels.items()


def follow(cluster: Cluster, kind: str, server: Server) -> None:
    """LIST once, WATCH for ever after; anew where the server has forgotten where we were."""
    path, revision, pause_s = f"/api/v1/{kind}", "", 0.05
    while True:
        try:
            if not revision:
                listed = server.ask("GET", path)
                cluster.replace(kind, listed.get("items") or [])
                revision = listed["metadata"]["resourceVersion"]
            for event in server.watch(path, revision):
                if event["type"] == "ERROR":
                    revision = ""
                    break
                revision = event["object"]["metadata"]["resourceVersion"]
                if event["type"] != "BOOKMARK":
                    cluster.apply(kind, event)
                pause_s = 0.05
        except Refused as refusal:
            log.info("%s: %s", kind, refusal)
            revision = "" if refusal.code == http.HTTPStatus.GONE else revision
        except FAILURES as failure:
            log.info("%s: %r", kind, failure)
        time.sleep(pause_s * random.uniform(0.5, 1))
        pause_s = min(1.0, 2 * pause_s)


def bind_all(cluster: Cluster, server: Server) -> None:
    """Bind one pod after the other, as long as we lead."""
    while True:
        with cluster.changed:
            while (found := cluster.next()) is None:
                cluster.changed.wait()
            pod, node = found
            cluster.assumed[pod["metadata"]["uid"]] = node
        try:
            bind(server, pod, node)
        except Refused as refusal:
            log.warning("%s: %s", _key(pod), refusal)
            if refusal.code not in {http.HTTPStatus.NOT_FOUND, http.HTTPStatus.CONFLICT}:
                _forget(cluster, pod)
        except FAILURES as failure:
            log.info("%s: %r", _key(pod), failure)
            _forget(cluster, pod)


def bind(server: Server, pod: Json, node: str) -> None:
    meta = pod["metadata"]
    target = {"apiVersion": "v1", "kind": "Node", "name": node}
    subject = {"name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]}
    body = {"apiVersion": "v1", "kind": "Binding", "metadata": subject, "target": target}
    server.ask("POST", f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/binding", body)


def _forget(cluster: Cluster, pod: Json) -> None:
    time.sleep(0.2)
    with cluster.changed:
        cluster.assumed.pop(pod["metadata"]["uid"], None)
        if known := cluster.items["pods"].pop(_key(pod), None):
            cluster.items["pods"][_key(pod)] = known  # behind all others: their turn comes first


class Candidate:
    """Competes for the Lease. Only our own clock says when somebody else's record is old."""

    def __init__(self, flags: argparse.Namespace, server: Server) -> None:
        self.identity = f"stdlib-{uuid.uuid4()}"
        self._flags = flags
        self._server = server
        namespace, self._name = flags.lease.split("/")
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._seen: Json = {}
        self._seen_at = 0.0

    def attempt(self) -> bool:
        """Get, renew or fail to get the lease, once."""
        try:
            lease = self._server.ask("GET", f"{self._path}/{self._name}")
        except Refused as refusal:
            if refusal.code != http.HTTPStatus.NOT_FOUND:
                raise
            body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": self._name}, "spec": self._record({})}
            self._server.ask("POST", self._path, body)
            return True
        spec = lease.get("spec") or {}
        if spec != self._seen:
            self._seen, self._seen_at = spec, time.monotonic()
        taken = spec.get("holderIdentity") not in {None, "", self.identity}
        if taken and time.monotonic() < self._seen_at + self._flags.lease_s:
            return False
        self._server.ask("PUT", f"{self._path}/{self._name}", lease | {"spec": self._record(spec)})
        return True

    def release(self) -> None:
        lease = self._server.ask("GET", f"{self._path}/{self._name}")
        if lease["spec"].get("holderIdentity") == self.identity:
            self._server.ask("PUT", f"{self._path}/{self._name}", lease | {"spec": lease["spec"] | {"holderIdentity": ""}})

    def _record(self, old: Json) -> Json:
        now, mine = _now(), old.get("holderIdentity") == self.identity
        return {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": max(1, round(self._flags.lease_s)),
            "acquireTime": old["acquireTime"] if mine else now,
            "renewTime": now,
            "leaseTransitions": int(old.get("leaseTransitions") or 0) + (not mine),
        }


def _now() -> str:
    seconds = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1e6):06}Z"


def compete(cluster: Cluster, candidate: Candidate, flags: argparse.Namespace, stop: threading.Event) -> int:
    """Lead or stand by until told to stop, 0, or until the lease is lost, 1."""
    led = False
    while not stop.wait(flags.retry_s * random.uniform(0.8, 1)):
        began = time.monotonic()
        try:
            got = candidate.attempt()
        except (Refused, *FAILURES) as failure:
            log.info("lease: %r", failure)
            got = False
        if got:
            led = True
            with cluster.changed:
                cluster.lead_until = began + flags.renew_s
                cluster.changed.notify_all()
        elif led and not cluster.leads():
            log.error("the lease is lost")
            return 1
    with cluster.changed:
        cluster.stopping = True
    if led:
        candidate.release()
    return 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name in ("server", "ca", "token", "lease"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("lease-s", "renew-s", "retry-s"):
        parser.add_argument(f"--{name}", type=float, required=True)
    return parser.parse_args()


def main() -> int:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    flags, cluster, stop = parsed(), Cluster(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    short_s = flags.renew_s / 2
    work: list[tuple[Any, ...]] = [(follow, cluster, kind, Server(flags, timeout_s=5)) for kind in cluster.items]
    work.append((bind_all, cluster, Server(flags, timeout_s=short_s)))
    for target, *args in work:
        threading.Thread(target=target, args=args, daemon=True).start()
    return compete(cluster, Candidate(flags, Server(flags, timeout_s=short_s)), flags, stop)


if __name__ == "__main__":
    status = main()
    logging.shutdown()
    os._exit(status)  # threads that wait for the network are not waited for
