"""API servers that read more in a role than it says: other objects than it names, or other namespaces than its own."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from seatrial_reference import apiserver
from seatrial_reference.apiserver.authorization import Rbac
from seatrial_reference.apiserver.core import Parts
from seatrial_reference.apiserver.policy import Rule
from seatrial_reference.apiserver.request import User
from seatrial_reference.apiserver.server import ApiServer
from seatrial_schemas.context import Context


class _Reading(ApiServer):
    """Goes by roles as somebody else reads them."""

    reader: ClassVar[type[Rbac]] = Rbac

    def __init__(self, parts: Parts, **how: Any) -> None:
        chain = tuple(self.reader(caches=each.caches) if isinstance(each, Rbac) else each for each in parts.authorizers)
        super().__init__(replace(parts, authorizers=chain), **how)


class Nameless(Rbac):
    """Of whom a rule speaks by name it speaks as an example."""

    def _role(self, plural: str, namespace: str, name: str) -> Iterator[Rule]:
        return (replace(rule, names=()) for rule in Rbac._role(self, plural, namespace, name))


class TakesNamesForExamples(_Reading):
    reader = Nameless


async def main_takes_names_for_examples(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TakesNamesForExamples)


class Abroad(Rbac):
    """Who has a role somewhere has it."""

    def _rules(self, user: User, namespace: str) -> Iterator[Rule]:
        yield from Rbac._rules(self, user, namespace)
        for home in sorted({str(each["metadata"]["namespace"]) for each in self._objects("rolebindings")}):
            yield from self._bound(user, "rolebindings", home)


class TakesRolesAbroad(_Reading):
    reader = Abroad


async def main_takes_roles_abroad(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=TakesRolesAbroad)
