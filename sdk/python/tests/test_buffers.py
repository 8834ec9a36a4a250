"""Bytes are taken of whatever lends them, and given back to it."""

import asyncio
import contextlib
import os

import pytest

import sallyport
from sallyport import errors, sync


@contextlib.contextmanager
def pair(material):
    with sync.listen("127.0.0.1", 0, tls=material.server()) as listener:
        stream = sync.connect("127.0.0.1", listener.port, tls=material.client(), verify_name="localhost")
        with listener.accept() as peer:
            yield stream, peer
            stream.abort()


def test_a_write_that_fails_gives_its_buffer_back(material):
    data = bytearray(b"data")
    with pair(material) as (stream, peer):
        stream.abort()
        with pytest.raises(errors.Closed) as caught:
            stream.write(data)
        data += b", more of it"
        assert caught.value.__traceback__, "which holds the frames that it has passed"


def test_a_write_that_times_out_gives_its_buffer_back(material):
    data = bytearray(1 << 24)
    with pair(material) as (stream, peer):
        with pytest.raises(TimeoutError) as caught:
            stream.write(data, timeout=0.05)
        del data[:stream.written]
        assert data and caught.value.__traceback__


def test_a_task_whose_write_fails_has_its_buffer_back(material, run):
    async def main():
        async with await sallyport.listen("127.0.0.1", 0, tls=material.server()) as listener:
            stream = await sallyport.connect("127.0.0.1", listener.port, tls=material.client(), verify_name="localhost")
            stream.abort()
            data = bytearray(b"data")
            with pytest.raises(errors.Closed) as caught:
                stream.write(data)
            data += b", more of it"
            assert caught.value.__traceback__

    run(main())


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda data: memoryview(data).cast("Q")])
def test_a_task_writes_whatever_holds_bytes(material, run, kind):
    """Also more than is taken at once, and while more of it waits; what was written may change at once."""
    sent = os.urandom(1 << 22)

    async def main():
        go, got = asyncio.Event(), asyncio.get_running_loop().create_future()

        async def late(stream):
            await go.wait()
            got.set_result(await stream.read())

        async with await sallyport.start_server(late, "127.0.0.1", 0, tls=material.server()) as server:
            async with await sallyport.connect("127.0.0.1", server.port, tls=material.client(),
                                               verify_name="localhost") as stream:
                mutable, times = bytearray(sent), 1
                stream.write(kind(b"few more"))
                stream.write(kind(mutable))
                while not stream._backlog or times < 3:  # however much the machine takes at once
                    stream.write(kind(mutable))
                    times += 1
                mutable[:] = bytes(len(mutable))
                mutable.clear()
                go.set()
                await stream.drain()
            assert await got == b"few more" + sent * times

    run(main())


def strange_buffers():
    testbuffer = pytest.importorskip("_testbuffer")
    yield testbuffer.ndarray(list(b"abcdef"), shape=[3], strides=[2], format="B")
    yield testbuffer.ndarray(list(b"abcdef"), shape=[2, 3], format="B", flags=testbuffer.ND_FORTRAN)
    yield memoryview(testbuffer.ndarray(list(b"abcdef"), shape=[2, 3], format="B", flags=testbuffer.ND_FORTRAN))


def test_buffers_of_every_layout_are_sent_as_bytes_would_be(material, run):
    async def main():
        got = asyncio.get_running_loop().create_future()

        async def take(stream):
            got.set_result(await stream.read())

        async with await sallyport.start_server(take, "127.0.0.1", 0, tls=material.server()) as server:
            async with await sallyport.connect("127.0.0.1", server.port, tls=material.client(),
                                               verify_name="localhost") as stream:
                for data in strange_buffers():
                    stream.write(data)
            assert await got == expected

    expected = b"".join(memoryview(data).tobytes() for data in strange_buffers())
    assert len(expected) == 15
    run(main())
    with pair(material) as (stream, peer):
        for data in strange_buffers():
            stream.write(data)
        assert peer.readexactly(len(expected)) == expected


def test_a_stream_is_neither_copied_nor_pickled(material, run):
    import copy
    import pickle

    with pair(material) as ends:
        for stream in ends:
            for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
                with pytest.raises(TypeError):
                    attempt(stream)
