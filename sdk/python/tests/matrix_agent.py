"""One end of the language matrix, in Python: a line for each result, and an exit code.

    matrix_agent.py server --dir CERTDIR --mode MODE
    matrix_agent.py client --dir CERTDIR --mode MODE --port PORT

CERTDIR is what certs/generate.py made. MODE: echo, refused, late, cancel or deadline. In `refused` the client
shows client-unknown-ca, which the zoo's other CA has issued, whatever CAs the server names.
"""

import argparse
import asyncio
import pathlib
import sys

import sallyport
from sallyport import CaHints, ClientAuth, Credential, Question, TlsConfig, TrustStore

SECONDS = 30
PATTERN = bytes(range(256))
SIZES = {"echo": 1 << 20}


def pattern(mode):
    size = SIZES.get(mode, 64)
    return (PATTERN * (size // len(PATTERN) + 1))[:size]


def say(*words):
    print(*words, flush=True)


class Zoo:
    def __init__(self, folder):
        self.folder = folder / "zoo" if (folder / "zoo").is_dir() else folder

    def credential(self, name):
        return Credential.load(self.folder / f"{name}.pem", self.folder / f"{name}.key")

    def trust(self):
        return TrustStore.load(self.folder / "ca-root.pem")

    def server(self, mode):
        config = TlsConfig.server(credential=self.credential("server-good"), trust=self.trust(),
                                  client_auth=ClientAuth.REQUIRE)
        if mode == "refused":
            config.set_ca_hints(CaHints.NONE)  # or a client would keep its certificate to itself
        if mode == "late":
            config.set_questions(Question.PEER)
        return config

    def client(self, mode):
        if mode == "refused":  # by a decision, since it would not fit what servers ask for
            return TlsConfig.client(trust=self.trust(), questions=Question.CREDENTIAL)
        return TlsConfig.client(credential=self.credential("client-good"), trust=self.trust())


async def accept_late(question):
    await asyncio.sleep(0.2)
    question.accept()


async def serve(zoo, mode):
    decide = accept_late if mode == "late" else None
    async with await sallyport.listen("127.0.0.1", 0, tls=zoo.server(mode), decide=decide) as listener:
        say("port", listener.port)
        if mode == "refused":
            _, error = await listener.next_refusal()
            return say("status", error.name)
        async with await listener.accept() as stream:
            count = 0
            while data := await stream.read(1 << 16):
                await stream.write(data)
                count += len(data)
        if count != len(pattern(mode)):
            raise ValueError(f"{count} bytes came")
        say("ok", count)


async def echo(stream, mode):
    sent = pattern(mode)
    writing = stream.write(sent)
    if await stream.readexactly(len(sent)) != sent:
        raise ValueError("other bytes came back")
    await writing
    await stream.write_eof()
    if await stream.read() != b"":
        raise ValueError("more came back than was sent")
    say("ok", len(sent))


async def give_up(stream, mode):
    """A read that nothing answers, and that ends as a program in asyncio would end it."""
    if mode == "deadline":
        try:
            await asyncio.wait_for(stream.read(1), 0.05)
        except asyncio.TimeoutError:
            return say("status", "SALLY_TIMED_OUT")
    reading = asyncio.ensure_future(stream.read(1))
    await asyncio.sleep(0.02)
    reading.cancel()
    try:
        await reading
    except asyncio.CancelledError:
        return say("status", "SALLY_CANCELED")
    raise ValueError("a read ended that nothing answers")


async def connect(zoo, mode, port):
    shown = zoo.credential("client-unknown-ca")
    decide = (lambda question: question.use(shown)) if mode == "refused" else None
    try:
        async with await sallyport.connect("127.0.0.1", port, tls=zoo.client(mode), verify_name="localhost",
                                           decide=decide) as stream:
            if mode in ("cancel", "deadline"):
                await give_up(stream, mode)
            if mode != "refused":
                return await echo(stream, mode)
            await stream.read(1)
    except sallyport.Error as error:
        if mode != "refused":
            raise
        return say("status", error.name)
    raise ValueError("nobody was refused")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("side", choices=("server", "client"))
    parser.add_argument("--dir", type=pathlib.Path, required=True)
    parser.add_argument("--mode", choices=("echo", "refused", "late", "cancel", "deadline"), required=True)
    parser.add_argument("--port", type=int)
    given = parser.parse_args()
    zoo = Zoo(given.dir)
    side = serve(zoo, given.mode) if given.side == "server" else connect(zoo, given.mode, given.port)
    try:
        asyncio.run(asyncio.wait_for(side, SECONDS))
    except Exception as error:
        say("error", " ".join(f"{type(error).__name__}: {error}".split()))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
