"""Secrets become keyed hashes before anything is recorded, so that whether two are equal can still be judged, and nothing else.

Secret is what stands in the data of a Secret, in the copy of it that `kubectl apply` leaves in an annotation, and under the name of a token
or a password anywhere.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

_SECRET_KEYS = frozenset(("token", "password", "bearerToken", "accessToken"))
_SECRET_MARKS = re.compile(rb'"(?:token|password|bearerToken|accessToken)"')
_SECRET_DATA = ("data", "stringData")
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True, slots=True)
class Redactor:
    """Keyed hashes in place of secrets."""

    key: bytes

    @classmethod
    def of(cls, key: str) -> "Redactor":
        return cls(hashlib.sha256(key.encode()).digest())

    def hash(self, value: bytes) -> str:
        """Equal for equal values under one key; says nothing else about them."""
        return "hmac:" + hmac.new(self.key, value, hashlib.sha256).hexdigest()[:24]

    def mask(self, value: Any) -> Any:
        """Hashes of all leaves, in the same shape."""
        if isinstance(value, dict):
            return {k: self.mask(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.mask(v) for v in value]
        return value if value is None else self.hash(value.encode() if isinstance(value, str) else orjson.dumps(value))

    def secret(self, body: Any) -> Any:
        """A Secret, a list of them, or a patch of one (JSON Patch included)."""
        if isinstance(body, list):
            return [op | {"value": self.mask(op["value"])} if isinstance(op, dict) and "value" in op else op for op in body]
        masked = body | {k: self.mask(body[k]) for k in _SECRET_DATA if k in body}
        metadata = part_of(body, "metadata")
        if _APPLIED in (annotations := part_of(metadata, "annotations")):
            masked["metadata"] = metadata | {"annotations": annotations | {_APPLIED: self.mask(annotations[_APPLIED])}}
        return masked

    def tokens(self, body: Any) -> Any:
        """Whatever stands under the name of a token or a password, at any depth."""
        if isinstance(body, dict):
            return {k: self.mask(v) if k in _SECRET_KEYS and isinstance(v, str) else self.tokens(v) for k, v in body.items()}
        return [self.tokens(v) for v in body] if isinstance(body, list) else body

    def document(self, document: Any, text: bytes, *, secrets: bool = False) -> Any:
        """A JSON body, also known as `text`; `secrets`: it is, or patches, a Secret."""
        if secrets or (isinstance(document, dict) and document.get("kind") == "Secret"):
            document = self.secret(document)
        return self.tokens(document) if _SECRET_MARKS.search(text) else document

    def query(self, query: Mapping[str, Any]) -> Mapping[str, Any]:
        """The same without secrets in the clear."""
        return query if _SECRET_KEYS.isdisjoint(query) else {k: self.mask(v) if k in _SECRET_KEYS else v for k, v in query.items()}


def part_of(document: dict[str, Any], key: str) -> dict[str, Any]:
    """What clients send has any shape."""
    part = document.get(key)
    return part if isinstance(part, dict) else {}
