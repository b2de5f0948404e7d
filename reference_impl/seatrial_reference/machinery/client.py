"""The API as a client sees it: typed paths, JSON bodies, and two ways to fail.

`ApiError`: the server answered and refused, so nothing was changed. `Unreachable`: no answer came, so a write may or may not have been
done; whoever retries one must be able to live with either. Both are `RequestFailed`. Nothing is retried here.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from seatrial_reference.machinery.kubeconfig import Access, load
from seatrial_reference.machinery.objects import Json
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import Kind

STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"
REQUEST_S = 30.0  # an answer that takes longer is given up
CONNECT_S = 5.0


class RequestFailed(Exception):
    """A request that did not do what was asked."""


class Unreachable(RequestFailed):
    """No whole answer. The request may have had its effect."""


class ApiError(RequestFailed):
    """The server's refusal. It has had no effect."""

    def __init__(self, status: int, reason: str, message: str = "") -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason

    @classmethod
    def of(cls, status: int, body: Mapping[str, Any]) -> "ApiError":
        return cls(int(body.get("code") or status), str(body.get("reason", "")), str(body.get("message", "")))


class Client:
    """Requests of one component to one API server."""

    def __init__(self, session: aiohttp.ClientSession, access: Access, *, agent: str) -> None:
        self._session = session
        self._server = access.server
        self._headers = {"User-Agent": agent, "Accept": "application/json"}
        if access.token:
            self._headers["Authorization"] = f"Bearer {access.token}"

    async def get(self, kind: Kind, name: str, *, namespace: str | None = None) -> Json:
        return await self.request("GET", kind.path(namespace=namespace, name=name))

    async def list(self, kind: Kind, *, namespace: str | None = None, query: Mapping[str, str] | None = None) -> Json:
        return await self.request("GET", kind.path(namespace=namespace), query=query)

    async def create(
        self, kind: Kind, body: Json, *, namespace: str | None = None, name: str | None = None, subresource: str | None = None
    ) -> Json:
        return await self.request("POST", kind.path(namespace=namespace, name=name, subresource=subresource), body=body)

    async def replace(self, kind: Kind, body: Json, *, subresource: str | None = None) -> Json:
        """PUT `body` where its metadata says; its resourceVersion is the precondition."""
        meta = body["metadata"]
        return await self.request("PUT", kind.path(namespace=meta.get("namespace"), name=meta["name"], subresource=subresource), body=body)

    async def patch(
        self, kind: Kind, name: str, patch: Json, *, namespace: str | None = None, subresource: str | None = None, form: str = STRATEGIC
    ) -> Json:
        return await self.request("PATCH", kind.path(namespace=namespace, name=name, subresource=subresource), body=patch, form=form)

    async def delete(
        self,
        kind: Kind,
        name: str,
        *,
        namespace: str | None = None,
        uid: str,
        grace_s: int | None = None,
        policy: str | None = None,
        gone_ok: bool = False,
    ) -> Json:
        """Delete the object of that uid and no later one of the same name. With `gone_ok` it is no failure that it was gone already; the
        answer is empty then."""
        options: Json = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
        options |= {} if grace_s is None else {"gracePeriodSeconds": grace_s}
        options |= {} if policy is None else {"propagationPolicy": policy}
        try:
            return await self.request("DELETE", kind.path(namespace=namespace, name=name), body=options)
        except ApiError as error:
            if gone_ok and error.status in {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}:
                return {}
            raise

    async def request(
        self,
        verb: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        form: str = "application/json",
        limit_s: float = REQUEST_S,
    ) -> Json:
        data = None if body is None else orjson.dumps(body)
        headers = self._headers if body is None else self._headers | {"Content-Type": form}
        try:
            async with (
                asyncio.timeout(limit_s),
                self._session.request(verb, self._server + path, params=query, data=data, headers=headers) as answer,
            ):
                return _decoded(answer.status, await answer.read())
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"{verb} {path}: {error or type(error).__name__}") from error

    async def watch(self, kind: Kind, *, namespace: str | None = None, query: Mapping[str, str]) -> AsyncGenerator[Json, None]:
        """Events as they come, until the server ends the stream. A cut-off line at the end is dropped."""
        path = kind.path(namespace=namespace)
        try:
            async with self._session.get(self._server + path, params={"watch": "true"} | dict(query), headers=self._headers) as answer:
                if answer.status != HTTPStatus.OK:
                    _decoded(answer.status, await answer.read())
                rest = b""
                async for chunk in answer.content.iter_any():
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        yield orjson.loads(line)
        except (aiohttp.ClientError, OSError, orjson.JSONDecodeError) as error:
            raise Unreachable(f"watch {path}: {error or type(error).__name__}") from error


def _decoded(status: int, data: bytes) -> Json:
    try:
        body = orjson.loads(data) if data else {}
    except orjson.JSONDecodeError:
        body = {"message": data[:200].decode(errors="replace")}
    if not isinstance(body, dict):
        body = {"message": str(body)}
    if status >= HTTPStatus.BAD_REQUEST:
        raise ApiError.of(status, body)
    return body


@asynccontextmanager
async def connected(kubeconfig: Path, context: Context, *, agent: str) -> AsyncIterator[Client]:
    """A client with its pool of connections, closed at the end. Nothing is dialled before the first request."""
    access = load(kubeconfig, context)
    connector = aiohttp.TCPConnector(ssl=access.tls if access.tls is not None else True, limit=0)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=True) as session:
        yield Client(session, access, agent=agent)
