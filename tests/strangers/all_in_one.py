"""A control plane in one process that shares nothing with Seatrial: API server, scheduler, controllers, and the store within.

    all_in_one.py serve --listen HOST:PORT --data DIR     its own CA, its own tokens; writes DIR/admin.kubeconfig
    all_in_one.py mint --data DIR USER GROUP,GROUP        prints a kubeconfig of that user

Everything is a log of changes, with a journal on disk. Whoever wants to know, a watcher on the network or a controller in the next thread,
reads the log from where they stopped. Only certificates need more than the standard library.
"""

import argparse
import base64
import datetime as dt
import hashlib
import hmac
import http.server
import ipaddress
import json
import re
import select
import signal
import ssl
import sys
import threading
import time
import urllib.parse
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from all_in_one_api import KINDS, MASTERS, NODES, RESOURCES, Api, Change, Json, Match, Refusal, Store, living, matched, merged, selecting
from all_in_one_scheduling import schedule

# -- scheduler and controllers: threads that read the log


class Worker(threading.Thread):
    """Looks again whenever something has changed. What it does must lead to a state in which it does nothing."""

    def __init__(self, api: Api, work: Callable[[Api], None]) -> None:
        super().__init__(daemon=True)
        self._api, self._work = api, work

    def run(self) -> None:
        seen, store = -1, self._api.store
        while True:
            with store.changed:
                store.changed.wait_for(lambda: len(store.log) != seen)  # noqa: B023 - called at once
                seen = len(store.log)
                try:
                    self._work(self._api)
                except Refusal as refusal:  # the next change is another chance
                    sys.stderr.write(f"{self._work.__name__}: {refusal}\n")


def owned(api: Api, resource: str, owner: Json) -> list[Json]:
    uid, space = owner["metadata"]["uid"], owner["metadata"]["namespace"]
    return living(i for i in api.store.all(resource, space) if any(r["uid"] == uid for r in i["metadata"].get("ownerReferences", ())))


def made_by(owner: Json, labels: Json, name: Json) -> Json:
    meta, kind = owner["metadata"], {"apiVersion": owner["apiVersion"], "kind": owner["kind"]}
    return name | {"labels": labels, "ownerReferences": [kind | {"name": meta["name"], "uid": meta["uid"], "controller": True}]}


def keep_deployments(api: Api) -> None:
    for deployment in living(api.store.all("deployments")):
        spec, meta = deployment["spec"], deployment["metadata"]
        mark = hashlib.sha256(json.dumps(spec["template"], sort_keys=True).encode()).hexdigest()[:10]
        sets = owned(api, "replicasets", deployment)
        if not any(s["metadata"]["labels"]["pod-template-hash"] == mark for s in sets):
            labels = (spec["template"]["metadata"].get("labels") or {}) | {"pod-template-hash": mark}
            template = merged(spec["template"], {"metadata": {"labels": labels}}, by_type=False)
            selector = {"matchLabels": spec["selector"].get("matchLabels", {}) | {"pod-template-hash": mark}}
            new_meta = made_by(deployment, labels, {"name": f"{meta['name']}-{mark}"})
            new_spec = {"replicas": spec.get("replicas", 1), "selector": selector, "template": template}
            api.create("replicasets", meta["namespace"], {"metadata": new_meta, "spec": new_spec})
        for old in sets:
            number = spec.get("replicas", 1) if old["metadata"]["labels"]["pod-template-hash"] == mark else 0
            _set(api, "replicasets", old, "spec", {"replicas": number})
        pods = [p for s in sets for p in owned(api, "pods", s)]
        _set(api, "deployments", deployment, "status", _counted(deployment, pods))


def claim(api: Api, owner: Json) -> None:
    """Takes in what matches and is nobody's, and lets go what is its own and matches no longer."""
    selector, own = owner["spec"]["selector"], made_by(owner, {}, {})["ownerReferences"]
    for pod in living(api.store.all("pods", owner["metadata"]["namespace"])):
        meta = pod["metadata"]
        matches, owners = matched(selector, meta.get("labels") or {}), meta.get("ownerReferences") or []
        belongs = any(r["uid"] == owner["metadata"]["uid"] for r in owners)
        if matches != belongs and (belongs or not owners):
            now = {"metadata": meta | {"ownerReferences": [] if belongs else own}}
            api.change("pods", meta["namespace"], meta["name"], lambda new, now=now: new | now)


