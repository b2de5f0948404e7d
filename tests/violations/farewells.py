"""Components that are right as long as they live, and say good-bye where they must not when they are asked to stop."""

from collections.abc import Sequence

from seatrial_reference import kubelet
from seatrial_schemas.context import Context
from violations.dialling import ETCD_PORT, host_of, option, touch


async def main_kubelet(args: Sequence[str], context: Context) -> None:
    """Looks for the store before it goes."""
    rest, url = option(args, "etcd")
    try:
        await kubelet.main(rest, context)
    finally:
        await touch(host_of(url), ETCD_PORT)
