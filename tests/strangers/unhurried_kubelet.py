"""The reference's kubelet, which does everything late, though never too late."""

from collections.abc import Sequence
from typing import Any

from seatrial_reference import kubelet
from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_schemas.context import Context

SHARE = 0.95  # of the time that it may take


async def main(args: Sequence[str], context: Context) -> None:
    """`--pause=SECONDS` comes first; the rest is the reference's."""
    pause_s = SHARE * float(args[0].removeprefix("--pause="))

    class Unhurried(Kubelet):
        async def run_sandbox(self, *args: Any) -> None:
            await context.sleep(pause_s)
            await super().run_sandbox(*args)

        async def start(self, *args: Any) -> None:
            await context.sleep(pause_s)
            await super().start(*args)

        async def report(self, *args: Any) -> None:
            await context.sleep(pause_s)
            await super().report(*args)

        async def stop_pod(self, uid: str, *, grace_s: int) -> None:
            await context.sleep(pause_s)
            await super().stop_pod(uid, grace_s=grace_s)

        async def farewell(self, *args: Any) -> None:
            await context.sleep(pause_s)
            await super().farewell(*args)

    await kubelet.main(args[1:], context, part=Unhurried)
