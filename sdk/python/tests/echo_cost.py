"""What an echo of 64 bytes costs in asyncio, both ends in one process, beside Python's own ssl.

    python tests/echo_cost.py [echoes]
"""

import asyncio
import ssl
import subprocess
import sys
import time

import sallyport
from conftest import ZOO, Material

MESSAGE = b"x" * 64
ROUNDS = 3


async def with_sallyport(count):
    material = Material()

    async def echo(stream):
        while data := await stream.read(4096):
            await stream.write(data)

    async with await sallyport.start_server(echo, "127.0.0.1", 0, tls=material.server()) as server:
        async with await sallyport.connect("127.0.0.1", server.port, tls=material.client(),
                                           verify_name="localhost") as stream:
            async def once():
                await stream.write(MESSAGE)
                await stream.readexactly(len(MESSAGE))

            return await cost(once, count)


async def with_ssl(count):
    contexts = []
    for purpose, name in ((ssl.PROTOCOL_TLS_SERVER, "server-good"), (ssl.PROTOCOL_TLS_CLIENT, "client-good")):
        context = ssl.SSLContext(purpose)
        context.load_cert_chain(ZOO / f"{name}.pem", ZOO / f"{name}.key")
        context.load_verify_locations(ZOO / "ca-root.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        contexts.append(context)

    async def echo(reader, writer):
        while data := await reader.read(4096):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=contexts[0])
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=contexts[1], server_hostname="localhost")

    async def once():
        writer.write(MESSAGE)
        await writer.drain()
        await reader.readexactly(len(MESSAGE))

    result = await cost(once, count)
    writer.close()
    server.close()
    return result


async def cost(once, count):
    """Microseconds of processor time, of all threads, for each echo."""
    for _ in range(500):
        await once()
    before = time.process_time()
    for _ in range(count):
        await once()
    return (time.process_time() - before) / count * 1e6


def least(name, count):
    command = [sys.executable, __file__, count, name]
    return min(float(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(ROUNDS))


def main(count="5000", name=None):
    if name:
        print(asyncio.run(globals()[name](int(count))))
        return
    ours, theirs = least("with_sallyport", count), least("with_ssl", count)
    print(f"sallyport {ours:.1f} us, ssl {theirs:.1f} us of processor time an echo: {ours / theirs:.2f} times")


if __name__ == "__main__":
    main(*sys.argv[1:])
