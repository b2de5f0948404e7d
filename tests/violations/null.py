"""An implementation of everything that does nothing: its servers accept whatever they are sent and answer with an empty object.

Nothing of the reference is used. Whatever passes on it has proved nothing.
"""

import asyncio
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web
from aiohttp.web_server import Server

from seatrial_schemas.context import Context


async def answer(request: web.BaseRequest) -> web.StreamResponse:
    """201 to whoever makes something, 200 to everybody else, and a stream without an event to whoever watches."""
    if "watch" not in request.query:
        return web.json_response({}, status=201 if request.method == "POST" else 200)
    stream = web.StreamResponse(headers={"Content-Type": "application/json"})
    await stream.prepare(request)
    await asyncio.Event().wait()
    return stream


async def main_server(args: Sequence[str], context: Context) -> None:
    flags = ArgumentParser()
    flags.add_argument("--listen", required=True)
    flags.add_argument("--cert", type=Path, required=True)
    flags.add_argument("--key", type=Path, required=True)
    given = flags.parse_args(args)
    tls = context.tls(server=True, ca=None, cert=given.cert, key=given.key)
    await listen(given.listen, Server(answer, access_log=None, handler_cancellation=True), tls)


async def main_store(args: Sequence[str], context: Context) -> None:
    """Accepts connections, and has nothing to say."""
    await listen(args[0], asyncio.Protocol, None)


async def listen(where: str, factory: object, tls: object) -> None:
    host, _, port = where.rpartition(":")
    server = await asyncio.get_running_loop().create_server(factory, host, int(port), ssl=tls)  # type: ignore[call-overload]
    try:
        await asyncio.Event().wait()
    finally:
        server.close()


async def main_component(args: Sequence[str], context: Context) -> None:
    await asyncio.Event().wait()
