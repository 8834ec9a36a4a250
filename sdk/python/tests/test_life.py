"""Nothing leaks: objects that are dropped, loops that end, forks, a thousand connections, or ten with --full."""

import asyncio
import gc
import os
import warnings

import pytest

import sallyport
from sallyport import errors, sync


async def echo(stream):
    while data := await stream.read(65536):
        await stream.write(data)


def test_thousands_of_connections_leave_nothing(material, census, request):
    """As many handshakes, and twice as many descriptors given back."""
    count = 10000 if request.config.getoption("--full") else 1000
    server_tls, client_tls = material.server(), material.client()
    descriptors = len(os.listdir("/proc/self/fd"))

    async def main():
        async def one(server):
            stream = await sallyport.connect("127.0.0.1", server.port, tls=client_tls, verify_name="localhost",
                                             timeout=50)
            await stream.write(b"x")
            assert await stream.readexactly(1) == b"x"
            stream.abort()

        async def some(server, count):
            for _ in range(count):
                await one(server)

        limits = sallyport.Limits(handshake_timeout=50)
        async with await sallyport.start_server(echo, "127.0.0.1", 0, tls=server_tls, limits=limits) as server:
            await asyncio.gather(*[some(server, count // 10) for _ in range(10)])

    asyncio.run(main())
    del server_tls, client_tls, main
    census.settle()
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 16, "event loops stay, sockets do not"


def test_dropped_objects_are_released_whatever_they_were_doing(material, census, run):
    async def main():
        server = await sallyport.start_server(echo, "127.0.0.1", 0, tls=material.server())
        kept = [await sallyport.connect("127.0.0.1", server.port, tls=material.client(), verify_name="localhost")
                for _ in range(5)]
        abandoned = asyncio.ensure_future(kept[0].read(1))
        await asyncio.sleep(0)
        abandoned.cancel()
        await asyncio.wait([abandoned])
        kept[1].write(bytes(1 << 22))
        information = kept[2].info.peer_certificate
        assert information.subject
        del kept, abandoned, server

    run(main())
    del main
    census.settle()


def test_a_dropped_stream_is_seen_by_its_peer(material, run):
    async def main():
        ends = asyncio.Queue()

        async def tell(stream):
            await ends.put(await stream.read())

        async with await sallyport.start_server(tell, "127.0.0.1", 0, tls=material.server()) as server:
            stream = await sallyport.connect("127.0.0.1", server.port, tls=material.client(), verify_name="localhost")
            del stream
            gc.collect()
            return await ends.get()

    assert run(main()) == b""


def test_every_event_loop_gives_its_queue_back(material, census):
    async def main():
        async with await sallyport.listen("127.0.0.1", 0, tls=material.server()):
            return sallyport.live_handles()["queue"]

    for _ in range(5):
        assert asyncio.run(main()) == census.before["queue"] + 1
    census.settle()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
    loop.close()  # without shutdown_asyncgens: the next loop sweeps up behind it
    del loop
    asyncio.run(main())
    census.settle()


def test_a_stream_that_outlives_its_loop_says_so(material, beside):
    with sync.listen("127.0.0.1", 0, tls=material.server()) as listener:
        server = beside(listener.accept)
        stream = asyncio.run(sallyport.connect("127.0.0.1", listener.port, tls=material.client(),
                                               verify_name="localhost"))
        peer = server.result()
        assert stream.info.peer_verified

        async def go_on():
            with pytest.raises(RuntimeError):
                await stream.readexactly(1)
            with pytest.raises(RuntimeError):
                await stream.write_eof()

        asyncio.run(go_on())
        peer.abort()


def test_loops_of_several_threads_have_a_queue_each(material, beside):
    async def main():
        async with await sallyport.start_server(echo, "127.0.0.1", 0, tls=material.server()) as server:
            async with await sallyport.connect("127.0.0.1", server.port, tls=material.client(),
                                               verify_name="localhost") as stream:
                await stream.write(b"x")
                return await stream.readexactly(1)

    assert [thread.result() for thread in [beside(asyncio.run, main()) for _ in range(4)]] == [b"x"] * 4


def test_a_forked_child_is_told_and_can_make_its_own(material):
    with sync.listen("127.0.0.1", 0, tls=material.server()) as listener:
        stream = sync.connect("127.0.0.1", listener.port, tls=material.client(), verify_name="localhost")
        peer = listener.accept()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that there are threads: the library's, which know of it
            child = os.fork()
        if child == 0:
            os._exit(_in_the_child(stream, listener, material))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        peer.write(b"still here")
        assert stream.readexactly(10) == b"still here"


def _in_the_child(stream, listener, material):
    try:
        with pytest.raises(errors.Forked):
            stream.read(1)
        with pytest.raises(errors.Forked):
            listener.accept()
        with sync.listen("127.0.0.1", 0, tls=material.server()) as own:
            client = sync.connect("127.0.0.1", own.port, tls=material.client(), verify_name="localhost")
            own.accept().write(b"x")
            return 0 if client.readexactly(1) == b"x" else 3
    except BaseException:
        import traceback
        traceback.print_exc()
        return 2


def test_threads_share_configs(material, beside):
    server_tls, client_tls = material.server(), material.client()

    def serve(listener):
        for stream in listener:
            with stream:
                stream.write(stream.readexactly(4))

    def clients(port):
        for _ in range(10):
            with sync.connect("127.0.0.1", port, tls=client_tls, verify_name="localhost") as stream:
                stream.write(b"ping")
                assert stream.readexactly(4) == b"ping"

    with sync.listen("127.0.0.1", 0, tls=server_tls) as listener:
        servers = [beside(serve, listener) for _ in range(3)]
        for thread in [beside(clients, listener.port) for _ in range(3)]:
            thread.result()
    for thread in servers:
        thread.result()


def test_what_connects_in_vain_does_not_wait_to_be_collected(material, run, census):
    async def main():
        closed = await sallyport.listen("127.0.0.1", 0, tls=material.server())
        closed.close()
        refused = 0
        for _ in range(5):
            try:
                await sallyport.connect("127.0.0.1", closed.port, tls=tls)
            except ConnectionRefusedError:
                refused += 1
        assert refused == 5
        await asyncio.sleep(0)  # the loop holds what it has woken this task with
        census.before = {**sallyport.live_handles(), **{kind: census.before[kind] for kind in ("error", "stream")}}
        census.settle(collect=False)

    tls = material.client()
    gc.disable()
    try:
        run(main())
    finally:
        gc.enable()


def test_a_failure_that_is_told_again_holds_no_more_than_the_first_time(material, run):
    async def main():
        async with await sallyport.listen("127.0.0.1", 0, tls=material.server()) as listener:
            stream = await sallyport.connect("127.0.0.1", listener.port, tls=material.client(), verify_name="localhost")
            peer = await listener.accept()
            while not stream._backlog:
                stream.write(bytes(1 << 22))
            stream.abort()
            depths = []
            for _ in range(3):
                with pytest.raises(errors.Closed) as caught:
                    await stream.drain()
                depths.append(len(caught.traceback))
            assert depths[0] == depths[-1]
            peer.abort()

    run(main())


def test_a_stream_is_aborted_after_its_loop_was_closed(material, census):
    async def main():
        stream = await sallyport.connect("127.0.0.1", port, tls=material.client(), verify_name="localhost")
        while not stream._backlog:
            stream.write(bytes(1 << 22))
        waiting = [asyncio.ensure_future(waits) for waits in (stream.drain(), stream.read(1))]
        await asyncio.sleep(0)
        return stream, waiting

    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda loop, context: None)  # the tasks that wait are destroyed
    with sync.listen("127.0.0.1", 0, tls=material.server()) as listener:
        port = listener.port
        stream, waiting = loop.run_until_complete(main())
        loop.close()
        stream.abort()
        with pytest.raises(errors.Closed):
            stream.write(b"x")
    del stream, waiting, loop, listener, main
    asyncio.run(asyncio.sleep(0))