def keep_replicasets(api: Api) -> None:
    for one in living(api.store.all("replicasets")):
        claim(api, one)
        pods, spec, meta = owned(api, "pods", one), one["spec"], one["metadata"]
        for _ in range(spec.get("replicas", 1) - len(pods)):
            labels = spec["template"]["metadata"].get("labels") or {}
            pod_meta = made_by(one, labels, {"generateName": f"{meta['name']}-"})
            api.create("pods", meta["namespace"], {"metadata": pod_meta, "spec": spec["template"]["spec"]})
        by_worth = sorted(pods, key=lambda p: (bool(p["spec"].get("nodeName")), p["metadata"]["name"]))
        for pod in by_worth[: max(0, len(pods) - spec.get("replicas", 1))]:
            api.delete("pods", meta["namespace"], pod["metadata"]["name"], {})
        _set(api, "replicasets", one, "status", _counted(one, pods))


def _counted(one: Json, pods: Sequence[Json]) -> Json:
    ready = sum(any(c["type"] == "Ready" and c["status"] == "True" for c in p.get("status", {}).get("conditions", ())) for p in pods)
    return {"replicas": len(pods), "readyReplicas": ready, "observedGeneration": one["metadata"]["generation"]}


def _set(api: Api, resource: str, item: Json, part: str, values: Json) -> None:
    if item.get(part, {}).items() < values.items() or any(item[part].get(k) != v for k, v in values.items()):
        api.change(resource, item["metadata"]["namespace"], item["metadata"]["name"], lambda new: new | {part: new.get(part, {}) | values})


def drop_orphans(api: Api) -> None:
    """What is left of owners that are gone."""
    there = {i["metadata"]["uid"] for i in api.store.state.values()}
    for resource in ("replicasets", "pods"):
        for item in living(api.store.all(resource)):
            if any(r["uid"] not in there for r in item["metadata"].get("ownerReferences", ())):
                api.delete(resource, item["metadata"]["namespace"], item["metadata"]["name"], {})


# -- who is who: tokens that say it, under a seal that only we can set


class Seal:
    def __init__(self, data: Path) -> None:
        self._data = data
        self._key = (data / "token.key").read_bytes()

    def token(self, user: str, groups: Sequence[str]) -> str:
        claim = base64.urlsafe_b64encode(json.dumps([user, list(groups)]).encode()).decode()
        return f"{claim}~{self._sign(claim)}"

    def reads(self, token: str) -> tuple[str, list[str]]:
        claim, _, signature = token.partition("~")
        if not hmac.compare_digest(self._sign(claim), signature):
            raise Refusal(401, "Unauthorized", "Unauthorized")
        user, groups = json.loads(base64.urlsafe_b64decode(claim))
        return user, groups

    def _sign(self, claim: str) -> str:
        return hmac.new(self._key, claim.encode(), hashlib.sha256).hexdigest()

    def kubeconfig(self, user: str, groups: Sequence[str], server: str) -> str:
        ca = base64.b64encode((self._data / "ca.crt").read_bytes()).decode()
        rows = {
            "clusters": {"cluster": {"server": server, "certificate-authority-data": ca}},
            "users": {"user": {"token": self.token(user, groups)}},
        }
        rows |= {"contexts": {"context": {"cluster": "own", "user": "own"}}}
        named = {k: [{"name": "own", **v}] for k, v in rows.items()}
        return json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "own", **named})


# -- the network


