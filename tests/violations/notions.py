"""API servers with notions of their own of what they are told, and of when there is anything to ask a hook about.

What a role, a selector or a precondition says they read otherwise than it is meant, and each only somewhere: roles as to verbs or where no
namespace is named, selectors in one of their forms, preconditions where an object is only marked. Selectors are read anew before the server
sees them, so that no other component is touched.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from seatrial_reference import apiserver
from seatrial_reference.apiserver import strategy
from seatrial_reference.apiserver.admission import Review
from seatrial_reference.apiserver.authorization import Rbac
from seatrial_reference.apiserver.core import Request
from seatrial_reference.apiserver.policy import Rule
from seatrial_reference.apiserver.reading import Stream
from seatrial_reference.apiserver.request import Query, User
from seatrial_reference.apiserver.selectors import _EQUALITY, _SET
from seatrial_reference.apiserver.server import ApiServer
from seatrial_reference.apiserver.store import Stored
from seatrial_reference.apiserver.writing import _same
from seatrial_reference.machinery.objects import Json
from seatrial_schemas.context import Context
from violations.admitting import _Passing
from violations.roles import Abroad, _Reading
from violations.usual import _Deaf

BETWEEN = re.compile(r",(?![^(]*\))")  # requirements, and not the values of a set


class Verbless(Rbac):
    """A role says what somebody has to do with. What they do with it is up to them."""

    def _role(self, plural: str, namespace: str, name: str) -> Iterator[Rule]:
        return (replace(rule, verbs=("*",)) for rule in Rbac._role(self, plural, namespace, name))


class AllowsEveryVerb(_Reading):
    reader = Verbless


async def main_allows_every_verb(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=AllowsEveryVerb)


class Everywhere(Abroad):
    """Who names no namespace means those in which they have a role."""

    def _rules(self, user: User, namespace: str) -> Iterator[Rule]:
        return Rbac._rules(self, user, namespace) if namespace else Abroad._rules(self, user, namespace)


class BindsRolesEverywhere(_Reading):
    reader = Everywhere


async def main_binds_roles_everywhere(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=BindsRolesEverywhere)


class _Rereading(ApiServer):
    """Lists, sweeps and watches by label selectors in which each requirement is replaced by what it is taken for."""

    def reread(self, requirement: str) -> str:
        return requirement

    def meant(self, request: Request) -> Request:
        parts = [self.reread(part.strip()) for part in BETWEEN.split(request.query.text("labelSelector"))]
        return replace(request, query=Query(values={**request.query.values, "labelSelector": ",".join(filter(None, parts))}))

    async def collect(self, request: Request) -> tuple[Sequence[Stored], Json]:
        return await super().collect(self.meant(request))

    async def open_watch(self, request: Request) -> Stream:
        return await super().open_watch(self.meant(request))


class WantsKeysThatDiffer(_Rereading):
    """Only what has a label can have another value there than one that is named by `!=`."""

    def reread(self, requirement: str) -> str:
        match = _EQUALITY.match(requirement)
        return f"{match[1]},{requirement}" if match and match[2] == "!=" else requirement


async def main_wants_keys_that_differ(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=WantsKeysThatDiffer)


class WantsKeysLeftOut(_Rereading):
    """To be left out by `notin` takes a label; that there is to be none is no requirement that it knows."""

    def reread(self, requirement: str) -> str:
        if requirement.startswith("!"):
            return ""
        match = _SET.match(requirement)
        return f"{match[1]},{requirement}" if match and match[2] == "notin" else requirement


async def main_wants_keys_left_out(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=WantsKeysLeftOut)


class ReadsSelectorsLiterally(_Rereading):
    """After the first `=` comes the value, another `=` and all; and a blank in a set is the beginning of one, as no label's can be."""

    def reread(self, requirement: str) -> str:
        if match := _SET.match(requirement):
            return f"{match[1]} {match[2]} ({match[3].replace(' ', '_')})"
        match = _EQUALITY.match(requirement)
        return f"{match[1]} in (={match[3]})" if match and match[2] == "==" else requirement


async def main_reads_selectors_literally(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=ReadsSelectorsLiterally)


class MarksWhateverIsMeant(ApiServer):
    """Looks which object is meant where one goes at once; a pod that its kubelet has yet to end is only marked, whichever it is."""

    async def remove(self, request: Request, options: Json) -> Stored:
        found, _ = await self.believed(request)
        if found is not None and strategy.grace_s(request.kind, found.object, options):
            options = {option: value for option, value in options.items() if option != "preconditions"}
        return await super().remove(request, options)


async def main_marks_whatever_is_meant(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=MarksWhateverIsMeant)


class AdmitsNoIdleChanges(ApiServer):
    """Where an object would stay as it is there is nothing to be admitted."""

    async def changed(self, request: Request, old: Stored, new: Json) -> Json | None:
        strategy.before_update(request.kind, request.asked.subresource, old.object, new)
        return new if _same(new, old.object) else await super().changed(request, old, new)


async def main_admits_no_idle_changes(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=AdmitsNoIdleChanges)


class FinalizesUnasked(_Passing):
    """That a namespace has been cleared up is a matter of those who have done it."""

    def passes(self, review: Review) -> bool:
        return review.asked.subresource == "finalize"


async def main_finalizes_unasked(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=FinalizesUnasked)


class PutsStatusesAsSent(_Deaf):
    """Hears what hooks make of a status that is patched; one that is put is whole already."""

    def deaf(self, review: Review) -> bool:
        return review.asked.subresource == "status" and review.asked.verb == "update"


async def main_puts_statuses_as_sent(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=PutsStatusesAsSent)


class MutatesInNamespacesOnly(_Deaf):
    """Hooks are shown what lies in no namespace, and what they make of it is not taken over."""

    def deaf(self, review: Review) -> bool:
        return review.asked.kind is not None and not review.asked.kind.namespaced


async def main_mutates_in_namespaces_only(args: Sequence[str], context: Context) -> None:
    await apiserver.main(args, context, part=MutatesInNamespacesOnly)
