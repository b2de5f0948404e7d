"""What a component needs to speak where it must not: an option of its own, and a connection past everybody."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

DIAL_S = 1.0
KUBELET_PORT, SCHEDULER_PORT, MANAGER_PORT, ETCD_PORT = 10250, 10259, 10257, 2379


def option(args: Sequence[str], name: str) -> tuple[list[str], str]:
    """The value of `--name=value`, and the arguments without it."""
    mine = [a for a in args if a.startswith(f"--{name}=")]
    return [a for a in args if a not in mine], mine[-1].partition("=")[2]


async def dial(address: str, port: int) -> asyncio.StreamWriter | None:
    """Connect; None where nobody listens. The attempt alone is against the rules."""
    try:
        async with asyncio.timeout(DIAL_S):
            return (await asyncio.open_connection(address, port))[1]
    except (OSError, TimeoutError):
        return None


async def touch(address: str, port: int) -> None:
    """Connect and hang up at once."""
    if writer := await dial(address, port):
        writer.close()


async def throw(address: str, port: int) -> None:
    """Send one datagram, whether anybody gets it or not."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=(address, port))
    transport.sendto(b"ahoy")
    await asyncio.sleep(0)
    transport.close()


def host_of(url: str) -> str:
    """The address of a store's client URL."""
    return url.partition("//")[2].partition(":")[0]


def address_of(node: Mapping[str, Any]) -> str:
    """Where a node says it is."""
    found = [a["address"] for a in node.get("status", {}).get("addresses") or () if a["type"] == "InternalIP"]
    return str(next(iter(found), ""))
