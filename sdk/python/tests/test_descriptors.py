"""Streams on the descriptors that an event loop watches: who waits is told, and no number outlives its stream."""

import asyncio
import gc
import os
import threading
import warnings

import pytest

import sallyport
from sallyport import errors

LOOPS = [asyncio.new_event_loop]
try:
    import uvloop
    LOOPS.append(uvloop.new_event_loop)
except ImportError:
    pass


async def echo(stream):
    while data := await stream.read(65536):
        await stream.write(data)


async def serve(material, handler=echo, **options):
    return await sallyport.start_server(handler, "127.0.0.1", 0, tls=material.server(), **options)


async def meet(server, material, **options):
    return await sallyport.connect("127.0.0.1", server.port, tls=material.client(), verify_name="localhost", **options)


@pytest.fixture(params=LOOPS, ids=lambda make: make.__module__.split(".")[0])
def on(request):
    """Runs a coroutine on each kind of event loop that is here."""
    def run(coroutine):
        loop = request.param()
        asyncio.set_event_loop(loop)
        try:
            return loop.run_until_complete(asyncio.wait_for(coroutine, 60))
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            asyncio.set_event_loop(None)
            loop.close()
    return run


def test_bytes_come_back_on_every_kind_of_loop(material, on, census):
    payload = os.urandom(1 << 20) * 4

    async def main():
        async with await serve(material) as server, await meet(server, material) as stream:
            for size in (1, 64, 70000, len(payload)):
                taken = stream.write(payload[:size])
                assert await stream.readexactly(size) == payload[:size]
                await taken

    on(main())
    del main
    census.settle()


@pytest.mark.parametrize("plain", [False, True])
def test_a_read_that_waits_sends_what_waits_for_more(material, on, plain):
    async def main():
        options = {"plain": True} if plain else {"tls": material.server()}
        async with await sallyport.start_server(echo, "127.0.0.1", 0, **options) as server:
            options = {"plain": True} if plain else {"tls": material.client(), "verify_name": "localhost"}
            async with await sallyport.connect("127.0.0.1", server.port, **options) as stream:
                for _ in range(3):
                    stream.write(b"he", more=True)
                    stream.write(b"re", more=True)
                    assert await asyncio.wait_for(stream.readexactly(4), 10) == b"here"

    on(main())


@pytest.mark.parametrize("end", ["abort", "close"])
def test_a_task_that_reads_is_told_that_another_closes(material, on, end):
    async def main():
        async with await serve(material, lambda stream: stream.read()) as server:
            stream = await meet(server, material)
            reading = asyncio.ensure_future(stream.read(1))
            await asyncio.sleep(0.01)
            if end == "abort":
                stream.abort()
            else:
                await stream.close()
            with pytest.raises(errors.Closed):
                await asyncio.wait_for(reading, 10)

    on(main())


def test_a_task_that_writes_is_told_that_another_aborts(material, on):
    async def main():
        async with await serve(material, lambda stream: asyncio.sleep(60)) as server:
            stream = await meet(server, material)

            async def write():
                await stream.write(bytes(1 << 24))

            writing = asyncio.ensure_future(write())
            await asyncio.sleep(0.01)
            assert not writing.done()
            stream.abort()
            with pytest.raises(errors.Closed):
                await asyncio.wait_for(writing, 10)

    on(main())


def test_numbers_of_descriptors_are_used_again_without_confusion(material, on):
    async def main():
        async with await serve(material) as server:
            for turn in range(60):
                stream = await meet(server, material)
                if turn % 3 == 0:  # watched for reading when it goes
                    reading = asyncio.ensure_future(stream.read(1))
                    await asyncio.sleep(0)
                    reading.cancel()
                    await asyncio.wait([reading])
                await stream.write(b"ping")
                assert await stream.readexactly(4) == b"ping"
                if turn % 2:
                    stream.abort()
                del stream

    on(main())


def test_a_drain_at_its_deadline_leaves_no_descriptor_behind(material, on):
    async def main():
        for _ in range(3):
            ends, begun = [], asyncio.Semaphore(0)

            async def wait(stream):
                begun.release()
                try:
                    await stream.read(1)
                except errors.Error as error:
                    ends.append(error)

            server = await serve(material, wait)
            clients = [await meet(server, material) for _ in range(4)]
            for _ in clients:  # which are connected before their server is
                await begun.acquire()
            with pytest.raises(TimeoutError) as caught:
                await server.listener.drain(0.05)
            assert caught.value.status is sallyport.Status.TIMED_OUT and caught.value.message
            await server.wait_closed()
            assert [type(error) for error in ends] == [errors.Closed] * 4
            for client in clients:
                client.abort()
        async with await serve(material) as server, await meet(server, material) as stream:
            await stream.write(b"on")
            assert await stream.readexactly(2) == b"on"

    on(main())


