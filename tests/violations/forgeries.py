"""API servers that read what is written in a token and not who has signed it."""

import base64
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from seatrial_reference import apiserver
from seatrial_reference.apiserver.core import Parts
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.tokens import Accounts
from seatrial_reference.machinery.objects import Json
from seatrial_schemas.context import Context


class Trusting(Accounts):
    """What looks like a token of ours is one."""

    def _verified(self, token: str) -> Json | None:
        _, *claims = token.split(".")
        if len(claims) != 2:
            return None
        return dict(orjson.loads(base64.urlsafe_b64decode(claims[0] + "=" * (-len(claims[0]) % 4))))


class TakesForgedTokens(ApiServer):
    """Its accounts vouch for themselves."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(replace(parts, authenticators=tuple(_trusting(each) for each in parts.authenticators)), **how)


def _trusting(authenticator: Any) -> Any:
    if not isinstance(authenticator, Accounts):
        return authenticator
    own = authenticator
    return Trusting(secret=own.secret, issuer=own.issuer, audiences=own.audiences, store=own.store, context=own.context)


async def main_takes_forged_tokens(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TakesForgedTokens)
