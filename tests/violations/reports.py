"""Kubelets that run their pods as they should, and whose reports are not to be relied upon."""

from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from seatrial_reference import kubelet
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.kubelet.pods import Running, status_of
from seatrial_reference.machinery.client import ApiError, RequestFailed
from seatrial_reference.machinery.objects import Json, uid_of
from seatrial_schemas.context import Context
from seatrial_schemas.kinds import by_plural


class Reporting(Kubelet):
    """Makes of each status what it likes, then tells it."""

    def retold(self, pod: Json, running: Running, status: Json) -> Json:
        return status

    async def report(self, pod: Json, running: Running) -> None:
        uid = uid_of(pod)
        known = self.told.get(uid) or pod.get("status", {})
        status = status_of(pod, running, host_ip=self.address, wall_s=self.context.wall_s(), known=known)
        status = self.retold(pod, running, status)
        if not status.items() <= known.items():
            await self.tell(pod, status)
            self.told[uid] = status

    async def tell(self, pod: Json, status: Json) -> None:
        meta = pod["metadata"]
        patch = {"metadata": {"uid": meta["uid"]}, "status": status}
        try:
            await self.client.patch(by_plural("pods"), meta["name"], patch, namespace=meta["namespace"], subresource="status")
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise


class NotesBeforeTelling(Reporting):
    """Takes down what it is going to say, then says it, and looks up next time what it has said."""

    async def tell(self, pod: Json, status: Json) -> None:
        self.told[uid_of(pod)] = status
        await super().tell(pod, status)


async def main_notes_before_telling(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=NotesBeforeTelling)


class DropsReports(Reporting):
    """A report that cannot be delivered is dropped."""

    async def tell(self, pod: Json, status: Json) -> None:
        with suppress(RequestFailed):
            await super().tell(pod, status)


async def main_drops_reports(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=DropsReports)


class EndsAtFirstEnd(Reporting):
    """Gives up a pod that is not started again when one of its containers has ended."""

    def retold(self, pod: Json, running: Running, status: Json) -> Json:
        mains = [running.containers.get(spec["name"]) for spec in pod["spec"]["containers"]]
        codes = [c.exit_code for c in mains if c is not None and c.state == "exited"]
        if pod["spec"].get("restartPolicy") != "Never" or not codes:
            return status
        return status | {"phase": "Failed" if any(codes) else "Succeeded"}


async def main_ends_at_first_end(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=EndsAtFirstEnd)


class CountsNoRestarts(Reporting):
    """Tells of each container as if it were the first one."""

    def retold(self, pod: Json, running: Running, status: Json) -> Json:
        return status | {"containerStatuses": [each | {"restartCount": 0} for each in status["containerStatuses"]]}


async def main_counts_no_restarts(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=CountsNoRestarts)


class BeginsAtPending(Reporting):
    """Says of every pod that it sees for the first time that it is pending, whatever it has said in an earlier life."""

    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        self.greeted: dict[str, None] = {}

    async def run_pod(self, pod: Json) -> None:
        if uid_of(pod) not in self.greeted:
            self.greeted[uid_of(pod)] = None
            await self.tell(pod, {"phase": "Pending"})
            self.told[uid_of(pod)] = pod.get("status", {}) | {"phase": "Pending"}
        await super().run_pod(pod)


async def main_begins_at_pending(args: Sequence[str], context: Context) -> None:
    await kubelet.main(args, context, part=BeginsAtPending)