class Handler(http.server.BaseHTTPRequestHandler):
    """One request after the other on one connection, in a thread of its own."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Server"

    def do_GET(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            self._route(data)
        except Refusal as refusal:
            self._answer(refusal.code, refusal.body)
        except (ConnectionError, ssl.SSLError):
            self.close_connection = True
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self._answer(400, Refusal(400, "BadRequest", f"malformed: {error!r}").body)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the base class wants these names

    def _route(self, data: bytes) -> None:
        url = urllib.parse.urlsplit(self.path)
        if url.path in ("/readyz", "/livez", "/healthz"):
            return self._answer(200, {"status": "ok"})
        _, groups = self.server.seal.reads((self.headers.get("Authorization") or "").removeprefix("Bearer "))
        if not {MASTERS, NODES} & set(groups):
            raise Refusal(403, "Forbidden", "only masters and nodes may do anything here")
        found = re.fullmatch(r"/(?:api|apis/[^/]+)/\w+(?:/namespaces/([^/]+)(?=/))?/([a-z]+)(?:/([^/]+))?(?:/([a-z]+))?", url.path)
        if not found or not url.path.startswith(
            f"/{'api' if '/' not in RESOURCES.get(found[2], '/') else 'apis'}/{RESOURCES.get(found[2], '?')}/"
        ):
            raise Refusal(404, "NotFound", "the server could not find the requested resource")
        space, resource, name, sub = (part or "" for part in found.groups())
        query = dict(urllib.parse.parse_qsl(url.query))
        if self.command == "GET":
            return self._read(resource, space, name, query)
        return self._answer(*self._write(resource, space, name, sub, query=query, body=json.loads(data) if data else {}))

    def _write(self, resource: str, space: str, name: str, sub: str, *, query: dict[str, str], body: Json) -> tuple[int, Json]:
        api, verb = self.server.api, self.command
        if verb == "POST" and sub == "binding":
            return 201, api.bind(space, name, body["target"]["name"])
        if verb == "POST" and not name:
            return 201, api.create(resource, space, body)
        if verb == "PUT":
            return 200, api.change(resource, space, name, lambda old: old | {"status": body.get("status", {})} if sub == "status" else body)
        if verb == "PATCH":
            strategic = "strategic" in self.headers["Content-Type"]
            return 200, api.change(resource, space, name, lambda old: merged(old, body, by_type=strategic))
        if verb == "DELETE" and name:
            return 200, api.delete(resource, space, name, query | body)
        if verb == "DELETE":
            chosen = selecting(query)
            meant = [i["metadata"]["name"] for i in api.store.all(resource, space) if chosen(i)]
            gone = [api.delete(resource, space, each, query | body) for each in meant]
            return 200, {"apiVersion": RESOURCES[resource], "kind": f"{KINDS[resource]}List", "metadata": {}, "items": gone}
        raise Refusal(405, "MethodNotAllowed", f"{verb} {self.path}")

    def _read(self, resource: str, space: str, name: str, query: dict[str, str]) -> None:
        if name:
            return self._answer(200, self.server.api.get(resource, space, name))
        if query.get("watch") in ("1", "true"):
            return self._watch(resource, space, query)
        return self._list(resource, space, query)

    def _list(self, resource: str, space: str, query: dict[str, str]) -> None:
        store, pages = self.server.api.store, self.server.pages
        if "continue" in query:
            if query["continue"] not in pages:
                raise Refusal(410, "Expired", "the continue token is unknown here")
            revision, items = pages.pop(query["continue"])
        else:
            with store.changed:
                chosen = selecting(query)
                revision, items = str(len(store.log)), [i for i in store.all(resource, space) if chosen(i)]
        size, meta = int(query.get("limit") or 0) or len(items), {"resourceVersion": revision}
        if items[size:]:
            meta["continue"] = uuid.uuid4().hex
            pages[meta["continue"]] = (revision, items[size:])
        self._answer(200, {"apiVersion": RESOURCES[resource], "kind": f"{KINDS[resource]}List", "metadata": meta, "items": items[:size]})

    def _watch(self, resource: str, space: str, query: dict[str, str]) -> None:
        store, chosen = self.server.api.store, selecting(query)
        end_s = time.monotonic() + float(query.get("timeoutSeconds", 3600))
        with store.changed:
            place = int(query.get("resourceVersion") or 0) or len(store.log)
            there = [] if int(query.get("resourceVersion") or 0) else [i for i in store.all(resource, space) if chosen(i)]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._tell([{"type": "ADDED", "object": i} for i in there])
        while time.monotonic() < end_s and not select.select([self.connection], [], [], 0)[0]:  # readable: the client has gone
            with store.changed:
                store.changed.wait_for(lambda: len(store.log) > place, timeout=0.5)  # noqa: B023 - called at once
                news, place = store.log[place:], len(store.log)
            events = [_event(c, chosen) for c in news if c.resource == resource and space in ("", c.item["metadata"].get("namespace"))]
            self._tell([e for e in events if e])
        self.wfile.write(b"0\r\n\r\n")

    def _tell(self, events: Sequence[Json]) -> None:
        for event in events:
            line = json.dumps(event).encode() + b"\n"
            self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")

    def _answer(self, code: int, body: Json) -> None:
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Nothing is logged."""


