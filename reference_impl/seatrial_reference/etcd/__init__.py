"""The role `etcd`: the only place of state. Rules: STORE-01, STORE-06, COMM-05.

A store of one member, in memory and, where it is given a data directory, in a journal there; it speaks etcd v3 in plain HTTP/2.
`main` accepts another `part` in place of `Etcd`.
"""

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from seatrial_reference.etcd.journal import Journal, restored
from seatrial_reference.etcd.server import Etcd
from seatrial_reference.machinery.serving import duration_s
from seatrial_schemas.context import Context


def parser() -> argparse.ArgumentParser:
    flags = argparse.ArgumentParser(prog="etcd", allow_abbrev=False)
    flags.add_argument("--listen-client-urls", default="http://127.0.0.1:2379")
    flags.add_argument("--experimental-watch-progress-notify-interval", "--watch-progress-notify-interval", default="10m")
    flags.add_argument("--data-dir", type=Path)
    for accepted in ("name", "advertise-client-urls", "listen-peer-urls", "initial-advertise-peer-urls", "log-level"):
        flags.add_argument(f"--{accepted}")
    for accepted in ("initial-cluster", "initial-cluster-state", "initial-cluster-token", "listen-metrics-urls", "logger"):
        flags.add_argument(f"--{accepted}")
    flags.add_argument("--unsafe-no-fsync", nargs="?", const="true")
    return flags


async def main(args: Sequence[str], context: Context, *, part: type[Etcd] = Etcd) -> None:
    """Serve until cancelled."""
    flags = parser().parse_args(args)
    store = restored(flags.data_dir, now_s=context.now_s()) if flags.data_dir else None
    journal = Journal(flags.data_dir) if flags.data_dir else None
    progress_s = duration_s(flags.experimental_watch_progress_notify_interval)
    etcd = part(context=context, store=store, journal=journal, progress_s=progress_s)
    urls = [urlsplit(url) for url in flags.listen_client_urls.split(",")]
    servers = [await etcd.listen(url.hostname, url.port) for url in urls]
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(etcd.expire_leases())
            tasks.create_task(etcd.report_progress())
    finally:
        for server in servers:
            server.close()
