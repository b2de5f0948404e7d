"""API servers that leave out a whole stage, of whatever is asked."""

from collections.abc import Sequence

from seatrial_reference import apiserver
from seatrial_reference.apiserver.admission import Review
from seatrial_reference.apiserver.authentication import Credentials
from seatrial_reference.apiserver.core import Attributes, User
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.machinery.objects import Json
from seatrial_schemas.context import Context


class NeverValidates(ApiServer):
    """Asks mutating webhooks, and no validating one."""

    async def validate(self, review: Review) -> None:
        return


async def main_never_validates(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=NeverValidates)


class NeverMutates(ApiServer):
    """Asks validating webhooks, and no mutating one."""

    async def mutate(self, review: Review) -> Json | None:
        return review.object


async def main_never_mutates(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=NeverMutates)


class NeverAdmits(NeverMutates, NeverValidates):
    """Asks no webhook at all."""


async def main_never_admits(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=NeverAdmits)


class NeverAuthorizes(ApiServer):
    """Lets everybody do everything."""

    async def authorize(self, user: User, asked: Attributes) -> None:
        return


async def main_never_authorizes(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=NeverAuthorizes)


class TakesEverybodyIn(ApiServer):
    """Knows whoever asks as somebody who may do everything."""

    async def authenticate(self, shown: Credentials) -> User:
        return User(name="everybody", groups=("system:masters", "system:authenticated"))


async def main_takes_everybody_in(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TakesEverybodyIn)
