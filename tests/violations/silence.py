"""API servers that hear what is said and not what is meant: who refuses without a word has refused, and who is not asked has not agreed."""

from collections.abc import Sequence
from typing import Any

from seatrial_reference import apiserver
from seatrial_reference.apiserver.core import Parts
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.webhooks import Webhooks
from seatrial_reference.machinery.objects import Json
from seatrial_schemas.context import Context


class TakesSilenceForAssent(ApiServer):
    """Looks for the reason of a refusal, and takes it that there is none where no reason is."""

    def __init__(self, parts: Parts, **how: Any) -> None:
        super().__init__(parts, **how)
        parts.admission._webhooks.__class__ = Reasonable


class Reasonable(Webhooks):
    """Listens to those who give reasons."""

    async def call(self, client: Json, body: Json, *, timeout_s: float) -> Json:
        reply = await super().call(client, body, timeout_s=timeout_s)
        answer = reply.get("response") or {}
        return reply if answer.get("status") else reply | {"response": answer | {"allowed": True}}


async def main_takes_silence_for_assent(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TakesSilenceForAssent)
