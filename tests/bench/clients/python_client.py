#!/usr/bin/env python3
"""Python's ssl with asyncio's streams, as its documentation shows them; with `--mode sallyport` our binding, as its own
does. clients/crowd.h lists the orders, clients/plan.h tells what is said."""

import argparse
import asyncio
import dataclasses
import ssl
import struct
import sys
import time

BUFFER = 64 << 10
OPENED_AT_ONCE = 64
# That of servers/pattern.h, twice.
PATTERN = bytes((at + 3 * (at >> 8)) & 255 for at in range(BUFFER)) * 2


def command(work, size=0, count=0):
    return struct.pack("<B3xIQ", ord(work), size, count)


@dataclasses.dataclass
class Job:
    """What is said on a connection in one go."""

    header: bytes = b""
    size: int = 0
    writes: int = 0
    expected: int = 1
    patterned: bool = False
    goes_on: bool = False
    operations: int = 1


class Peer:
    def __init__(self, reader, writer, strict):
        self.reader, self.writer, self.strict = reader, writer, strict
        self.sent = self.received = 0

    async def talk(self, job):
        if not job.goes_on:
            self.sent = self.received = 0
        pieces = [job.header] if job.header else []
        for _ in range(job.writes):
            at = self.sent % BUFFER
            pieces.append(PATTERN[at : at + job.size])
            self.sent += job.size
        if job.writes * job.size <= BUFFER:
            self.writer.writelines(pieces)
            await self.writer.drain()
        else:
            for piece in pieces:
                self.writer.write(piece)
                await self.writer.drain()
        left = job.expected
        while left > 0:
            data = await self.reader.read(BUFFER)
            if not 0 < len(data) <= left:
                raise RuntimeError("more came than was asked for, or nothing")
            if not self.fits(data, job.patterned):
                raise RuntimeError("something else came than was sent")
            self.received += len(data)
            left -= len(data)

    def fits(self, data, patterned):
        if not patterned:
            return data == b"y"
        at = self.received % BUFFER
        if self.strict:
            return all(
                data[i : i + BUFFER] == PATTERN[at : at + len(data[i : i + BUFFER])] for i in range(0, len(data), BUFFER)
            )
        return data[0] == PATTERN[at] and data[-1] == PATTERN[(at + len(data) - 1) % BUFFER]


class Standard:
    """Sessions cannot be resumed this way."""

    def __init__(self, options):
        self.port = options.port
        self.context = ssl.create_default_context(cafile=f"{options.dir}/ca.pem")
        self.context.load_cert_chain(f"{options.dir}/client.pem", f"{options.dir}/client.key")

    async def connect(self, _resume=False):
        return await asyncio.open_connection("127.0.0.1", self.port, ssl=self.context, server_hostname="localhost")

    async def end(self, writer):
        writer.close()
        await writer.wait_closed()

    def abort(self, writer):
        writer.transport.abort()


class Ours:
    def __init__(self, options):
        import sallyport

        self.library = sallyport
        self.port = options.port
        self.full, self.resuming = self.config(options, False), self.config(options, True)

    def config(self, options, resumes):
        credential = self.library.Credential.load(f"{options.dir}/client.pem", f"{options.dir}/client.key")
        trust = self.library.TrustStore.load(f"{options.dir}/ca.pem")
        config = self.library.TlsConfig.client(credential=credential, trust=trust)
        config.set_resumption(resumes)
        return config

    async def connect(self, resume=False):
        tls = self.resuming if resume else self.full
        stream = await self.library.connect("127.0.0.1", self.port, tls=tls, verify_name="localhost")
        return stream, stream

    async def end(self, stream):
        await stream.close()

    def abort(self, stream):
        stream.abort()


class Client:
    def __init__(self, options):
        self.strict = options.strict
        self.peers = []
        self.library = Ours(options) if options.mode == "sallyport" else Standard(options)

    async def obey(self, line):
        order, *words = line.split()
        if order == "open":
            return await self.open(int(words[0]), "E" if words[1] == "echo" else "I")
        first, second, third = (*map(int, words), 0, 0, 0)[:3]
        if order == "echo":
            return await self.talk(Job(b"", first, second, first * second, True, True, second), third)
        if order == "upload":
            return await self.talk(Job(command("U", 0, second), first, second // first, operations=second), third)
        if order == "download":
            header = command("D", first, second)
            return await self.talk(Job(header, expected=second, patterned=True, operations=second), third)
        if order in ("full", "resumed"):
            return await self.shake_hands(order == "resumed", first, second, third)
        if order != "close":
            raise RuntimeError(f"not an order: {line}")
        for peer in self.peers:
            self.library.abort(peer.writer)
        self.peers.clear()
        return 0

    async def open(self, count, work):
        echo = work == "E"
        job = Job(command(work), 1, int(echo), patterned=echo)
        few = asyncio.Semaphore(OPENED_AT_ONCE)

        async def one():
            async with few:
                peer = Peer(*await self.library.connect(), self.strict)
                await peer.talk(job)
                self.peers.append(peer)

        await asyncio.gather(*(one() for _ in range(count)))
        return count

    async def talk(self, job, ms):
        end = time.monotonic() + ms / 1000

        async def one(peer):
            operations = 0
            while True:
                await peer.talk(job)
                operations += job.operations
                if time.monotonic() >= end:
                    return operations

        return sum(await asyncio.gather(*(one(peer) for peer in self.peers)))

    async def shake_hands(self, resume, pending, ms, limit):
        end = time.monotonic() + ms / 1000
        begun = 0

        async def some():
            nonlocal begun
            operations = 0
            while not (ms and time.monotonic() >= end) and not (limit and begun >= limit):
                begun += 1
                _, writer = await self.library.connect(resume)
                await self.library.end(writer)
                operations += 1
            return operations

        return sum(await asyncio.gather(*(some() for _ in range(pending))))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--strict", type=int, default=0)
    parser.add_argument("--mode", default="standard")
    client = Client(parser.parse_args())
    with asyncio.Runner() as runner:
        for line in sys.stdin:
            try:
                operations = runner.run(client.obey(line))
            except Exception as failure:  # the driver reads why
                sys.exit(str(failure))
            print(f'{{"operations":{operations}}}', flush=True)


if __name__ == "__main__":
    main()