def test_what_nobody_reads_does_not_keep_a_loop_busy(material, on):
    async def main():
        async def pour(stream):
            await stream.read(1)
            await stream.write(bytes(1 << 20))

        async with await serve(material, pour) as server:
            stream = await meet(server, material)
            reading = asyncio.ensure_future(stream.read(1))
            await asyncio.sleep(0)
            reading.cancel()
            await stream.write(b"!")
            while stream._watch._watches:
                await asyncio.sleep(0.001)
            assert await stream.readexactly(1 << 20) == bytes(1 << 20)
            stream.abort()

    on(main())


def test_a_stream_dropped_by_another_thread_is_let_go_by_its_loop(material, on, census):
    async def main():
        ended = asyncio.Event()

        async def tell(stream):
            await stream.read()
            ended.set()

        async with await serve(material, tell) as server:
            stream = await meet(server, material)
            reading = asyncio.ensure_future(stream.read(1))
            await asyncio.sleep(0.01)
            reading.cancel()
            await asyncio.wait([reading])
            box = [stream]
            del stream, reading

            def drop():
                box.clear()
                gc.collect()

            thread = threading.Thread(target=drop)
            thread.start()
            thread.join()
            await ended.wait()

    on(main())
    del main
    census.settle()


def test_what_a_dropped_stream_was_given_is_sent(material, on):
    payload = os.urandom(1 << 20) * 4

    async def main():
        got = asyncio.get_running_loop().create_future()

        async def take(stream):
            await asyncio.sleep(0.02)
            got.set_result(await stream.read())

        async with await serve(material, take) as server:
            stream = await meet(server, material)
            stream.write(payload)
            del stream
            assert await got == payload

    on(main())


def test_a_read_that_is_cancelled_when_its_bytes_have_come_leaves_them(material, on):
    async def main():
        async with await serve(material) as server, await meet(server, material) as stream:
            for turn in range(100):
                reading = asyncio.ensure_future(stream.read(4))
                await asyncio.sleep(0)
                await stream.write(b"%04d" % turn)
                while not stream._reader.done():
                    await asyncio.sleep(0)
                reading.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await reading
                assert await stream.readexactly(4) == b"%04d" % turn

    on(main())


def test_a_task_that_reads_is_told_that_its_peer_is_no_longer_trusted(material, on):
    async def main():
        trust = material.trust()
        tls = sallyport.TlsConfig.server(trust=trust, credential=material.credential("server-good"),
                                         client_auth=sallyport.ClientAuth.REQUIRE)
        tls.set_trust_change(sallyport.TrustChange.DROP)
        async with await sallyport.listen("127.0.0.1", 0, tls=tls) as listener:
            client = await meet(listener, material)
            stream = await listener.accept()
            reading = asyncio.ensure_future(stream.read(1))
            await asyncio.sleep(0.01)
            trust.replace(sallyport.TrustStore.load(material.zoo / "ca-other.pem"))
            with pytest.raises(errors.CertificateError):
                await asyncio.wait_for(reading, 20)
            stream.abort()
            client.abort()

    on(main())


def test_keys_change_while_bytes_go_both_ways(material, on):
    payload = os.urandom(1 << 18)

    async def main():
        async with await serve(material) as server, await meet(server, material) as stream:
            for _ in range(20):
                taken = stream.write(payload)
                stream.update_keys(request_peer=True)
                assert await stream.readexactly(len(payload)) == payload
                await taken

    on(main())


def test_what_a_forked_child_lets_go_of_stays_with_its_parent(material):
    async def main():
        async with await serve(material) as server, await meet(server, material) as stream:
            reading = asyncio.ensure_future(stream.read(4))
            await asyncio.sleep(0.01)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that there are threads: the library's, which know of it
                child = os.fork()
            if child == 0:
                try:
                    stream.abort()
                    del stream
                    gc.collect()
                finally:
                    os._exit(0)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            await stream.write(b"here")
            assert await reading == b"here"

    asyncio.run(asyncio.wait_for(main(), 60))


def test_a_loop_that_ends_in_a_forked_child_goes_on_in_its_parent(material):
    async def main():
        async with await serve(material) as server, await meet(server, material) as stream:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that there are threads: the library's, which know of it
                child = os.fork()
            if child == 0:
                try:
                    stream._hub._end()  # as by shutting down the generators of its loop
                finally:
                    os._exit(0)
            os.waitpid(child, 0)
            async with await meet(server, material) as other:
                await other.write(b"x")
                assert await other.readexactly(1) == b"x"

    asyncio.run(asyncio.wait_for(main(), 60))