def _event(change: Change, chosen: Match) -> Json | None:
    """What a watcher who has chosen some objects is told of a change."""
    before, after = change.old is not None and chosen(change.old), not change.gone and chosen(change.item)
    kinds = {(False, True): "ADDED", (True, True): "MODIFIED", (True, False): "DELETED"}
    return {"type": kinds[before, after], "object": change.item} if before or after else None


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], tls: ssl.SSLContext, api: Api, seal: Seal) -> None:
        super().__init__(address, Handler)
        self.api, self.seal, self._tls = api, seal, tls
        self.pages: dict[str, tuple[str, list[Json]]] = {}

    def get_request(self) -> tuple[Any, Any]:
        """The handshake is left to the connection's own thread."""
        connection, address = super().get_request()
        return self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections break: that is no news."""


def certificates(data: Path, names: Sequence[str]) -> None:
    """A CA and a serving certificate, once."""
    from cryptography import x509  # noqa: PLC0415 - minting does without
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.x509.oid import NameOID  # noqa: PLC0415

    if (data / "ca.crt").exists():
        return
    issuer, key, born = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "own-ca")]),
        ec.generate_private_key(ec.SECP256R1()),
        dt.datetime.now(dt.UTC),
    )

    def signed(name: x509.Name, public: Any, *extensions: x509.ExtensionType) -> bytes:
        builder = x509.CertificateBuilder(
            issuer, name, public, x509.random_serial_number(), born - dt.timedelta(hours=1), born + dt.timedelta(days=1)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    own, identifier = ec.generate_private_key(ec.SECP256R1()), x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    alternatives = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(n)) for n in names])
    pem = own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "own-server")])
    (data / "server.pem").write_bytes(pem + signed(subject, own.public_key(), alternatives))
    (data / "ca.crt").write_bytes(signed(issuer, key.public_key(), x509.BasicConstraints(ca=True, path_length=None), identifier))


def serve(flags: argparse.Namespace) -> None:
    data, (host, _, port) = flags.data, flags.listen.partition(":")
    certificates(data, ["127.0.0.1", flags.address])
    if not (data / "token.key").exists():
        (data / "token.key").write_text(uuid.uuid4().hex)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(data / "server.pem")
    api, seal = Api(Store(data / "journal")), Seal(data)
    server = Server((host, int(port)), tls, api, seal)
    for name in ("default", "kube-system", "kube-public", "kube-node-lease"):
        if not api.store.find("namespaces", "", name):
            api.create("namespaces", "", {"metadata": {"name": name}})
    for work in (schedule, keep_deployments, keep_replicasets, drop_orphans):
        Worker(api, work).start()
    (data / "admin.kubeconfig").write_text(seal.kubeconfig("admin", [MASTERS], f"https://{flags.listen}"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True, dest="command")
    serving, minting = commands.add_parser("serve"), commands.add_parser("mint")
    for one in (serving, minting):
        one.add_argument("--data", type=Path, required=True)
        one.add_argument("--listen", required=True)
    serving.add_argument("--address", required=True)
    minting.add_argument("user")
    minting.add_argument("groups")
    flags = parser.parse_args()
    if flags.command == "serve":
        serve(flags)
    else:
        sys.stdout.write(Seal(flags.data).kubeconfig(flags.user, flags.groups.split(","), f"https://{flags.listen}"))


if __name__ == "__main__":
    main()
