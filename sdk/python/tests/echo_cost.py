"""What an echo costs in asyncio, both ends in one process, beside Python's own ssl: of 64 bytes, and of a MiB.

    python tests/echo_cost.py [echoes of 64 bytes]

Each figure is the least of several runs in processes of their own, which take turns; processor time of all
threads counts, that of the library's among them.
"""

import asyncio
import ssl
import subprocess
import sys
import time

import sallyport
from conftest import ZOO, Material

SIZES = {"64 bytes": 64, "1 MiB": 1 << 20}
ROUNDS = 5
CHUNK = 65536


async def with_sallyport(count, size):
    material, message = Material(), bytes(size)

    async def echo(stream):
        while data := await stream.read(CHUNK):
            await stream.write(data)

    async with await sallyport.start_server(echo, "127.0.0.1", 0, tls=material.server()) as server:
        async with await sallyport.connect("127.0.0.1", server.port, tls=material.client(),
                                           verify_name="localhost") as stream:
            async def once():
                writing = stream.write(message)
                await stream.readexactly(size)
                await writing

            return await cost(once, count)


async def with_ssl(count, size):
    message = bytes(size)
    contexts = []
    for purpose, name in ((ssl.PROTOCOL_TLS_SERVER, "server-good"), (ssl.PROTOCOL_TLS_CLIENT, "client-good")):
        context = ssl.SSLContext(purpose)
        context.load_cert_chain(ZOO / f"{name}.pem", ZOO / f"{name}.key")
        context.load_verify_locations(ZOO / "ca-root.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        contexts.append(context)

    async def echo(reader, writer):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=contexts[0])
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=contexts[1], server_hostname="localhost")

    async def once():
        writer.write(message)
        await reader.readexactly(size)
        await writer.drain()

    result = await cost(once, count)
    writer.close()
    server.close()
    return result


async def cost(once, count):
    """Microseconds of processor time, of all threads, for each echo."""
    for _ in range(min(500, count)):
        await once()
    before = time.process_time()
    for _ in range(count):
        await once()
    return (time.process_time() - before) / count * 1e6


def run_once(name, count, size):
    command = [sys.executable, __file__, str(count), name, str(size)]
    return float(subprocess.run(command, capture_output=True, check=True).stdout)


def main(count="5000", name=None, size=None):
    if name:
        print(asyncio.run(globals()[name](int(count), int(size))))
        return
    for what, size in SIZES.items():
        echoes = int(count) if size == 64 else max(1, int(count) // 100)
        rounds = [[run_once(side, echoes, size) for side in ("with_sallyport", "with_ssl")] for _ in range(ROUNDS)]
        ours, theirs = (min(figures) for figures in zip(*rounds))
        print(f"{what}: sallyport {ours:.1f} us, ssl {theirs:.1f} us of processor time an echo: {ours / theirs:.2f} times")


if __name__ == "__main__":
    main(*sys.argv[1:])
