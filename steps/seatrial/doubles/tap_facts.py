"""What the tap writes down of a request and of its answer, and what it must not.

Nothing secret leaves the tap: header fields are never recorded but for the user agent, bodies only as `redaction` leaves them, and a body
that is no JSON as its keyed hash.
"""

import base64
import hashlib
import re
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from seatrial.doubles.redaction import Redactor, part_of
from seatrial.wire.http1 import Head
from seatrial.wire.request import RequestInfo
from seatrial.wire.watch import MAGIC, Meta, json_meta, protobuf_meta

BODY_LIMIT = 1 << 18
_WRITES = ("create", "update", "patch", "delete", "deletecollection")
_LIST_REVISION = re.compile(rb'"metadata":\s*\{[^{}]*?"resourceVersion":\s*"(\d+)"')


def request_facts(number: int, info: RequestInfo, head: Head, body: bytes, *, user: str, redact: Redactor) -> dict[str, Any]:
    """The `request` event. A create has its name from the body, where it says one; a binding that is sent to the namespace, the old way,
    is one of the pod that it names."""
    if not info.group and (info.resource, info.verb) == ("bindings", "create"):
        info = replace(info, resource="pods", subresource="binding")
    facts = {
        "request": number,
        "user": user,
        "method": head.start[0].decode("latin-1"),
        "verb": "connect" if info.connects else info.verb,
        "path": info.path,
        "query": redact.query(info.query),
        "group": info.group,
        "resource": info.resource,
        "subresource": info.subresource,
        "namespace": info.namespace,
        "name": info.name,
        "agent": head.values.get(b"user-agent", b"").decode("latin-1"),
    }
    if body and info.verb in _WRITES:
        document = _document(body)
        if document is None:
            return facts | {"body_hash": redact.hash(body)}
        if not info.name and isinstance(document, dict):
            facts["name"] = str(part_of(document, "metadata").get("name") or "")
        facts["body"] = redact.document(document, body, secrets=info.resource == "secrets")
    return facts


def _document(body: bytes) -> Any:
    if len(body) > BODY_LIMIT or body.lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        return orjson.loads(body)
    except ValueError:
        return None


def answer_facts(facts: Mapping[str, Any], head: Head, *, code: int, body: bytes) -> dict[str, Any]:
    """The `answer` event of a request with those `facts`."""
    meta = _answer_meta(facts, head, body) if body else Meta()
    return {
        "request": facts["request"],
        "user": facts["user"],
        "verb": facts["verb"],
        "resource": facts["resource"],
        "subresource": facts["subresource"],
        "namespace": facts["namespace"] or meta.namespace,
        "name": facts["name"] or meta.name,
        "code": code,
        "revision": meta.revision,
        "uid": meta.uid,
        "audit": head.values.get(b"audit-id", b"").decode("latin-1"),
    }


def _answer_meta(facts: Mapping[str, Any], head: Head, body: bytes) -> Meta:
    """Large lists are not parsed: their revision stands at the beginning."""
    try:
        if head.values.get(b"content-encoding") == b"gzip":
            body = zlib.decompress(body, wbits=31)
        if body.startswith(MAGIC):
            return protobuf_meta(body)
        if facts["verb"] == "list" and len(body) > BODY_LIMIT:
            found = _LIST_REVISION.search(body, 0, 1 << 12)
            return Meta(revision=int(found[1]) if found else None)
        return json_meta(orjson.loads(body)) if body.lstrip()[:1] == b"{" else Meta()
    except (ValueError, IndexError, KeyError, AttributeError, zlib.error):
        return Meta()  # not ours to judge: whoever reads the answer will


def token_user(authorization: str, identities: Mapping[str, str]) -> str:
    """The user that a bearer token stands for, as far as the tap knows: from the table, or the subject a JWT claims to be."""
    token = authorization.removeprefix("Bearer ").strip()
    if known := identities.get(hashlib.sha256(token.encode()).hexdigest()):
        return known
    parts = token.split(".")
    if len(parts) != 3:
        return ""
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return ""
    return str(claims.get("sub", "")) if isinstance(claims, dict) else ""
