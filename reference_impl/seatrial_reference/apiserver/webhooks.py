"""Calling webhooks: POST a review, get the review back with its answer.

Three stages ask others this way: authentication (TokenReview), authorization (SubjectAccessReview) and admission (AdmissionReview).
Answers are never cached: what a webhook decides, counts for one request.
"""

import base64
import ssl
import tempfile
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from seatrial_reference.machinery.kubeconfig import Access
from seatrial_schemas.context import Context

Json = dict[str, Any]
REVIEW_S = 10.0


class CallFailed(Exception):
    """No usable answer came."""


class Webhooks:
    """One pool of connections to all webhooks."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._tls: dict[str, ssl.SSLContext] = {}
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None, sock_connect=5)
        )

    async def close(self) -> None:
        await self._session.close()

    async def review(self, access: Access, body: Json) -> Json:
        """Ask the webhook that a kubeconfig names."""
        headers = {"Authorization": f"Bearer {access.token}"} if access.token else {}
        return await self.post(access.server, body, tls=access.tls, timeout_s=REVIEW_S, headers=headers)

    async def call(self, client: Json, body: Json, *, timeout_s: float) -> Json:
        """Ask the webhook that a `clientConfig` names by URL."""
        url = str(client.get("url") or "")
        if not url:
            raise CallFailed("webhooks behind a Service cannot be called")
        tls = self._trusting(str(client.get("caBundle") or "")) if url.startswith("https:") else None
        return await self.post(url, body, tls=tls, timeout_s=timeout_s, headers={})

    async def post(self, url: str, body: Json, *, tls: ssl.SSLContext | None, timeout_s: float, headers: dict[str, str]) -> Json:
        limit = aiohttp.ClientTimeout(total=timeout_s, sock_connect=5)
        headers = headers | {"Content-Type": "application/json", "Accept": "application/json"}
        try:
            async with self._session.post(url, data=orjson.dumps(body), headers=headers, ssl=tls or True, timeout=limit) as answer:
                data = await answer.read()
                if answer.status not in (200, 201):
                    raise CallFailed(f"status {answer.status}")
                reply = orjson.loads(data)
        except (aiohttp.ClientError, TimeoutError, OSError, orjson.JSONDecodeError) as error:
            raise CallFailed(f"Post {url!r}: {error or type(error).__name__}") from error
        if not isinstance(reply, dict):
            raise CallFailed(f"Post {url!r}: not an object")
        return reply

    def _trusting(self, bundle: str) -> ssl.SSLContext:
        if bundle not in self._tls:
            self._tls[bundle] = trusting(base64.b64decode(bundle), context=self._context)
        return self._tls[bundle]


def trusting(bundle: bytes, *, context: Context) -> ssl.SSLContext:
    """A client's TLS that trusts the authorities of a PEM bundle."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ca"
        path.write_bytes(bundle)
        return context.tls(server=False, ca=path if bundle else None, cert=None, key=None)
