"""The role `kubelet`: runs on its node what is bound to it. Rules: NODE-01 to NODE-04, KLT-01 to KLT-03, KLT-08, COMM-03, COMM-04.

`main` accepts another `part` in place of `Kubelet`.
"""

import argparse
from collections.abc import Sequence

from seatrial_reference.kubelet.kubelet import Kubelet
from seatrial_reference.kubelet.runtime import Runtime
from seatrial_reference.machinery.client import connected
from seatrial_reference.machinery.flags import client_parser, duration
from seatrial_schemas.context import Context

PROGRAM = "kubelet"


def parser() -> argparse.ArgumentParser:
    flags = client_parser(PROGRAM)
    flags.add_argument("--hostname-override", required=True, help="the node's name")
    flags.add_argument("--node-ip", required=True)
    flags.add_argument("--container-runtime-endpoint", required=True, help="unix:///path")
    flags.add_argument("--node-lease-duration-seconds", type=float, default=40.0)
    flags.add_argument("--node-lease-renew-interval", type=duration, help="not upstream's, where it is a quarter of the lease's duration")
    flags.add_argument("--node-status-update-frequency", type=duration, default=10.0)
    flags.add_argument("--pleg-relist-period", type=duration, default=1.0, help="not upstream's: how often to look at the runtime")
    flags.add_argument(
        "--container-restart-backoff", type=duration, default=10.0, help="not upstream's: the first back-off of a crash loop"
    )
    return flags


async def main(args: Sequence[str], context: Context, *, part: type[Kubelet] = Kubelet) -> None:
    """Serve the node until cancelled."""
    flags = parser().parse_args(args)
    if flags.node_lease_renew_interval:
        flags.node_lease_duration_seconds = 4 * flags.node_lease_renew_interval
    runtime = Runtime(flags.container_runtime_endpoint)
    try:
        async with connected(flags.kubeconfig, context, agent=f"{PROGRAM}/reference") as client:
            kubelet = part(
                client,
                context,
                runtime,
                node=flags.hostname_override,
                address=flags.node_ip,
                lease_s=flags.node_lease_duration_seconds,
                check_s=flags.node_status_update_frequency,
                relist_s=flags.pleg_relist_period,
                restart_s=flags.container_restart_backoff,
            )
            await kubelet.run()
    finally:
        runtime.close()
