"""A token of a service account: a signed statement of who its bearer is, and until when. Nothing of it is stored (REQ-05).

It counts for as long as its time is not over and its account, and the pod that it is bound to, are still the ones of that uid. The form is
a JSON Web Token's, signed with a secret that only API servers know; upstream signs with a key pair, so that others can verify too.
"""

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from seatrial_reference.apiserver import status
from seatrial_reference.apiserver.authentication import Bad, Credentials
from seatrial_reference.apiserver.request import User
from seatrial_reference.apiserver.store import Store
from seatrial_reference.machinery.objects import stamp
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural

Json = dict[str, Any]
CLAIM = "kubernetes.io"
LASTS_S, LASTS_MIN_S, LASTS_MAX_S = 3600, 600, 1 << 32
_NAMED = {"serviceaccount": "serviceaccounts", "pod": "pods", "secret": "secrets", "node": "nodes"}


@dataclass(frozen=True, kw_only=True)
class Accounts:
    """Issues tokens, and is the authenticator that believes them."""

    secret: Path
    issuer: str
    audiences: Sequence[str]
    store: Store
    context: Context

    async def issue(self, account: Json, spec: Json) -> Json:
        """The `status` of a TokenRequest. Raises where the object that it is to be bound to is another, or not there."""
        lasts_s = min(max(int(spec.get("expirationSeconds") or LASTS_S), LASTS_MIN_S), LASTS_MAX_S)
        now_s, meta = int(self.context.wall_s()), account["metadata"]
        about: Json = {"namespace": meta["namespace"], "serviceaccount": {"name": meta["name"], "uid": meta["uid"]}}
        bound = spec.get("boundObjectRef")
        if bound:
            about |= await self._bound(meta["namespace"], bound)
        claims = {"iss": self.issuer, "aud": list(spec.get("audiences") or self.audiences), "iat": now_s, "exp": now_s + lasts_s}
        claims |= {"sub": _user_name(meta["namespace"], meta["name"]), "jti": next(self.context.ids), CLAIM: about}
        return {"token": self._signed(claims), "expirationTimestamp": stamp(now_s + lasts_s)}

    async def __call__(self, shown: Credentials) -> User | None:
        """The account; None where the token is none of ours."""
        claims = self._verified(shown.bearer)
        if claims is None:
            return None
        if claims["exp"] <= self.context.wall_s() or not set(claims["aud"]) & set(self.audiences):
            raise Bad("the token has expired, or is for somebody else")
        about = claims[CLAIM]
        namespace = about["namespace"]
        for kind in _NAMED.keys() & about.keys():
            if await self._uid(kind, namespace, about[kind]["name"]) != about[kind]["uid"]:
                raise Bad(f"the {kind} of the token is not there any more")
        extra = {f"authentication.kubernetes.io/pod-{field}": (value,) for field, value in about.get("pod", {}).items()}
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
        return User(name=claims["sub"], uid=about["serviceaccount"]["uid"], groups=groups, extra=extra)

    async def _bound(self, namespace: str, bound: Json) -> Json:
        kind, name = str(bound.get("kind")).lower(), str(bound.get("name"))
        if kind not in _NAMED:
            raise status.bad_request(f"cannot bind token for serviceaccount to object of kind {bound.get('kind')}")
        uid, of_kind = await self._uid(kind, namespace, name), by_plural(_NAMED[kind])
        if uid is None:
            raise status.not_found(of_kind, name)
        if bound.get("uid") not in (None, "", uid):
            raise status.conflict(of_kind, name, f"the UID in the bound object reference ({bound['uid']}) does not match the UID in record")
        return {kind: {"name": name, "uid": uid}}

    async def _uid(self, kind: str, namespace: str, name: str) -> str | None:
        found, _ = await self.store.get(by_plural(_NAMED[kind]).store_key(namespace=namespace, name=name))
        return str(found.object["metadata"]["uid"]) if found else None

    def _signed(self, claims: Json) -> str:
        said = f"{_base64(orjson.dumps({'alg': 'HS256', 'typ': 'JWT'}))}.{_base64(orjson.dumps(claims))}"
        return f"{said}.{self._signature(said)}"

    def _verified(self, token: str) -> Json | None:
        said, dot, signature = token.rpartition(".")
        if not dot or said.count(".") != 1 or not hmac.compare_digest(signature.encode(), self._signature(said).encode()):
            return None  # somebody else may know it
        payload = said.partition(".")[2]
        return dict(orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))

    def _signature(self, said: str) -> str:
        return _base64(hmac.digest(self.secret.read_bytes(), said.encode(), "sha256"))


def _user_name(namespace: str, name: str) -> str:
    return f"system:serviceaccount:{namespace}:{name}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
