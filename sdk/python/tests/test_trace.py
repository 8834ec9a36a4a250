"""Traces: what happens on connections, for tasks and for threads."""

import asyncio
import collections
import select

import pytest

import sallyport
from sallyport import Role, Trace, TraceKind, errors, sync


def visit(server_tls, client_tls):
    """Connects, says something, and takes leave on both sides."""
    with sync.listen("127.0.0.1", 0, tls=server_tls) as listener:
        with sync.connect("127.0.0.1", listener.port, tls=client_tls, verify_name="localhost") as client:
            with listener.accept() as peer:
                peer.write(b"hello")
                assert client.readexactly(5) == b"hello"
                client.close(timeout=0)


def traced(config, trace):
    config.set_trace(trace)
    return config


def until_ends(records, ends):
    """By the side that left them."""
    sides = collections.defaultdict(list)
    for record in records:
        sides[record.side].append(record)
        ends -= record.kind is TraceKind.END
        if not ends:
            return sides


def check(sides):
    """Both sides tell of one connection, from its beginning to its end."""
    assert set(sides) == {Role.CLIENT, Role.SERVER}
    ids = set()
    for side, records in sides.items():
        told = [record.to_dict() for record in records]
        assert records[0].kind is TraceKind.CONNECT and records[-1].kind is TraceKind.END
        assert [one["state"] for one in told if one["kind"] == "state"] == ["handshake", "established"]
        times = [record.time_us for record in records]
        assert times == sorted(times) and times == [one["time_us"] for one in told]
        assert {one["side"] for one in told} == {side.name.lower()}
        assert len({record.connection for record in records}) == 1
        assert all(record.correlation_id in record.text and record.text in repr(record) for record in records)
        ids |= {record.correlation_id for record in records}
    assert {records[0].connection for records in sides.values()} == {1, 2}
    assert len(ids) == 1 and "" not in ids


def test_a_thread_takes_what_happens_on_both_sides(material, census):
    trace = Trace()
    server_tls, client_tls = traced(material.server(), trace), traced(material.client(), trace)
    assert select.select([trace], [], [], 0)[0] == []
    visit(server_tls, client_tls)
    assert select.select([trace], [], [], 60)[0] == [trace]
    check(until_ends(iter(lambda: trace.take(timeout=60), None), 2))
    assert trace.dropped == 0
    with pytest.raises(errors.WouldBlock):
        trace.take(timeout=0)
    with pytest.raises(errors.TimedOut):
        trace.take(timeout=0.01)
    with pytest.raises(errors.InvalidState):
        client_tls.set_trace(trace)
    del trace, server_tls, client_tls
    census.settle()


def test_a_task_iterates_over_what_happens(material, census, run):
    async def main():
        trace = Trace()
        server_tls, client_tls = traced(material.server(), trace), traced(material.client(), trace)

        async def gather():
            sides, ends = collections.defaultdict(list), 2
            async for record in trace:
                sides[record.side].append(record)
                ends -= record.kind is TraceKind.END
                if not ends:
                    return sides

        async def echo(stream):
            await stream.write(await stream.readexactly(5))

        gathered = asyncio.ensure_future(gather())
        async with await sallyport.start_server(echo, "127.0.0.1", 0, tls=server_tls) as server:
            async with await sallyport.connect("127.0.0.1", server.port, tls=client_tls,
                                               verify_name="localhost") as stream:
                await stream.write(b"hello")
                assert await stream.readexactly(5) == b"hello"
            check(await gathered)
        waiting = asyncio.ensure_future(trace.__anext__())
        await asyncio.sleep(0)
        waiting.cancel()
        assert isinstance((await asyncio.gather(waiting, return_exceptions=True))[0], asyncio.CancelledError)

    run(main())
    del main
    census.settle()


def test_what_is_beyond_its_bounds_is_counted(material, census):
    trace = Trace(max_per_connection=2)
    visit(material.server(), traced(material.client(), trace))
    assert [trace.take(timeout=60).kind for _ in range(2)] == [TraceKind.CONNECT, TraceKind.END]
    assert trace.dropped > 2
    with pytest.raises(ValueError):
        Trace(max_per_connection=1)
    assert TraceKind(1000) is TraceKind.UNKNOWN
    del trace
    census.settle()
