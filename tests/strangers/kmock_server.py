"""Serves kmock's emulator over HTTPS as it is, but for one path on which it breaks: namespaces are created here."""

import argparse
import asyncio
import ssl

from aiohttp import web
from kmock import KubernetesEmulator

NAMESPACES = "/api/v1/namespaces"


async def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("listen", "cert", "key"):
        parser.add_argument(f"--{name}", required=True)
    flags = parser.parse_args()
    host, _, port = flags.listen.partition(":")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(flags.cert, flags.key)
    async with KubernetesEmulator() as emulator:
        emulator.resources.load_bundled()

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            if request.method == "POST" and request.path == NAMESPACES:
                return web.json_response(await request.json(), status=201)
            return await emulator(request)

        runner = web.ServerRunner(web.Server(handle, access_log=None))
        await runner.setup()
        await web.TCPSite(runner, host, int(port), ssl_context=tls).start()
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main())
