"""A thin client of the Kubernetes API for the suite's own people: dicts in, dicts out, nothing cached.

Nothing is retried but what a server was too busy to look at, for it answers 429 and says when to come back, as it may to everybody; and a
pod that comes before its namespace has got the account that admission gives to pods. Each request and its answer are handed to `record`, so
that what a person asked and was told is part of the history.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
import orjson

from seatrial.model.history import Record
from seatrial.wire.decoding import decoded, shortened
from seatrial.wire.watch import revision_of

Json = dict[str, Any]
PATCHES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}
BUSY_TRIES, BUSY_MAX_S = 10, 10
NO_ACCOUNT, ACCOUNT_S = "error looking up service account", 0.5  # as upstream's admission says it
# What a request meets where nobody answers: the outcome is unknown, never guessed.
UNANSWERED = (aiohttp.ClientError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. `code` 0: nothing did."""

    code: int
    body: Json

    @property
    def ok(self) -> bool:
        return 200 <= self.code < 300

    @property
    def reason(self) -> str:
        return str(self.body.get("reason", ""))

    @property
    def revision(self) -> int | None:
        return revision_of(self.body)


class Client:
    """One person at one API server."""

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        url: str,
        token: str | None,
        user: str,
        record: Record,
        mint: Callable[[], Awaitable[str]] | None = None,
        sleep: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        """`mint` gives the token where it is not known before the first request. Without `sleep` it never comes back later."""
        self.user = user
        self.scheme = "Bearer"  # in whatever letters (RFC 9110, 11.1)
        self.guise: Mapping[str, str] = {}  # headers that say who this is, though it is somebody else
        self.url = url
        self._session = session
        self._record = record
        self._token = token
        self._mint = mint
        self._sleep = sleep

    @property
    def token(self) -> str:
        """What it shows; empty where that is not known yet."""
        return self._token or ""

    async def _headers(self, **more: str) -> dict[str, str]:
        if self._mint is not None:
            self._token = await self._mint()
        known = {"Authorization": f"{self.scheme} {self._token}"} if self._token else {}
        return {**known, "User-Agent": f"seatrial/{self.user}", **self.guise, **more}

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        params: Mapping[str, str] | None = None,
        content_type: str = "application/json",
        within_s: float = 30,
    ) -> Answer:
        """One request, again while the server is too busy or not yet prepared. An unknown outcome is an answer with code 0, and the reason
        in its message."""
        asked = self._record(
            "asked",
            user=self.user,
            method=method,
            path=path,
            params=dict(params or {}),
            body=body.decode() if isinstance(body, bytes) else shortened(body),
        )
        for _ in range(BUSY_TRIES):
            answer, again_s = await self._answer(method, path, body=body, params=params, content_type=content_type, within_s=within_s)
            if again_s is None or self._sleep is None:
                break
            await self._sleep(again_s)
        self._record("told", user=self.user, asked=asked.seq, method=method, path=path, code=answer.code, body=answer.body)
        return answer

    async def _answer(
        self, method: str, path: str, *, body: Any, params: Mapping[str, str] | None, content_type: str, within_s: float
    ) -> tuple[Answer, float | None]:
        """The answer, and when to ask again where it is none."""
        headers = await self._headers(Accept="application/json")
        data = None
        if body is not None:
            headers["Content-Type"] = content_type
            data = body if isinstance(body, bytes) else orjson.dumps(body)
        try:
            limit = aiohttp.ClientTimeout(total=within_s)
            async with self._session.request(method, self.url + path, data=data, params=params, headers=headers, timeout=limit) as reply:
                answer = Answer(code=reply.status, body=_decoded(await reply.read()))
                return answer, _again_s(reply, answer)
        except UNANSWERED as error:
            return Answer(code=0, body={"reason": "Unanswered", "message": str(error) or type(error).__name__}), None

    async def watch(self, path: str, *, params: Mapping[str, str], standing: Callable[[], object]) -> AsyncIterator[Json]:
        """Events of one watch request, until the server ends it; `standing` is called when the server has accepted it. Raises
        aiohttp.ClientError where it is refused or breaks."""
        headers = await self._headers(Accept="application/json")
        query = {"watch": "true", **params}
        async with self._session.get(self.url + path, params=query, headers=headers) as reply:
            reply.raise_for_status()
            standing()
            while line := await reply.content.readline():
                yield decoded(line)


def _again_s(reply: aiohttp.ClientResponse, answer: Answer) -> float | None:
    """When a server that is too busy wants to be asked again; None where it is not, does not say, or means later than anybody waits."""
    if answer.code == HTTPStatus.FORBIDDEN and NO_ACCOUNT in str(answer.body.get("message")):
        return ACCOUNT_S
    after = reply.headers.get("Retry-After", "")
    soon = reply.status == HTTPStatus.TOO_MANY_REQUESTS and after.isdecimal() and int(after) <= BUSY_MAX_S
    return float(after) if soon else None


def _decoded(raw: bytes) -> Json:
    try:
        body = decoded(raw) if raw else {}
    except orjson.JSONDecodeError:
        return {"text": raw.decode(errors="replace")}
    return body if isinstance(body, dict) else {"value": body}
