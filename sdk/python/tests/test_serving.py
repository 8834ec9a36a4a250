"""What a server of asyncio does about what goes wrong around it, and about its end."""

import asyncio

import pytest

import sallyport
from sallyport import errors, sync


async def serve(material, handler, **options):
    return await sallyport.start_server(handler, "127.0.0.1", 0, tls=material.server(), **options)


async def meet(server, material, name="client-good", **options):
    return await sallyport.connect("127.0.0.1", server.port, tls=material.client(name), verify_name="localhost", **options)


async def echo(stream):
    while data := await stream.read(65536):
        await stream.write(data)


def test_what_on_refused_raises_is_reported_and_the_next_refusal_is_told(material, run):
    async def main():
        reports = asyncio.Queue()
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: reports.put_nowait(context["exception"]))

        def told(peer, why):
            raise ZeroDivisionError(why.name)

        async with await serve(material, echo, on_refused=told) as server:
            serving = asyncio.ensure_future(server.serve_forever())
            for _ in range(2):
                with pytest.raises(errors.AlertReceived):
                    await meet(server, material, None, confirmed=True)
                report = await reports.get()
                assert isinstance(report, ZeroDivisionError) and "CERTIFICATE_REQUIRED" in str(report)
            assert not serving.done()
        await serving

    run(main())


def test_who_stops_waiting_for_the_last_client_ends_no_service(material, run):
    async def main():
        begun = asyncio.Event()

        async def answer(stream):
            begun.set()
            await echo(stream)

        server = await serve(material, answer)
        stream = await meet(server, material)
        await begun.wait()
        server.close()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 0.01)
        await stream.write(b"still")
        assert await stream.readexactly(5) == b"still"
        await stream.close()
        await server.wait_closed()

    run(main())


async def accepted_just_now(server, material):
    """A client whose task has not begun: connecting it has held up the loop."""
    await asyncio.sleep(0)
    stream = sync.connect("127.0.0.1", server.port, tls=material.client(), verify_name="localhost")
    stream.write(b"whole")
    while not server.listener._ready and not server._clients:
        await asyncio.sleep(0)
    return stream


def test_a_client_that_was_accepted_just_now_is_waited_for(material, run):
    async def main():
        served = []

        async def take(stream):
            data = await stream.read()
            for _ in range(20):
                await asyncio.sleep(0)
            served.append(data)

        server = await serve(material, take)
        stream = await accepted_just_now(server, material)
        stream.abort()
        server.close()
        await server.wait_closed()
        assert served == [b"whole"]

    run(main())


def test_a_client_that_was_accepted_just_now_does_not_outlive_the_block(material, run):
    async def main():
        async with await serve(material, echo) as server:
            stream = await accepted_just_now(server, material)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        stream.abort()

    asyncio.run(main())


def test_a_server_whose_serving_is_cancelled_is_closed(material, run):
    async def main():
        server = await serve(material, echo)
        stream = await meet(server, material)
        serving = asyncio.ensure_future(server.serve_forever())
        await asyncio.sleep(0)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        with pytest.raises(ConnectionRefusedError):
            await meet(server, material)
        stream.abort()
        await server.wait_closed()

    run(main())


@pytest.mark.parametrize("timeout", [-1, float("nan")])
def test_a_drain_is_given_a_time_or_none(material, run, timeout):
    async def main():
        async with await sallyport.listen("127.0.0.1", 0, tls=material.server()) as listener:
            with pytest.raises(ValueError):
                await listener.drain(timeout)
            async with await meet(listener, material) as stream:
                assert stream.info.peer_verified, "it listens on"
                (await listener.accept()).abort()

    run(main())
